//! Attacks on the runtime as it is composed.

use super::*;
use configs::{
	system::{MAXIMUM_BLOCK_LENGTH, OPERATIONAL_ROOM},
	tokens::{BURNED_FEE, FeesToAuthor},
};
use frame_support::traits::{
	OnUnbalanced,
	fungible::{Balanced, Inspect},
};
use frame_support::weights::Weight;
use sp_consensus_babe::digests::{PreDigest, SecondaryPlainPreDigest};
use sp_runtime::{Digest, DigestItem};
use sp_runtime::{
	traits::DispatchTransaction,
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
};

/// Starts a block that the first of the development chain's validators, Alice, makes.
pub(super) fn begin_authored() -> AccountId {
	let digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index: 0, slot: 1.into() });
	let logs =
		vec![DigestItem::PreRuntime(sp_consensus_babe::BABE_ENGINE_ID, codec::Encode::encode(&digest))];
	System::initialize(&1, &Hash::default(), &Digest { logs });
	let author = Authorship::author().expect("the block has an author");
	assert_eq!(author, Sr25519Keyring::Alice.to_account_id());
	author
}

#[test]
fn an_author_who_fills_its_own_block_should_lose_half_of_the_fees() {
	new_test_ext("development").execute_with(|| {
		let author = begin_authored();
		let (issued, owned) = (Balances::total_issuance(), Balances::balance(&author));
		// What it paid for a block full of its own transactions all came back before.
		let fee = Balances::withdraw(
			&author,
			2 * UNIT + 1,
			frame_support::traits::tokens::Precision::Exact,
			frame_support::traits::tokens::Preservation::Preserve,
			frame_support::traits::tokens::Fortitude::Polite,
		)
		.expect("Alice has it");
		FeesToAuthor::on_unbalanceds(Some(fee).into_iter());
		assert_eq!(owned - Balances::balance(&author), UNIT + 1);
		assert_eq!(issued - Balances::total_issuance(), UNIT + 1);
		assert!(BURNED_FEE.deconstruct() >= 50);
	});
}

#[test]
fn a_tip_should_be_the_authors_whole() {
	new_test_ext("development").execute_with(|| {
		let author = begin_authored();
		let (issued, owned) = (Balances::total_issuance(), Balances::balance(&author));
		let (fee, tip) = (Balances::issue(2 * UNIT), Balances::issue(3 * UNIT));
		FeesToAuthor::on_unbalanceds(Some(fee).into_iter().chain(Some(tip)));
		assert_eq!(Balances::balance(&author) - owned, 4 * UNIT);
		assert_eq!(Balances::total_issuance() - issued, 4 * UNIT);
	});
}

#[test]
fn the_longest_admitted_challenge_should_fit_a_block() {
	let most: u64 = <Runtime as pallet_model_registry::Config>::MaxChallengeBytes::get();
	let length = configs::system::RuntimeBlockLength::get();
	assert_eq!(most, u64::from(OPERATIONAL_ROOM));
	assert!(OPERATIONAL_ROOM < *length.max.get(DispatchClass::Operational));
	assert_eq!(*length.max.get(DispatchClass::Operational), MAXIMUM_BLOCK_LENGTH);
}

/// What the pool says of a signed call, as far as operational room goes.
fn operational(call: impl Into<RuntimeCall>) -> Result<(), TransactionValidityError> {
	let call = call.into();
	let info = call.get_dispatch_info();
	let alice = Sr25519Keyring::Alice.to_account_id();
	let origin = RuntimeOrigin::signed(alice);
	defence::CheckDefence.validate_only(origin, &call, &info, 0, TransactionSource::External, 0).map(|_| ())
}

fn demand() -> RuntimeCall {
	pallet_training::Call::demand { target: pallet_training::Target::Submission(7) }.into()
}

/// A challenge that states nearly all of a block, which nobody but a block's author could send as it is.
fn greedy() -> RuntimeCall {
	pallet_training::Call::challenge {
		submission: 7,
		record: 0,
		challenger: Sr25519Keyring::Alice.to_account_id(),
		salt: [0; 32],
		proof: oda_primitives::RangeProof { start: 0, len: 0, chunks: Vec::new(), siblings: Vec::new() },
		weights: Default::default(),
		cost: Weight::from_parts(1_700_000_000_000, 1 << 62),
	}
	.into()
}

#[test]
fn a_signed_challenge_should_not_reserve_operational_weight() {
	new_test_ext("development").execute_with(|| {
		assert_eq!(greedy().get_dispatch_info().class, DispatchClass::Operational);
		assert_eq!(operational(greedy()), Err(InvalidTransaction::Call.into()));
	});
}

#[test]
fn a_batch_of_operational_calls_should_not_take_operational_room() {
	new_test_ext("development").execute_with(|| {
		for calls in [vec![greedy()], vec![demand(), demand()]] {
			let batch = RuntimeCall::from(pallet_utility::Call::batch { calls });
			assert_eq!(batch.get_dispatch_info().class, DispatchClass::Operational);
			assert_eq!(operational(batch), Err(InvalidTransaction::Call.into()));
		}
	});
}

#[test]
fn a_defence_that_would_fail_should_not_take_operational_room() {
	new_test_ext("development").execute_with(|| {
		use codec::Encode;
		let code = |error: pallet_training::Error<Runtime>| {
			TransactionValidityError::from(InvalidTransaction::Custom(
				error.encode().first().map_or(0, |index| oda_primitives::refusal::TRAINING + index),
			))
		};
		assert_eq!(operational(demand()), Err(code(pallet_training::Error::UnknownSubmission)));
		let commit = pallet_training::Call::commit_challenge { submission: 7, commitment: [0; 32] };
		assert_eq!(operational(commit), Err(code(pallet_training::Error::UnknownSubmission)));
	});
}

#[test]
fn ordinary_transactions_should_be_none_of_its_business() {
	new_test_ext("development").execute_with(|| {
		let remark = frame_system::Call::remark { remark: vec![1] };
		assert_eq!(operational(remark), Ok(()));
	});
}

/// Submission 7, which is being verified.
fn verifying() {
	use pallet_training::{Claim, Phase, Submission, Submissions, Terms};
	let claim = Claim {
		weights: oda_primitives::BlobRef { root: [1; 32], len: 100 },
		score: 0,
		hash: [0; 32],
		revealed_at: 0,
	};
	let phase = Phase::Verifying {
		claim,
		opened_at: 0,
		open_until: 1_000,
		held_until: 0,
		shown: false,
		refuted: false,
	};
	let submission = Submission {
		model: [1; 32],
		trainer: Sr25519Keyring::Eve.to_account_id(),
		commitment: [0; 32],
		committed_at: 0,
		opens_at: 0,
		closes_at: 1_000,
		head_at_commit: None,
		bond: 0,
		terms: Terms { fee: 0, fee_burn: 0, fee_base: 0, answer_window: 1_000, challenge_window: 8 },
		phase,
	};
	Submissions::<Runtime>::insert(7, submission);
}

#[test]
fn a_defence_whose_bond_is_not_there_any_more_once_its_fee_is_paid_should_not_take_operational_room() {
	new_test_ext("development").execute_with(|| {
		verifying();
		let call = demand();
		assert_eq!(operational(call.clone()), Ok(()));
		assert_eq!(operational(call.clone()), Ok(()), "trying it leaves nothing behind");
		// The bond and what an account must have; and a fee to be paid of it.
		let alice = Sr25519Keyring::Alice.to_account_id();
		let (bond, info) =
			(crate::parameters::governed::training::DemandBond::get(), call.get_dispatch_info());
		<Balances as frame_support::traits::fungible::Mutate<_>>::set_balance(&alice, bond);
		let origin = RuntimeOrigin::signed(alice);
		let prepared = sp_runtime::traits::TransactionExtension::prepare(
			defence::CheckDefence,
			(),
			&origin,
			&call,
			&info,
			0,
		);
		assert_eq!(prepared, Err(InvalidTransaction::Payment.into()));
	});
}
