//! Demands for weights: answering those that this worker can, and taking what others post.
//!
//! Posting is free, and brings nothing but that the weights can be had. So the one whose claim it is answers at once,
//! and the others wait for a while of their own, by account and demand, so that not all upload the same.

use crate::context::Context;
use oda_blobs::{BlobError, BlobSource};
use oda_client::{AccountId, Chain, ChainError, Demand, Key, Target, View};
use oda_primitives::Tick;
use std::{collections::HashMap, convert::Infallible, future::Future};

/// Ticks between two attempts to post the same weights.
const POST_AGAIN: Tick = 8;

/// Blocks back from the last final one whose bodies are looked at after an interruption.
const LOOK_BACK: u64 = 200;

/// Does `work`, and answers demands meanwhile.
pub async fn beside<T>(
	context: &Context,
	key: &Key,
	work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
	tokio::select! {
		done = work => done,
		never = answer(context, key) => match never? {},
	}
}

/// For ever: posts what is demanded and lies in the store, and stores what others have posted.
async fn answer(context: &Context, key: &Key) -> anyhow::Result<Infallible> {
	let chain = context.chain().await?;
	let mut tried: HashMap<Target, Tick> = HashMap::new();
	let mut view = chain.finalised().await?;
	let mut seen = view.number().saturating_sub(1);
	loop {
		seen = take_posted(context, &chain, &view, seen).await?;
		let demands = view.demands().await?;
		tried.retain(|target, _| demands.iter().any(|demand| demand.target == *target));
		for demand in demands {
			post(context, &chain, key, &view, &demand, &mut tried).await?;
		}
		view = chain.finalised_after(view.number()).await?;
	}
}

/// Stores the weights that were posted after block `seen`; the last block that was looked at.
async fn take_posted(context: &Context, chain: &Chain, view: &View, seen: u64) -> anyhow::Result<u64> {
	let from = (seen + 1).max(view.number().saturating_sub(LOOK_BACK));
	for number in from..=view.number() {
		let Some(at) = chain.at(number).await? else { return Ok(number - 1) };
		for (target, weights) in at.posted_weights().await? {
			match context.store().put(&weights) {
				Ok(blob) => {
					tracing::info!(%target, root = hex::encode(blob.root), block = number, "weights were posted");
				}
				// No reason to stop the work that goes on beside.
				Err(error) => tracing::error!(%target, %error, "posted weights cannot be stored"),
			}
		}
	}
	Ok(view.number())
}

/// Posts demanded weights, if they are here and it is this account's turn.
async fn post(
	context: &Context,
	chain: &Chain,
	key: &Key,
	view: &View,
	demand: &Demand,
	tried: &mut HashMap<Target, Tick>,
) -> anyhow::Result<()> {
	let tick = view.tick().await?;
	let again = tried.get(&demand.target).is_none_or(|at| tick >= at.saturating_add(POST_AGAIN));
	let window = view.parameters().await?.demand_window;
	let mine = owner(view, demand.target).await? == Some(key.account());
	let wait = if mine { 0 } else { patience(&key.account(), demand, window / 2) };
	let turn = demand.until.saturating_sub(window).saturating_add(wait);
	if !again || tick < turn || tick.saturating_add(1) >= demand.until {
		return Ok(());
	}
	let weights = match context.store().get(&demand.weights) {
		Ok(weights) => weights,
		Err(BlobError::NotFound(_)) => return Ok(()),
		Err(error) => {
			tracing::error!(target = %demand.target, %error, "the demanded weights cannot be read");
			return Ok(());
		}
	};
	tried.insert(demand.target, tick);
	match chain.post_weights(demand.target, weights).await {
		Ok(receipt) => context.output().event(
			"posted",
			format!("posted the weights of {} in block {}", demand.target, receipt.block),
			serde_json::json!({ "target": demand.target, "receipt": receipt }),
		),
		Err(error @ ChainError::Module { .. }) => {
			tracing::debug!(target = %demand.target, %error, "somebody else was first");
		}
		Err(error) => tracing::warn!(target = %demand.target, %error, "could not post the weights"),
	}
	Ok(())
}

/// Whose claim or version it is.
async fn owner(view: &View, target: Target) -> Result<Option<AccountId>, ChainError> {
	Ok(match target {
		Target::Submission(id) => view.submission(id).await?.map(|submission| submission.trainer),
		Target::Head(id) => match view.model(id).await? {
			Some(model) => view.head(&model).await?.map(|head| head.trainer),
			None => None,
		},
	})
}

/// For how many ticks an account lets others answer first, at most `longest`.
fn patience(account: &AccountId, demand: &Demand, longest: Tick) -> Tick {
	let mut hasher = blake3::Hasher::new();
	hasher.update(&account.0).update(&demand.weights.root).update(&demand.until.to_le_bytes());
	let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
	1 + Tick::from(u32::from_le_bytes([a, b, c, d])) % longest.max(1)
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_primitives::BlobRef;

	#[test]
	fn accounts_wait_for_different_times_within_the_bound() {
		let demand = Demand {
			target: Target::Submission(1),
			who: Some(AccountId([0; 32])),
			bond: 0,
			price: 0,
			weights: BlobRef::of(b"weights"),
			until: 100,
		};
		let waits: Vec<_> = (0..50).map(|i| patience(&AccountId([i; 32]), &demand, 20)).collect();
		assert!(waits.iter().all(|wait| (1..=20).contains(wait)), "{waits:?}");
		assert!(waits.iter().any(|wait| wait != &waits[0]), "{waits:?}");
		assert_eq!(patience(&AccountId([1; 32]), &demand, 0), 1);
	}
}
