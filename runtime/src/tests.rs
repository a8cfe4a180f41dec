//! The runtime holds together: the presets build and mean what they say.

mod attacks;
mod costs;
mod governance;
mod leaks;
pub(crate) mod migrations;
mod paid_inference;
mod parameters;
mod validators;

use super::*;
use frame_support::{
	dispatch::{DispatchClass, GetDispatchInfo},
	traits::{Get, IntegrityTest, fungible::Inspect},
};
use sp_genesis_builder::PresetId;
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;

fn new_test_ext(preset: &str) -> TestExternalities {
	changed_test_ext(preset, |_| ())
}

/// A chain of a preset, with what `change` does to its genesis.
fn changed_test_ext(preset: &str, change: impl FnOnce(&mut serde_json::Value)) -> TestExternalities {
	let mut ext = TestExternalities::default();
	ext.execute_with(|| {
		let patch = genesis_config_presets::get_preset(&PresetId::from(preset)).expect("a known preset");
		let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).expect("plain data");
		polkadot_sdk::sc_chain_spec::json_merge(
			&mut config,
			serde_json::from_slice(&patch).expect("the preset is JSON"),
		);
		change(&mut config);
		let config = serde_json::to_vec(&config).expect("plain data");
		frame_support::genesis_builder_helper::build_state::<RuntimeGenesisConfig>(config)
			.expect("the preset builds");
	});
	ext
}

#[test]
fn the_presets_of_local_chains_should_build_with_well_known_keys() {
	for name in ["development", "local_testnet"] {
		new_test_ext(name).execute_with(|| {
			let alice = Sr25519Keyring::Alice.to_account_id();
			assert!(Session::validators().contains(&alice));
			assert!(Balances::total_balance(&alice) > UNIT);
			assert_eq!(Babe::authorities().len(), Session::validators().len());
			assert_eq!(Grandpa::grandpa_authorities().len(), Session::validators().len());
		});
	}
}

#[test]
fn the_testnet_should_have_default_windows_and_nobody_in_it() {
	new_test_ext(genesis_config_presets::TESTNET_RUNTIME_PRESET).execute_with(|| {
		assert_eq!(Babe::slot_duration(), 3_000);
		assert_eq!(<Runtime as pallet_babe::Config>::EpochDuration::get() * 3, 60 * 60);
		let demand: oda_primitives::Tick = crate::parameters::governed::training::DemandWindow::get();
		assert_eq!(demand, crate::parameters::Windows::DEFAULT.demand);
		// The treasury's account is there, so that small shares reach it.
		assert_eq!(Balances::total_issuance(), configs::tokens::ExistentialDeposit::get());
		assert!(Session::validators().is_empty());
		assert!(Verification::verifiers(None, 10).is_empty());
	});
}

#[test]
fn every_preset_should_have_a_test_of_its_own() {
	let names = genesis_config_presets::preset_names();
	assert_eq!(names, ["development", "local_testnet", "testnet"].map(PresetId::from));
}

#[test]
fn an_unknown_preset_should_not_exist() {
	assert_eq!(genesis_config_presets::get_preset(&PresetId::from("nonesuch")), None);
}

#[test]
fn the_development_chain_should_run_at_one_second() {
	new_test_ext("development").execute_with(|| {
		assert_eq!(Session::validators().len(), 1);
		assert_eq!(Babe::slot_duration(), 1_000);
		assert_eq!(<Runtime as pallet_babe::Config>::EpochDuration::get(), 5);
		assert_eq!(<Runtime as pallet_babe::Config>::ExpectedBlockTime::get(), 1_000);
	});
}

#[test]
fn the_local_chain_should_run_at_three_seconds() {
	new_test_ext("local_testnet").execute_with(|| {
		assert_eq!(Session::validators().len(), 2);
		assert_eq!(Babe::slot_duration(), 3_000);
	});
}

#[test]
fn a_chain_whose_genesis_names_no_tempo_should_run_at_three_seconds() {
	TestExternalities::default().execute_with(|| {
		assert_eq!(Babe::slot_duration(), 3_000);
		assert_eq!(tempo::EpochSlots::<Runtime>::get(), tempo::DEFAULT_EPOCH_LENGTH);
	});
}

#[test]
#[should_panic(expected = "even number of milliseconds")]
fn a_tempo_with_an_odd_slot_should_not_build() {
	use frame_support::traits::BuildGenesisConfig;
	TestExternalities::default().execute_with(|| {
		TempoConfig { slot_duration: 1_001, ..Default::default() }.build();
	});
}

#[test]
fn pallets_should_accept_their_configuration() {
	TestExternalities::default().execute_with(AllPalletsWithSystem::integrity_test);
}

#[test]
fn operational_calls_should_have_room_that_normal_ones_cannot_take() {
	let weights = configs::system::RuntimeBlockWeights::get();
	assert!(weights.get(DispatchClass::Operational).reserved.is_some());
	let length = configs::system::RuntimeBlockLength::get();
	assert!(length.max.get(DispatchClass::Normal) < length.max.get(DispatchClass::Operational));
}

#[test]
fn twenty_kilobytes_should_cost_a_fiftieth_of_a_token() {
	TestExternalities::default().execute_with(|| {
		assert_eq!(TransactionPayment::length_to_fee(20_000), UNIT / 50);
	});
}

#[test]
fn posting_should_be_paid_as_a_transaction_of_its_length_and_weight() {
	use configs::protocol::PostPrice;
	use pallet_training::{Target, types::MAX_WEIGHT_BYTES};
	use sp_runtime::traits::Convert;
	TestExternalities::default().execute_with(|| {
		for len in [0, 1, 100_000, MAX_WEIGHT_BYTES] {
			let weights = vec![0; len as usize].try_into().expect("within the bound");
			let call = pallet_training::Call::post_weights { target: Target::Head([0; 32]), weights };
			let info = RuntimeCall::from(call).get_dispatch_info();
			let fee = TransactionPayment::length_to_fee(len)
				+ TransactionPayment::weight_to_fee(info.call_weight)
				+ TransactionPayment::weight_to_fee(info.extension_weight);
			let price = PostPrice::convert(len.into());
			println!("{len} bytes: fee {fee}, price {price}");
			assert!(price >= fee, "{len} bytes: fee {fee}, price {price}");
		}
	});
}

#[test]
fn a_record_of_a_residual_network_should_fit_the_court() {
	use configs::protocol::{EvaluationWeight, MaxEvaluationWeight};
	use sp_runtime::traits::Convert;
	let cost = oda_evaluator::testing::networks::resnet20().validate().expect("a valid graph");
	let weight = EvaluationWeight::convert(cost);
	println!("ResNet-20: {cost:?} weighs {} ms", weight.ref_time() / 1_000_000_000);
	assert!(weight.all_lte(MaxEvaluationWeight::get()), "{weight:?}");
}
