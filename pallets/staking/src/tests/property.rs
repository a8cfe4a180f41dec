//! Whatever is called in whatever order: money is conserved, no stake escapes its guilt, and everybody gets out.

use super::*;
use oda_pallet_traits::Role;
use polkadot_sdk::frame_support::traits::fungible::Inspect;
use proptest::prelude::*;
use std::collections::BTreeMap;

const OPERATORS: [u64; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const ROLES: [Role; 2] = [Validator, Verifier];

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
	Bond(Role, u64, u64, u32),
	BondMore(Role, u64, u64),
	Delegate(Role, u64, u64, u64),
	Unbond(Role, u64, u64, u64),
	Redelegate(Role, u64, u64, u64, u64),
	Withdraw(Role, u64, u64),
	SetCommission(Role, u64, u32),
	Chill(Role, u64),
	Resume(Role, u64),
	Slash(Role, u64, u64),
	Reserve(Role, u64, u64),
	Release(Role, u64, u64),
	Reward(Role, u64, u64),
	/// A validator equivocated so many sessions ago.
	Equivocate(u64, u32, u32),
	Silence(Vec<u64>),
	Pass(u64),
}

fn role() -> impl Strategy<Value = Role> {
	prop::sample::select(ROLES.to_vec())
}

fn operator() -> impl Strategy<Value = u64> {
	prop::sample::select(OPERATORS.to_vec())
}

/// Delegators, and operators, whose own pool it may be.
fn anybody() -> impl Strategy<Value = u64> {
	prop::sample::select(OPERATORS.into_iter().chain(DELEGATORS).chain(DELEGATORS).collect::<Vec<_>>())
}

fn amount() -> impl Strategy<Value = u64> {
	prop_oneof![1 => 0..50u64, 6 => 9_000..300_000u64, 2 => 300_000..3_000_000u64, 1 => Just(u64::MAX)]
}

fn step() -> impl Strategy<Value = Step> {
	prop_oneof![
		3 => (role(), operator(), amount(), 0..60u32).prop_map(|(a, b, c, d)| Step::Bond(a, b, c, d)),
		2 => (role(), operator(), amount()).prop_map(|(a, b, c)| Step::BondMore(a, b, c)),
		8 => (role(), operator(), anybody(), amount()).prop_map(|(a, b, c, d)| Step::Delegate(a, b, c, d)),
		4 => (role(), operator(), anybody(), amount()).prop_map(|(a, b, c, d)| Step::Unbond(a, b, c, d)),
		2 => (role(), operator(), amount()).prop_map(|(a, b, c)| Step::Unbond(a, b, b, c)),
		4 => (role(), operator(), anybody(), operator(), amount())
			.prop_map(|(a, b, c, d, e)| Step::Redelegate(a, b, c, d, e)),
		6 => (role(), operator(), anybody()).prop_map(|(a, b, c)| Step::Withdraw(a, b, c)),
		1 => (role(), operator(), 0..60u32).prop_map(|(a, b, c)| Step::SetCommission(a, b, c)),
		1 => (role(), operator()).prop_map(|(a, b)| Step::Chill(a, b)),
		2 => (role(), operator()).prop_map(|(a, b)| Step::Resume(a, b)),
		3 => (role(), operator(), amount()).prop_map(|(a, b, c)| Step::Slash(a, b, c)),
		2 => (role(), operator(), amount()).prop_map(|(a, b, c)| Step::Reserve(a, b, c)),
		2 => (role(), operator(), amount()).prop_map(|(a, b, c)| Step::Release(a, b, c)),
		3 => (role(), operator(), 0..500_000u64).prop_map(|(a, b, c)| Step::Reward(a, b, c)),
		2 => (operator(), 1..=100u32, 0..6u32).prop_map(|(a, b, c)| Step::Equivocate(a, b, c)),
		1 => prop::collection::vec(operator(), 0..4).prop_map(Step::Silence),
		10 => (1..12u64).prop_map(Step::Pass),
	]
}

/// Whether it was refused is not the question.
fn ignore<T, E>(_: Result<T, E>) {}

/// What the validators of a session had behind them, and what had been taken from each by then.
type Behind = BTreeMap<SessionIndex, Vec<(u64, u64, u64)>>;

#[derive(Default)]
struct Ledger {
	/// What there was at genesis.
	issued: u64,
	/// What was minted as rewards and kept.
	minted: u64,
	/// What was taken from each candidate for validator.
	taken: BTreeMap<u64, u64>,
	burned: u64,
	behind: Behind,
}

impl Ledger {
	fn make(&mut self, step: Step) {
		let signed = RuntimeOrigin::signed;
		match step {
			Step::Bond(role, who, amount, percent) => {
				ignore(Staking::bond(signed(who), role, amount, Perbill::from_percent(percent)));
			}
			Step::BondMore(role, who, amount) => ignore(bond_more(role, who, amount)),
			Step::Delegate(role, operator, who, amount) => ignore(delegate(role, operator, who, amount)),
			Step::Unbond(role, operator, who, amount) => ignore(unbond(role, operator, who, amount)),
			Step::Redelegate(role, operator, who, to, amount) => {
				ignore(redelegate(role, operator, who, to, amount));
			}
			Step::Withdraw(role, operator, who) => ignore(withdraw(role, operator, who)),
			Step::SetCommission(role, who, percent) => ignore(set_commission(role, who, percent)),
			Step::Chill(role, who) => ignore(chill(role, who)),
			Step::Resume(role, who) => ignore(resume(role, who)),
			Step::Slash(role, who, amount) => ignore(Ok::<_, ()>(slash(role, who, amount))),
			Step::Reserve(role, who, amount) => ignore(reserve(role, who, amount)),
			Step::Release(role, who, amount) => release(role, who, amount),
			Step::Reward(role, who, amount) => self.minted += amount - reward(role, who, amount),
			Step::Equivocate(who, percent, ago) => {
				let session = Session::current_index().saturating_sub(ago);
				let behind = self.behind.get(&session).and_then(|all| all.iter().find(|of| of.0 == who));
				if let Some((_, stake, _)) = behind {
					equivocated(&[(who, *stake)], percent, session);
				}
			}
			Step::Silence(who) => Silent::set(who),
			Step::Pass(blocks) => {
				for _ in 0..blocks {
					pass(1);
					self.read();
				}
			}
		}
	}

	/// Reads the events since the last time.
	fn read(&mut self) {
		for event in events() {
			match event {
				Event::Slashed { role, operator, amount, .. } => {
					self.burned += amount;
					if role == Validator {
						*self.taken.entry(operator).or_default() += amount;
					}
				}
				Event::ReporterPaid { amount, .. } => self.burned -= amount,
				Event::DustBurned { amount, .. } => self.burned += amount,
				Event::ValidatorsElected { session, .. } | Event::ValidatorsStay { session, .. } => {
					self.elected(session);
				}
				_ => {}
			}
		}
		System::reset_events();
	}

	/// Notes what is behind the validators of a session that were elected just now.
	fn elected(&mut self, session: SessionIndex) {
		let taken = |who| self.taken.get(&who).copied().unwrap_or_default();
		let elected = Elected::<Test>::get(session).unwrap();
		let all = elected.into_iter().map(|(who, behind)| (who, behind.stake, taken(who))).collect();
		self.behind.insert(session, all);
	}

	fn check(&mut self) {
		Staking::do_try_state().unwrap();
		self.read();
		let issuance = issuance();
		assert_eq!(issuance + self.burned, self.issued + self.minted, "issuance is not what the events say");
		let pools = ROLES.into_iter().flat_map(|role| OPERATORS.map(|who| account(role, who)));
		let everybody = OPERATORS.into_iter().chain(DELEGATORS).chain([POOR]).chain(pools);
		let wealth = |who| <Balances as Inspect<_>>::total_balance(&who);
		assert_eq!(everybody.map(wealth).sum::<u64>(), issuance, "somebody else has something");
		// What was behind a validator is there, or was taken, while it can be found guilty.
		for (session, all) in &self.behind {
			for (who, stake, taken_then) in all.iter().filter(|_| Staking::is_reportable(*session)) {
				let there = Pools::<Test>::get(Validator, who).map_or(0, |pool| pool.total());
				let taken = self.taken.get(who).copied().unwrap_or_default() - taken_then;
				assert!(there + taken >= *stake, "stake of {who} escaped from session {session}");
			}
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig { max_shrink_iters: 1_000, ..ProptestConfig::with_cases(128) })]

	#[test]
	fn any_sequence_keeps_the_state_sound_and_lets_everybody_out(
		steps in prop::collection::vec(step(), 1..150),
	) {
		bare_ext().execute_with(|| {
			// The shortest term that there is.
			Bonding::set(1);
			let mut ledger = Ledger { issued: issuance(), ..Default::default() };
			ledger.elected(0);
			ledger.elected(1);
			for step in steps {
				ledger.make(step);
				ledger.check();
			}
			Silent::set(vec![]);
			for _ in 0..3 {
				ledger.make(Step::Pass(Staking::least_bonding()));
				for (role, operator) in ROLES.into_iter().flat_map(|role| OPERATORS.map(|who| (role, who))) {
					ignore(chill(role, operator));
					release(role, operator, u64::MAX);
					for who in OPERATORS.into_iter().chain(DELEGATORS) {
						ignore(withdraw(role, operator, who));
						ignore(unbond(role, operator, who, u64::MAX));
					}
				}
				ledger.check();
			}
			assert_eq!(Positions::<Test>::iter().collect::<Vec<_>>(), vec![]);
			assert_eq!(Pools::<Test>::iter().collect::<Vec<_>>(), vec![]);
			assert_eq!(ValidatorCandidates::<Test>::get(), vec![]);
			for (role, operator) in ROLES.into_iter().flat_map(|role| OPERATORS.map(|who| (role, who))) {
				assert!(!System::account_exists(&account(role, operator)), "a pool's account stays");
			}
			Bonding::set(TERM);
		});
	}
}
