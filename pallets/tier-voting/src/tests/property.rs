//! Whatever happens in whatever order: tallies are what a model adds up, and no deposit is lost.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PEOPLE: [u64; 5] = [ALICE, BOB, CAROL, DAVE, NOBODY];

#[derive(Clone, Debug)]
enum Step {
	Start(u16),
	End(u32, Option<bool>),
	Vote(u64, u32, bool),
	Retract(u64, u32),
	Forget(u64, u64),
	Poke(u64, u32),
	Delegate(u64, u16, u64),
	Undelegate(u64, u16),
	Tier(u64, u8),
	CatchUp(u64),
}

fn someone() -> impl Strategy<Value = u64> {
	proptest::sample::select(PEOPLE.to_vec())
}

fn tier() -> impl Strategy<Value = u8> {
	prop_oneof![2 => Just(0u8), 6 => 1..5u8, 1 => any::<u8>()]
}

fn step() -> impl Strategy<Value = Step> {
	// Polls are numbered as they start; a step may name one that has not started.
	let poll = || 0..12u32;
	let class = || 0..4u16;
	prop_oneof![
		3 => class().prop_map(|class| Step::Start(class % 3)),
		1 => (poll(), any::<Option<bool>>()).prop_map(|(poll, approved)| Step::End(poll, approved)),
		9 => (someone(), poll(), any::<bool>()).prop_map(|(who, poll, aye)| Step::Vote(who, poll, aye)),
		3 => (someone(), poll()).prop_map(|(who, poll)| Step::Retract(who, poll)),
		2 => (someone(), someone()).prop_map(|(caller, who)| Step::Forget(caller, who)),
		1 => (someone(), poll()).prop_map(|(who, poll)| Step::Poke(who, poll)),
		5 => (someone(), class(), someone()).prop_map(|(who, class, to)| Step::Delegate(who, class, to)),
		3 => (someone(), class()).prop_map(|(who, class)| Step::Undelegate(who, class)),
		4 => (someone(), tier()).prop_map(|(who, tier)| Step::Tier(who, tier)),
		3 => someone().prop_map(Step::CatchUp),
	]
}

/// Who voted how, who delegates to whom, and nothing that is added up.
#[derive(Default)]
struct Model {
	tiers: BTreeMap<u64, u8>,
	/// Those that count.
	counted: BTreeMap<u64, u8>,
	/// The track of each ongoing poll.
	ongoing: BTreeMap<u32, u16>,
	votes: BTreeMap<(u64, u32), bool>,
	delegations: BTreeMap<(u64, u16), u64>,
}

impl Model {
	fn take(&mut self, step: Step) {
		match step {
			Step::Start(class) => {
				if AllPolls::get().len() < 12 {
					self.ongoing.insert(start(class), class);
				}
			}
			Step::End(poll, approved) => {
				if self.ongoing.remove(&poll).is_some() {
					approved.map_or_else(|| cancel(poll), |approved| end(poll, approved));
				}
			}
			Step::Vote(who, poll, aye) => {
				let listed = Voting::votes_of(who);
				let others = listed.iter().filter(|old| old.poll != poll).count();
				let may = self.tiers.get(&who).is_some_and(|tier| *tier > 0)
					&& self.ongoing.get(&poll).is_some_and(|class| !self.delegates(who, *class))
					&& others < MAX_VOTES as usize;
				assert_eq!(vote(who, poll, aye).is_ok(), may);
				if may {
					self.votes.insert((who, poll), aye);
				}
			}
			Step::Retract(who, poll) => {
				let may = self.ongoing.contains_key(&poll) && self.votes.contains_key(&(who, poll));
				assert_eq!(retract(who, poll).is_ok(), may);
				if may {
					self.votes.remove(&(who, poll));
				}
			}
			Step::Forget(caller, who) => {
				let over = |ballot: &Ballot| !self.ongoing.contains_key(&ballot.poll);
				let may = Voting::votes_of(who).iter().any(over);
				assert_eq!(forget(caller, who).is_ok(), may);
			}
			Step::Poke(who, poll) => {
				let poked = dispatch(who, crate::Call::<Test>::poke { poll });
				assert_eq!(poked.is_ok(), self.ongoing.contains_key(&poll));
			}
			Step::Delegate(who, class, to) => {
				let voted = self.votes.keys().any(|(voter, poll)| {
					*voter == who && self.ongoing.get(poll).is_some_and(|other| *other == class)
				});
				let may = class < 3
					&& who != to && !voted
					&& !self.delegates(to, class)
					&& self.delegations.get(&(who, class)) != Some(&to);
				assert_eq!(delegate(who, class, to).is_ok(), may);
				if may {
					self.delegations.insert((who, class), to);
				}
			}
			Step::Undelegate(who, class) => {
				let may = self.delegations.remove(&(who, class)).is_some();
				assert_eq!(undelegate(who, class).is_ok(), may);
			}
			Step::Tier(who, tier) => {
				let behind = self.is_behind(who);
				self.tiers.insert(who, tier);
				let listed = !Voting::votes_of(who).is_empty() || !Voting::delegations_of(who).is_empty();
				if !behind && !listed {
					self.counted.insert(who, tier);
				}
				change_tier(who, tier);
			}
			Step::CatchUp(who) => {
				assert_eq!(catch_up(NOBODY, who).is_ok(), self.is_behind(who));
				self.counted.insert(who, self.tiers.get(&who).copied().unwrap_or_default());
			}
		}
	}

	/// Whether another tier counts than the account's.
	fn is_behind(&self, who: u64) -> bool {
		self.tiers.get(&who).copied().unwrap_or_default()
			!= self.counted.get(&who).copied().unwrap_or_default()
	}

	fn tier(&self, who: u64) -> u32 {
		self.counted.get(&who).copied().unwrap_or_default().into()
	}

	fn delegates(&self, who: u64, class: u16) -> bool {
		self.delegations.contains_key(&(who, class))
	}

	/// Everybody's votes on a poll: each account's tier counts where it votes itself, or where its delegate
	/// votes.
	fn tally(&self, poll: u32, class: u16) -> (u32, u32) {
		let mut sums = (0, 0);
		for who in PEOPLE.into_iter().chain([POOR]) {
			let speaker = self.delegations.get(&(who, class)).copied().unwrap_or(who);
			if self.tier(speaker) == 0 {
				continue;
			}
			match self.votes.get(&(speaker, poll)) {
				Some(true) => sums.0 += self.tier(who),
				Some(false) => sums.1 += self.tier(who),
				None => (),
			}
		}
		sums
	}

	fn check(&self) {
		check();
		for (poll, class) in &self.ongoing {
			assert_eq!(tally(*poll), self.tally(*poll, *class));
		}
		let delegators = self.delegations.keys().map(|(who, _)| *who).collect::<BTreeSet<_>>();
		for who in PEOPLE {
			let votes = if Voting::votes_of(who).is_empty() { 0 } else { VOTES_DEPOSIT };
			let delegations = if delegators.contains(&who) { DELEGATIONS_DEPOSIT } else { 0 };
			assert_eq!(held(who), votes + delegations);
			assert_eq!(Balances::free_balance(who) + held(who), ENDOWMENT);
		}
	}

	/// Ends all polls, forgets all votes and undelegates everything.
	fn finish(mut self) {
		for poll in self.ongoing.keys() {
			end(*poll, true);
		}
		self.ongoing.clear();
		for (who, class) in core::mem::take(&mut self.delegations).into_keys() {
			assert_ok!(undelegate(who, class));
		}
		for who in PEOPLE {
			if !Voting::votes_of(who).is_empty() {
				assert_ok!(forget(ALICE, who));
			}
			assert_eq!((held(who), Balances::free_balance(who)), (0, ENDOWMENT));
		}
		assert_eq!(Delegated::<Test>::iter().count(), 0);
		self.check();
	}
}

proptest! {
	#![proptest_config(ProptestConfig { max_shrink_iters: 2_000, ..ProptestConfig::default() })]

	#[test]
	fn tallies_are_what_a_model_adds_up_and_no_deposit_is_lost(
		steps in proptest::collection::vec(step(), 1..120),
	) {
		ext().execute_with(|| {
			let mut model = Model { tiers: TIERS.into(), counted: TIERS.into(), ..Model::default() };
			for step in steps {
				model.take(step);
				model.check();
			}
			model.finish();
		});
	}
}
