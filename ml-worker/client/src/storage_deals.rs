//! Who keeps blobs: keepers, deals and rounds of challenges.

use crate::{
	AccountId, Balance, Call, Chain, ChainError, Key, Receipt, Refusal, View,
	error::node,
	runtime::{self, runtime_types as generated},
	view::{entries, get},
};
use oda_primitives::{
	BlobRef, DealId, ModelId, RangeProof, RoundNumber, Tick, hash, hexadecimal, message,
	storage::challenged_range,
};
use serde::Serialize;
use std::ops::Range;

/// The storage account of a model.
pub fn storage_account(model: &ModelId) -> AccountId {
	AccountId(hash::model_account(model))
}

/// A round of challenges.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Round {
	/// Its number.
	pub number: RoundNumber,
	/// What its challenges are drawn from.
	#[serde(serialize_with = "hexadecimal::serialize")]
	pub seed: [u8; 32],
	/// The tick at which it started.
	pub started_at: Tick,
	/// The tick from which on the next one can start.
	pub ends_at: Tick,
}

/// A bonded keeper.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Keeper {
	/// Who.
	pub account: AccountId,
	/// How many bytes it offers to keep.
	pub capacity: u64,
	/// How many bytes its replicas have.
	pub used: u64,
	/// What is on hold of its funds, and left after losses.
	pub bond: Balance,
	/// How much of the bond is at stake.
	pub staked: Balance,
	/// How many replicas it keeps.
	pub replicas: u32,
	/// The tick from which on it can have its bond back, once it has announced that it leaves.
	pub free_at: Option<Tick>,
}

/// A keeper's promise to answer for a blob.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Replica {
	/// Whose.
	pub keeper: AccountId,
	/// Its pay for each proved round.
	pub price: Balance,
	/// What is left of its stake.
	pub left: Balance,
	/// The first round in which it is challenged.
	pub first: RoundNumber,
	/// The last round that was proved.
	pub proved: Option<RoundNumber>,
	/// The last round of the term that the keeper has agreed to.
	pub until: RoundNumber,
	/// The last round for which the keeper answers, if it leaves.
	pub leaves_after: Option<RoundNumber>,
}

/// An agreement that a blob is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Deal {
	/// Its number.
	pub id: DealId,
	/// The account that pays.
	pub payer: AccountId,
	/// The model whose storage account that is, if the blob is its head's.
	#[serde(serialize_with = "optional_id")]
	pub model: Option<ModelId>,
	/// The blob that is kept.
	pub blob: BlobRef,
	/// The pay that a slot begins with, a proved round.
	pub price: Balance,
	/// The pay that it rises to.
	pub max_price: Balance,
	/// The last round.
	pub until: RoundNumber,
	/// What is on hold of the payer's funds for it.
	pub funds: Balance,
	/// Rounds in which the price of a free replica rises to its most.
	pub raise_rounds: u32,
	/// One for each replica that is asked for.
	pub slots: Vec<Slot>,
}

fn optional_id<S: serde::Serializer>(id: &Option<ModelId>, serializer: S) -> Result<S::Ok, S::Error> {
	id.map(|id| format!("0x{}", hex::encode(id))).serialize(serializer)
}

/// A place in a deal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
	/// Nobody keeps this replica.
	Free {
		/// The round from which on its price rises.
		since: RoundNumber,
	},
	/// Somebody does.
	Kept(Replica),
}

impl Replica {
	/// The last round for which the keeper answers, if the deal does not end before.
	pub fn last(&self) -> RoundNumber {
		self.leaves_after.map_or(self.until, |last| last.min(self.until))
	}
}

impl Slot {
	/// The replica that is kept here.
	pub fn replica(&self) -> Option<&Replica> {
		match self {
			Self::Free { .. } => None,
			Self::Kept(replica) => Some(replica),
		}
	}
}

/// Rounds after the present one in which who takes a replica is challenged for the first time.
const GRACE: RoundNumber = 2;

impl Deal {
	/// The slot and the replica of `keeper`, if it has one.
	pub fn replica_of(&self, keeper: &AccountId) -> Option<(u32, &Replica)> {
		self.slots.iter().zip(0..).find_map(|(slot, number)| {
			slot.replica().filter(|replica| replica.keeper == *keeper).map(|replica| (number, replica))
		})
	}

	/// What whoever takes a replica in `round` is paid for each proved one; `None` if there is none to take, or
	/// the deal ends too soon.
	pub fn pays(&self, round: RoundNumber) -> Option<Balance> {
		let raise_rounds = self.raise_rounds;
		let free = self.slots.iter().filter_map(|slot| match slot {
			Slot::Free { since } => Some(*since),
			Slot::Kept(_) => None,
		});
		let since = free.min().filter(|_| round.saturating_add(GRACE) <= self.until)?;
		let risen = round.saturating_sub(since).min(raise_rounds);
		let span = self.max_price.saturating_sub(self.price);
		let raise = span.saturating_mul(risen.into()).checked_div(raise_rounds.into()).unwrap_or_default();
		Some(self.price.saturating_add(raise))
	}

	/// What `keeper` has to prove in `round`; `None` if it has nothing to, or has done so.
	pub fn challenge(&self, round: &Round, keeper: &AccountId) -> Option<Range<u64>> {
		let (slot, replica) = self.replica_of(keeper)?;
		let over = round.number > self.until || round.number > replica.last();
		if over || round.number < replica.first || replica.proved == Some(round.number) {
			return None;
		}
		let replicas = u32::try_from(self.slots.len()).ok()?;
		Some(challenged_range(&round.seed, self.id, round.number, slot, replicas, &self.blob))
	}
}

fn deal_from(id: DealId, deal: generated::pallet_storage_deals::types::Deal<AccountId, Balance>) -> Deal {
	use generated::pallet_storage_deals::types::Slot as Stored;
	let slots = deal.slots.0.into_iter().map(|slot| match slot {
		Stored::Free { since } => Slot::Free { since },
		Stored::Kept(replica) => Slot::Kept(Replica {
			keeper: replica.keeper,
			price: replica.price,
			left: replica.left,
			first: replica.first,
			proved: replica.proved,
			until: replica.until,
			leaves_after: replica.leaves_after,
		}),
	});
	Deal {
		id,
		payer: deal.payer,
		model: deal.model,
		blob: deal.blob.0,
		price: deal.price,
		max_price: deal.max_price,
		until: deal.until,
		funds: deal.funds,
		raise_rounds: deal.terms.raise_rounds,
		slots: slots.collect(),
	}
}

impl View {
	/// The round that runs.
	pub async fn round(&self) -> Result<Option<Round>, ChainError> {
		let round = get!(self, runtime::storage().storage_deals().current_round(),);
		Ok(round.map(|round| Round {
			number: round.number,
			seed: round.seed,
			started_at: round.started_at,
			ends_at: round.ends_at,
		}))
	}

	/// All deals, by number.
	pub async fn deals(&self) -> Result<Vec<Deal>, ChainError> {
		let mut deals =
			entries!(self, runtime::storage().storage_deals().deals(), |key, deal| deal_from(key.0, deal));
		deals.sort_by_key(|deal| deal.id);
		Ok(deals)
	}

	/// A deal.
	pub async fn deal(&self, id: DealId) -> Result<Option<Deal>, ChainError> {
		Ok(get!(self, runtime::storage().storage_deals().deals(), id).map(|deal| deal_from(id, deal)))
	}

	/// The keepers of the blobs of a root; at most `limit` of them.
	pub async fn keepers_of(&self, root: [u8; 32], limit: usize) -> Result<Vec<AccountId>, ChainError> {
		let address = runtime::storage().storage_deals().keepers_of();
		let mut entries = self.at.storage().iter(address, (root,)).await.map_err(node)?;
		let mut keepers = Vec::new();
		while keepers.len() < limit
			&& let Some(entry) = entries.next().await
		{
			let (_, keeper): ([u8; 32], AccountId) =
				entry.map_err(node)?.key().map_err(node)?.decode().map_err(node)?;
			keepers.push(keeper);
		}
		Ok(keepers)
	}

	/// What a model's storage account has that no deal has on hold.
	pub async fn storage_balance(&self, model: ModelId) -> Result<Balance, ChainError> {
		Ok(self.account(&storage_account(&model)).await?.free)
	}

	/// All keepers.
	pub async fn keepers(&self) -> Result<Vec<Keeper>, ChainError> {
		Ok(entries!(self, runtime::storage().storage_deals().keepers(), |key, keeper| Keeper {
			account: key.0,
			capacity: keeper.capacity,
			used: keeper.used,
			bond: keeper.bond,
			staked: keeper.staked,
			replicas: keeper.replicas,
			free_at: keeper.free_at,
		}))
	}
}

impl Chain {
	/// Becomes a keeper of at most `capacity` bytes.
	pub fn enlist(&self, key: &Key, capacity: u64) -> Call {
		self.submit(key, runtime::transactions().storage_deals().enlist(capacity))
	}

	/// Keeps at most so many bytes from now on.
	pub fn set_capacity(&self, key: &Key, capacity: u64) -> Call {
		self.submit(key, runtime::transactions().storage_deals().set_capacity(capacity))
	}

	/// Takes no more replicas: the first step of leaving the keepers.
	pub fn retire_keeper(&self, key: &Key) -> Call {
		self.submit(key, runtime::transactions().storage_deals().retire())
	}

	/// Leaves the keepers: the second step.
	pub fn withdraw_keeper(&self, key: &Key) -> Call {
		self.submit(key, runtime::transactions().storage_deals().withdraw())
	}

	/// Offers a deal; its number.
	pub fn offer_deal(
		&self,
		key: &Key,
		blob: BlobRef,
		replicas: u8,
		rounds: u32,
		price: Balance,
		max_price: Balance,
	) -> Call<(DealId, Receipt)> {
		let storage = runtime::transactions().storage_deals();
		let call = storage.offer(blob.into(), replicas, rounds, price, max_price);
		self.signed(key, call, |receipt| {
			let event = receipt.find::<runtime::storage_deals::events::DealOffered>()?;
			let event = event.ok_or(ChainError::Missing("the event of a deal"))?;
			Ok((event.deal, receipt))
		})
	}

	/// Ends a deal early.
	pub fn cancel_deal(&self, key: &Key, deal: DealId) -> Call {
		self.submit(key, runtime::transactions().storage_deals().cancel(deal))
	}

	/// Takes a replica of a deal.
	pub fn take_replica(&self, key: &Key, deal: DealId) -> Call {
		self.submit(key, runtime::transactions().storage_deals().take(deal))
	}

	/// Announces to leave a deal.
	pub fn quit_deal(&self, key: &Key, deal: DealId) -> Call {
		self.submit(key, runtime::transactions().storage_deals().quit(deal))
	}

	/// Agrees to keep a replica until its deal's end, after it was renewed.
	pub fn stay_in_deal(&self, key: &Key, deal: DealId) -> Call {
		self.submit(key, runtime::transactions().storage_deals().stay(deal))
	}

	/// Puts money into a model's storage account, from which the blobs of its head are kept.
	pub fn fund_model(&self, key: &Key, model: ModelId, amount: Balance) -> Call {
		self.submit(key, runtime::transactions().storage_deals().fund(model, amount))
	}

	/// Answers a storage challenge: free of charge, authorised by the keeper's signature.
	pub fn prove(&self, key: &Key, deal: DealId, round: RoundNumber, proof: RangeProof) -> Call {
		let message = message::storage_proof(&self.genesis(), deal, round, &proof);
		let signature = generated::sp_runtime::MultiSignature::Sr25519(key.sign(&message));
		let storage = runtime::transactions().storage_deals();
		self.unsigned(storage.prove(deal, round, key.account(), proof.into(), signature), Ok)
	}

	/// Has the answer to a storage challenge in the node's pool, and does not wait for a block to take it:
	/// [`Replica::proved`] shows when one that is final has.
	///
	/// # Errors
	///
	/// [`ChainError::Module`]: why the pallet would not take it now, `AlreadyProved` if a block has it.
	/// [`ChainError::Rejected`]: the node would not, for another reason.
	pub async fn pool_proof(
		&self,
		key: &Key,
		deal: DealId,
		round: RoundNumber,
		proof: RangeProof,
	) -> Result<(), ChainError> {
		match self.prove(key, deal, round, proof).send().await {
			// The pool has one of this keeper, deal and round.
			Err(error) if error.refusal() == Some(Refusal::Outbid) => Ok(()),
			sent => sent.map(|_| ()),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn deal() -> Deal {
		let replica = Replica {
			keeper: AccountId([1; 32]),
			price: 1,
			left: 1,
			first: 5,
			proved: Some(6),
			until: 20,
			leaves_after: Some(8),
		};
		Deal {
			id: 3,
			payer: AccountId([9; 32]),
			model: None,
			blob: BlobRef { root: [7; 32], len: 10_000 },
			price: 1,
			max_price: 2,
			until: 20,
			funds: 100,
			raise_rounds: 4,
			slots: vec![Slot::Free { since: 10 }, Slot::Kept(replica)],
		}
	}

	#[test]
	fn a_challenge_is_of_the_keeper_the_round_and_the_slot() {
		let round = |number| Round { number, seed: [2; 32], started_at: 0, ends_at: 9 };
		let of = |number| deal().challenge(&round(number), &AccountId([1; 32]));
		assert_eq!(of(7), Some(challenged_range(&[2; 32], 3, 7, 1, 2, &deal().blob)));
		assert_eq!(of(4), None, "not yet");
		assert_eq!(of(6), None, "proved");
		assert_eq!(of(9), None, "gone");
		assert_eq!(deal().challenge(&round(7), &AccountId([2; 32])), None);
	}

	#[test]
	fn a_free_slot_pays_more_and_more_until_it_is_too_late_to_take_it() {
		let deal = Deal { price: 100, max_price: 200, ..deal() };
		assert_eq!([9, 10, 11, 14, 18].map(|round| deal.pays(round)), [100, 100, 125, 200, 200].map(Some));
		assert_eq!(deal.pays(19), None);
		let full = Deal { slots: deal.slots[1..].to_vec(), ..deal };
		assert_eq!(full.pays(11), None);
	}
}
