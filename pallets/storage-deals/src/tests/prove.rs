//! Answering challenges.

use super::*;
use oda_primitives::storage::{MAX_CHUNK_SIBLINGS, challenged_range};
use polkadot_sdk::{
	frame_system::RawOrigin,
	sp_runtime::{
		testing::TestSignature,
		transaction_validity::{TransactionValidityError, ValidTransaction},
	},
};

const LEN: usize = 20_000;

/// A deal of which Alice and Bob keep replicas, in the first round in which they are challenged.
fn challenged(test: impl FnOnce(DealId, Vec<u8>)) {
	run(|| {
		let blob = bytes(LEN);
		let deal = offer(&blob, 2, 20);
		assert_ok!(take(ALICE, deal));
		assert_ok!(take(BOB, deal));
		until_round(round() + 2);
		test(deal, blob);
	});
}

/// What the pool says of Alice's proof.
fn pool(
	deal: DealId,
	round: RoundNumber,
	proof: RangeProof,
) -> Result<ValidTransaction, TransactionValidityError> {
	let signature = sign(ALICE, deal, round, &proof);
	authorize(ALICE, deal, round, proof, signature)
}

/// Neither the pool nor a block takes it.
fn assert_refused(deal: DealId, round: RoundNumber, proof: RangeProof, error: Error<Test>) {
	assert_eq!(pool(deal, round, proof.clone()), Err(refused(error)));
}

#[test]
fn a_proved_round_is_paid_at_once_from_the_payers_hold() {
	challenged(|deal, blob| {
		let (hold, funds) = (held(HoldReason::Deal, PAYER), Balances::free_balance(ALICE));
		prove(ALICE, deal, &blob);
		assert_eq!(held(HoldReason::Deal, PAYER), hold - PRICE);
		assert_eq!(Balances::free_balance(ALICE), funds + PRICE);
		assert_eq!(StorageDeals::deal(deal).unwrap().funds, hold - PRICE);
		assert_eq!(replica(ALICE, deal).unwrap().proved, Some(round()));
		assert!(happened(Event::RoundProved { deal, round: round(), keeper: ALICE, paid: PRICE }));
	});
}

#[test]
fn the_challenge_is_the_one_of_the_primitives() {
	challenged(|deal, blob| {
		let Round { number, seed, .. } = StorageDeals::round().unwrap();
		for (slot, who) in [(0, ALICE), (1, BOB)] {
			let range = challenged_range(&seed, deal, number, slot, 2, &BlobRef::of(&blob));
			assert_eq!(StorageDeals::challenge(deal, who), Some((range.start, range.end)));
		}
		assert_ne!(StorageDeals::challenge(deal, ALICE), StorageDeals::challenge(deal, BOB));
	});
}

#[test]
fn a_valid_proof_is_propagated_once_until_the_round_ends() {
	challenged(|deal, blob| {
		pass(3);
		let proof = proof(ALICE, deal, &blob);
		let valid = pool(deal, round(), proof).unwrap();
		assert_eq!((valid.priority, valid.longevity, valid.propagate), (9, 7, true));
		assert!(valid.requires.is_empty());
		let bobs = super::proof(BOB, deal, &blob);
		let signature = sign(BOB, deal, round(), &bobs);
		let other = authorize(BOB, deal, round(), bobs, signature).unwrap();
		assert_ne!(other.provides, valid.provides);
	});
}

#[test]
fn prove_fails_when_the_deal_is_unknown() {
	challenged(|deal, blob| {
		let proof = proof(ALICE, deal, &blob);
		assert_refused(deal + 1, round(), proof.clone(), Error::UnknownDeal);
		assert_noop!(dispatch(ALICE, deal + 1, round(), proof), Error::<Test>::UnknownDeal);
	});
}

#[test]
fn prove_fails_when_the_account_keeps_nothing() {
	challenged(|deal, blob| {
		let proof = proof(ALICE, deal, &blob);
		let signature = sign(CHARLIE, deal, round(), &proof);
		let result = authorize(CHARLIE, deal, round(), proof.clone(), signature);
		assert_eq!(result, Err(refused(Error::NotKept)));
		assert_noop!(dispatch(CHARLIE, deal, round(), proof), Error::<Test>::NotKept);
	});
}

#[test]
fn prove_fails_in_another_round() {
	challenged(|deal, blob| {
		let proof = proof(ALICE, deal, &blob);
		assert_refused(deal, round() + 1, proof.clone(), Error::TooEarly);
		assert_noop!(dispatch(ALICE, deal, round() + 1, proof.clone()), Error::<Test>::TooEarly);
		let over = round();
		until_round(over + 1);
		assert_refused(deal, over, proof.clone(), Error::TooLate);
		assert_noop!(dispatch(ALICE, deal, over, proof), Error::<Test>::TooLate);
	});
}

#[test]
fn prove_fails_before_the_first_challenge() {
	run(|| {
		let blob = bytes(LEN);
		let deal = offer(&blob, 1, 20);
		assert_ok!(take(ALICE, deal));
		let proof = RangeProof::new(&blob, 0..1_024).unwrap();
		for _ in 0..2 {
			assert_eq!(StorageDeals::challenge(deal, ALICE), None);
			assert_refused(deal, round(), proof.clone(), Error::TooEarly);
			assert_noop!(dispatch(ALICE, deal, round(), proof.clone()), Error::<Test>::TooEarly);
			until_round(round() + 1);
		}
		prove(ALICE, deal, &blob);
	});
}

#[test]
fn prove_fails_a_second_time() {
	challenged(|deal, blob| {
		let proof = proof(ALICE, deal, &blob);
		prove(ALICE, deal, &blob);
		assert_eq!(StorageDeals::challenge(deal, ALICE), None);
		assert_refused(deal, round(), proof.clone(), Error::AlreadyProved);
		assert_noop!(dispatch(ALICE, deal, round(), proof), Error::<Test>::AlreadyProved);
	});
}

#[test]
fn prove_fails_when_the_deal_is_over() {
	run(|| {
		SweepDeals::set(0);
		let blob = bytes(LEN);
		let deal = offer(&blob, 1, 2);
		assert_ok!(take(ALICE, deal));
		until_round(round() + 2);
		let proof = proof(ALICE, deal, &blob);
		until_round(round() + 1);
		assert_refused(deal, round(), proof.clone(), Error::DealOver);
		assert_noop!(dispatch(ALICE, deal, round(), proof), Error::<Test>::DealOver);
		assert_ok!(settle(deal));
	});
}

#[test]
fn prove_fails_when_the_replica_is_lost_though_nobody_has_settled() {
	challenged(|deal, blob| {
		SweepDeals::set(0);
		let proof = proof(ALICE, deal, &blob);
		until_round(round() + 3);
		assert_refused(deal, round(), proof.clone(), Error::ReplicaLost);
		assert_noop!(dispatch(ALICE, deal, round(), proof.clone()), Error::<Test>::ReplicaLost);
		assert_ok!(settle(deal));
		assert_refused(deal, round(), proof, Error::NotKept);
	});
}

#[test]
fn prove_fails_when_the_keeper_has_left_though_nobody_has_settled() {
	challenged(|deal, blob| {
		SweepDeals::set(0);
		assert_ok!(quit(ALICE, deal));
		let mut last = proof(ALICE, deal, &blob);
		for _ in 0..=QUIT_ROUNDS {
			last = proof(ALICE, deal, &blob);
			prove(ALICE, deal, &blob);
			until_round(round() + 1);
		}
		assert_refused(deal, round(), last, Error::NotKept);
	});
}

#[test]
fn prove_fails_for_another_chunk() {
	challenged(|deal, blob| {
		let (start, _) = StorageDeals::challenge(deal, BOB).unwrap();
		let other = RangeProof::new(&blob, start..start + 1_024).unwrap();
		assert_refused(deal, round(), other, Error::OtherChunk);
	});
}

#[test]
fn prove_fails_for_a_part_of_the_chunk() {
	challenged(|deal, blob| {
		let (start, end) = StorageDeals::challenge(deal, ALICE).unwrap();
		let part = RangeProof::new(&blob, start..end - 1).unwrap();
		assert_refused(deal, round(), part, Error::OtherChunk);
	});
}

#[test]
fn prove_fails_for_chunks_of_another_length() {
	challenged(|deal, blob| {
		let mut short = proof(ALICE, deal, &blob);
		short.chunks.pop();
		assert_refused(deal, round(), short, Error::ProofChunks);
		let mut long = proof(ALICE, deal, &blob);
		long.chunks.resize(1 << 20, 0);
		assert_refused(deal, round(), long, Error::ProofChunks);
	});
}

#[test]
fn prove_fails_for_too_few_or_too_many_chaining_values() {
	challenged(|deal, blob| {
		let with_siblings = |len| {
			let mut proof = proof(ALICE, deal, &blob);
			proof.siblings.resize(len, [0; 32]);
			proof
		};
		let right = proof(ALICE, deal, &blob).siblings.len();
		for len in [0, right - 1, right + 1, MAX_CHUNK_SIBLINGS as usize + 1, 100_000] {
			assert_refused(deal, round(), with_siblings(len), Error::ProofSiblings);
		}
	});
}

#[test]
fn prove_fails_for_other_bytes() {
	challenged(|deal, blob| {
		let mut altered = proof(ALICE, deal, &blob);
		altered.chunks[7] ^= 1;
		assert_refused(deal, round(), altered, Error::OtherBlob);
		let mut moved = proof(ALICE, deal, &blob);
		moved.siblings[0][0] ^= 1;
		assert_refused(deal, round(), moved, Error::OtherBlob);
	});
}

#[test]
fn prove_fails_when_somebody_else_or_something_else_was_signed() {
	challenged(|deal, blob| {
		let proof = proof(ALICE, deal, &blob);
		let mut other = proof.clone();
		other.start += 1;
		let other_chain = message::storage_proof(&[9; 32], deal, round(), &proof);
		for signature in [
			sign(BOB, deal, round(), &proof),
			sign(ALICE, deal + 1, round(), &proof),
			sign(ALICE, deal, round() + 1, &proof),
			sign(ALICE, deal, round(), &other),
			TestSignature(ALICE, other_chain),
		] {
			let result = authorize(ALICE, deal, round(), proof.clone(), signature);
			assert_eq!(result, Err(InvalidTransaction::BadProof.into()));
		}
	});
}

#[test]
fn prove_fails_when_dispatched_by_an_account_or_nobody() {
	challenged(|deal, blob| {
		let proof = proof(ALICE, deal, &blob);
		let signature = sign(ALICE, deal, round(), &proof);
		for origin in [RawOrigin::Signed(ALICE), RawOrigin::None, RawOrigin::Root] {
			let result =
				StorageDeals::prove(origin.into(), deal, round(), ALICE, proof.clone(), signature.clone());
			assert_noop!(result.map_err(|e| e.error), DispatchError::BadOrigin);
		}
	});
}

#[test]
fn a_blob_of_one_chunk_and_one_of_a_byte_can_be_proved() {
	for len in [1, 1_024, 1_025] {
		run(|| {
			let blob = bytes(len);
			let deal = offer(&blob, 2, 20);
			assert_ok!(take(ALICE, deal));
			assert_ok!(take(BOB, deal));
			for _ in 0..4 {
				until_round(round() + 1);
				if round() >= 3 {
					prove(ALICE, deal, &blob);
					prove(BOB, deal, &blob);
				}
			}
		});
	}
}

#[test]
fn a_payer_may_keep_its_own_blob() {
	run(|| {
		enlist(PAYER, CAPACITY);
		let blob = bytes(10);
		let deal = offer(&blob, 1, 20);
		assert_ok!(take(PAYER, deal));
		until_round(round() + 2);
		prove(PAYER, deal, &blob);
		assert_eq!(wealth(PAYER), ENDOWMENT);
		assert_eq!(held(HoldReason::Deal, PAYER), 20 * MAX_PRICE - PRICE);
	});
}

#[test]
fn every_error_keeps_its_index() {
	use codec::Encode;
	let errors: [Error<Test>; 39] = [
		Error::AlreadyKeeper,
		Error::NotKeeper,
		Error::NoCapacity,
		Error::CapacityInUse,
		Error::Retiring,
		Error::NotRetiring,
		Error::HasReplicas,
		Error::StillUnbonding,
		Error::EmptyBlob,
		Error::BlobTooLong,
		Error::NoReplicas,
		Error::TooManyReplicas,
		Error::TooFewRounds,
		Error::TooManyRounds,
		Error::PriceTooLow,
		Error::MaxPriceBelowPrice,
		Error::TermsTooDear,
		Error::UnknownDeal,
		Error::NotPayer,
		Error::EndsAnyway,
		Error::DealOver,
		Error::TooLateToTake,
		Error::AlreadyKept,
		Error::NoFreeSlot,
		Error::CapacityExceeded,
		Error::BondTooLow,
		Error::NotKept,
		Error::AlreadyQuitting,
		Error::NothingDue,
		Error::TooEarly,
		Error::TooLate,
		Error::AlreadyProved,
		Error::ReplicaLost,
		Error::OtherChunk,
		Error::ProofChunks,
		Error::ProofSiblings,
		Error::OtherBlob,
		Error::NotLeaving,
		Error::ModelNotOpen,
	];
	for (index, error) in errors.iter().enumerate() {
		assert_eq!(error.encode(), [index as u8]);
	}
}
