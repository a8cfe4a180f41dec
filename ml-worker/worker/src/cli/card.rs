//! Cards: what models are about, and how people ask them.

use super::{Global, ModelName, Named, named};
use crate::out_file;
use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use oda_cards::{Card, Input, MAX_BYTES, Output, Resize, Scale};
use oda_client::NamedCard;
use oda_evaluator::Graph;
use oda_primitives::ModelId;
use oda_roles::{card, context::Context, people};
use serde::Serialize;
use serde_json::json;
use std::{
	collections::HashMap,
	num::NonZeroU32,
	path::{Path, PathBuf},
	str::FromStr,
	time::Duration,
};

/// For how long listings look for cards among peers.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most characters of labels in a line.
const LABELS_SHOWN: usize = 40;

/// Make, set and look at cards.
#[derive(Debug, Subcommand)]
pub enum CardCommand {
	/// Write a card's file, and check it against a model.
	///
	/// What it says of the input's size is the model's own. Without labels the model answers numbers. Nothing is sent, and
	/// nothing costs anything, before the card is set.
	#[command(after_help = "Examples:\n  \
		ml-worker card make --spec model.json --title Digits --input image --out card.json\n  \
		ml-worker card make --model <ID> --title Prices --input series --out card.json")]
	Make(CardMakeArgs),
	/// Set a model's card, or put another one in its place.
	///
	/// The trainer of the model's head can, and its registrar while it has none. The card is checked against the model, and
	/// goes into the store; any service of this base path serves it to peers. Holds a deposit, which returns when the card is
	/// replaced or removed, and costs a fee. Nothing is sent if it is the model's card already.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key card set <ID> card.json")]
	Set {
		/// The model's id.
		#[arg(value_name = "ID")]
		model: ModelName,
		/// The card's file.
		#[arg(value_name = "FILE")]
		file: PathBuf,
	},
	/// Remove a model's card.
	///
	/// Whoever can set it can. The deposit goes back to whoever had set it. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key card remove <ID>")]
	Remove {
		/// The model's id.
		#[arg(value_name = "ID")]
		model: ModelName,
	},
	/// A model's card.
	///
	/// It comes from the store, or from peers, and is waited for; it is checked against the model. Exit status 1 if the model
	/// has none, or if what is named is none of this model.
	#[command(after_help = "Examples:\n  \
		ml-worker card show <ID>\n  \
		ml-worker card show <ID> --out card.json\n  \
		ml-worker --json card show <ID>")]
	Show {
		/// The model's id.
		#[arg(value_name = "ID")]
		model: ModelName,
		/// Also write it to a file.
		#[arg(long, short, value_name = "FILE")]
		out: Option<PathBuf>,
	},
}

/// What `card make` needs.
#[derive(Debug, Args)]
pub struct CardMakeArgs {
	/// The model's specification file.
	#[arg(long, value_name = "FILE", required_unless_present = "model")]
	pub spec: Option<PathBuf>,
	/// The id of a registered model, instead of a specification.
	#[arg(long, value_name = "ID", conflicts_with = "spec")]
	pub model: Option<ModelName>,
	/// What the model is called.
	#[arg(long)]
	pub title: String,
	/// What it is for, what it was trained on, what it is bad at.
	#[arg(long, default_value = "", hide_default_value = true)]
	pub description: String,
	/// Under which terms its weights are, such as CC-BY-4.0.
	#[arg(long, default_value = "", hide_default_value = true)]
	pub licence: String,
	/// What the model is asked with.
	#[arg(long, value_enum)]
	pub input: InputKind,
	/// Width and height of its pictures, if its input does not tell.
	#[arg(long, value_name = "WIDTHxHEIGHT")]
	pub size: Option<Size>,
	/// What is done with a picture of another size: exact refuses it, nearest takes the pixel under each centre, area averages.
	#[arg(long, default_value = "exact", value_parser = resize, value_name = "HOW")]
	pub resize: Resize,
	/// What each number, byte or channel of a pixel (0 to 255) is multiplied with.
	#[arg(long, default_value = "1", allow_hyphen_values = true, value_name = "NUMBER[/NUMBER]")]
	pub scale: Fraction,
	/// What is then added to it.
	#[arg(long, default_value_t = 0, allow_negative_numbers = true, value_name = "NUMBER")]
	pub offset: i32,
	/// The byte that fills up a file that is too short.
	#[arg(long, default_value_t = 0, value_name = "BYTE")]
	pub padding: u8,
	/// What the classes are called, in the order of their scores, with commas between.
	#[arg(long, value_delimiter = ',', conflicts_with = "labels_file", value_name = "LABELS")]
	pub labels: Vec<String>,
	/// The same from a file, a line a class.
	#[arg(long, value_name = "FILE")]
	pub labels_file: Option<PathBuf>,
	/// Where to write the card.
	#[arg(long, short, value_name = "FILE")]
	pub out: PathBuf,
}

/// What a model is asked with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum InputKind {
	/// A picture, as PNG.
	Image,
	/// Whole numbers.
	Series,
	/// The bytes of any file.
	Bytes,
	/// Its input tensors as they are.
	Tensor,
}

/// Width and height of a picture, in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size([u32; 2]);

impl FromStr for Size {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let sides = text.split_once('x').and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
		let sides = sides.filter(|sides| !sides.contains(&0));
		sides.map(Self).ok_or_else(|| "pixels as 28x28, width first".to_owned())
	}
}

/// A fraction of whole numbers, or a whole number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fraction {
	num: i32,
	den: NonZeroU32,
}

impl FromStr for Fraction {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let (num, den) = text.split_once('/').unwrap_or((text, "1"));
		let fraction = num.parse().ok().zip(den.parse().ok()).map(|(num, den)| Self { num, den });
		fraction.ok_or_else(|| "a whole number, or two as 16/255, of which the second is not 0".to_owned())
	}
}

fn resize(text: &str) -> Result<Resize, String> {
	match text {
		"exact" => Ok(Resize::Exact),
		"nearest" => Ok(Resize::Nearest),
		"area" => Ok(Resize::Area),
		_ => Err("exact, nearest or area".to_owned()),
	}
}

impl CardCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		match self {
			Self::Make(args) => args.run(context).await,
			Self::Set { model, file } => set(global, context, &model, &file).await,
			Self::Remove { model } => {
				let (chain, id) = (context.chain().await?, model.id(context).await?);
				let receipt = chain.set_card(&global.signer(context).await?, id, None).await?;
				context.output().result(format!("card removed in block {}", receipt.block), &receipt);
				Ok(())
			}
			Self::Show { model, out } => show(context, &model, out.as_deref()).await,
		}
	}
}

impl CardMakeArgs {
	async fn run(self, context: &Context) -> anyhow::Result<()> {
		let Named { spec, .. } = named(context, self.spec.as_deref(), self.model.as_ref()).await?;
		let card = self.card(&spec.graph)?;
		out_file::write(&self.out, card.to_json()?.as_bytes())?;
		context.output().result(
			format!("{}\n  written to {}", described(&card), self.out.display()),
			&json!({ "card": card, "file": self.out }),
		);
		Ok(())
	}

	/// The card of a model with this graph.
	fn card(&self, graph: &Graph) -> anyhow::Result<Card> {
		let scale = Scale { num: self.scale.num, den: self.scale.den, offset: self.offset };
		let shape = match (self.input, graph.inputs.as_slice()) {
			(InputKind::Tensor, _) => Vec::new(),
			(_, [input]) => input.shape.clone(),
			(_, inputs) => bail!("the model has {} inputs; say --input tensor", inputs.len()),
		};
		let elements = || shape.iter().try_fold(1u32, |count, extent| count.checked_mul(*extent));
		let elements = || elements().context("the model's input is too large for a card");
		let input = match self.input {
			InputKind::Image => {
				let (size, channels) = match (self.size, shape.as_slice()) {
					(None, [height, width, channels]) => ([*width, *height], *channels),
					(None, _) => bail!(
						"the model's input has the shape {shape:?}, no height, width and channels; give --size"
					),
					(Some(Size(size)), _) => {
						let pixels = size[0].checked_mul(size[1]).context("--size is too large")?;
						(size, elements()? / pixels)
					}
				};
				let channels = u8::try_from(channels).context("a picture has 1, 3 or 4 channels")?;
				Input::Image { width: size[0], height: size[1], channels, resize: self.resize, scale }
			}
			InputKind::Series => Input::Series { shape, scale },
			InputKind::Bytes => Input::Bytes { length: elements()?, padding: self.padding, scale },
			InputKind::Tensor => Input::Tensor,
		};
		let labels = match &self.labels_file {
			Some(path) => String::from_utf8(read(path)?)
				.with_context(|| path.display().to_string())?
				.lines()
				.map(str::to_owned)
				.collect(),
			None => self.labels.clone(),
		};
		let output = if labels.is_empty() { Output::Numbers } else { Output::Classes { labels } };
		let card = Card {
			title: self.title.clone(),
			description: self.description.clone(),
			licence: self.licence.clone(),
			input,
			output,
		};
		card.to_json()?;
		card.check(graph)?;
		Ok(card)
	}
}

/// Reads a file that has no more bytes than a card.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
	let name = || path.display().to_string();
	let len = std::fs::metadata(path).with_context(name)?.len();
	ensure!(len <= MAX_BYTES as u64, "{} has {len} bytes, more than a card may have", path.display());
	std::fs::read(path).with_context(name)
}

async fn set(global: &Global, context: &Context, model: &ModelName, file: &Path) -> anyhow::Result<()> {
	let bytes = read(file)?;
	let card = Card::parse(&bytes).with_context(|| file.display().to_string())?;
	let Named { spec, registered, .. } = named(context, None, Some(model)).await?;
	let (view, model) = registered.context("the model is not registered")?;
	card.check(&spec.graph).with_context(|| file.display().to_string())?;
	let blob = context.store().put(&bytes)?;
	let key = global.signer(context).await?;
	let before = view.card(model.id).await?;
	let shown = people::digits(&blob.root);
	let (text, receipt) = if before.is_some_and(|card| card.blob == blob) {
		(format!("{shown} is the model's card already"), None)
	} else {
		let receipt = context.chain().await?.set_card(&key, model.id, Some(blob)).await?;
		(format!("card {shown} set in block {}", receipt.block), Some(receipt))
	};
	context.output().result(text, &json!({ "card": blob, "receipt": receipt }));
	Ok(())
}

async fn show(context: &Context, model: &ModelName, out: Option<&Path>) -> anyhow::Result<()> {
	let Named { spec, registered, .. } = named(context, None, Some(model)).await?;
	let (view, model) = registered.context("the model is not registered")?;
	let named = view.card(model.id).await?.context("the model has no card")?;
	let card = card::fetch(context, &named).await?;
	card.check(&spec.graph)?;
	if let Some(out) = out {
		out_file::write(out, card.to_json()?.as_bytes())?;
	}
	let text = format!(
		"{}\n  card {}, {} bytes, set by {}",
		described(&card),
		hex::encode(named.blob.root),
		named.blob.len,
		named.owner
	);
	context.output().result(text, &Shown { named, card: Some(card), fault: None });
	Ok(())
}

/// A card for people, in several lines.
fn described(card: &Card) -> String {
	let mut text = card.title.clone();
	for line in card.description.lines().chain((!card.licence.is_empty()).then_some(&*card.licence)) {
		text += &format!("\n  {line}");
	}
	let input = match &card.input {
		Input::Image { width, height, channels, resize, .. } => {
			let colours = match channels {
				1 => "grey",
				3 => "RGB",
				_ => "RGBA",
			};
			let others = match resize {
				Resize::Exact => "refused",
				Resize::Nearest => "resized to the nearest pixels",
				Resize::Area => "resized by averages",
			};
			format!("a picture of {width} × {height} pixels, {colours}; others are {others}")
		}
		Input::Series { shape, .. } => format!("whole numbers of the shape {shape:?}"),
		Input::Bytes { length, .. } => format!("a file of at most {length} bytes"),
		Input::Tensor => "its input tensors as they are".to_owned(),
	};
	text += &format!("\n  asked with {input}");
	text += &match card.labels() {
		[] => "\n  answers numbers".to_owned(),
		labels => format!("\n  answers one of {}: {}", labels.len(), labels.join(", ")),
	};
	text
}

/// A model's card as listings show it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
	#[serde(flatten)]
	named: NamedCard,
	/// What it says, if it could be read.
	card: Option<Card>,
	/// Why it could not.
	#[serde(skip_serializing_if = "Option::is_none")]
	fault: Option<String>,
}

impl Shown {
	/// The cards of these models. What is not here is looked for among peers, for a moment.
	pub(super) async fn all(context: &Context, named: HashMap<ModelId, NamedCard>) -> HashMap<ModelId, Self> {
		let mut cards = card::fetch_all(context, named.clone(), PATIENCE).await;
		let shown = |(model, named): (ModelId, NamedCard)| {
			let (card, fault) = match cards.remove(&model) {
				Some(Ok(card)) => (Some(card), None),
				Some(Err(error)) => (None, Some(format!("{error:#}"))),
				None => (None, None),
			};
			(model, Self { named, card, fault })
		};
		named.into_iter().map(shown).collect()
	}

	/// The same, if it is one of a model with this graph.
	pub(super) fn of(mut self, graph: &Graph) -> Self {
		if let Some(unfit) = self.card.as_ref().and_then(|card| card.check(graph).err()) {
			self.card = None;
			self.fault = Some(unfit.to_string());
		}
		self
	}

	/// Title and labels, in one line.
	pub(super) fn line(&self) -> String {
		match (&self.card, &self.fault) {
			(Some(card), _) => summary(card),
			(None, fault) => format!(
				"a card that cannot be shown, {}: {}",
				people::digits(&self.named.blob.root),
				fault.as_deref().unwrap_or("not here")
			),
		}
	}
}

/// A card's title and the first of its labels.
fn summary(card: &Card) -> String {
	let labels = card.labels();
	let mut text = String::new();
	for label in labels {
		let more = if text.is_empty() { label.clone() } else { format!(", {label}") };
		if text.chars().count() + more.chars().count() > LABELS_SHOWN {
			text += if text.is_empty() { "…" } else { ", …" };
			break;
		}
		text += &more;
	}
	match labels.len() {
		0 => card.title.clone(),
		count => format!("{} ({count} labels: {text})", card.title),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		cli::{Cli, Command},
		spec_file,
	};
	use clap::Parser;
	use oda_evaluator::graph::{DType, TensorType};

	fn digits(name: &str) -> PathBuf {
		Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/digits").join(name)
	}

	fn graph() -> Graph {
		spec_file::read(&digits("model.json")).unwrap().graph
	}

	fn committed() -> Card {
		Card::parse(&std::fs::read(digits("card.json")).unwrap()).unwrap()
	}

	/// What `card make` makes for the digits with these options.
	fn made(graph: &Graph, options: &[&str]) -> anyhow::Result<Card> {
		let usual = ["ml-worker", "card", "make", "--spec", "model.json", "--out", "card.json"];
		let cli = Cli::try_parse_from(usual.iter().chain(options))?;
		let Command::Card(CardCommand::Make(args)) = cli.command else { panic!("another command") };
		args.card(graph)
	}

	const LABELS: &str = "0,1,2,3,4,5,6,7,8,9";

	#[test]
	fn the_card_of_the_digits_can_be_made() {
		let card = committed();
		let image = ["--input", "image", "--resize", "area", "--scale", "16/255", "--labels", LABELS];
		let texts = ["--title", &card.title, "--description", &card.description, "--licence", &card.licence];
		assert_eq!(made(&graph(), &[&image[..], &texts].concat()).unwrap(), card);
	}

	#[test]
	fn labels_are_taken_from_a_file() {
		let file = tempfile::NamedTempFile::new().unwrap();
		std::fs::write(file.path(), LABELS.replace(',', "\n") + "\n").unwrap();
		let path = file.path().to_string_lossy();
		let card = made(&graph(), &["--title", "t", "--input", "tensor", "--labels-file", &path]).unwrap();
		assert_eq!(card.labels(), committed().labels());
	}

	#[test]
	fn a_card_that_does_not_fit_the_model_is_not_made() {
		let error = made(&graph(), &["--title", "t", "--input", "series", "--labels", "a,b"]).unwrap_err();
		assert_eq!(error.to_string(), "the card has 2 labels, the model scores 10 classes");
	}

	#[test]
	fn a_picture_as_a_long_vector_needs_its_size() {
		let mut graph = graph();
		graph.inputs = vec![TensorType::new(DType::I8, [192])];
		let usual = ["--title", "t", "--input", "image"];
		let error = made(&graph, &usual).unwrap_err().to_string();
		assert!(error.contains("--size"), "{error}");
		let card = made(&graph, &[&usual[..], &["--size", "16x4"]].concat()).unwrap();
		assert!(matches!(card.input, Input::Image { width: 16, height: 4, channels: 3, .. }), "{card:?}");
		assert!(made(&graph, &[&usual[..], &["--size", "5x5"]].concat()).is_err());
	}

	#[test]
	fn sizes_and_fractions_are_understood() {
		assert_eq!("28x20".parse(), Ok(Size([28, 20])));
		for bad in ["", "28", "0x1", "28x", "x", "1x1x1", "-1x1"] {
			assert!(bad.parse::<Size>().is_err(), "{bad}");
		}
		let fraction = |num, den| Ok(Fraction { num, den: NonZeroU32::new(den).unwrap() });
		assert_eq!("-16/255".parse(), fraction(-16, 255));
		assert_eq!("3".parse(), fraction(3, 1));
		for bad in ["", "1/0", "1.5", "1/-2", "a"] {
			assert!(bad.parse::<Fraction>().is_err(), "{bad}");
		}
	}

	#[test]
	fn a_line_has_the_title_and_the_first_labels() {
		let mut card = committed();
		assert_eq!(summary(&card), "Handwritten digits (10 labels: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)");
		let labels = (0..10).map(|n| format!("a rather long label {n}")).collect();
		card.output = Output::Classes { labels };
		assert_eq!(summary(&card), "Handwritten digits (10 labels: a rather long label 0, …)");
		card.output = Output::Numbers;
		assert_eq!(summary(&card), "Handwritten digits");
	}

	#[test]
	fn a_card_that_is_not_the_models_is_shown_as_a_fault() {
		let named =
			NamedCard { blob: oda_primitives::BlobRef::of(b"card"), owner: oda_client::AccountId([1; 32]) };
		let mut card = committed();
		card.output = Output::Classes { labels: vec!["a".into()] };
		let shown = Shown { named, card: Some(card), fault: None }.of(&graph());
		assert!(
			shown.line().ends_with("the card has 1 labels, the model scores 10 classes"),
			"{}",
			shown.line()
		);
		let json = serde_json::to_value(&shown).unwrap();
		assert!(
			json["card"].is_null() && json["fault"].is_string() && json["blob"]["root"].is_string(),
			"{json}"
		);
	}
}
