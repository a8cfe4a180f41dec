//! What attacks cost at the parameters of a public network, as `docs/security.md` tells it.

#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_wrap, reason = "small numbers of a table")]

use super::*;
use crate::parameters::governed::{emission, inference, staking, training, verification};
use sp_runtime::{PerThing, Perbill};
use std::path::Path;

/// An amount, in ODA.
fn oda(amount: Balance) -> String {
	let milli = amount / MILLI_UNIT;
	let (whole, part) = (milli / 1_000, milli % 1_000);
	let digits = whole.to_string();
	let mut grouped = String::new();
	for (at, digit) in digits.chars().enumerate() {
		if at > 0 && (digits.len() - at).is_multiple_of(3) {
			grouped.push(',');
		}
		grouped.push(digit);
	}
	if part == 0 { grouped } else { format!("{grouped}.{part:03}").trim_end_matches('0').to_owned() }
}

/// The chance of at least `least` successes in `number` trials of chance `share`.
fn at_least(least: u32, number: u32, share: f64) -> f64 {
	(least..=number)
		.map(|successes| {
			let ways: f64 =
				(0..successes).map(|i| f64::from(number - i) / f64::from(successes - i)).product();
			ways * share.powi(successes as i32) * (1.0 - share).powi((number - successes) as i32)
		})
		.sum()
}

/// A chance in two digits.
fn chance(of: f64) -> String {
	if of >= 0.001 { format!("{:.2} %", of * 100.0) } else { format!("{of:.1e}") }
}

fn table() -> String {
	let quorum = verification::Quorum::get();
	let (first, second) = (verification::Committee::get(), verification::MaxCommittee::get());
	let (of_first, of_second) = (quorum.mul_ceil(first), quorum.mul_ceil(second));
	let (stop_first, stop_second) = (first - of_first + 1, second - of_second + 1);
	let lie = verification::VerifierSlash::get();
	let (absence, accusation) = (verification::AbsenceSlash::get(), verification::AccusationSlash::get());
	let bond = training::TrainerBond::get();
	let seats = |share: f64| chance(at_least(of_first, first, share));
	let stops =
		|share: f64| chance(at_least(stop_first, first, share) * at_least(stop_second, second, share));
	let lifetime: u64 = training::ChallengeLifetime::get();
	let hour = 3_600_000 / tempo::SlotMillis::<Runtime>::get();
	let (challengers, evidence) = (
		u64::from(<<Runtime as pallet_training::Config>::MaxChallengers as Get<u32>>::get()),
		training::ChallengeBond::get(),
	);
	let queue = <<Runtime as pallet_training::Config>::MaxQueue as Get<u32>>::get();
	let validators = staking::ValidatorCount::get();
	let equivocation = |guilty: u32, of: u32| Perbill::from_rational(3 * guilty, of).square();
	let percent = |part: Perbill| format!("{:.2} %", f64::from(part.deconstruct()) / 1e7);
	let third = validators.div_ceil(3);
	let tick = pallet_emission::Schedule {
		cap: <<Runtime as pallet_emission::Config>::MaxMinted as Get<Balance>>::get(),
		halving: <<Runtime as pallet_emission::Config>::HalvingInterval as Get<u64>>::get(),
	}
	.rate(0);
	let (wrong, grace, term) = (
		inference::ReceiptSlash::get(),
		<<Runtime as pallet_inference::Config>::MaxGrace as Get<u64>>::get(),
		<<Runtime as pallet_inference::Config>::MaxTerm as Get<u64>>::get(),
	);
	let refund = wrong / 2;
	let split = configs::protocol::FeeSplit::get();
	let shares = [split.provider, split.trainer, split.royalty, split.author, split.treasury, split.storage];
	let burned = Perbill::one().deconstruct() - shares.map(Perbill::deconstruct).iter().sum::<u32>();
	let minted = pallet_emission::TRAINERS_RATIO.mul_floor(burned);
	let lost = Perbill::from_parts(burned - minted + split.treasury.deconstruct());
	let rows = [
		(
			"Sign a lie, with a quorum of the votes",
			format!(
				"`q · VerifierSlash + TrainerBond`, `q` = {of_first} of {first}: {} ODA",
				oda(lie * Balance::from(of_first) + bond)
			),
			"nothing, if one challenger comes in time; half of what is lost is its reward".to_owned(),
		),
		(
			"Get a quorum of the votes by stake",
			"its share `p` of the stake that is able".to_owned(),
			format!(
				"a chance a task of {} at 10 %, {} at 20 %, {} at 33 %",
				seats(0.1),
				seats(0.2),
				seats(1.0 / 3.0)
			),
		),
		(
			"Lie in `m` tasks at once on one bond",
			format!("`m · VerifierSlash` a vote, all of it reserved before: {} ODA each", oda(lie)),
			"no more than one lie for each that it pays for".to_owned(),
		),
		(
			"Keep a submission from passing, by staying away from two committees",
			format!(
				"`({stop_first} + {stop_second}) · AbsenceSlash`: {} ODA; after {} in a row no draw more",
				oda(absence * Balance::from(stop_first + stop_second)),
				verification::MaxAbsences::get()
			),
			format!(
				"a delay, with the chance {} at 10 %, {} at 20 %, {} at 33 %",
				stops(0.1),
				stops(0.2),
				stops(1.0 / 3.0)
			),
		),
		(
			"Accuse, and prove nothing",
			format!("`AccusationSlash` a vote: {} ODA", oda(accusation)),
			"nothing beside a quorum".to_owned(),
		),
		(
			"Withhold the weights of a claim",
			format!("`TrainerBond`: {} ODA", oda(bond)),
			"a window's delay of the model's queue".to_owned(),
		),
		(
			"Take all places for challenges, all the time",
			format!(
				"`{challengers} · ChallengeBond` burned each {lifetime} ticks: {} ODA an hour",
				oda(evidence * Balance::from(challengers * hour / lifetime))
			),
			"the window of the claim stays open: it does not pass either".to_owned(),
		),
		(
			"Take all places of a model's queue",
			format!("`{queue} · TrainerBond` on hold: {} ODA", oda(bond * Balance::from(queue))),
			format!("{} ticks in which nobody else can commit", training::RevealWindow::get()),
		),
		(
			"Sign two blocks, or two votes, for one place",
			format!(
				"`(3x ÷ n)²` of the stake, delegations included, of `x` of `n` validators: {} for one of 4, {} for one of {validators}, all of it from {third} on",
				percent(equivocation(1, 4)),
				percent(equivocation(1, validators)),
			),
			format!("nothing with fewer than {third}"),
		),
		(
			"Stop finality",
			format!(
				"a third of the elected: {third} stakes, {} ODA at least",
				oda(staking::MinValidatorBond::get() * Balance::from(third))
			),
			"blocks go on, deadlines too; who is away is chilled".to_owned(),
		),
		(
			"Choose between two seeds of a draw, as the author of an epoch's last block",
			format!("the block's pay: {} ODA and its fees", oda(emission::Authors::get() * tick)),
			"one draw more".to_owned(),
		),
		(
			"Verify one's own tasks for what is minted",
			format!(
				"`1 − VerifiersRatio` of what is burned: {}",
				percent(PerThing::left_from_one(emission::VerifiersRatio::get()))
			),
			"less than it burned".to_owned(),
		),
		(
			"Sign wrong outputs, as a provider",
			format!(
				"`ReceiptSlash` of its own for each receipt that is disputed: {} ODA; \
				 the least bond has room for {}",
				oda(wrong),
				staking::MinProviderBond::get() / wrong
			),
			format!(
				"the price of what nobody disputes; who disputes gets {} times the price and {} ODA, \
				 but no more than {} ODA",
				inference::RefundRatio::get(),
				oda(inference::DisputeFee::get()),
				oda(refund)
			),
		),
		(
			"Sign one wrong output for a high price, in a channel",
			format!("`ReceiptSlash`, whatever the price: {} ODA", oda(wrong)),
			format!("its part of that price, of which the user gets {} ODA back at most", oda(refund)),
		),
		(
			"Dispute one's own wrong outputs for the refund",
			format!("half of `ReceiptSlash` a receipt at least, burned: {} ODA", oda(wrong - refund)),
			"nothing: the refund was its own".to_owned(),
		),
		(
			"Sign wrong outputs in a channel that outlasts one's stake",
			format!(
				"a wait of `BondingDuration`, {} ticks, in which the stake answers; \
				 a channel lasts {term} ticks at most",
				staking::BondingDuration::get()
			),
			"the price of each answer, until the user looks at the stake".to_owned(),
		),
		(
			"Dispute right outputs",
			format!(
				"`DisputeBond` each, burned: {} ODA, and the transaction's fee",
				oda(inference::DisputeBond::get())
			),
			"nothing".to_owned(),
		),
		(
			"Never answer",
			"nothing".to_owned(),
			format!(
				"the price of one request in a channel; of a one-shot request it returns, \
				 after {grace} ticks at the latest"
			),
		),
		(
			"Pay oneself for inference, for what is minted",
			format!("half of what is burned, and the treasury's part: {} of each fee", percent(lost)),
			"less than it lost".to_owned(),
		),
	];
	let mut table = String::from("| attack | costs | brings |\n|---|---|---|\n");
	for (attack, costs, brings) in rows {
		table.push_str(&format!("| {attack} | {costs} | {brings} |\n"));
	}
	table
}

#[test]
fn the_page_should_say_what_attacks_cost_at_the_parameters_of_a_public_network() {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
	let page = std::fs::read_to_string(path).expect("the page is there");
	let table = new_test_ext(genesis_config_presets::TESTNET_RUNTIME_PRESET).execute_with(table);
	assert!(page.contains(&table), "docs/security.md has another table than\n{table}");
}
