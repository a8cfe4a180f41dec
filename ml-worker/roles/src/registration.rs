//! Registering a model: announced first, then, when the announcement is old enough, shown. However often the process is
//! interrupted, nothing is announced twice.

use crate::{
	context::{self, Context},
	journal::{Entry, Held, RegistrationEntry},
};
use anyhow::Context as _;
use oda_client::{Announcement, Chain, ChainError, Key, Receipt, View};
use oda_evaluator::ModelSpec;
use oda_primitives::{ModelId, RangeProof, Tick, hash};
use serde_json::json;

/// What is to be done next for a model that is to be registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
	/// Nothing has been announced.
	Announce,
	/// The announcement is on its way to the right age.
	Wait,
	/// It is old enough.
	Register,
	/// It is too old to be used; its deposit returns.
	Remove,
	/// Nothing: the model is there.
	Done,
}

/// The next step at this tick. Both facts are of one block: a registration uses its announcement up, so that without
/// the one, the other says nothing.
fn step(tick: Tick, registered: bool, announced: Option<&Announcement>) -> Step {
	match announced {
		_ if registered => Step::Done,
		None => Step::Announce,
		Some(announcement) if tick >= announcement.closes_at => Step::Remove,
		Some(announcement) if tick >= announcement.opens_at => Step::Register,
		Some(_) => Step::Wait,
	}
}

/// Announces a model, waits until it may be registered, and registers it. The receipt; nothing if an interrupted
/// process's transaction has registered it meanwhile.
pub async fn register(
	context: &Context,
	chain: &Chain,
	key: &Key,
	spec: &ModelSpec,
	length_proof: &RangeProof,
	parent: Option<ModelId>,
) -> anyhow::Result<Option<Receipt>> {
	context.mark_chain(chain).await?;
	let mut held = prepare(context, chain, key, spec)?;
	let mut view = chain.finalised().await?;
	loop {
		let standing = view.model(held.entry.model).await?;
		let registered = standing.is_some_and(|model| model.registrar == key.account());
		let announced = announced(&view, key, &held.entry).await?;
		match step(view.tick().await?, registered, announced.as_ref()) {
			Step::Announce => announce(context, chain, key, &held).await?,
			Step::Wait => {}
			Step::Register => {
				match chain.register(key, spec, length_proof.clone(), parent, held.entry.salt).await {
					Ok(receipt) => {
						held.entry.data = None;
						held.save()?;
						return Ok(Some(receipt));
					}
					Err(error) if error.is_final() || error.refusal().is_some() => {
						return Err(error).context("registering the model");
					}
					// A block's tick may be one behind what the state says, say; the next one will do.
					Err(error) => tracing::warn!(%error, "registering is tried again"),
				}
			}
			Step::Remove => {
				let commitment = commitment(key, &held.entry);
				chain.remove_announcement(key, commitment).await.context("removing an announcement")?;
			}
			Step::Done => {
				held.entry.data = None;
				held.save()?;
				return Ok(None);
			}
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

#[cfg(test)]
mod tests {
	use super::*;

	const ANNOUNCEMENT: Announcement = Announcement { commitment: [1; 32], opens_at: 10, closes_at: 20 };

	#[test]
	fn what_was_announced_is_registered_when_it_is_old_enough_and_removed_when_it_is_too_old() {
		let at = |tick| step(tick, false, Some(&ANNOUNCEMENT));
		assert_eq!(step(9, false, None), Step::Announce);
		assert_eq!(
			[at(9), at(10), at(19), at(20)],
			[Step::Wait, Step::Register, Step::Register, Step::Remove]
		);
	}

	// Its process was killed after it had sent the registration, which used the announcement up.
	#[test]
	fn a_model_that_is_there_is_not_announced_again() {
		assert_eq!(step(15, true, None), Step::Done);
	}
}
