//! Weights: random ones, and those of files.

use crate::{
	cli::{Global, ModelName, Named, blob, named},
	out_file, spec_file,
};
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use oda_blobs::BlobSource;
use oda_engine::quantise::random_weights;
use oda_roles::context::Context;
use serde_json::json;
use std::path::PathBuf;

/// What `model random` needs.
#[derive(Debug, Args)]
pub struct ModelRandomArgs {
	/// The specification file.
	pub spec: PathBuf,
	/// Records like those that the model will see: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub data: String,
	/// The seed: the same one gives the same weights.
	#[arg(long, default_value_t = 0)]
	pub seed: u64,
	/// Also write the weights to a file.
	#[arg(long, short, value_name = "FILE")]
	pub out: Option<PathBuf>,
}

/// What `model import` needs.
#[derive(Debug, Args)]
pub struct ModelImportArgs {
	/// The safetensors file.
	pub file: PathBuf,
	/// The model's specification file.
	#[arg(long, value_name = "FILE", required_unless_present = "model")]
	pub spec: Option<PathBuf>,
	/// The id of a registered model, instead of a specification.
	#[arg(long, value_name = "ID", conflicts_with = "spec")]
	pub model: Option<ModelName>,
}

/// What `model export` needs.
#[derive(Debug, Args)]
pub struct ModelExportArgs {
	/// The id of a registered model: its head's weights, unless others are named.
	#[arg(long, value_name = "ID", required_unless_present = "spec")]
	pub model: Option<ModelName>,
	/// A specification file, instead of a registered model.
	#[arg(long, value_name = "FILE", conflicts_with = "model", requires = "weights")]
	pub spec: Option<PathBuf>,
	/// The weights: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub weights: Option<String>,
	/// Where to write the safetensors file.
	#[arg(long, short, value_name = "FILE")]
	pub out: PathBuf,
}

impl ModelImportArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let Named { spec, .. } = named(context, args.spec.as_deref(), args.model.as_ref()).await?;
		// The header, and the parameters: a file that is much longer is not one of this model's weights.
		let limit = spec.graph.param_bytes().saturating_add(1 << 20);
		let path = &args.file;
		let len = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
		ensure!(
			len <= limit,
			"{} has {len} bytes, too many for {} of weights",
			path.display(),
			spec.graph.param_bytes()
		);
		let file = std::fs::read(path).with_context(|| path.display().to_string())?;
		store(context, &oda_engine::files::import_weights(&spec.graph, &file)?)
	}
}

/// Records that random weights are scaled by.
const SAMPLE: usize = 256;

impl ModelRandomArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let file = spec_file::read(&args.spec)?;
		let spec = file.spec();
		let data = blob(context, &args.data).await?;
		let data = context.store().get(&data)?;
		let record = usize::try_from(spec.record_bytes())?;
		let sample = &data[..data.len().min(record * SAMPLE)];
		let weights = random_weights(&spec.graph, &spec.objective, args.seed, &file.tables, sample)?;
		if let Some(out) = &args.out {
			out_file::write(out, &weights[..])?;
		}
		store(context, &weights)
	}
}

/// Stores weights and says what they are called.
fn store(context: &Context, weights: &[u8]) -> anyhow::Result<()> {
	let blob = context.store().put(weights)?;
	context.output().result(
		format!("weights {} ({} bytes)", hex::encode(blob.root), blob.len),
		&json!({ "weights": blob }),
	);
	Ok(())
}

impl ModelExportArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let Named { spec, registered, .. } =
			named(context, args.spec.as_deref(), args.model.as_ref()).await?;
		let weights = match (&args.weights, registered) {
			(Some(name), _) => blob(context, name).await?,
			(None, Some((view, model))) => view.head(&model).await?.context("the model has no head")?.weights,
			(None, None) => bail!("give --weights"),
		};
		ensure!(weights.len == spec.graph.param_bytes(), "these are not weights of this model");
		context.obtain(&weights).await?;
		let bytes = context.store().get(&weights)?;
		let file = oda_engine::files::export_weights(&spec.graph, &bytes)?;
		out_file::write(&args.out, &file[..])?;
		context.output().result(
			format!("weights {} to {}", hex::encode(weights.root), args.out.display()),
			&json!({ "weights": weights, "file": args.out, "len": file.len() }),
		);
		Ok(())
	}
}
