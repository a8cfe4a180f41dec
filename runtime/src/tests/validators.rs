//! Validators that make two blocks at a time, and such that are away.

use super::*;
use codec::Encode;
use frame_support::{assert_ok, traits::KeyOwnerProofSystem};
use oda_pallet_traits::Role;
use sp_consensus_babe::{
	AuthorityId, AuthoritySignature, BABE_ENGINE_ID, EquivocationProof, KEY_TYPE,
	digests::{PreDigest, SecondaryPlainPreDigest},
};
use sp_runtime::{Digest, DigestItem, traits::Header as _};

/// The first slot after genesis.
const FIRST_SLOT: u64 = 1_000;

fn account(who: Sr25519Keyring) -> AccountId {
	who.to_account_id()
}

/// The head of a block that somebody makes.
fn header(author: Sr25519Keyring, slot: u64, number: BlockNumber, root: Hash) -> Header {
	let index = Session::validators().iter().position(|who| *who == account(author)).expect("it validates");
	let authority_index = u32::try_from(index).expect("there are few");
	let digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index, slot: slot.into() });
	let logs = vec![DigestItem::PreRuntime(BABE_ENGINE_ID, digest.encode())];
	Header::new(number, root, Hash::default(), System::parent_hash(), Digest { logs })
}

/// Alice makes the next block; its slot.
fn block() -> u64 {
	let number = System::block_number().saturating_add(1);
	let slot = FIRST_SLOT.saturating_add(number.into());
	Executive::initialize_block(&header(Sr25519Keyring::Alice, slot, number, Hash::default()));
	let now = pallet_timestamp::Call::set { now: slot.saturating_mul(Babe::slot_duration()) };
	let applied = Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(now.into()));
	applied.expect("valid").expect("the time is set");
	Executive::finalize_block();
	slot
}

/// Alice makes blocks until so many sessions have begun.
fn sessions(number: u32) {
	let until = Session::current_index().saturating_add(number);
	while Session::current_index() < until {
		block();
	}
}

/// What a validator's stake is.
fn stake(who: Sr25519Keyring) -> Balance {
	pallet_oda_staking::Pools::<Runtime>::get(Role::Validator, account(who)).map_or(0, |pool| pool.total())
}

/// A block of Bob's, sealed by it.
fn sealed(slot: u64, root: Hash) -> Header {
	let mut header = header(Sr25519Keyring::Bob, slot, 1_000, root);
	let seal = AuthoritySignature::from(Sr25519Keyring::Bob.sign(header.hash().as_ref()));
	header.digest.push(DigestItem::Seal(BABE_ENGINE_ID, seal.encode()));
	header
}

#[test]
fn a_validator_that_makes_two_blocks_at_a_time_should_lose_of_its_stake_and_validate_no_more() {
	new_test_ext("local_testnet").execute_with(|| {
		sessions(1);
		let (slot, before) = (block(), stake(Sr25519Keyring::Bob));
		assert!(before > 0);
		let offender = AuthorityId::from(Sr25519Keyring::Bob.public());
		let owner = Historical::prove((KEY_TYPE, offender.clone())).expect("it validates");
		let proof = EquivocationProof {
			offender,
			slot: slot.into(),
			first_header: sealed(slot, Hash::repeat_byte(1)),
			second_header: sealed(slot, Hash::repeat_byte(2)),
		};
		let reporter = RuntimeOrigin::signed(account(Sr25519Keyring::Charlie));
		assert_ok!(Babe::report_equivocation(reporter, Box::new(proof), owner));
		// The next session has been planned already; of two validators none is disabled meanwhile.
		block();
		assert!(stake(Sr25519Keyring::Bob) < before, "{} of {before}", stake(Sr25519Keyring::Bob));
		sessions(2);
		assert_eq!(Session::validators(), [account(Sr25519Keyring::Alice)]);
		assert_ok!(Staking::do_try_state());
	});
}

#[test]
fn a_validator_that_is_away_for_a_session_should_stay_one() {
	new_test_ext("local_testnet").execute_with(|| {
		let before = stake(Sr25519Keyring::Bob);
		// The second is the first in which absence can be seen from its start.
		sessions(2);
		let absent = pallet_oda_staking::LastAbsent::<Runtime>::get();
		assert!(absent.encode().windows(32).any(|part| part == Sr25519Keyring::Bob.public().0), "{absent:?}");
		sessions(1);
		assert!(Session::validators().contains(&account(Sr25519Keyring::Bob)));
		assert_eq!(stake(Sr25519Keyring::Bob), before);
	});
}

#[test]
fn a_validator_that_stays_away_should_be_removed() {
	new_test_ext("local_testnet").execute_with(|| {
		sessions(8);
		assert_eq!(Session::validators(), [account(Sr25519Keyring::Alice)]);
	});
}
