//! Training.

use super::{Global, ModelName, Named, blob, named, stop};
use crate::out_file;
use anyhow::{Context as _, bail};
use clap::Args;
use oda_engine::{EngineError, TrainConfig, train::Keep};
use oda_roles::{
	context::Context,
	training::{self, From, Stopper, Training},
};
use std::{fmt::Display, io::Write, path::PathBuf};

/// An option's help, with what a setting is if it is not given.
fn default<T: Display>(help: &str, setting: impl Fn(&TrainConfig) -> T) -> String {
	format!("{help} [default: {}]", setting(&TrainConfig::default()))
}

/// What `train` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker train --spec digits.json --data digits-train.bin --epochs 10 --stop-at 0.9\n  \
	ml-worker train --model <ID> --data digits-train.bin --seed 7\n  \
	ml-worker train --print-config --epochs 50 > train.toml")]
pub struct TrainArgs {
	/// The model's specification file: trains from scratch, unless --from names weights.
	#[arg(long, value_name = "FILE", required_unless_present_any = ["model", "print_config"])]
	pub spec: Option<PathBuf>,
	/// The id of a registered model: trains from its head, unless --from says otherwise.
	#[arg(long, value_name = "ID", conflicts_with = "spec")]
	pub model: Option<ModelName>,
	/// The records to train on: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT", required_unless_present = "print_config")]
	pub data: Option<String>,
	/// The records to measure on [default: the model's own].
	#[arg(long, value_name = "FILE|ROOT")]
	pub held_out: Option<String>,
	/// Where to start: `scratch`, `head`, a file, or the root of a blob in the store.
	#[arg(long, value_name = "WEIGHTS")]
	pub from: Option<String>,
	/// A file with settings, as TOML; the options below override it.
	#[arg(long, value_name = "FILE")]
	pub config: Option<PathBuf>,
	/// Print all settings, as a file for --config, and end.
	#[arg(long)]
	pub print_config: bool,
	/// Passes over the training data.
	#[arg(long, help = default("Passes over the training data", |config| config.epochs))]
	pub epochs: Option<u32>,
	/// Records in a step.
	#[arg(long, help = default("Records in a step", |config| config.batch))]
	pub batch: Option<usize>,
	/// The learning rate.
	#[arg(long, help = default("The learning rate", |config| config.optimiser.rate()))]
	pub rate: Option<f64>,
	/// The seed of initial weights, order and augmentation.
	#[arg(long, help = default("The seed of initial weights, order and augmentation", |config| config.seed))]
	pub seed: Option<u64>,
	/// Stop when the integer accuracy reaches this (0 to 1) [default: never].
	#[arg(long, value_name = "ACCURACY")]
	pub stop_at: Option<f64>,
	/// Steps between looks at `stop_at` within an epoch.
	#[arg(
		long,
		value_name = "STEPS",
		help = default("Steps between looks at --stop-at; 0 for the end of each epoch only", |config| config.check_every)
	)]
	pub check_every: Option<u32>,
	/// Keep the best epoch's weights instead of the last one's.
	#[arg(long)]
	pub keep_best: bool,
	/// A file to keep the state in; an interrupted run goes on from it.
	#[arg(long, value_name = "FILE")]
	pub checkpoint: Option<PathBuf>,
	/// Also write the weights to a file.
	#[arg(long, short, value_name = "FILE")]
	pub out: Option<PathBuf>,
}

impl TrainArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let config = self.settings()?;
		if self.print_config {
			// Without a panic where whoever reads has gone.
			let _ = write!(std::io::stdout().lock(), "{}", toml::to_string(&config)?);
			return Ok(());
		}
		let context = &global.open()?;
		let training = tokio::select! {
			prepared = self.prepare(context, config) => prepared?,
			stopped = stop::asked() => return Err(stopped?.into()),
		};
		let stopper = Stopper::default();
		let running = training.run(stopper.clone());
		tokio::pin!(running);
		let (trained, stopped) = tokio::select! {
			trained = &mut running => (trained, None),
			stopped = stop::asked() => {
				let stopped = stopped?;
				context.output().note("stopping after this step; once more to stop without weights");
				stopper.stop();
				tokio::select! {
					trained = &mut running => (trained, Some(stopped)),
					again = stop::asked() => return Err(again?.into()),
				}
			}
		};
		let result = match (trained, stopped) {
			(Err(error), Some(stopped)) if matches!(error.downcast_ref(), Some(EngineError::Cancelled)) => {
				return Err(
					anyhow::Error::from(stopped).context("no epoch was over, so there are no weights")
				);
			}
			(trained, _) => trained?,
		};
		if let Some(out) = &self.out {
			out_file::write(out, &mut context.store().open_blob(&result.weights)?)?;
		}
		report(context, &result, self.out.as_deref());
		stopped.map_or(Ok(()), |stopped| Err(stopped.into()))
	}

	/// The settings: the file's, or the usual ones, with what the command line says.
	fn settings(&self) -> anyhow::Result<TrainConfig> {
		let mut config = match &self.config {
			Some(path) => {
				let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
				toml::from_str(&text).with_context(|| path.display().to_string())?
			}
			None => TrainConfig::default(),
		};
		config.epochs = self.epochs.unwrap_or(config.epochs);
		config.batch = self.batch.unwrap_or(config.batch);
		config.seed = self.seed.unwrap_or(config.seed);
		config.check_every = self.check_every.unwrap_or(config.check_every);
		config.stop_at = self.stop_at.or(config.stop_at);
		if let Some(rate) = self.rate {
			config.optimiser = config.optimiser.with_rate(rate);
		}
		if self.keep_best {
			config.keep = Keep::Best;
		}
		if let Some(path) = &self.checkpoint {
			config.checkpoint = Some(path.clone());
		}
		Ok(config)
	}

	async fn prepare(&self, context: &Context, config: TrainConfig) -> anyhow::Result<Training> {
		let Named { spec, tables, registered } =
			named(context, self.spec.as_deref(), self.model.as_ref()).await?;
		let head = match &registered {
			Some((view, model)) => view.head(model).await?.map(|head| head.weights),
			None => None,
		};
		let from = match self.from.as_deref() {
			Some("scratch") => From::Scratch(tables),
			Some("head") => match head {
				Some(head) => From::Weights(head),
				None => bail!("there is no head to start from"),
			},
			Some(name) => From::Weights(blob(context, name).await?),
			None => head.map_or(From::Scratch(tables), From::Weights),
		};
		let data = blob(context, self.data.as_deref().context("no --data")?).await?;
		let held_out = match &self.held_out {
			Some(name) => blob(context, name).await?,
			None => spec.data.dataset().blob,
		};
		Training::prepare(context, &spec, from, data, held_out, config).await
	}
}

/// Says what training came to, and where the weights are.
fn report(context: &Context, result: &training::Result, out: Option<&std::path::Path>) {
	let weights = &result.weights;
	let accuracy = match (result.integer_accuracy, result.float_accuracy) {
		(Some(integer), Some(float)) => {
			format!("\n  integer accuracy {:.2} %, float accuracy {:.2} %", integer * 100.0, float * 100.0)
		}
		_ => String::new(),
	};
	let store = context.store().path(&weights.root);
	let place = out.map_or_else(|| store.display().to_string(), |out| out.display().to_string());
	context.output().result(
		format!(
			"weights {}\n  {} bytes in {place}\n  score {}{accuracy}\n  {} epochs in {:.1} s",
			hex::encode(weights.root),
			weights.len,
			result.score,
			result.epochs,
			result.seconds
		),
		&result,
	);
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::cli::{Cli, Command};
	use clap::{CommandFactory, Parser};
	use oda_engine::train::Schedule;

	fn settings(line: &[&str]) -> anyhow::Result<TrainConfig> {
		let line = [&["ml-worker", "train", "--spec", "s", "--data", "d"], line].concat();
		match Cli::try_parse_from(line)?.command {
			Command::Train(args) => args.settings(),
			other => panic!("{other:?}"),
		}
	}

	#[test]
	fn the_help_says_what_is_usual() {
		let mut program = Cli::command();
		let help = program.find_subcommand_mut("train").unwrap().render_help().to_string();
		let usual = TrainConfig::default();
		for setting in [
			format!("training data [default: {}]", usual.epochs),
			format!("in a step [default: {}]", usual.batch),
			format!("learning rate [default: {}]", usual.optimiser.rate()),
			format!("augmentation [default: {}]", usual.seed),
			format!("only [default: {}]", usual.check_every),
		] {
			let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
			assert!(words.contains(&setting), "{setting} in {words}");
		}
	}

	#[test]
	fn what_is_printed_as_settings_is_read_as_the_same_settings() {
		let folder = tempfile::tempdir().unwrap();
		let file = folder.path().join("train.toml");
		let mut wanted = settings(&[
			"--epochs",
			"7",
			"--rate",
			"0.25",
			"--stop-at",
			"0.5",
			"--checkpoint",
			"c",
			"--keep-best",
		])
		.unwrap();
		wanted.schedule = Schedule::Step { at: vec![0.5, 0.75], factor: 0.1 };
		for config in [wanted, TrainConfig::default()] {
			let printed = toml::to_string(&config).unwrap();
			std::fs::write(&file, &printed).unwrap();
			let read = settings(&["--config", file.to_str().unwrap()]).unwrap();
			assert_eq!(toml::to_string(&read).unwrap(), printed);
			assert_eq!(format!("{read:?}"), format!("{config:?}"));
		}
	}

	#[test]
	fn an_unknown_setting_is_refused_wherever_it_is() {
		let folder = tempfile::tempdir().unwrap();
		let file = folder.path().join("train.toml");
		for bad in [
			"epoch = 3",
			"threads = 2",
			"device = \"cpu\"",
			"[optimiser]\nkind = \"sgd\"\nrate = 0.1\nmomentum = 0.9\nnesterov = true\nweight_decay = 0.0\nbeta1 = 0.9",
			"[schedule.step]\nat = [0.5]\nfactor = 0.1\nfactors = 2",
		] {
			std::fs::write(&file, bad).unwrap();
			let error = settings(&["--config", file.to_str().unwrap()]).unwrap_err();
			let error = format!("{error:#}");
			assert!(error.contains("unknown field") || error.contains("unexpected keys"), "{bad}: {error}");
		}
	}
}
