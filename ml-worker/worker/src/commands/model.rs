//! Models: specifications, weights files, registration.

use super::{Named, named, submit};
use crate::{
	cli::{
		Global, ModelCommand, ModelExportArgs, ModelFundArgs, ModelImportArgs, ModelInitArgs,
		ModelRandomArgs, ModelRegisterArgs, ModelShowArgs, Template,
	},
	out_file,
	spec_file::{self, SpecFile},
};
use anyhow::{Context as _, bail, ensure};
use oda_blobs::BlobSource;
use oda_client::{Key, Model, ModelStatus, View, storage_account};
use oda_engine::{
	builder::{Built, Conv, GraphBuilder},
	float::Tables,
	quantise::random_weights,
};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, GraphError, ModelSpec, Objective,
	graph::{DType, TensorType},
	model::{Confidence, Metric, TargetSpec},
};
use oda_primitives::{BlobRef, RangeProof};
use oda_roles::{amount::oda, context::Context, demand, registration, submission};
use serde_json::json;

pub(super) async fn run(context: &Context, global: &Global, command: ModelCommand) -> anyhow::Result<()> {
	match command {
		ModelCommand::Init(args) => init(context, args).await,
		ModelCommand::Random(args) => random(context, args).await,
		ModelCommand::Import(args) => import(context, args).await,
		ModelCommand::Export(args) => export(context, args).await,
		ModelCommand::Register(args) => register(context, global, args).await,
		ModelCommand::Fund(args) => fund(context, global, args).await,
		ModelCommand::Show(args) => show(context, args).await,
		ModelCommand::List => list(context).await,
		ModelCommand::Retire { model } => {
			let receipt = context.chain().await?.retire(&super::key(global)?, model.0).await?;
			context.output().result(format!("retired in block {}", receipt.block), &receipt);
			Ok(())
		}
		ModelCommand::Abandon { model } => {
			let receipt = context.chain().await?.abandon(&super::key(global)?, model.0).await?;
			context.output().result(format!("deleted in block {}", receipt.block), &receipt);
			Ok(())
		}
	}
}

/// Two convolutions and a dense layer, for images of 8 × 8.
fn digits() -> Result<Built, GraphError> {
	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [8, 8, 1]);
	let x = stage(&mut b, x, 16)?;
	let x = stage(&mut b, x, 32)?;
	let x = b.flatten(x)?;
	let logits = b.dense(x, 10, DType::I16)?;
	b.build([logits])
}

/// Two convolutions and two dense layers, for images of 28 × 28.
fn mnist() -> Result<Built, GraphError> {
	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [28, 28, 1]);
	let x = stage(&mut b, x, 16)?;
	let x = stage(&mut b, x, 32)?;
	let x = b.flatten(x)?;
	let x = b.dense(x, 64, DType::I8)?;
	let x = b.relu(x)?;
	let logits = b.dense(x, 10, DType::I16)?;
	b.build([logits])
}

/// A convolution, nothing below 0, half the extent.
fn stage(
	b: &mut GraphBuilder,
	x: oda_engine::builder::Value,
	channels: u32,
) -> Result<oda_engine::builder::Value, GraphError> {
	let x = b.conv2d(x, Conv::same(channels, 3), DType::I8)?;
	let x = b.relu(x)?;
	b.max_pool(x, [2, 2], [2, 2])
}

/// One class index a record; wins over the head that are more than chance at the 5 % level.
fn classes() -> Objective {
	Objective {
		metric: Metric::Accuracy,
		target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
		min_improvement: 2,
		confidence: Some(Confidence { p: 384, q: 100 }),
	}
}

async fn init(context: &Context, args: ModelInitArgs) -> anyhow::Result<()> {
	let (graph, tables, mut objective) = match (args.template, &args.graph, &args.objective) {
		(Some(template), ..) => {
			let built = match template {
				Template::Digits => digits()?,
				Template::Mnist => mnist()?,
			};
			(built.graph, built.tables, classes())
		}
		(None, Some(graph), Some(objective)) => {
			(spec_file::json::<Graph>(graph)?, Tables::new(), spec_file::json::<Objective>(objective)?)
		}
		_ => bail!("give --template, or --graph and --objective"),
	};
	if let Some(step) = args.min_improvement {
		objective.min_improvement = step;
	}
	if args.no_confidence {
		objective.confidence = None;
	}
	let blob = context.blob(&args.data).await?;
	let mut spec = ModelSpec { graph, objective, data: DataSource::Fixed(DatasetRef { blob, records: 0 }) };
	let size = spec.record_bytes();
	ensure!(
		size > 0 && blob.len % size == 0,
		"the data has {} bytes, which is no whole number of records of {size}",
		blob.len
	);
	let records = u32::try_from(blob.len / size).context("too many records")?;
	spec.data = DataSource::Fixed(DatasetRef { blob, records });
	let cost = spec.validate()?;
	spec_file::write(&args.out, &SpecFile::new(&spec, tables))?;
	context.output().result(
		format!(
			"model 0x{}\n  {records} records of {size} bytes, {} bytes of weights, {} multiply-accumulates a \
			 record\n  written to {}",
			hex::encode(spec.id()),
			spec.graph.param_bytes(),
			cost.macs,
			args.out.display()
		),
		&json!({
			"model": format!("0x{}", hex::encode(spec.id())),
			"records": records,
			"record_bytes": size,
			"weights_bytes": spec.graph.param_bytes(),
			"cost": cost,
			"file": args.out,
		}),
	);
	Ok(())
}

async fn import(context: &Context, args: ModelImportArgs) -> anyhow::Result<()> {
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

/// Records that random weights are scaled by.
const SAMPLE: usize = 256;

async fn random(context: &Context, args: ModelRandomArgs) -> anyhow::Result<()> {
	let file = spec_file::read(&args.spec)?;
	let spec = file.spec();
	let blob = context.blob(&args.data).await?;
	let data = context.store().get(&blob)?;
	let record = usize::try_from(spec.record_bytes())?;
	let sample = &data[..data.len().min(record * SAMPLE)];
	let weights = random_weights(&spec.graph, &spec.objective, args.seed, &file.tables, sample)?;
	if let Some(out) = &args.out {
		out_file::write(out, &weights[..])?;
	}
	store(context, &weights)
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

async fn export(context: &Context, args: ModelExportArgs) -> anyhow::Result<()> {
	let Named { spec, registered, .. } = named(context, args.spec.as_deref(), args.model.as_ref()).await?;
	let blob = match (&args.weights, registered) {
		(Some(name), _) => context.blob(name).await?,
		(None, Some((view, model))) => view.head(&model).await?.context("the model has no head")?.weights,
		(None, None) => bail!("give --weights"),
	};
	ensure!(blob.len == spec.graph.param_bytes(), "these are not weights of this model");
	context.obtain(&blob).await?;
	let weights = context.store().get(&blob)?;
	let file = oda_engine::files::export_weights(&spec.graph, &weights)?;
	out_file::write(&args.out, &file[..])?;
	context.output().result(
		format!("weights {} to {}", hex::encode(blob.root), args.out.display()),
		&json!({ "weights": blob, "file": args.out, "len": file.len() }),
	);
	Ok(())
}

async fn register(context: &Context, global: &Global, args: ModelRegisterArgs) -> anyhow::Result<()> {
	let key = super::key(global)?;
	let spec = spec_file::read(&args.spec)?.spec();
	let id = spec.id();
	let weights = context.blob(&args.weights).await?;
	let evaluated = submission::evaluate(context, &spec, &weights).await?;
	let chain = context.chain().await?;
	let view = chain.finalised().await?;
	ensure!(
		spec.graph.param_bytes() <= view.parameters().await?.max_weights_bytes,
		"the weights are too large to be shown to the chain"
	);
	match view.model(id).await? {
		Some(model) if model.status == ModelStatus::Pending && model.registrar == key.account() => {
			context.output().event(
				"registered",
				"the model is registered; bringing version 0",
				json!({
					"model": format!("0x{}", hex::encode(id)),
				}),
			);
		}
		Some(model) => bail!("the model 0x{} is registered already, by {}", hex::encode(id), model.registrar),
		None => {
			context.obtain(&spec.data.dataset().blob).await?;
			let data = context.store().get(&spec.data.dataset().blob)?;
			let proof = RangeProof::of_end(&data)?;
			let parent = args.parent.map(|id| id.0);
			let receipt = registration::register(context, &chain, &key, &spec, &proof, parent).await?;
			context.output().event(
				"registered",
				format!("model 0x{} registered in block {}", hex::encode(id), receipt.block),
				json!({ "model": format!("0x{}", hex::encode(id)), "receipt": receipt }),
			);
		}
	}
	keep(context, &key, &spec, &weights, args.storage.map(|amount| amount.0)).await?;
	let held = submission::prepare(context, &key, id, weights, &evaluated).await?;
	context.peers().await?;
	let ended = demand::beside(context, &key, submission::drive(context, &key, held)).await?;
	submit::report(context, &ended)
}

/// Puts what is missing of `amount` into the model's storage account, or of what the first term of its weights and
/// data can cost: after an interruption, nothing is given twice. If the registrar does not have that much beside what
/// submitting takes, it is said that nobody is paid to keep the model, and registering goes on.
async fn keep(
	context: &Context,
	key: &Key,
	spec: &ModelSpec,
	weights: &BlobRef,
	amount: Option<u128>,
) -> anyhow::Result<()> {
	let (chain, id) = (context.chain().await?, spec.id());
	let view = chain.finalised().await?;
	let parameters = view.parameters().await?;
	let wanted = amount.unwrap_or_else(|| parameters.first_term(weights, &spec.data.dataset().blob));
	let missing = wanted.saturating_sub(view.storage_balance(id).await?);
	if missing == 0 {
		return Ok(());
	}
	let named = format!("0x{}", hex::encode(id));
	let reserved = parameters.trainer_bond.saturating_mul(2);
	let free = view.account(&key.account()).await?.free;
	let funded = if amount.is_none() && free < missing.saturating_add(reserved) {
		Err("that is more than the account can spare".to_owned())
	} else {
		chain.fund_model(key, id, missing).await.map_err(|error| error.to_string())
	};
	match funded {
		Ok(receipt) => context.output().event(
			"funded",
			format!("{} for keeping the weights and data of model {named}", oda(missing)),
			json!({ "model": named, "amount": missing.to_string(), "receipt": receipt }),
		),
		Err(error) => context.output().event(
			"not_funded",
			format!(
				"nobody is paid to keep the weights and data of model {named}, which takes {}: {error}; see model fund",
				oda(missing)
			),
			json!({ "model": named, "amount": missing.to_string(), "error": error }),
		),
	}
	Ok(())
}

async fn fund(context: &Context, global: &Global, args: ModelFundArgs) -> anyhow::Result<()> {
	let chain = context.chain().await?;
	let receipt = chain.fund_model(&super::key(global)?, args.model.0, args.amount.0).await?;
	context.output().result(format!("funded in block {}", receipt.block), &receipt);
	Ok(())
}

async fn list(context: &Context) -> anyhow::Result<()> {
	let view = context.chain().await?.finalised().await?;
	for model in view.models().await? {
		let head = view.head(&model).await?;
		let text = format!(
			"0x{} {:8} {}",
			hex::encode(model.id),
			format!("{:?}", model.status).to_lowercase(),
			head.as_ref().map_or_else(
				|| "no head".to_owned(),
				|head| format!(
					"version {} with score {} of {} records",
					head.number, head.score, model.records
				)
			),
		);
		context.output().result(text, &json!({ "model": model, "head": head }));
	}
	Ok(())
}

async fn show(context: &Context, args: ModelShowArgs) -> anyhow::Result<()> {
	let view = context.chain().await?.finalised().await?;
	let id = args.model.0;
	let model = view.model(id).await?.context("there is no such model")?;
	let spec = view.spec(id).await?.context("the model has no specification")?;
	if let Some(path) = &args.spec {
		spec_file::write(path, &SpecFile::new(&spec, Tables::new()))?;
	}
	let mut versions = Vec::new();
	for number in 0..=model.head.unwrap_or_default() {
		versions.extend(view.version(id, number).await?);
	}
	let mut submissions = view.submissions().await?;
	submissions.retain(|submission| submission.model == id);
	let bounties = view.bounties(id).await?;
	let storage = view.storage_balance(id).await?;
	let data = spec.data.dataset();
	let value = json!({
		"model": model,
		"objective": spec.objective,
		"data": { "root": format!("0x{}", hex::encode(data.blob.root)), "len": data.blob.len, "records": data.records },
		"weights_bytes": spec.graph.param_bytes(),
		"nodes": spec.graph.nodes.len(),
		"versions": versions,
		"submissions": submissions,
		"bounties": bounties,
		"storage": { "account": storage_account(&id), "balance": storage.to_string() },
		"verifying": view.verifying(id).await?,
		"queue": view.queue(id).await?,
	});
	let mut text = described(&model, &spec);
	for version in &versions {
		text += &format!(
			"\n  version {}: score {}, weights {}, by {}",
			version.number,
			version.score,
			hex::encode(version.weights.root),
			version.trainer
		);
	}
	for submission in &submissions {
		text += &format!("\n  submission {}: {}", submission.id, phase(&view, submission).await?);
	}
	for bounty in &bounties {
		text +=
			&format!("\n  bounty {}: {} for a score of {}", bounty.id, oda(bounty.amount), bounty.threshold);
	}
	text += &format!("\n  storage account {} has {}", storage_account(&id), oda(storage));
	context.output().result(text, &value);
	Ok(())
}

fn described(model: &Model, spec: &ModelSpec) -> String {
	let data = spec.data.dataset();
	format!(
		"model 0x{}\n  {:?}, registered by {} at tick {}\n  {} nodes, {} bytes of weights, {} multiply-accumulates \
		 a record\n  metric {:?}, at least {} better{}\n  scored on {} records, data {}",
		hex::encode(model.id),
		model.status,
		model.registrar,
		model.registered_at,
		spec.graph.nodes.len(),
		spec.graph.param_bytes(),
		model.cost.macs,
		spec.objective.metric,
		spec.objective.min_improvement,
		if spec.objective.confidence.is_some() { " and more than chance" } else { "" },
		model.records,
		hex::encode(data.blob.root),
	)
}

async fn phase(view: &View, submission: &oda_client::Submission) -> anyhow::Result<String> {
	use oda_client::Phase;
	Ok(match &submission.phase {
		Phase::Committed => format!("committed at tick {}", submission.committed_at),
		Phase::Queued { claim } => format!("waits for its turn, score {}", claim.score),
		Phase::Verifying { claim, answers_until, .. } => {
			let answers = view.task(submission.id).await?.map_or(0, |task| task.answers.len());
			format!("is being verified until tick {answers_until}, score {}, {answers} answers", claim.score)
		}
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_templates_are_valid() {
		for built in [digits().unwrap(), mnist().unwrap()] {
			assert!(built.graph.validate().is_ok());
		}
	}

	#[test]
	fn a_digits_record_is_64_pixels_and_a_class() {
		let spec = ModelSpec {
			graph: digits().unwrap().graph,
			objective: classes(),
			data: DataSource::Fixed(DatasetRef {
				blob: oda_primitives::BlobRef { root: [0; 32], len: 650 },
				records: 10,
			}),
		};
		assert_eq!(spec.record_bytes(), 65);
		assert!(spec.validate().is_ok());
	}

	#[test]
	fn the_digits_template_is_the_model_in_the_repository() {
		let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/digits/model.json");
		let committed = spec_file::read(&path).unwrap();
		assert_eq!(committed.graph, digits().unwrap().graph);
		assert_eq!(committed.objective, classes());
	}
}
