//! The audit sees what is wrong.

use super::*;
use polkadot_sdk::{frame_support::traits::fungible::MutateHold, sp_runtime::DispatchError};

/// What the audit says after `damage` to a chain on which Alice delegates with a validator, in part not any more.
fn damaged(damage: impl FnOnce()) -> &'static str {
	let mut said = "nothing";
	bare_ext().execute_with(|| {
		delegate(Validator, 1, ALICE, 100_000).unwrap();
		unbond(Validator, 1, ALICE, 50_000).unwrap();
		Staking::do_try_state().unwrap();
		damage();
		if let DispatchError::Other(why) = Staking::do_try_state().unwrap_err() {
			said = why;
		}
	});
	said
}

fn of_pool(change: impl FnOnce(&mut PoolOf<Test>)) -> &'static str {
	damaged(|| Pools::<Test>::mutate(Validator, 1, |pool| change(pool.as_mut().unwrap())))
}

fn of_position(change: impl FnOnce(&mut PositionOf<Test>)) -> &'static str {
	damaged(|| {
		Positions::<Test>::mutate(ALICE, (Validator, 1), |position| change(position.as_mut().unwrap()))
	})
}

#[test]
fn wrong_stakes_are_seen() {
	let release = || {
		let reason = HoldReason::ValidatorStake.into();
		let precision = polkadot_sdk::frame_support::traits::tokens::Precision::Exact;
		Balances::release(&reason, &account(Validator, 1), 1, precision).unwrap();
	};
	assert_eq!(damaged(release), "a stake is not what is on hold");
	assert_eq!(of_pool(|pool| pool.active.stake += 1), "a stake is not what is on hold");
	let lost = |pool: &mut PoolOf<Test>| {
		pool.active.stake += pool.leaving.stake;
		pool.leaving.stake = 0;
	};
	assert_eq!(of_pool(lost), "shares of nothing, or stake of nobody");
	assert_eq!(of_pool(|pool| pool.leaving.supply -= 1), "what is leaving has earned");
}

#[test]
fn wrong_shares_are_seen() {
	assert_eq!(of_pool(|pool| pool.active.supply += 1), "the active shares are not those of the positions");
	assert_eq!(of_pool(|pool| pool.leaving.supply += 1), "the leaving shares are not those of the positions");
	assert_eq!(of_pool(|pool| pool.own += 1), "the operator's shares are not those of its position");
	assert_eq!(of_pool(|pool| pool.members += 1), "a pool's positions are miscounted");
	assert_eq!(
		of_position(|position| position.shares.count += 1),
		"the active shares are not those of the positions"
	);
	assert_eq!(of_position(|position| *position = Default::default()), "an empty position is stored");
	assert_eq!(damaged(|| Pools::<Test>::remove(Validator, 1)), "a position in no pool");
}

#[test]
fn wrong_lists_are_seen() {
	assert_eq!(of_pool(|pool| pool.chilled = true), "a chilled candidate is listed");
	assert_eq!(of_pool(|pool| pool.offences = 1), "a pool's offences are miscounted");
	let list = |who: u64| move || ValidatorCandidates::<Test>::try_append(who).unwrap();
	assert_eq!(damaged(list(1)), "a candidate is listed twice");
	assert_eq!(damaged(list(5)), "who is no candidate is listed");
	assert_eq!(damaged(ValidatorCandidates::<Test>::kill), "a candidate for validator is not listed");
	let offence = || Offence {
		offender: 5,
		session: 0,
		exposure: Exposure { stake: 1 },
		fraction: Perbill::one(),
		reporter: None,
	};
	assert_eq!(
		damaged(|| Offences::<Test>::try_append(offence()).unwrap()),
		"an offence of no candidate waits"
	);
	let twice = || {
		Offences::<Test>::try_append(offence()).unwrap();
		Offences::<Test>::try_append(offence()).unwrap();
	};
	assert_eq!(damaged(twice), "two offences of a session wait");
}

#[test]
fn a_pool_that_should_have_ended_is_seen() {
	let over = || {
		bond(Verifier, 5, 100_000).unwrap();
		slash(Verifier, 5, u64::MAX);
		Positions::<Test>::remove(5, (Verifier, 5));
		Pools::<Test>::mutate(Verifier, 5, |pool| pool.as_mut().unwrap().members = 0);
	};
	assert_eq!(damaged(over), "a pool that is over is stored");
}
