//! Registering a model: announced first, then, when the announcement is old enough, shown. However often the process is
//! interrupted, nothing is announced twice.

use crate::{
	context::{self, Context},
	journal::{Entry, Held, RegistrationEntry},
};
use anyhow::Context as _;
use oda_client::{Announcement, Chain, ChainError, Key, LIFETIME, Receipt, View};
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
	let mut held = prepare(context, chain, key, spec)?;
	let mut view = chain.finalised().await?;
	loop {
		let tick = view.tick().await?;
		match announced(&view, key, &held.entry).await? {
			Some(announcement) if tick >= announcement.closes_at => {
				// Too old to be used; its deposit returns.
				held.entry.announcing_until = None;
				held.save()?;
				chain
					.remove_announcement(key, announcement.commitment)
					.await
					.context("removing an announcement")?;
			}
			Some(announcement) if tick >= announcement.opens_at => {
				let salt = held.entry.salt;
				match chain.register(key, spec, length_proof.clone(), parent, salt).await {
					// A block's tick may be one behind what the state says; the next one will do.
					Err(error) if error.is("ModelRegistry", "AnnouncementTooYoung") => {}
					sent => {
						let receipt = sent?;
						held.entry.data = None;
						held.save()?;
						return Ok(receipt);
					}
				}
			}
			// On its way to the right age.
			Some(_) => {}
			// It can still be in a block.
			None if held.entry.announcing_until.is_some_and(|until| view.number() <= until) => {}
			None => announce(context, chain, key, &view, &mut held).await?,
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
		announcing_until: None,
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

async fn announce(
	context: &Context,
	chain: &Chain,
	key: &Key,
	view: &View,
	held: &mut Held<RegistrationEntry>,
) -> anyhow::Result<()> {
	// The transaction is made from a later block than this one, and perhaps more than once.
	held.entry.announcing_until = Some(view.number() + 3 * LIFETIME);
	held.save()?;
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
		// Looked for, and sent again when it cannot come any more.
		Err(error @ (ChainError::Expired(_) | ChainError::NodeAway(_) | ChainError::Node(_))) => {
			tracing::warn!(%error, "whether the announcement is on the chain is not known yet");
			Ok(())
		}
		Err(error) => {
			held.entry.announcing_until = None;
			held.save()?;
			Err(error).context("announcing the model")
		}
	}
}
