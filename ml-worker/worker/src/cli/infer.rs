//! Asking a model, for pay.

use super::{DepositArgs, Global, ModelName, account};
use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use oda_cards::{Answer, MAX_FILE_BYTES};
use oda_inference::{Chore, Paid, Payer, Question, api::Input};
use oda_roles::{
	amount::{Amount, oda},
	context::Context,
	payer::{self, Reading, Subject, User},
	people,
};
use serde_json::json;
use std::{
	path::{Path, PathBuf},
	str::FromStr,
};

/// Numbers of an answer that are shown to people.
const SHOWN: usize = 16;

/// What `infer` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker --key-file my.key infer <ID> digit.png\n  \
	ml-worker --key-file my.key infer <ID> one.png two.png --limit 0.02 --verify\n  \
	ml-worker --key-file my.key infer <ID> prices.json --as numbers")]
pub struct InferArgs {
	/// The model's id.
	#[arg(value_name = "ID")]
	pub model: ModelName,
	/// The files, an input each.
	#[arg(value_name = "FILE", required = true)]
	pub files: Vec<PathBuf>,
	/// How a file becomes an input.
	#[arg(long = "as", value_enum, default_value_t = ReadAs::Card, value_name = "HOW")]
	pub reading: ReadAs,
	/// The most that all of it may cost, in ODA.
	#[arg(long, value_parser = Amount::from_str, default_value = "0.1", value_name = "ODA")]
	pub limit: Amount,
	/// The provider that is to answer, in SS58; if not given, one with whom there is a channel, or the cheapest.
	#[arg(long, value_name = "ACCOUNT")]
	pub provider: Option<String>,
	/// The most inputs of one request.
	#[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..), value_name = "COUNT")]
	pub batch: u32,
	/// Run the model here too, and take a provider whose answer is wrong to court.
	#[arg(long)]
	pub verify: bool,
	/// What is put into channels.
	#[command(flatten)]
	pub deposits: DepositArgs,
}

/// How a file becomes an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ReadAs {
	/// As the model's card says: a PNG, whole numbers, or any bytes.
	Card,
	/// Whole numbers as text, such as a JSON array: the elements of the model's input.
	Numbers,
	/// The bytes of the model's input tensors, as they are.
	Tensor,
}

impl From<ReadAs> for Reading {
	fn from(reading: ReadAs) -> Self {
		match reading {
			ReadAs::Card => Self::Card,
			ReadAs::Numbers => Self::Numbers,
			ReadAs::Tensor => Self::Tensor,
		}
	}
}

impl InferArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let provider = args.provider.as_deref().map(account::parse).transpose()?;
		let model = args.model.id(context).await?;
		let key = global.signer(context).await?;
		let payer = payer::open(context, key, args.deposits.into()).await?;
		go_on(&payer).await?;
		let subject = payer.chain().subject(model).await?;
		let subject = subject.with_context(|| format!("there is no model {}", hex::encode(model)))?;
		// All of them, before anything is paid.
		let inputs = args.files.iter().map(|path| {
			let input = read(path).and_then(|file| subject.input(&file, args.reading.into()));
			Ok((path, input.with_context(|| path.display().to_string())?))
		});
		let inputs: Vec<(&PathBuf, Vec<u8>)> = inputs.collect::<anyhow::Result<_>>()?;
		let offers = payer.chain().offers_of(model, provider.as_ref()).await?;
		let most = offers.iter().map(|offer| offer.max_count).max().unwrap_or(args.batch);
		let mut left = args.limit.0;
		for part in inputs.chunks(args.batch.min(most).max(1) as usize) {
			let inputs = part.iter().map(|(_, input)| Input::Tensor(input.clone())).collect();
			let paid = payer.infer(&Question { model, inputs, limit: left, provider, name: None }).await?;
			if !paid.again {
				left = left.saturating_sub(paid.answer.receipt.price);
			}
			let wrong = match args.verify {
				true => Some(payer.chain().first_wrong(&paid).await?),
				false => None,
			};
			let (channel, nonce) = (paid.channel, paid.answer.receipt.nonce);
			if let Some(Some(index)) = wrong {
				// Whoever has been told so can rely on it, whatever happens to this command.
				payer.accuse(channel, nonce, index).await?;
			}
			let files: Vec<&Path> = part.iter().map(|(path, _)| path.as_path()).collect();
			report(context, &subject, &files, &paid, wrong)?;
			if let Some(Some(index)) = wrong {
				payer.see_to(channel, Chore::Dispute { nonce, index }).await?;
				let file =
					files.get(index as usize).map_or_else(String::new, |path| path.display().to_string());
				bail!("{file}: the provider's answer was wrong, as the court has found");
			}
		}
		Ok(())
	}
}

/// Sees disputes through that an earlier command began. One that fails keeps nobody from asking.
async fn go_on(payer: &Payer<User>) -> anyhow::Result<()> {
	for (channel, chore) in payer.disputes().await? {
		if let Err(error) = payer.see_to(channel, chore).await {
			tracing::warn!(channel, %error, "an answer that was found wrong before is not refunded");
		}
	}
	Ok(())
}

/// Reads a file that no model's input is longer than.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
	let found = std::fs::metadata(path)?;
	ensure!(!found.is_dir(), "it is a folder; name the files in it");
	let most = MAX_FILE_BYTES as u64;
	ensure!(found.len() <= most, "it has {} bytes, more than the {most} that are asked with", found.len());
	Ok(std::fs::read(path)?)
}

/// Says what was answered, and what it cost. `wrong`, if the model was run here: the first input whose answer is wrong.
fn report(
	context: &Context,
	subject: &Subject,
	files: &[&Path],
	paid: &Paid,
	wrong: Option<Option<u32>>,
) -> anyhow::Result<()> {
	let receipt = &paid.answer.receipt;
	let (mut text, mut answers) = (String::new(), Vec::new());
	for (path, answer) in files.iter().zip(&paid.answer.answers) {
		let answer = subject.answer(&answer.output)?;
		text += &format!("{}: {}\n", path.display(), shown(&answer));
		let mut value = serde_json::to_value(&answer)?;
		value["file"] = json!(path);
		answers.push(value);
	}
	let cost = match paid.again {
		true => format!("{}, paid by an earlier command", oda(receipt.price)),
		false => oda(receipt.price),
	};
	let checked = match wrong {
		Some(None) => "; the same was found here",
		Some(Some(_)) => "; something else was found here",
		None => "",
	};
	text += &format!(
		"  {cost} to {} from channel {}, for request {} of version {}{checked}",
		people::account(&paid.provider),
		paid.channel,
		receipt.nonce,
		paid.answer.version
	);
	let value = json!({
		"answers": answers,
		"price": receipt.price.to_string(),
		"provider": paid.provider,
		"channel": paid.channel,
		"request": receipt.nonce,
		"version": paid.answer.version,
		"again": paid.again,
		"right": wrong.map(|wrong| wrong.is_none()),
	});
	context.output().result(text, &value);
	Ok(())
}

/// An answer in a line.
fn shown(answer: &Answer) -> String {
	match answer {
		Answer::Class { label, .. } => label.clone(),
		Answer::Numbers(numbers) => {
			let mut words: Vec<String> = numbers.iter().take(SHOWN).map(ToString::to_string).collect();
			if numbers.len() > SHOWN {
				words.push("…".to_owned());
			}
			words.join(" ")
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn an_answer_is_its_label_or_the_first_of_its_numbers() {
		let label = "seven".to_owned();
		assert_eq!(shown(&Answer::Class { index: 7, label, scores: Vec::new() }), "seven");
		assert_eq!(shown(&Answer::Numbers(vec![1, -2])), "1 -2");
		assert!(shown(&Answer::Numbers((0..100).collect())).ends_with("14 15 …"));
	}

	#[test]
	fn a_folder_is_no_file_to_ask_with() {
		let folder = tempfile::tempdir().unwrap();
		assert!(read(folder.path()).unwrap_err().to_string().contains("folder"));
		assert!(read(&folder.path().join("missing")).is_err());
	}
}
