//! Who pays itself loses. In each test one person is the trainer, the user, every verifier, every delegator, and the
//! author of every block: nobody could get more out of it.

use super::*;
use polkadot_sdk::frame_support::traits::{fungible::Mutate, tokens::Preservation};
use proptest::prelude::*;

/// What the one person has.
fn everything() -> u64 {
	let verifiers = VERIFIERS.map(|who| wealth(Role::Verifier, who)).into_iter().sum::<u64>();
	verifiers + wealth(Role::Validator, AUTHOR) + balance(TRAINER) + balance(USER)
}

/// A task's fee: some of it is burned, some goes to whoever makes the block, the rest to the verifiers.
#[derive(Clone, Copy, Debug)]
struct Fee {
	burned: u64,
	author: u64,
	verifiers: u64,
}

impl Fee {
	fn pay(self) {
		burn(TRAINER, self.burned);
		let pay = |to: u64, amount: u64| {
			Balances::transfer(&TRAINER, &to, amount, Preservation::Preserve).unwrap();
		};
		pay(AUTHOR, self.author);
		VERIFIERS.into_iter().for_each(|who| pay(who, self.verifiers / 3));
		settled(&VERIFIERS, self.burned);
	}
}

fn fee() -> impl Strategy<Value = Fee> {
	(0..15_000u64, 0..4_000u64, 0..4_000u64).prop_map(|(burned, author, verifiers)| Fee {
		burned,
		author,
		verifiers,
	})
}

/// What the one person has after some blocks, in each of which it may pay itself for a task.
fn after(blocks: &[Option<Fee>], ratio: Perbill) -> u64 {
	ext().execute_with(|| {
		Ratio::set(&ratio);
		period();
		for fee in blocks {
			fee.iter().for_each(|fee| fee.pay());
			block(AUTHOR);
			check();
		}
		everything()
	})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	/// For every ratio up to the whole, with commission, the author's share of fees and its emission counted.
	#[test]
	fn leak_who_verifies_its_own_tasks_never_gains(
		blocks in proptest::collection::vec(proptest::option::of(fee()), 1..40),
		percent in 0..=100u32,
	) {
		let ratio = Perbill::from_percent(percent);
		let honest = after(&vec![None; blocks.len()], ratio);
		let farmed = after(&blocks, ratio);
		let burned = blocks.iter().flatten().map(|fee| fee.burned).sum::<u64>();
		prop_assert!(farmed <= honest);
		// What comes back is no more than the ratio of what was burned.
		prop_assert!(honest - farmed >= burned - ratio.mul_ceil(burned));
	}

	#[test]
	fn leak_who_uses_its_own_weights_loses_half_of_what_it_burns(burned in 0..ENDOWMENT / 2) {
		run(|| {
			period();
			let before = everything();
			burn(USER, burned);
			Emission::used(&TRAINER, burned);
			assert!(before - everything() >= burned / 2);
		});
	}
}

#[test]
fn leak_every_ratio_up_to_the_whole_leaves_no_gain() {
	for percent in 0..=100 {
		let ratio = Perbill::from_percent(percent);
		let fee = Fee { burned: 3_000, author: 500, verifiers: 3_000 };
		let lost = after(&[None], ratio) - after(&[Some(fee)], ratio);
		assert_eq!(lost, 3_000 - u64::from(percent) * 3_000 / 100 / 3 * 3, "at {percent} %");
	}
}

/// At a half, whoever owns every verifier burns twice what is in the pot to empty it, and gets it back once.
#[test]
fn leak_emptying_the_verifiers_pot_costs_as_much_as_is_in_it() {
	run(|| {
		period();
		let (before, held) = (everything(), pot(Pot::Verifiers));
		let fee = Fee { burned: 2 * held, author: 0, verifiers: 0 };
		fee.pay();
		assert_eq!(pot(Pot::Verifiers), 0);
		assert_eq!(before - everything(), held);
		// The next period fills it again for the honest.
		period();
		assert_eq!(pot(Pot::Verifiers), held);
	});
}

/// With the whole given back, emptying the pot is free for whoever owns every verifier: hence a ratio below it.
#[test]
fn at_the_whole_emptying_the_pot_is_free_for_who_owns_every_verifier() {
	run(|| {
		Ratio::set(&Perbill::one());
		period();
		let (before, held) = (everything(), pot(Pot::Verifiers));
		Fee { burned: held, author: 0, verifiers: 0 }.pay();
		assert_eq!(pot(Pot::Verifiers), 0);
		assert_eq!(everything(), before);
	});
}

/// A task that burns much takes no more than its own part, as long as the pot has more.
#[test]
fn a_rich_task_takes_no_more_than_the_ratio_of_what_it_burns() {
	run(|| {
		period();
		let held = pot(Pot::Verifiers);
		Fee { burned: held, author: 0, verifiers: 0 }.pay();
		assert_eq!(pot(Pot::Verifiers), held - held / 2);
	});
}
