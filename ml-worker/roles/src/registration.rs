//! Registering a model: announced first, then, when the announcement is old enough, shown. However often the process is
//! interrupted, nothing is announced twice.

use crate::{
	context::{self, Context},
	journal::{Entry, Held, RegistrationEntry},
};
use anyhow::Context as _;
use oda_client::{Announcement, Chain, ChainError, Key, Receipt, View};
use oda_evaluator::ModelSpec;
use oda_primitives::{ModelId, RangeProof, hash};
use serde_json::json;

/// Announces a model, waits until it may be registered, and registers it.
pub async fn register(
	context: &Context,
	chain: &Chain,
	key: &Key,
	spec: &ModelSpec,
	length_proof: &RangeProof,
	parent: Option<ModelId>,
) -> anyhow::Result<Receipt> {
	context.mark_chain(chain).await?;
	let mut held = prepare(context, chain, key, spec)?;
	let mut view = chain.finalised().await?;
	loop {
		let tick = view.tick().await?;
		match announced(&view, key, &held.entry).await? {
			Some(announcement) if tick >= announcement.closes_at => {
				// Too old to be used; its deposit returns.
				chain
					.remove_announcement(key, announcement.commitment)
					.await
					.context("removing an announcement")?;
			}
			Some(announcement) if tick >= announcement.opens_at => {
				let salt = held.entry.salt;
				match chain.register(key, spec, length_proof.clone(), parent, salt).await {
					Ok(receipt) => {
						held.entry.data = None;
						held.save()?;
						return Ok(receipt);
					}
					Err(error) if error.is_final() || error.refusal().is_some() => {
						return Err(error).context("registering the model");
					}
					// A block's tick may be one behind what the state says, say; the next one will do.
					Err(error) => tracing::warn!(%error, "registering is tried again"),
				}
			}
			// On its way to the right age.
			Some(_) => {}
			None => announce(context, chain, key, &held).await?,
		}
		view = chain.finalised_after(view.number()).await?;
	}
}

/// Writes into the journal what an announcement needs, or finds what was written before; nothing is sent.
fn prepare(
	context: &Context,
	chain: &Chain,
	key: &Key,
	spec: &ModelSpec,
) -> anyhow::Result<Held<RegistrationEntry>> {
	let entry = RegistrationEntry {
		genesis: chain.genesis(),
		registrar: key.account().to_string(),
		model: spec.id(),
		salt: context::salt()?,
		data: Some(spec.data.dataset().blob),
	};
	Ok(match context.journal().hold(&entry.name())? {
		Some(held) => held,
		None => context.journal().begin(entry)?,
	})
}

/// What the announcement hides the model behind.
fn commitment(key: &Key, entry: &RegistrationEntry) -> [u8; 32] {
	hash::registration(&entry.genesis, &key.account().0, &entry.model, &entry.salt)
}

/// The announcement as the chain has it.
async fn announced(
	view: &View,
	key: &Key,
	entry: &RegistrationEntry,
) -> Result<Option<Announcement>, ChainError> {
	let commitment = commitment(key, entry);
	let all = view.announcements(&key.account()).await?;
	Ok(all.into_iter().find(|announcement| announcement.commitment == commitment))
}

/// Announces the model; what was sent before an interruption is followed.
async fn announce(
	context: &Context,
	chain: &Chain,
	key: &Key,
	held: &Held<RegistrationEntry>,
) -> anyhow::Result<()> {
	match chain.announce(key, commitment(key, &held.entry)).await {
		Ok(receipt) => {
			let model = format!("0x{}", hex::encode(held.entry.model));
			context.output().event(
				"announced",
				format!(
					"model {model} announced in block {}; it is registered when that is old enough",
					receipt.block
				),
				json!({ "model": model, "receipt": receipt }),
			);
			Ok(())
		}
		Err(error) if error.leaves_open() => {
			tracing::warn!(%error, "whether the announcement is on the chain is not known yet");
			Ok(())
		}
		Err(error) => Err(error).context("announcing the model"),
	}
}
