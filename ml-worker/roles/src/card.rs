//! Models' cards, from the store or from peers.

use crate::context::Context;
use anyhow::{Context as _, ensure};
use oda_blobs::BlobSource;
use oda_cards::Card;
use oda_client::NamedCard;
use oda_primitives::{MAX_CARD_LEN, ModelId};
use std::{collections::HashMap, time::Duration};
use tokio::task::JoinSet;

/// How many cards are looked for among peers at a time.
const AT_A_TIME: usize = 16;

/// Gets a card, from the store or from peers, and waits for it as [`Context::obtain`] does. Whether it fits its model is
/// for [`Card::check`] to say.
///
/// # Errors
///
/// Those of `obtain`; the blob is no card.
pub async fn fetch(context: &Context, named: &NamedCard) -> anyhow::Result<Card> {
	let (store, blob) = (context.store(), &named.blob);
	// A chain of another runtime may allow more.
	ensure!(blob.len <= MAX_CARD_LEN, "a card has at most {MAX_CARD_LEN} bytes, not {}", blob.len);
	let bytes = match store.get(blob) {
		Ok(bytes) => bytes,
		// Missing, or damaged.
		Err(_) => {
			context.obtain(blob).await?;
			// So that a service deletes it when it is no model's card any more.
			store.mark_passing(&blob.root)?;
			store.get(blob)?
		}
	};
	Card::parse(&bytes).with_context(|| format!("the card {}", hex::encode(blob.root)))
}

/// Gets several models' cards. What is not here is looked for among peers, for `patience` in all.
pub async fn fetch_all(
	context: &Context,
	named: HashMap<ModelId, NamedCard>,
	patience: Duration,
) -> HashMap<ModelId, anyhow::Result<Card>> {
	let until = tokio::time::Instant::now() + patience;
	let mut cards = HashMap::new();
	let mut waiting = named.into_iter();
	let mut fetching = JoinSet::new();
	loop {
		for (model, named) in waiting.by_ref().take(AT_A_TIME.saturating_sub(fetching.len())) {
			let context = context.clone();
			fetching.spawn(async move {
				let card = tokio::time::timeout_at(until, fetch(&context, &named)).await;
				(model, card.unwrap_or_else(|_| Err(anyhow::anyhow!("no peer has given it"))))
			});
		}
		match fetching.join_next().await {
			Some(Ok((model, card))) => drop(cards.insert(model, card)),
			Some(Err(error)) => tracing::error!(%error, "looking for a card"),
			None => return cards,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::context::tests::offline;
	use oda_client::AccountId;
	use oda_primitives::BlobRef;

	const CARD: &[u8] = br#"{"title":"A card","input":"tensor","output":"numbers"}"#;

	fn named(blob: BlobRef) -> NamedCard {
		NamedCard { blob, owner: AccountId([1; 32]) }
	}

	#[tokio::test]
	async fn a_card_in_the_store_is_read_without_a_network() {
		let (_base, context) = offline();
		let blob = context.store().put(CARD).unwrap();
		assert_eq!(fetch(&context, &named(blob)).await.unwrap().title, "A card");
		assert!(!context.store().is_passing(&blob.root), "it was here before");
	}

	#[tokio::test]
	async fn what_is_no_card_is_an_error_by_its_root() {
		let (_base, context) = offline();
		let blob = context.store().put(b"{}").unwrap();
		let error = format!("{:#}", fetch(&context, &named(blob)).await.unwrap_err());
		assert!(error.contains(&hex::encode(blob.root)) && error.contains("no card"), "{error}");
	}

	#[tokio::test]
	async fn what_is_too_long_for_a_card_is_not_looked_for() {
		let (_base, context) = offline();
		let blob = BlobRef { root: [1; 32], len: MAX_CARD_LEN + 1 };
		let error = fetch(&context, &named(blob)).await.unwrap_err().to_string();
		assert!(error.contains("65536"), "{error}");
	}

	#[tokio::test]
	async fn of_several_cards_each_is_read_or_has_its_own_error() {
		let (_base, context) = offline();
		let here = context.store().put(CARD).unwrap();
		let models: HashMap<ModelId, NamedCard> = (0..40u8)
			.map(|n| ([n; 32], named(if n % 2 == 0 { here } else { BlobRef { root: [n; 32], len: 9 } })))
			.collect();
		let cards = fetch_all(&context, models, Duration::from_secs(60)).await;
		assert_eq!(cards.len(), 40);
		assert!(cards.iter().all(|([n, ..], card)| card.is_ok() == (n % 2 == 0)));
	}
}
