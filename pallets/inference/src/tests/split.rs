//! Who gets what of a fee.

use super::*;
use polkadot_sdk::sp_runtime::Perbill;
use proptest::prelude::*;

/// A channel pays a fee for a version; what became of it.
fn pay_for(version: VersionId, fee: u64) -> Shared<u64> {
	let id = open(fee.max(MIN_DEPOSIT));
	assert_ok!(claim(vec![voucher_of(VOUCHER_KEY, Voucher { version, ..voucher(id, fee, 1).0 })]));
	match last_event() {
		Some(Event::Claimed { channel, claimed, version: earned, shared }) => {
			assert_eq!((channel, claimed, earned), (id, fee, version));
			shared
		}
		event => panic!("{event:?}"),
	}
}

fn pay(fee: u64) -> Shared<u64> {
	pay_for(0, fee)
}

/// Lets the model descend from models of these trainers, the nearest first.
fn descend(trainers: &[u64]) {
	let mut parent = None;
	for (index, trainer) in trainers.iter().enumerate().rev() {
		Balances::mint_into(trainer, WEALTH).unwrap();
		parent = Some(with_head(spec(100 + index as u8), parent, *trainer));
	}
	pallet_model_registry::Models::<Test>::mutate(model(), |entry| entry.as_mut().unwrap().parent = parent);
}

const SHARES: Shared<u64> =
	Shared { provider: 60, trainer: 20, royalty: 0, author: 3, treasury: 4, storage: 6, burned: 7 };

#[test]
fn every_part_goes_where_it_belongs() {
	run(|| {
		let before = issuance();
		assert_eq!(pay(100), SHARES);
		let gains = [PROVIDER, TRAINER, AUTHOR, TREASURY, STORAGE].map(|who| wealth(who) - WEALTH);
		assert_eq!(gains, [60, 20, 3, 4, 6]);
		assert_eq!(wealth(USER), WEALTH - 100);
		assert_eq!(issuance(), before - 7);
		assert_eq!(Used::get(), [(TRAINER, 7)]);
	});
}

#[test]
fn what_rounding_leaves_is_burned() {
	run(|| {
		let shared = Shared {
			provider: 59,
			trainer: 14 + 4,
			royalty: 0,
			author: 2,
			treasury: 3,
			storage: 5,
			burned: 12,
		};
		assert_eq!(pay(99), shared);
		assert_eq!(Used::get(), [(TRAINER, 12)]);
		// A single planck is burned whole.
		assert_eq!(pay(1), Shared { burned: 1, ..Shared::nothing() });
	});
}

#[test]
fn a_part_of_an_author_whom_nobody_knows_is_the_treasurys() {
	run(|| {
		BlockAuthor::set(None);
		assert_eq!(pay(100), Shared { author: 0, treasury: 4 + 3, ..SHARES });
		assert_eq!((wealth(AUTHOR), wealth(TREASURY)), (WEALTH, WEALTH + 7));
		assert_eq!(Used::get(), [(TRAINER, 7)]);
	});
}

#[test]
fn a_part_that_a_storage_account_cannot_hold_is_the_treasurys() {
	run(|| {
		set_free(STORAGE, 0);
		assert_eq!(pay(100), Shared { storage: 0, treasury: 4 + 6, ..SHARES });
		assert_eq!((wealth(STORAGE), wealth(TREASURY)), (0, WEALTH + 10));
		// Enough for an account to exist.
		assert_eq!(pay(200).storage, 12);
		assert_eq!(wealth(STORAGE), 12);
	});
}

#[test]
fn a_part_that_a_provider_cannot_hold_is_the_treasurys() {
	run(|| {
		Balances::mint_into(&NOBODY, WEALTH).unwrap();
		bond(NOBODY, RECEIPT_SLASH, 0);
		assert_ok!(Inference::set_offer(origin(NOBODY), endpoint(), RECEIPT_KEY, offered(), TERMS, 8));
		assert_ok!(Inference::open(origin(USER), NOBODY, model(), 100, Some(VOUCHER_KEY), TERMS, 500));
		assert_ok!(Inference::remove_offer(origin(NOBODY)));
		set_free(NOBODY, 0);
		assert_ok!(claim(vec![voucher(0, 10, 1)]));
		assert_eq!((wealth(NOBODY), wealth(TREASURY)), (0, WEALTH + 6));
		assert_ok!(claim(vec![voucher(0, 100, 2)]));
		assert_eq!(wealth(NOBODY), 54);
	});
}

#[test]
fn what_the_treasury_cannot_hold_is_burned_and_nobody_earns_by_that() {
	run(|| {
		let before = issuance();
		set_free(TREASURY, 0);
		assert_eq!(pay(100), Shared { treasury: 0, burned: 7 + 4, ..SHARES });
		assert_eq!(issuance(), before - WEALTH - 11);
		assert_eq!(Used::get(), [(TRAINER, 7)]);
	});
}

#[test]
fn a_trainer_has_the_royalty_of_a_model_that_descends_from_none() {
	run(|| {
		let shared = pay(1_000);
		assert_eq!((shared.trainer, shared.royalty), (150 + 50, 0));
	});
}

#[test]
fn a_parents_trainer_has_all_of_the_royalty() {
	run(|| {
		descend(&[PARENT]);
		let before = wealth(PARENT);
		let shared = pay(1_000);
		assert_eq!((shared.trainer, shared.royalty), (150, 50));
		assert_eq!(wealth(PARENT), before + 50);
	});
}

#[test]
fn a_grandparents_trainer_has_half_of_the_royalty() {
	run(|| {
		descend(&[PARENT, GRANDPARENT]);
		let before = [PARENT, GRANDPARENT].map(wealth);
		// 51, of which the nearer has the smaller half.
		assert_eq!(pay(1_020).royalty, 51);
		assert_eq!([PARENT, GRANDPARENT].map(wealth), [before[0] + 25, before[1] + 26]);
	});
}

#[test]
fn royalties_go_four_generations_up() {
	run(|| {
		let line = [PARENT, GRANDPARENT, 21, 22, 23];
		descend(&line[..4]);
		let before = line.map(wealth);
		assert_eq!(pay(1_000).royalty, 50);
		let gains = core::array::from_fn(|index| wealth(line[index]) - before[index]);
		assert_eq!(gains, [25, 12, 6, 7, 0]);
	});
}

#[test]
fn a_fifth_generation_has_nothing() {
	run(|| {
		let line = [PARENT, GRANDPARENT, 21, 22, 23];
		descend(&line);
		let before = line.map(wealth);
		assert_eq!(pay(1_000).royalty, 50);
		let gains = core::array::from_fn(|index| wealth(line[index]) - before[index]);
		assert_eq!(gains, [25, 12, 6, 7, 0]);
	});
}

#[test]
fn a_parent_without_a_head_ends_the_line() {
	run(|| {
		descend(&[PARENT, GRANDPARENT]);
		let grandparent = spec(101).id();
		<Registry as oda_pallet_traits::Models<u64>>::revert(&grandparent).unwrap();
		let before = [PARENT, GRANDPARENT].map(wealth);
		assert_eq!(pay(1_000).royalty, 50);
		assert_eq!([PARENT, GRANDPARENT].map(wealth), [before[0] + 50, before[1]]);
	});
}

#[test]
fn royalties_that_an_ancestor_cannot_hold_are_the_treasurys() {
	run(|| {
		descend(&[PARENT, GRANDPARENT]);
		let registered = pallet_model_registry::Models::<Test>::get(spec(100).id()).unwrap();
		assert_eq!(registered.registrar, PARENT);
		// The head's trainer is somebody else by now, who has no account.
		next_head(&spec(100).id(), NOBODY);
		let shared = pay(300);
		assert_eq!((shared.royalty, shared.treasury), (8, 12 + 7));
		assert_eq!(wealth(NOBODY), 0);
	});
}

#[test]
fn a_version_that_never_was_earns_nobody_anything_but_the_treasury() {
	run(|| {
		assert_eq!(pay_for(9, 100), Shared { trainer: 0, treasury: 4 + 15 + 5, ..SHARES });
		assert_eq!(wealth(TRAINER), WEALTH);
		assert_eq!(Used::get(), []);
	});
}

#[test]
fn a_fallen_version_is_still_its_trainers() {
	run(|| {
		assert_eq!(next_head(&model(), OTHER), 1);
		revert();
		assert_eq!(pay_for(1, 100), SHARES);
		assert_eq!((wealth(OTHER), wealth(TRAINER)), (WEALTH + 20, WEALTH));
		assert_eq!(Used::get(), [(OTHER, 7)]);
	});
}

#[test]
fn parts_that_are_the_whole_burn_what_rounding_leaves_alone() {
	run(|| {
		Parts::set(Split { treasury: Perbill::from_percent(11), ..SPLIT });
		assert!(Parts::get().fits());
		assert_eq!(pay(100), Shared { treasury: 11, burned: 0, ..SHARES });
		assert_eq!(Used::get(), [(TRAINER, 0)]);
	});
}

#[test]
fn parts_beyond_the_whole_do_not_fit() {
	let whole = Split { treasury: Perbill::from_percent(11), ..SPLIT };
	assert!(whole.fits());
	assert!(!Split { author: SPLIT.author + Perbill::from_parts(1), ..whole }.fits());
	assert!(!Split { provider: Perbill::one(), trainer: Perbill::one(), ..SPLIT }.fits());
}

#[test]
fn who_pays_themselves_loses_what_the_emission_is_told() {
	run(|| {
		// User, provider and trainer are one.
		bond(USER, RECEIPT_SLASH, 0);
		next_head(&model(), USER);
		assert_ok!(Inference::set_offer(origin(USER), endpoint(), RECEIPT_KEY, offered(), TERMS, 8));
		assert_ok!(Inference::open(origin(USER), USER, model(), 10_000, Some(VOUCHER_KEY), TERMS, 500));
		let paid = Voucher { version: 1, ..voucher(0, 10_000, 1).0 };
		assert_ok!(claim(vec![voucher_of(VOUCHER_KEY, paid)]));
		assert_eq!(Used::get(), [(USER, 700)]);
		// Author, treasury and storage have their parts as well.
		assert_eq!(wealth(USER), WEALTH - 700 - 300 - 400 - 600);
	});
}

/// Six parts of a whole of seven, in any proportion.
fn parts() -> impl Strategy<Value = Split> {
	prop::array::uniform7(0..1_000u32).prop_map(|weights| {
		let sum = weights.iter().sum::<u32>().max(1);
		let [provider, trainer, royalty, author, treasury, storage, _] =
			weights.map(|weight| Perbill::from_rational(weight, sum));
		Split { provider, trainer, royalty, author, treasury, storage }
	})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn the_parts_are_the_fee_and_each_is_where_it_belongs(
		parts in parts(),
		fee in prop_oneof![1..1_000u64, 1..500_000u64],
		ancestors in 0..=5usize,
		version in 0..=1u32,
		author in proptest::option::of(Just(AUTHOR)),
		poor in any::<bool>(),
	) {
		reset();
		run(|| {
			let line = [PARENT, GRANDPARENT, 21, 22, 23];
			descend(&line[..ancestors]);
			BlockAuthor::set(author);
			if poor {
				[STORAGE, TREASURY, AUTHOR].into_iter().for_each(|who| set_free(who, 0));
			}
			Parts::set(parts);
			assert!(parts.fits());
			let wealth_of_all = || {
				let royalty = line.map(wealth).into_iter().sum();
				let [provider, trainer, author, treasury, storage] =
					[PROVIDER, TRAINER, AUTHOR, TREASURY, STORAGE].map(wealth);
				[provider, trainer, royalty, author, treasury, storage]
			};
			let (before, issued) = (wealth_of_all(), issuance());
			let Shared { provider, trainer, royalty, author, treasury, storage, burned } = pay_for(version, fee);
			let shared = [provider, trainer, royalty, author, treasury, storage];
			assert_eq!(shared.iter().sum::<u64>() + burned, fee);
			assert_eq!(core::array::from_fn(|index| wealth_of_all()[index] - before[index]), shared);
			assert_eq!((wealth(USER), issuance()), (WEALTH - fee, issued - burned));
			let told = Used::get().into_iter().map(|(_, amount)| amount).sum::<u64>();
			assert!(told <= burned, "the emission may pay more than was burned");
		});
	}
}
