//! A trainer or provider who does not play by the rules, for the demo and the scenarios: sends and signs what
//! `ml-worker` refuses to. Prints one JSON object: the submission, and the chain's error or the claim; or where it serves.

mod serve;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use oda_blobs::Store;
use oda_client::{Chain, ChainError, Key};
use oda_evaluator::{Evaluator, ModelSpec, Scores, scores};
use oda_primitives::{BlobRef, ModelId, hash};
use oda_provider::chain::Model;
use serde_json::json;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// How often it is looked whether the commitment can be opened.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What is wrong with the submission, or with the answers.
#[derive(Subcommand)]
enum Trick {
	/// New weights, no better than the head's, with scores claimed that they do not have: as many as the
	/// chain's tests ask for.
	Lie,
	/// The head's own weights, as if they were new.
	Copy,
	/// New weights that are no better than the head's, with their true scores.
	Weak,
	/// Answers of the head's to who pays for them, of which one is wrong.
	Serve(serve::Serve),
}

/// A trainer or provider who does not play by the rules.
#[derive(Parser)]
struct Args {
	/// The node to talk to.
	#[arg(long)]
	node: String,
	/// The account's secret URI.
	#[arg(long)]
	suri: String,
	/// Where the blobs lie.
	#[arg(long)]
	base_path: PathBuf,
	/// The model's id.
	#[arg(long)]
	model: String,
	/// Go by the best chain once the commitment is final, and do not wait until the claim is.
	#[arg(long)]
	hasty: bool,
	/// What to do.
	#[command(subcommand)]
	trick: Trick,
}

/// The true score of every record.
fn true_scores(spec: &ModelSpec, weights: &[u8], data: &[u8]) -> Result<Vec<i32>> {
	let evaluator = Evaluator::new(&spec.graph, weights)?;
	let size = usize::try_from(spec.record_bytes())?;
	data.chunks_exact(size).map(|record| Ok(spec.score_record(&evaluator, record)?)).collect()
}

/// The head's weights with one bit changed, of the first byte whose change leaves the scores no better.
fn tampered(spec: &ModelSpec, head: &[u8], data: &[u8]) -> Result<(Vec<u8>, Vec<i32>)> {
	let best: i32 = true_scores(spec, head, data)?.iter().sum();
	for at in 0..head.len() {
		let mut weights = head.to_vec();
		if let Some(byte) = weights.get_mut(at) {
			*byte ^= 1;
		}
		let scores = true_scores(spec, &weights, data)?;
		if scores.iter().sum::<i32>() <= best {
			return Ok((weights, scores));
		}
	}
	bail!("every change makes the head better");
}

/// Claims wrong records to be right until the list beats the head's.
fn exaggerated(spec: &ModelSpec, mut claims: Vec<i32>, head: &[u8]) -> Result<Vec<u8>> {
	let head = Scores::new(spec.score_kind(), spec.records(), head)?;
	for index in 0..claims.len() {
		if let Some(claim) = claims.get_mut(index) {
			*claim = 1;
		}
		let packed = scores::pack(spec.score_kind(), &claims)?;
		let claimed = Scores::new(spec.score_kind(), spec.records(), &packed)?;
		if spec.objective.compare(&claimed, &head).is_ok() {
			return Ok(packed);
		}
	}
	bail!("even all records right would not beat the head");
}

#[tokio::main]
async fn main() -> Result<()> {
	let args = Args::parse();
	let chain = Chain::connect(&args.node, None).await?;
	let key = Key::from_uri(&args.suri)?;
	let store = Store::open(&args.base_path)?;
	let model: ModelId = oda_blobs::parse_root(&args.model)?;

	let view = chain.finalised().await?;
	let spec = view.spec(model).await?.context("there is no such model")?;
	let registered = view.model(model).await?.context("there is no such model")?;
	let head = view.head(&registered).await?.context("the model has no head")?;
	let head_scores = view.head_scores(model).await?.context("the head has no scores")?;
	let read = |blob: &BlobRef| -> Result<Vec<u8>> { Ok(std::fs::read(store.path(&blob.root))?) };
	let data = read(&spec.data.dataset().blob)?;
	let head_weights = read(&head.weights)?;

	let (weights, claimed) = match args.trick {
		Trick::Serve(serve) => {
			let served = Model {
				graph: Arc::new(spec.graph),
				macs: registered.cost.macs,
				version: head.number,
				weights: head.weights.root,
				score: head.score,
				card: None,
			};
			let folder = args.base_path.join("rogue");
			return serve.run(chain, key, folder, (model, served), head_weights).await;
		}
		Trick::Copy => (head_weights, scores::pack(spec.score_kind(), &vec![1; spec.records() as usize])?),
		Trick::Weak => {
			let (weights, scores) = tampered(&spec, &head_weights, &data)?;
			(weights, scores::pack(spec.score_kind(), &scores)?)
		}
		Trick::Lie => {
			let (weights, scores) = tampered(&spec, &head_weights, &data)?;
			(weights, exaggerated(&spec, scores, &head_scores)?)
		}
	};
	let blob = store.put(&weights)?;
	// This trainer has nothing to hide.
	let salt = hash::tagged("oda/rogue/1", (args.suri.as_bytes(), &blob));
	let commitment = hash::commitment(&chain.genesis(), &model, &key.account(), &blob, &salt);
	let (submission, _) = chain.commit(&key, model, commitment).await?;
	let opens = view.parameters().await?.min_commit_age.saturating_add(1);
	// By ticks: not every block has one.
	let opens_at = chain.best().await?.tick().await?.saturating_add(opens);
	while !args.hasty && chain.finalised().await?.tick().await? < opens_at
		|| chain.best().await?.tick().await? < opens_at
	{
		tokio::time::sleep(LOOK_AGAIN).await;
	}
	let sum = Scores::new(spec.score_kind(), spec.records(), &claimed)?.sum();
	let mut sent = chain.reveal(&key, submission, blob, salt, claimed).send().await?;
	let revealed = if args.hasty { sent.in_block().await } else { sent.finalised().await };
	let result = match revealed {
		Ok(receipt) => json!({ "submission": submission, "claimed": sum, "block": receipt.block }),
		Err(ChainError::Module { pallet, error, .. }) => {
			json!({ "submission": submission, "error": format!("{pallet}::{error}") })
		}
		Err(error) => return Err(error.into()),
	};
	println!("{result}");
	Ok(())
}
