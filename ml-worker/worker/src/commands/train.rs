//! Training.

use super::{Named, named};
use crate::{cli::TrainArgs, out_file};
use anyhow::{Context as _, bail};
use oda_engine::{TrainConfig, train::Keep};
use oda_roles::{
	context::Context,
	training::{From, Stopper, Training},
};

fn config(args: &TrainArgs) -> anyhow::Result<TrainConfig> {
	let mut config = match &args.config {
		Some(path) => {
			let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
			toml::from_str(&text).with_context(|| path.display().to_string())?
		}
		None => TrainConfig::default(),
	};
	config.epochs = args.epochs.unwrap_or(config.epochs);
	config.batch = args.batch.unwrap_or(config.batch);
	config.seed = args.seed.unwrap_or(config.seed);
	config.check_every = args.check_every.unwrap_or(config.check_every);
	config.stop_at = args.stop_at.or(config.stop_at);
	if let Some(rate) = args.rate {
		config.optimiser = config.optimiser.with_rate(rate);
	}
	if args.keep_best {
		config.keep = Keep::Best;
	}
	if let Some(path) = &args.checkpoint {
		config.checkpoint = Some(path.clone());
	}
	Ok(config)
}

pub(super) async fn run(context: &Context, args: TrainArgs) -> anyhow::Result<()> {
	let config = config(&args)?;
	let Named { spec, tables, registered } =
		named(context, args.spec.as_deref(), args.model.as_ref()).await?;
	let head = match &registered {
		Some((view, model)) => view.head(model).await?.map(|head| head.weights),
		None => None,
	};
	let from = match args.from.as_deref() {
		Some("scratch") => From::Scratch(tables),
		Some("head") => match head {
			Some(head) => From::Weights(head),
			None => bail!("there is no head to start from"),
		},
		Some(name) => From::Weights(context.blob(name).await?),
		None => head.map_or(From::Scratch(tables), From::Weights),
	};
	let data = context.blob(&args.data).await?;
	let held_out = match &args.held_out {
		Some(name) => context.blob(name).await?,
		None => spec.data.dataset().blob,
	};
	let training = Training::prepare(context, &spec, from, data, held_out, config).await?;
	let result = training.run(Stopper::default()).await?;
	let weights = result.weights;
	if let Some(out) = &args.out {
		out_file::write(out, &mut context.store().open_blob(&weights)?)?;
	}
	let percent = |accuracy: Option<f64>| match accuracy {
		Some(accuracy) => format!("{:.2} %", accuracy * 100.0),
		None => "none".to_owned(),
	};
	context.output().result(
		format!(
			"weights {}\n  {} bytes, score {}\n  integer accuracy {}, float accuracy {}\n  {} epochs in {:.1} s",
			hex::encode(weights.root),
			weights.len,
			result.score,
			percent(result.integer_accuracy),
			percent(result.float_accuracy),
			result.epochs,
			result.seconds
		),
		&result,
	);
	Ok(())
}
