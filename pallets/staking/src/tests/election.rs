//! Who validates.

use super::*;
use polkadot_sdk::frame_support::dispatch::DispatchClass;

#[test]
fn those_with_most_stake_validate() {
	run(|| {
		assert_eq!(Session::validators(), VALIDATORS);
		assert_ok!(bond(Validator, 5, 750_000));
		assert_ok!(delegate(Validator, 4, ALICE, 400_000));
		let expected = vec![(4, 1_000_000), (1, 900_000), (2, 800_000), (5, 750_000)];
		assert_eq!(Staking::next_validators(), expected);
		sessions(1);
		assert!(happened(Event::ValidatorsElected { session: 2, validators: 4 }));
		assert_eq!(Session::validators(), VALIDATORS);
		sessions(1);
		assert_eq!(Session::validators(), [4, 1, 2, 5]);
		Count::set(2);
		sessions(2);
		Count::set(4);
		assert_eq!(Session::validators(), [4, 1]);
	});
}

#[test]
fn of_such_with_as_much_the_lower_account_is_elected() {
	run(|| {
		assert_ok!(bond(Validator, 6, genesis_bond(2)));
		assert_ok!(bond(Validator, 5, genesis_bond(2)));
		let elected: Vec<_> = Staking::next_validators().into_iter().map(|(who, _)| who).collect();
		assert_eq!(elected, [1, 2, 5, 6]);
	});
}

#[test]
fn who_has_no_keys_or_does_not_count_is_not_elected() {
	run(|| {
		assert_ok!(bond(Validator, ALICE, 5_000_000));
		assert_ok!(bond(Validator, 5, 5_000_000));
		assert_ok!(chill(Validator, 5));
		assert_ok!(unbond(Validator, 1, 1, 850_000));
		let elected: Vec<_> = Staking::next_validators().into_iter().map(|(who, _)| who).collect();
		assert_eq!(elected, [2, 3, 4]);
	});
}

#[test]
fn the_old_validators_stay_if_too_few_could_be_elected_and_nothing_else_waits() {
	run(|| {
		assert_ok!(delegate(Validator, 1, ALICE, 100_000));
		assert_ok!(unbond(Validator, 1, ALICE, 50_000));
		for who in [2, 3, 4] {
			assert_ok!(chill(Validator, who));
		}
		sessions(3);
		assert!(happened(Event::ValidatorsStay { session: 4, electable: 1 }));
		assert_eq!(Session::validators(), VALIDATORS);
		// Their stakes are what offences are measured by, as they are now.
		let stakes = Elected::<Test>::get(4).unwrap().into_inner();
		assert_eq!(stakes[0], (1, Exposure { stake: genesis_bond(1) + 50_000 }));
		assert_eq!(stakes[1], (2, Exposure { stake: genesis_bond(2) }));
		// Rewards, offences and unbonding go on.
		assert_eq!(reward(Validator, 2, 10_000), 0);
		equivocates(3, 10);
		pass(1);
		assert_eq!(pool(Validator, 3).own, 630_000);
		pass(TERM);
		assert_ok!(withdraw(Validator, 1, ALICE));
		assert_ok!(unbond(Validator, 4, 4, u64::MAX));
		pass(TERM);
		assert_ok!(withdraw(Validator, 4, 4));
		assert_eq!(Session::validators(), VALIDATORS);
		// As soon as there are enough, they are elected.
		assert_ok!(resume(Validator, 2));
		sessions(2);
		assert_eq!(Session::validators(), [1, 2]);
	});
}

#[test]
fn without_enough_candidates_at_genesis_those_of_the_sessions_stay() {
	genesis(vec![(1, MIN_BOND, COMMISSION)]).execute_with(|| {
		assert_eq!(Session::validators(), VALIDATORS);
		assert_eq!(Elected::<Test>::iter().count(), 0);
		sessions(3);
		assert_eq!(Session::validators(), VALIDATORS);
		assert_ok!(bond(Validator, 7, MIN_BOND));
		sessions(2);
		assert_eq!(Session::validators(), [1, 7]);
		Staking::do_try_state().unwrap();
	});
}

#[test]
fn what_no_report_can_be_about_is_forgotten() {
	run(|| {
		equivocates(4, 10);
		sessions(1);
		assert_eq!(Guilt::<Test>::iter().count(), 1);
		sessions(REPORT_SESSIONS);
		// What was reported last may wait still.
		assert_eq!(Guilt::<Test>::iter().count(), 1);
		sessions(1);
		assert_eq!(Guilt::<Test>::iter().count(), 0);
		sessions(2);
		let current = Session::current_index();
		let mut elected: Vec<_> = Elected::<Test>::iter_keys().collect();
		elected.sort_unstable();
		assert_eq!(elected, [current, current + 1]);
		let range = pallet_session::historical::StoredRange::<Test>::get().unwrap();
		assert_eq!(range, (current - REPORT_SESSIONS, current + 2));
	});
}

#[test]
fn the_end_of_a_session_weighs_what_an_election_does() {
	run(|| {
		pass(1);
		let mandatory = || *System::block_weight().get(DispatchClass::Mandatory);
		let before = mandatory();
		sessions(1);
		let weight = mandatory() - before;
		assert_eq!(weight, <()>::rotate(4));
		assert!(<()>::rotate(5).all_gt(weight));
	});
}

#[test]
fn a_validators_exposure_is_what_was_behind_it_when_it_was_elected() {
	run(|| {
		sessions(2);
		assert_ok!(delegate(Validator, 1, ALICE, 500_000));
		let exposure = || <ExposureNow<Test> as Convert<_, _>>::convert(1);
		assert_eq!(exposure(), Some(Exposure { stake: genesis_bond(1) }));
		sessions(2);
		assert_eq!(exposure(), Some(Exposure { stake: genesis_bond(1) + 500_000 }));
	});
}
