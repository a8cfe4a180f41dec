//! Whatever happens in whatever order: nothing is created or lost, and the cap holds.

use super::*;
use polkadot_sdk::frame_support::traits::{fungible::Mutate, tokens::Preservation};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	/// Blocks, some of which do not tick.
	Blocks {
		number: u64,
		author: u64,
		ticks: bool,
	},
	/// Ticks without polls.
	Gap {
		ticks: u64,
	},
	Task {
		verifiers: Vec<u64>,
		burned: u64,
	},
	Used {
		trainer: u64,
		burned: u64,
	},
	/// Sends something to the pots' account.
	Gift {
		amount: u64,
	},
	Shares([u32; 4]),
	Ratio(u32),
	Refuse {
		all: Vec<u64>,
		half: Vec<u64>,
	},
	Treasury(u64),
	Migrating(bool),
}

fn someone() -> impl Strategy<Value = u64> {
	prop_oneof![
		4 => Just(AUTHOR),
		4 => proptest::sample::select(VERIFIERS.to_vec()),
		1 => Just(NOBODY),
	]
}

fn people(most: usize) -> impl Strategy<Value = Vec<u64>> {
	proptest::collection::vec(someone(), 0..most)
}

/// What is burned: often little, at times more than any pot has.
fn amount() -> impl Strategy<Value = u64> {
	prop_oneof![0..50u64, 0..5_000u64, 0..200_000u64]
}

fn step() -> impl Strategy<Value = Step> {
	prop_oneof![
		10 => (1..25u64, someone(), prop::bool::weighted(0.9))
			.prop_map(|(number, author, ticks)| Step::Blocks { number, author, ticks }),
		1 => (1..300u64).prop_map(|ticks| Step::Gap { ticks }),
		6 => (people(8), amount()).prop_map(|(verifiers, burned)| Step::Task { verifiers, burned }),
		6 => (someone(), amount()).prop_map(|(trainer, burned)| Step::Used { trainer, burned }),
		1 => amount().prop_map(|amount| Step::Gift { amount }),
		2 => any::<[u32; 4]>().prop_map(Step::Shares),
		1 => any::<u32>().prop_map(Step::Ratio),
		2 => (people(4), people(4)).prop_map(|(all, half)| Step::Refuse { all, half }),
		1 => prop_oneof![Just(TREASURY), Just(NOBODY)].prop_map(Step::Treasury),
		1 => any::<bool>().prop_map(Step::Migrating),
	]
}

struct World {
	genesis: u64,
	burned: u64,
	gifts: u64,
}

impl World {
	/// Burns what a user has; how much it was.
	fn burn(&mut self, amount: u64) -> u64 {
		let amount = amount.min(balance(USER) - ED);
		burn(USER, amount);
		self.burned += amount;
		amount
	}

	fn take(&mut self, step: Step) {
		let before = (pots(), Emission::minted());
		match step {
			Step::Blocks { number, author, ticks: true } => (0..number).for_each(|_| block(author)),
			Step::Blocks { number, author, ticks: false } => (0..number).for_each(|_| {
				<Emission as polkadot_sdk::pallet_authorship::EventHandler<u64, u64>>::note_author(author);
				poll();
			}),
			Step::Gap { ticks } => Now::set(&(Now::get() + ticks)),
			Step::Task { verifiers, burned } => {
				let burned = self.burn(burned);
				settled(&verifiers, burned);
				assert!(before.0 - pots() <= Ratio::get().mul_floor(burned));
				assert_eq!(Emission::minted(), before.1, "paying mints nothing");
			}
			Step::Used { trainer, burned } => {
				let burned = self.burn(burned);
				Emission::used(&trainer, burned);
				assert!(before.0 - pots() <= burned / 2);
				assert_eq!(Emission::minted(), before.1, "paying mints nothing");
			}
			Step::Gift { amount } => {
				let amount = amount.min(balance(USER) - ED);
				if Balances::transfer(&USER, &Emission::account(), amount, Preservation::Preserve).is_ok() {
					self.gifts += amount;
				}
			}
			Step::Shares(parts) => {
				let [authors, verifiers, trainers, treasury] =
					parts.map(|part| Perbill::from_parts(part / 4));
				TestShares::set(&Shares { authors, verifiers, trainers, treasury });
			}
			Step::Ratio(parts) => Ratio::set(&Perbill::from_parts(parts / 4)),
			Step::Refuse { all, half } => {
				Refused::set(&all);
				HalfRefused::set(&half);
			}
			Step::Treasury(who) => Treasury::set(&who),
			Step::Migrating(ongoing) => Migrating::set(&ongoing),
		}
	}

	fn check(&self) {
		Emission::do_try_state().unwrap();
		let minted = Emission::minted();
		assert_eq!(
			Balances::total_issuance() + self.burned,
			self.genesis + minted,
			"nothing else is minted or lost"
		);
		assert!(u128::from(minted) <= Emission::schedule().issued(Now::get()), "no more than is due");
		assert_eq!(balance(Emission::account()), pots() + self.gifts, "the account has what the pots have");
	}
}

proptest! {
	#![proptest_config(ProptestConfig { max_shrink_iters: 2_000, ..ProptestConfig::default() })]

	#[test]
	fn nothing_is_created_or_lost(steps in proptest::collection::vec(step(), 1..120)) {
		ext().execute_with(|| {
			let mut world = World { genesis: Balances::total_issuance(), burned: 0, gifts: 0 };
			for step in steps {
				world.take(step);
				world.check();
			}
		});
	}
}
