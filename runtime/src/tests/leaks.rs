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
use sp_consensus_babe::digests::{PreDigest, SecondaryPlainPreDigest};
use sp_runtime::{Digest, DigestItem};

/// Starts a block that the first of the development chain's validators, Alice, makes.
fn begin_authored() -> AccountId {
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
