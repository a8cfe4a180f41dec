//! Genesis, and the parameters.

use super::*;
use polkadot_sdk::{frame_support::traits::Hooks, sp_runtime::Perbill};

#[test]
fn genesis_bonds_the_verifiers() {
	run(3, || {
		assert_eq!(Verifiers::<Test>::get().len(), 3);
		for index in 0..3 {
			assert_eq!((bond(index), held(index), open_tasks(index)), (BOND, BOND, 0));
			assert_eq!(Balances::free_balance(key(index)), ENDOWMENT - BOND);
		}
		assert_eq!(Verification::verifier(key(3)), None);
	});
}

#[test]
#[should_panic(expected = "a genesis verifier's bond is below the minimum")]
fn genesis_fails_when_a_bond_is_too_small() {
	with_genesis(vec![(key(0), 699)]);
}

#[test]
#[should_panic(expected = "a genesis verifier is named twice")]
fn genesis_fails_when_a_verifier_is_named_twice() {
	with_genesis(vec![(key(0), BOND), (key(0), BOND)]);
}

#[test]
#[should_panic(expected = "a genesis verifier cannot be bonded")]
fn genesis_fails_when_a_verifier_cannot_pay() {
	with_genesis(vec![(key(0), ENDOWMENT + 1)]);
}

#[test]
#[should_panic(expected = "a genesis verifier cannot be bonded")]
fn genesis_fails_when_there_are_too_many() {
	new_test_ext(0).execute_with(|| {
		use polkadot_sdk::{
			frame_support::traits::{BuildGenesisConfig, fungible::Mutate},
			sp_runtime::AccountId32,
		};
		let verifiers: Vec<_> = (0..9u8).map(|n| (AccountId32::new([n; 32]), BOND)).collect();
		for (who, _) in &verifiers {
			assert_ok!(Balances::mint_into(who, ENDOWMENT));
		}
		crate::GenesisConfig::<Test> { verifiers }.build();
	});
}

#[test]
fn the_parameters_are_sane() {
	new_test_ext(0).execute_with(Verification::integrity_test);
}

#[test]
#[should_panic(expected = "a quorum must be more than two thirds")]
fn the_integrity_test_notices_a_quorum_of_two_thirds() {
	new_test_ext(0).execute_with(|| {
		Quorum::set(Perbill::from_parts(666_666_666));
		Verification::integrity_test();
	});
}

#[test]
#[should_panic(expected = "signing `Valid` must cost something, and no more than the bond")]
fn the_integrity_test_notices_a_slash_above_the_bond() {
	new_test_ext(0).execute_with(|| {
		VerifierSlash::set(701);
		Verification::integrity_test();
	});
}

#[test]
#[should_panic(expected = "accusing must cost something, and no more than the bond")]
fn the_integrity_test_notices_free_accusations() {
	new_test_ext(0).execute_with(|| {
		AccusationSlash::set(0);
		Verification::integrity_test();
	});
}

#[test]
#[should_panic(expected = "staying away must not cost more than lying")]
fn the_integrity_test_notices_absence_dearer_than_lying() {
	new_test_ext(0).execute_with(|| {
		AbsenceSlash::set(402);
		Verification::integrity_test();
	});
}

#[test]
fn the_quorum_is_more_than_two_thirds_and_never_more_than_all() {
	new_test_ext(0).execute_with(|| {
		let quorums: Vec<_> = (1..=9).map(Verification::quorum).collect();
		assert_eq!(quorums, [1, 2, 3, 3, 4, 5, 5, 6, 7]);
	});
}
