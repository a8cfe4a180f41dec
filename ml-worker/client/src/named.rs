//! The blobs that the chain names, kept up to date by its events.

use crate::{
	Chain, ChainError, Target, View,
	error::node,
	runtime::{self, runtime_types as generated},
	view::entries,
};
use generated::{
	pallet_model_registry::pallet::Event as Registry, pallet_storage_deals::pallet::Event as Deals,
	pallet_training::pallet::Event as Training,
};
use oda_primitives::{BlobRef, DealId, ModelId, SubmissionId, VersionId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Blocks whose events are followed; after more of them, everything is read again. Nodes keep the states of the
/// last 256 by default.
const FOLLOWED: u64 = 64;

/// A thing on the chain that names a blob. Of two lengths that are stated for one root the one counts that was
/// proved, or accepted: the things are in that order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Namer {
	/// A model's data.
	Data(ModelId),
	/// A version's weights.
	Version(ModelId, VersionId),
	/// The weights of a live submission.
	Claim(SubmissionId),
	/// What a deal is about.
	Deal(DealId),
	/// A model's card.
	Card(ModelId),
}

/// The blobs that the chain names: data, weights of versions and of live submissions, what deals are about, and cards.
///
/// They are read once; then the events of each final block tell which of them to look at again.
#[derive(Default, Debug)]
pub struct NamedBlobs {
	/// The block up to which this is so, and the runtime's version there.
	at: Option<(u64, u32)>,
	blobs: BTreeMap<Namer, BlobRef>,
}

impl NamedBlobs {
	/// None yet: [`follow`](Self::follow) reads them.
	pub fn new() -> Self {
		Self::default()
	}

	/// The lengths of the blobs, in bytes, by their roots.
	pub fn blobs(&self) -> HashMap<[u8; 32], u64> {
		let mut blobs = HashMap::new();
		for blob in self.blobs.values() {
			blobs.entry(blob.root).or_insert(blob.len);
		}
		blobs
	}

	/// Goes on to the last final block; whether the chain names other blobs than before. After an error, the next
	/// call takes up where this one did.
	pub async fn follow(&mut self, chain: &Chain) -> Result<bool, ChainError> {
		let view = chain.finalised().await?;
		let (number, runtime) = (view.number(), view.at.spec_version());
		let since = match self.at {
			Some((at, of)) if of == runtime && at <= number && number - at <= FOLLOWED => at,
			_ => {
				let blobs = read(&view).await?;
				let changed = blobs != self.blobs;
				*self = Self { at: Some((number, runtime)), blobs };
				return Ok(changed);
			}
		};
		let mut touched = BTreeSet::new();
		for number in since + 1..=number {
			let block = chain.at(number).await?.ok_or(ChainError::Missing("a finalised block"))?;
			touched.extend(block.namers().await?);
		}
		let mut now = Vec::new();
		for namer in touched {
			now.push((namer, view.named_by(namer).await?));
		}
		let mut changed = false;
		for (namer, blob) in now {
			let before = match blob {
				Some(blob) => self.blobs.insert(namer, blob),
				None => self.blobs.remove(&namer),
			};
			changed |= before != blob;
		}
		self.at = Some((number, runtime));
		Ok(changed)
	}
}

/// Everything that names a blob.
async fn read(view: &View) -> Result<BTreeMap<Namer, BlobRef>, ChainError> {
	let storage = runtime::storage();
	let mut blobs = BTreeMap::new();
	blobs.extend(entries!(view, storage.model_registry().specs(), |key, spec| {
		(Namer::Data(key.0), spec.0.data.dataset().blob)
	}));
	blobs.extend(entries!(view, storage.model_registry().versions(), |key, version| {
		(Namer::Version(key.0, key.1), version.weights.0)
	}));
	let submissions = view.submissions().await?;
	let claims = submissions.iter().filter_map(|s| Some((Namer::Claim(s.id), s.claim()?.weights)));
	blobs.extend(claims);
	blobs.extend(view.deals().await?.iter().map(|deal| (Namer::Deal(deal.id), deal.blob)));
	blobs.extend(view.cards().await?.into_iter().map(|(model, card)| (Namer::Card(model), card.blob)));
	Ok(blobs)
}

impl View {
	/// The lengths of all blobs that the chain names, by their roots. Reads whole maps: [`NamedBlobs`] is for whoever
	/// asks more than once.
	pub async fn registered_blobs(&self) -> Result<HashMap<[u8; 32], u64>, ChainError> {
		Ok(NamedBlobs { at: None, blobs: read(self).await? }.blobs())
	}

	/// The blob that something names, if it still does.
	async fn named_by(&self, namer: Namer) -> Result<Option<BlobRef>, ChainError> {
		Ok(match namer {
			Namer::Data(model) => self.spec(model).await?.map(|spec| spec.data.dataset().blob),
			Namer::Version(model, number) => {
				self.version(model, number).await?.map(|version| version.weights)
			}
			Namer::Claim(id) => {
				self.submission(id).await?.as_ref().and_then(|s| s.claim()).map(|claim| claim.weights)
			}
			Namer::Deal(id) => self.deal(id).await?.map(|deal| deal.blob),
			Namer::Card(model) => self.card(model).await?.map(|card| card.blob),
		})
	}

	/// What began or ended in this block that names blobs, and may name others now.
	async fn namers(&self) -> Result<Vec<Namer>, ChainError> {
		let events = self.at.events().fetch().await.map_err(node)?;
		let mut found = Vec::new();
		for event in events.iter() {
			let event = event.map_err(node)?;
			if !["ModelRegistry", "Training", "StorageDeals"].contains(&event.pallet_name()) {
				continue;
			}
			found.extend(namer(event.decode_as::<runtime::Event>().map_err(node)?));
		}
		Ok(found)
	}
}

/// What an event is about, if that names blobs from now on, or no longer. All events are listed, so that a new one
/// is thought about.
fn namer(event: runtime::Event) -> Option<Namer> {
	match event {
		runtime::Event::ModelRegistry(event) => match event {
			Registry::Registered { model, .. } | Registry::Abandoned { model } => Some(Namer::Data(model)),
			Registry::HeadMoved { model, version, .. } => Some(Namer::Version(model, version)),
			// An abandoned model's card goes with an event of its own.
			Registry::CardSet { model, .. } => Some(Namer::Card(model)),
			Registry::Retired { .. }
			| Registry::HeadReverted { .. }
			| Registry::Announced { .. }
			| Registry::AnnouncementRemoved { .. }
			| Registry::Frozen { .. }
			| Registry::Thawed { .. } => None,
		},
		runtime::Event::Training(event) => match event {
			Training::Revealed { submission, .. }
			| Training::Withdrawn { submission, .. }
			| Training::Forfeited { submission, .. }
			| Training::Accepted { submission, .. }
			| Training::Expired { submission, .. }
			| Training::Outdated { submission }
			| Training::Refuted { submission, .. }
			| Training::Overturned { submission, .. } => Some(Namer::Claim(submission)),
			Training::Withheld { target, .. } => match target.into() {
				Target::Submission(submission) => Some(Namer::Claim(submission)),
				Target::Head(_) => None,
			},
			Training::Committed { .. }
			| Training::VerificationStarted { .. }
			| Training::FeePaid { .. }
			| Training::DisputeResolved { .. }
			| Training::ChallengeCommitted { .. }
			| Training::ChallengeCommitmentExpired { .. }
			| Training::ChallengeFailed { .. }
			| Training::BountyPosted { .. }
			| Training::BountyWithdrawn { .. }
			| Training::BountyPaid { .. }
			| Training::BountyDisplaced { .. }
			| Training::ScoresDropped { .. }
			| Training::WeightsForgotten { .. }
			| Training::WeightsDemanded { .. }
			| Training::WeightsPosted { .. } => None,
		},
		runtime::Event::StorageDeals(event) => match event {
			Deals::DealOffered { deal, .. } | Deals::DealEnded { deal, .. } => Some(Namer::Deal(deal)),
			Deals::Enlisted { .. }
			| Deals::CapacitySet { .. }
			| Deals::Retired { .. }
			| Deals::Withdrawn { .. }
			| Deals::RoundStarted { .. }
			| Deals::DealCancelled { .. }
			| Deals::DealRenewed { .. }
			| Deals::ReplicaTaken { .. }
			| Deals::RoundProved { .. }
			| Deals::RoundMissed { .. }
			| Deals::ReplicaLost { .. }
			| Deals::QuitAnnounced { .. }
			| Deals::ReplicaLeft { .. }
			| Deals::RepairOffered { .. }
			| Deals::HeadSkipped { .. }
			| Deals::ModelShort { .. }
			| Deals::ModelFunded { .. }
			| Deals::StayAgreed { .. }
			| Deals::LeftoverBurned { .. } => None,
		},
		_ => None,
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::{Played, event, metadata};
	use codec::Encode;
	use std::time::Duration;

	/// Gives a model a version with these weights, with or without telling of it.
	async fn accept(node: &Played, chain: &Chain, number: VersionId, weights: BlobRef, tells: bool) {
		let view = chain.best().await.unwrap();
		let versions = view.at.storage().entry(runtime::storage().model_registry().versions()).unwrap();
		let key = versions.fetch_key(([1; 32], number)).unwrap();
		let version = ([2u8; 32], weights, 5i64, 6u64, 7u64, None::<u32>);
		let registry = metadata().pallet_by_name("ModelRegistry").unwrap().event_index();
		let event = (registry, 1u8, [1u8; 32], number, [2u8; 32], 5i64);
		let mut state = node.state();
		state.seal();
		let block = state.last();
		block.storage.insert(key, version.encode());
		if tells {
			block.events.push(event.encode());
		}
		let best = state.blocks.len() - 1;
		state.finalised = best;
	}

	/// Names a model's card, or none any more.
	async fn set_card(node: &Played, chain: &Chain, card: Option<BlobRef>) {
		let view = chain.best().await.unwrap();
		let cards = view.at.storage().entry(runtime::storage().model_registry().cards()).unwrap();
		let key = cards.fetch_key(([1; 32],)).unwrap();
		let mut state = node.state();
		state.seal();
		let block = state.last();
		match card {
			Some(blob) => drop(block.storage.insert(key, (blob, [2u8; 32], 0u128).encode())),
			None => drop(block.storage.remove(&key)),
		}
		let given = [("model", [1u8; 32].encode()), ("card", card.encode())];
		block.events.push(event("ModelRegistry", "CardSet", &given));
		let best = state.blocks.len() - 1;
		state.finalised = best;
	}

	#[tokio::test]
	async fn a_card_is_named_until_it_is_removed() {
		let node = Played::start().await;
		let chain = Chain::connect(&node.url, Some(Duration::from_secs(20))).await.unwrap();
		let mut named = NamedBlobs::new();
		named.follow(&chain).await.unwrap();
		for card in [Some(BlobRef::of(b"card")), Some(BlobRef::of(b"another")), None] {
			set_card(&node, &chain, card).await;
			assert!(named.follow(&chain).await.unwrap());
			let expected: Vec<_> = card.iter().map(|blob| (blob.root, blob.len)).collect();
			assert_eq!(named.blobs().into_iter().collect::<Vec<_>>(), expected);
		}
	}

	#[tokio::test]
	async fn maps_are_read_once_and_then_what_events_tell_of() {
		let node = Played::start().await;
		let chain = Chain::connect(&node.url, Some(Duration::from_secs(20))).await.unwrap();
		let [first, second, silent] = [b"first".as_slice(), b"second", b"silent"].map(BlobRef::of);
		accept(&node, &chain, 0, first, true).await;
		let mut named = NamedBlobs::new();
		assert!(named.follow(&chain).await.unwrap());
		assert_eq!(named.blobs(), HashMap::from([(first.root, 5)]));
		let listed = node.state().listed;
		assert!(listed > 0);

		assert!(!named.follow(&chain).await.unwrap());
		accept(&node, &chain, 1, second, true).await;
		node.state().finalise();
		assert!(named.follow(&chain).await.unwrap());
		assert_eq!(named.blobs(), HashMap::from([(first.root, 5), (second.root, 6)]));
		accept(&node, &chain, 2, silent, false).await;
		assert!(!named.follow(&chain).await.unwrap());
		assert_eq!(node.state().listed, listed, "no map was read again");

		// After too many blocks all is read again.
		for _ in 0..=FOLLOWED {
			node.state().finalise();
		}
		assert!(named.follow(&chain).await.unwrap());
		assert_eq!(named.blobs().len(), 3);
		assert!(node.state().listed > listed);
	}
}
