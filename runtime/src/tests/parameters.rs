//! Parameters change together or not at all, and only by who may.

use super::*;
use crate::parameters::{
	RuntimeParameters, RuntimeParametersKey, Windows, all,
	changes::{Error, MAX_WINDOW},
	governed::{
		emission, inference, model_registry, reputation, staking, storage_deals, training, verification,
	},
	points,
};
use codec::Encode;
use frame_support::{assert_noop, assert_ok, traits::dynamic_params::AggregatedKeyValue};
use sp_runtime::{DispatchError, DispatchResultWithInfo, Perbill, traits::Dispatchable};
use std::collections::BTreeMap;

/// A parameter with a value.
macro_rules! parameter {
	($group:ident, $pallet:ident, $name:ident = $value:expr) => {
		RuntimeParameters::$group($pallet::Parameters::$name($pallet::$name, Some($value)))
	};
}

fn set(
	origin: RuntimeOrigin,
	changes: Vec<RuntimeParameters>,
) -> DispatchResultWithInfo<frame_support::dispatch::PostDispatchInfo> {
	let changes = changes.try_into().expect("not too many");
	RuntimeCall::from(crate::parameters::changes::Call::set { changes }).dispatch(origin)
}

/// The key and the value of every parameter, as the state holds them.
fn state() -> BTreeMap<Vec<u8>, Vec<u8>> {
	pallet_parameters::Parameters::<Runtime>::iter()
		.map(|(key, value)| (key.encode(), value.encode()))
		.collect()
}

#[test]
fn every_preset_should_write_every_parameter_and_keep_their_relations() {
	for name in genesis_config_presets::preset_names() {
		new_test_ext(name.as_ref()).execute_with(|| {
			assert_ok!(ProtocolParameters::do_try_state());
			assert_eq!(state().len(), all(&Windows::DEFAULT).len());
		});
	}
	new_test_ext("development").execute_with(|| {
		assert_eq!(training::ChallengeWindow::get(), 8);
		assert_eq!(training::TrainerBond::get(), 100 * UNIT);
	});
}

#[test]
#[should_panic(expected = "NoTimeToReveal")]
fn windows_that_do_not_fit_together_should_not_build() {
	use frame_support::traits::BuildGenesisConfig;
	TestExternalities::default().execute_with(|| {
		let windows = Windows { min_commit_age: 1_200, ..Windows::DEFAULT };
		ProtocolParametersConfig { windows, ..Default::default() }.build();
	});
}

#[test]
fn a_change_should_take_effect_and_be_announced() {
	new_test_ext("development").execute_with(|| {
		System::set_block_number(1);
		let change = parameter!(Training, training, TrainerBond = 120 * UNIT);
		assert_ok!(set(RuntimeOrigin::root(), vec![change.clone()]));
		assert_eq!(training::TrainerBond::get(), 120 * UNIT);
		let old_value = parameter!(Training, training, TrainerBond = 100 * UNIT).into_parts().1;
		let (key, new_value) = change.into_parts();
		System::assert_last_event(pallet_parameters::Event::Updated { key, old_value, new_value }.into());
	});
}

#[test]
fn changes_that_only_fit_together_should_be_made_together() {
	new_test_ext("development").execute_with(|| {
		let (longer, longest) = (
			parameter!(Training, training, ChallengeLifetime = 100),
			parameter!(Training, training, DemandWindow = 200),
		);
		let refused: DispatchError = Error::<Runtime>::DemandTooShort.into();
		assert_noop!(set(RuntimeOrigin::root(), vec![longer.clone()]).map_err(|e| e.error), refused);
		assert_ok!(set(RuntimeOrigin::root(), vec![longer, longest]));
		assert_eq!((training::ChallengeLifetime::get(), training::DemandWindow::get()), (100, 200));
	});
}

#[test]
fn a_change_that_breaks_a_relation_should_be_refused_and_leave_nothing_behind() {
	type Broken = Error<Runtime>;
	let thresholds = |points: &[u64]| points.to_vec().try_into().expect("there are few");
	let few = pallet_reputation::Caps { kept: 7_999, ..points::CAPS };
	let cases = [
		(parameter!(ModelRegistry, model_registry, PendingWindow = MAX_WINDOW + 1), Broken::WindowTooLong),
		(parameter!(Training, training, MinCommitAge = 300), Broken::NoTimeToReveal),
		(parameter!(Training, training, RevealWindow = 3), Broken::NoTimeToReveal),
		(parameter!(Training, training, MinChallengeAge = 20), Broken::NoTimeToChallenge),
		(parameter!(Training, training, DemandWindow = 22), Broken::DemandTooShort),
		(parameter!(StorageDeals, storage_deals, RoundLength = 0), Broken::NoTimeToProve),
		(parameter!(Training, training, ChallengeBond = 0), Broken::NothingAtStake),
		(parameter!(Training, training, TrainerBond = UNIT), Broken::TrainerBondTooLow),
		(parameter!(Training, training, TrainerBond = 150 * UNIT), Broken::QuorumTooCheap),
		(parameter!(Training, training, FeeBurn = Perbill::one()), Broken::NothingEarned),
		(
			parameter!(Verification, verification, Quorum = Perbill::from_parts(666_666_666)),
			Broken::QuorumTooLow,
		),
		(parameter!(Verification, verification, MinStake = 299 * UNIT), Broken::SlashAboveBond),
		(parameter!(Verification, verification, UnopenedSlash = 501 * UNIT), Broken::SlashAboveBond),
		(parameter!(Verification, verification, AbsenceSlash = 301 * UNIT), Broken::AbsenceAboveLie),
		(parameter!(Verification, verification, AccusationSlash = 301 * UNIT), Broken::AbsenceAboveLie),
		(parameter!(Verification, verification, VerifierSlash = 200 * UNIT), Broken::QuorumTooCheap),
		(parameter!(Verification, verification, UnopenedSlash = 4 * UNIT), Broken::UnopenedTooCheap),
		(parameter!(Verification, verification, AbsenceCap = 4 * UNIT), Broken::UnopenedTooCheap),
		(parameter!(Verification, verification, MinCommittee = 0), Broken::CommitteeOutOfRange),
		(parameter!(Verification, verification, MinCommittee = 11), Broken::CommitteeOutOfRange),
		(parameter!(Verification, verification, Committee = 21), Broken::CommitteeOutOfRange),
		(parameter!(Verification, verification, MaxCommittee = 65), Broken::CommitteeOutOfRange),
		(parameter!(Verification, verification, Samples = 19), Broken::CommitteeOutOfRange),
		(parameter!(Verification, verification, Samples = 257), Broken::CommitteeOutOfRange),
		(parameter!(Verification, verification, Wanted = 0), Broken::CommitteeOutOfRange),
		(parameter!(Verification, verification, Wanted = 17), Broken::CommitteeOutOfRange),
		(parameter!(Verification, verification, OpenWindow = 0), Broken::NoTimeToAnswer),
		(parameter!(Verification, verification, DisputeWindow = 0), Broken::NoTimeToAnswer),
		(parameter!(Verification, verification, Patience = 14), Broken::NoTimeToAnswer),
		(parameter!(Staking, staking, MinValidators = 0), Broken::ValidatorsOutOfRange),
		(parameter!(Staking, staking, MinValidators = 51), Broken::ValidatorsOutOfRange),
		(parameter!(Staking, staking, ValidatorCount = 101), Broken::ValidatorsOutOfRange),
		(parameter!(Staking, staking, MaxAbsences = 1), Broken::ValidatorsOutOfRange),
		(parameter!(Staking, staking, MinDelegation = MILLI_UNIT - 1), Broken::DelegationOutOfRange),
		(parameter!(Staking, staking, MinDelegation = 101 * UNIT), Broken::DelegationOutOfRange),
		(parameter!(Staking, staking, CommissionNotice = MAX_WINDOW + 1), Broken::WindowTooLong),
		(parameter!(Emission, emission, Treasury = Perbill::from_percent(11)), Broken::EmissionOutOfRange),
		(parameter!(Emission, emission, VerifiersRatio = Perbill::one()), Broken::EmissionOutOfRange),
		(parameter!(StorageDeals, storage_deals, MinStake = 101 * UNIT), Broken::StakeAboveBond),
		(
			parameter!(Inference, inference, ProviderShare = Perbill::from_parts(750_000_001)),
			Broken::SplitOutOfRange,
		),
		(parameter!(Inference, inference, ReceiptSlash = 101 * UNIT), Broken::ReceiptsTooCheap),
		(parameter!(Inference, inference, DisputeFee = 26 * UNIT), Broken::ReceiptsTooCheap),
		(parameter!(Inference, inference, ReceiptSlash = 0), Broken::NothingAtStake),
		(parameter!(Inference, inference, DisputeBond = 0), Broken::NothingAtStake),
		(parameter!(Inference, inference, MinDeposit = 0), Broken::NothingAtStake),
		(parameter!(Inference, inference, MinGrace = MAX_WINDOW + 1), Broken::WindowTooLong),
		(parameter!(Inference, inference, AnswerDispute = 0), Broken::NoTimeToDispute),
		(parameter!(Inference, inference, AnswerDispute = 61), Broken::NoTimeToDispute),
		(parameter!(Inference, inference, ReceiptLife = 131), Broken::NoTimeToDispute),
		(parameter!(Reputation, reputation, Thresholds = thresholds(&[])), Broken::TiersUnsound),
		(parameter!(Reputation, reputation, Thresholds = thresholds(&[10, 10])), Broken::TiersUnsound),
		(parameter!(Reputation, reputation, Thresholds = thresholds(&[10, 30])), Broken::TiersUnsound),
		(parameter!(Reputation, reputation, BondPerTier = MILLI_UNIT), Broken::TiersUnsound),
		(parameter!(Reputation, reputation, BondPerTier = 1_001 * UNIT), Broken::TiersUnsound),
		(parameter!(Reputation, reputation, Caps = few), Broken::CapsTooLow),
		(parameter!(Reputation, reputation, BanAfter = 0), Broken::SuspensionOutOfRange),
		(parameter!(Reputation, reputation, BanAfter = 17), Broken::SuspensionOutOfRange),
		(parameter!(Reputation, reputation, SuspensionTerm = 0), Broken::SuspensionOutOfRange),
		(parameter!(Reputation, reputation, AppealTerm = 0), Broken::SuspensionOutOfRange),
		(parameter!(Reputation, reputation, SuspensionTerm = MAX_WINDOW + 1), Broken::WindowTooLong),
	];
	new_test_ext("development").execute_with(|| {
		for (change, broken) in cases {
			let changes = vec![parameter!(Training, training, FeeBase = 2 * UNIT), change];
			let refused: DispatchError = broken.into();
			assert_noop!(set(RuntimeOrigin::root(), changes).map_err(|e| e.error), refused);
		}
	});
}

#[test]
fn a_parameter_should_not_lose_its_value() {
	new_test_ext("development").execute_with(|| {
		let none = RuntimeParameters::Training(training::Parameters::FeeBase(training::FeeBase, None));
		let refused: DispatchError = Error::<Runtime>::NoValue.into();
		assert_noop!(set(RuntimeOrigin::root(), vec![none]).map_err(|e| e.error), refused);
	});
}

#[test]
fn nobody_but_root_should_change_a_parameter_and_not_past_the_check() {
	new_test_ext("development").execute_with(|| {
		let change = parameter!(Verification, verification, Patience = 61);
		let alice = RuntimeOrigin::signed(Sr25519Keyring::Alice.to_account_id());
		let refused = DispatchError::BadOrigin;
		assert_noop!(set(alice.clone(), vec![change.clone()]).map_err(|e| e.error), refused);
		let call = RuntimeCall::from(pallet_parameters::Call::set_parameter { key_value: change });
		for origin in [alice, RuntimeOrigin::root()] {
			assert_noop!(call.clone().dispatch(origin).map_err(|e| e.error), refused);
		}
	});
}

/// State is found by these: they are never given to another parameter.
#[test]
fn the_keys_of_parameters_should_stay_what_they_are() {
	let keys: Vec<[u8; 2]> = TestExternalities::default()
		.execute_with(|| all(&Windows::DEFAULT))
		.into_iter()
		.map(|parameter| {
			let key: RuntimeParametersKey = parameter.into_parts().0;
			key.encode().try_into().expect("the pallet's index and the parameter's")
		})
		.collect();
	// 7 of training was the patience of verification.
	let ranges = [
		(21, 0..1),
		(22, 0..7),
		(22, 8..15),
		(23, 0..20),
		(24, 0..7),
		(26, 0..9),
		(27, 0..5),
		(28, 0..14),
		(29, 0..12),
	];
	let expected: Vec<[u8; 2]> = ranges
		.into_iter()
		.flat_map(|(pallet, parameters)| parameters.map(move |parameter| [pallet, parameter]))
		.collect();
	assert_eq!(keys, expected);
	let bond = parameter!(Training, training, TrainerBond = 1).into_parts();
	assert_eq!(bond.0.encode(), [22, 8]);
	assert_eq!(bond.1.encode(), [&[1, 22, 8][..], &1u128.encode()].concat());
}
