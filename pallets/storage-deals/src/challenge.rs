//! Challenges, and the proofs that answer them.

use crate::{pallet::*, types::*, *};
use codec::Encode;
use core::ops::Range;
use oda_primitives::{
	CHUNK_LEN, ProofError, message,
	storage::{INVALID_PROOF, MAX_CHUNK_SIBLINGS, challenged_range},
};
use polkadot_sdk::sp_runtime::{
	traits::{SaturatedConversion, Saturating, Verify},
	transaction_validity::{TransactionValidityError, TransactionValidityWithRefund},
};

impl<T: Config> Pallet<T> {
	/// The bytes that `keeper` may prove for `deal` in `round`, now.
	fn provable(
		id: DealId,
		deal: &DealOf<T>,
		round: RoundNumber,
		keeper: &T::AccountId,
	) -> Result<Range<u64>, Error<T>> {
		let current = CurrentRound::<T>::get().ok_or(Error::<T>::TooEarly)?;
		ensure!(round <= current.number, Error::<T>::TooEarly);
		ensure!(round >= current.number, Error::<T>::TooLate);
		ensure!(round <= deal.until, Error::<T>::DealOver);
		let (slot, replica) = deal
			.slots
			.iter()
			.enumerate()
			.find_map(|(index, slot)| {
				slot.replica().map(|replica| (index, replica)).filter(|(_, r)| r.keeper == *keeper)
			})
			.ok_or(Error::<T>::NotKept)?;
		// What the rounds before this one have come to, whether or not it was written down.
		match replica.fate(deal.settled, round.saturating_sub(1), deal.terms.misses).end {
			Some(End::Lost(_)) => return Err(Error::<T>::ReplicaLost),
			Some(End::Left(_)) => return Err(Error::<T>::NotKept),
			None => {}
		}
		ensure!(round >= replica.first, Error::<T>::TooEarly);
		ensure!(replica.proved != Some(round), Error::<T>::AlreadyProved);
		let replicas = deal.slots.len().saturated_into();
		Ok(challenged_range(&current.seed, id, round, slot.saturated_into(), replicas, &deal.blob))
	}

	/// What `keeper` has to prove for a deal in this round, if it has not.
	pub(crate) fn challenge_of(id: DealId, keeper: &T::AccountId) -> Option<Range<u64>> {
		let deal = Deals::<T>::get(id)?;
		Self::provable(id, &deal, Self::current_round(), keeper).ok()
	}

	/// Whether the proof proves the bytes that were asked for. What is too large is refused before it is hashed.
	fn check_proof(proof: &RangeProof, blob: &BlobRef, range: Range<u64>) -> Result<(), Error<T>> {
		ensure!(proof.chunks.len() as u64 <= CHUNK_LEN, Error::<T>::ProofChunks);
		ensure!(proof.siblings.len() <= MAX_CHUNK_SIBLINGS as usize, Error::<T>::ProofSiblings);
		match proof.verify(blob, range) {
			Ok(_) => Ok(()),
			Err(ProofError::OutOfRange | ProofError::OtherRange | ProofError::NotTheEnd) => {
				Err(Error::<T>::OtherChunk)
			}
			Err(ProofError::ChunkBytes) => Err(Error::<T>::ProofChunks),
			Err(ProofError::SiblingCount) => Err(Error::<T>::ProofSiblings),
			Err(ProofError::RootMismatch) => Err(Error::<T>::OtherBlob),
		}
	}

	/// Whether a proof may enter the pool and the block: the cheap checks first, the signature last.
	pub(crate) fn authorize_prove(
		_source: TransactionSource,
		id: &DealId,
		round: &RoundNumber,
		keeper: &T::AccountId,
		proof: &RangeProof,
		signature: &T::Signature,
	) -> TransactionValidityWithRefund {
		let deal = Deals::<T>::get(id).ok_or(Error::<T>::UnknownDeal).map_err(Self::refusal)?;
		let range = Self::provable(*id, &deal, *round, keeper).map_err(Self::refusal)?;
		Self::check_proof(proof, &deal.blob, range).map_err(Self::refusal)?;
		let bytes = message::storage_proof(&funds::genesis_hash::<T>(), *id, *round, proof);
		if !signature.verify(bytes.as_slice(), keeper) {
			return Err(InvalidTransaction::BadProof.into());
		}
		ValidTransaction::with_tag_prefix("OdaStorage")
			.priority(T::ProvePriority::get())
			.and_provides((keeper, *id, *round))
			.longevity(Self::ticks_left().max(1))
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	/// How long the round still lasts at least.
	fn ticks_left() -> Tick {
		let ends_at = CurrentRound::<T>::get().map_or(0, |round| round.ends_at);
		ends_at.saturating_sub(T::Clock::get())
	}

	/// How the pool says why a proof, or a settlement, is refused.
	pub(crate) fn refusal(error: Error<T>) -> TransactionValidityError {
		let index = error.encode().first().copied().unwrap_or_default();
		InvalidTransaction::Custom(INVALID_PROOF.saturating_add(index)).into()
	}

	/// Records and pays a round that `authorize` found proved.
	pub(crate) fn do_prove(
		id: DealId,
		round: RoundNumber,
		keeper: T::AccountId,
	) -> Result<Weight, DispatchError> {
		let mut deal = Deals::<T>::get(id).ok_or(Error::<T>::UnknownDeal)?;
		Self::provable(id, &deal, round, &keeper)?;
		let due = Self::catch_up(id, &mut deal);
		let weight = Self::due_weight(due, &deal);
		let (_, replica) = Self::replica_mut(&mut deal, &keeper).ok_or(Error::<T>::NotKept)?;
		replica.proved = Some(round);
		replica.misses = 0;
		let price = replica.price;
		T::Evidence::saw(&keeper, Deed::Kept(id));
		let paid = T::Currency::pay_out(HoldReason::Deal, &deal.payer, &keeper, price);
		deal.funds = deal.funds.saturating_sub(paid);
		Deals::<T>::insert(id, deal);
		Self::deposit_event(Event::RoundProved { deal: id, round, keeper, paid });
		Ok(weight)
	}
}
