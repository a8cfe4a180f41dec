//! Whatever happens in whatever order: the invariants hold.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	Good { who: u64, deed: usize, times: u32 },
	Fault { who: u64, deed: usize, times: u32 },
	Served { who: u64, payer: u64, burned: u128 },
	Bond { role: usize, who: u64, amount: u64 },
	Ticks(u64),
	Bump(u64),
	Tidy(Vec<u64>),
	Appeal(u64),
	Resolve { who: u64, upheld: bool },
	Close(u64),
	Deposit(u64),
	Thresholds(u64),
}

const ROLES: [Role; 3] = [Role::Validator, Role::Verifier, Role::Provider];
const GOOD: [Deed; 7] = [
	Deed::Verified(TASK),
	Deed::Accepted(1),
	Deed::Challenged(1),
	Deed::Kept(1),
	Deed::Heartbeat,
	Deed::Voted(1),
	Deed::Audited(TASK),
];
const FAULTS: [Deed; 7] = [
	Deed::Misverified(TASK),
	Deed::Overturned(1),
	Deed::Absent(TASK),
	Deed::ChallengeFailed(1),
	Deed::Missed(1, 3),
	Deed::Misserved(Payment::OneShot(1)),
	Deed::DisputeFailed(Payment::OneShot(1)),
];

fn times() -> impl Strategy<Value = u32> {
	prop_oneof![8 => 1..5u32, 1 => Just(u32::MAX), 1 => Just(0u32)]
}

fn step() -> impl Strategy<Value = Step> {
	let who = ALICE..=BOB;
	prop_oneof![
		6 => (who.clone(), 0..GOOD.len(), times()).prop_map(|(who, deed, times)| Step::Good { who, deed, times }),
		4 => (who.clone(), 0..FAULTS.len(), times())
			.prop_map(|(who, deed, times)| Step::Fault { who, deed, times }),
		3 => (who.clone(), 31..34u64, prop_oneof![9 => 0..500u128, 1 => Just(u128::MAX)])
			.prop_map(|(who, payer, burned)| Step::Served { who, payer, burned }),
		3 => (0..3usize, who.clone(), prop_oneof![9 => 0..700u64, 1 => Just(u64::MAX / 8)])
			.prop_map(|(role, who, amount)| Step::Bond { role, who, amount }),
		4 => prop_oneof![9 => 0..60u64, 1 => Just(100_000u64)].prop_map(Step::Ticks),
		2 => who.clone().prop_map(Step::Bump),
		1 => proptest::collection::vec(31..35u64, 0..5).prop_map(Step::Tidy),
		3 => who.clone().prop_map(Step::Appeal),
		2 => (who.clone(), any::<bool>()).prop_map(|(who, upheld)| Step::Resolve { who, upheld }),
		2 => who.prop_map(Step::Close),
		1 => (0..200u64).prop_map(Step::Deposit),
		1 => (1..2_000u64).prop_map(Step::Thresholds),
	]
}

fn act(step: Step) {
	match step {
		Step::Good { who, deed, times } => Reputation::saw_times(&who, GOOD[deed], times),
		Step::Fault { who, deed, times } => Reputation::saw_times(&who, FAULTS[deed], times),
		Step::Served { who, payer, burned } => Reputation::earned(&who, &payer, burned),
		Step::Bond { role, who, amount } => bond_as(ROLES[role], who, amount),
		Step::Ticks(ticks) => Now::set(Now::get() + ticks),
		Step::Bump(who) => drop(bump(who)),
		Step::Tidy(payers) => {
			assert_ok!(Reputation::tidy(RuntimeOrigin::signed(ALICE), payers.try_into().unwrap()));
		}
		Step::Appeal(who) => drop(Reputation::appeal(RuntimeOrigin::signed(who), REASON)),
		Step::Resolve { who, upheld } => {
			let _ = Reputation::resolve_appeal(RuntimeOrigin::root(), who, upheld);
		}
		Step::Close(who) => drop(Reputation::close_appeal(RuntimeOrigin::signed(BOB), who)),
		Step::Deposit(deposit) => ToHold::set(deposit),
		Step::Thresholds(first) => Steps::set(vec![first, first + first / 2]),
	}
}

/// What the invariants leave out because governance may change it.
fn check() {
	Reputation::do_try_state().unwrap();
	let mut held = 0;
	for who in [ALICE, BOB] {
		let appeal = Appeals::<Test>::get(who);
		held += appeal.map_or(0, |appeal| appeal.deposit);
		assert!(u64::from(tier(who)) <= Reputation::units(&who), "a tier has its bond");
		let Some(entry) = entry(who) else { continue };
		assert!(entry.faults <= SUSPEND_AT, "who has more is suspended, and begins anew");
		assert!(entry.standing != Standing::Good || entry.suspensions < BAN_AFTER, "who is banned stays so");
	}
	let total = Balances::total_balance(&ALICE) + Balances::total_balance(&BOB);
	assert_eq!(total, Balances::total_issuance());
	assert_eq!(total - free_balance(ALICE) - free_balance(BOB), held, "no deposit is forgotten");
	let mut known = std::collections::BTreeMap::new();
	for (who, from, to) in Told::get() {
		assert_eq!(known.insert(who, to).unwrap_or_default(), from, "the watcher misses nothing");
	}
	for who in [ALICE, BOB] {
		assert_eq!(known.get(&who).copied().unwrap_or_default(), tier(who), "and knows what is so");
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

	#[test]
	fn the_invariants_hold_whatever_happens(steps in proptest::collection::vec(step(), 1..120)) {
		ext().execute_with(|| {
			for step in steps {
				act(step);
				check();
			}
		});
	}
}
