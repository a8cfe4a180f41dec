//! Registering a model, and paying for its storage.

use crate::{
	cli::{Global, ModelName, blob, costs, submit},
	spec_file,
};
use anyhow::{bail, ensure};
use clap::Args;
use oda_blobs::BlobSource;
use oda_client::{Balance, Chain, Key, ModelStatus, View};
use oda_evaluator::ModelSpec;
use oda_primitives::{BlobRef, ModelId, RangeProof};
use oda_roles::{
	amount::{Amount, oda},
	context::Context,
	demand, registration, submission,
};
use serde_json::json;
use std::{path::PathBuf, str::FromStr};

/// What `model register` needs.
#[derive(Debug, Args)]
pub struct ModelRegisterArgs {
	/// The specification file.
	pub spec: PathBuf,
	/// The first weights: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub weights: String,
	/// A registered model that this one descends from.
	#[arg(long, value_name = "ID")]
	pub parent: Option<ModelName>,
	/// What is put into the model's storage account, from which its weights and data are kept, in ODA; 0 for nothing.
	/// If not given, the most that their first term can cost.
	#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
	pub storage: Option<Amount>,
	/// Go on without asking.
	#[arg(long, short)]
	pub yes: bool,
}

/// What `model fund` needs.
#[derive(Debug, Args)]
pub struct ModelFundArgs {
	/// The model's id.
	#[arg(value_name = "ID")]
	pub model: ModelName,
	/// How much, in ODA.
	#[arg(value_parser = Amount::from_str, value_name = "ODA")]
	pub amount: Amount,
}

impl ModelRegisterArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let key = global.signer(context).await?;
		let spec = spec_file::read(&args.spec)?.spec();
		let id = spec.id();
		let weights = blob(context, &args.weights).await?;
		let chain = context.chain().await?;
		if let Some(held) = submission::begun(context, &chain, &key, id, &weights)? {
			context.peers().await?;
			let ended = demand::beside(context, &key, submission::drive(context, &key, held)).await?;
			return submit::report(context, &ended);
		}
		let view = chain.finalised().await?;
		if let Some(ended) = submission::accepted(&view, &key, id, &weights).await? {
			return submit::report(context, &ended);
		}
		let evaluated = submission::evaluate(context, &spec, &weights).await?;
		ensure!(
			spec.graph.param_bytes() <= view.parameters().await?.max_weights_bytes,
			"the weights are too large to be shown to the chain"
		);
		let registered = match view.model(id).await? {
			Some(model) if model.status == ModelStatus::Pending && model.registrar == key.account() => true,
			Some(model) => {
				bail!("the model 0x{} is registered already, by {}", hex::encode(id), model.registrar)
			}
			None => false,
		};
		let parent = match &args.parent {
			Some(parent) => Some(parent.id(context).await?),
			None => None,
		};
		let costs = costs::ask_chain(&view, &spec).await?;
		let mut items = if registered { Vec::new() } else { costs::registration(&costs) };
		items.extend(costs::submission(&costs));
		// A bond more, so that fees are not what it fails for.
		let reserved = costs::sum(&items).saturating_add(costs.bond);
		let storage = args.storage.map(|amount| amount.0);
		let storage = Storage::wanted(&view, &key, &spec, &weights, storage, reserved).await?;
		items.extend(storage.item());
		costs::agree(context, &items, args.yes)?;
		if registered {
			context.output().event(
				"registered",
				"the model is registered; bringing version 0",
				json!({ "model": format!("0x{}", hex::encode(id)) }),
			);
		} else {
			context.obtain(&spec.data.dataset().blob).await?;
			let data = context.store().get(&spec.data.dataset().blob)?;
			let proof = RangeProof::of_end(&data)?;
			let receipt = registration::register(context, &chain, &key, &spec, &proof, parent).await?;
			let model = format!("0x{}", hex::encode(id));
			let text = match &receipt {
				Some(receipt) => format!("model {model} registered in block {}", receipt.block),
				None => format!("model {model} is registered, by what was sent before"),
			};
			context.output().event("registered", text, json!({ "model": model, "receipt": receipt }));
		}
		storage.fund(context, &chain, &key, id).await;
		let held = submission::prepare(context, &key, id, weights, &evaluated).await?;
		context.peers().await?;
		let ended = demand::beside(context, &key, submission::drive(context, &key, held)).await?;
		submit::report(context, &ended)
	}
}

/// What goes into a model's storage account.
struct Storage {
	/// What is missing of what was asked for, or of what the first term of weights and data can cost: after an
	/// interruption, nothing is given twice.
	missing: Balance,
	/// Whether the account has that much beside what the rest takes, or was told to give it.
	spared: bool,
}

impl Storage {
	async fn wanted(
		view: &View,
		key: &Key,
		spec: &ModelSpec,
		weights: &BlobRef,
		amount: Option<Balance>,
		reserved: Balance,
	) -> anyhow::Result<Self> {
		let first_term = view.parameters().await?.first_term(weights, &spec.data.dataset().blob);
		let there = view.storage_balance(spec.id()).await?;
		let missing = amount.unwrap_or(first_term).saturating_sub(there);
		let free = view.account(&key.account()).await?.free;
		Ok(Self { missing, spared: amount.is_some() || free >= missing.saturating_add(reserved) })
	}

	/// What is shown of it.
	fn item(&self) -> Option<costs::Item> {
		let what =
			"for keepers of weights and data, whom the model's storage account pays; it does not come back";
		(self.missing > 0 && self.spared).then(|| costs::Item::new("storage", self.missing, what))
	}

	/// Puts it in. If that fails, or the account cannot spare it, it is said that nobody is paid to keep the model, and
	/// registering goes on.
	async fn fund(&self, context: &Context, chain: &Chain, key: &Key, model: ModelId) {
		if self.missing == 0 {
			return;
		}
		let (missing, named) = (self.missing, format!("0x{}", hex::encode(model)));
		let funded = if self.spared {
			chain.fund_model(key, model, missing).await.map_err(|error| error.to_string())
		} else {
			Err("that is more than the account can spare".to_owned())
		};
		match funded {
			Ok(receipt) => context.output().event(
				"funded",
				format!("{} for keeping the weights and data of model {named}", oda(missing)),
				json!({ "model": named, "amount": missing, "receipt": receipt }),
			),
			Err(error) => context.output().event(
				"not_funded",
				format!(
					"nobody is paid to keep the weights and data of model {named}, which takes {}: {error}; see model fund",
					oda(missing)
				),
				json!({ "model": named, "amount": missing, "error": error }),
			),
		}
	}
}

impl ModelFundArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let (context, args) = (&global.open()?, self);
		let chain = context.chain().await?;
		let receipt = chain
			.fund_model(&global.signer(context).await?, args.model.id(context).await?, args.amount.0)
			.await?;
		context.output().result(format!("funded in block {}", receipt.block), &receipt);
		Ok(())
	}
}
