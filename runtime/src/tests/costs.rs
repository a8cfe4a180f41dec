//! What the runtime API says that registering and submitting cost is what they put on hold.

use super::*;
use crate::parameters::governed::training::MinCommitAge;
use oda_evaluator::{
	DataSource, DatasetRef, ModelSpec, Objective,
	graph::{DType, TensorType},
	model::{Metric, TargetSpec},
	testing::networks,
};
use oda_primitives::{BlobRef, RangeProof, hash};
use oda_runtime_api::{Costs, runtime_decl_for_oda_api::OdaApiV3};
use pallet_model_registry::HoldReason as OfModels;
use pallet_training::HoldReason as OfTraining;
use polkadot_sdk::frame_support::{assert_ok, traits::fungible::InspectHold};

const SALT: [u8; 32] = [7; 32];

/// A perceptron with its data, judged by this metric.
fn model(metric: Metric, target: TensorType, records: u32) -> (ModelSpec, Vec<u8>) {
	let graph = networks::perceptron();
	let record = graph.input_bytes().saturating_add(target.bytes());
	let len = usize::try_from(record.saturating_mul(records.into())).expect("a few records");
	let data = vec![0; len];
	let objective = Objective {
		metric,
		target: TargetSpec { tensor: target, ignore: None },
		min_improvement: 1,
		confidence: None,
	};
	let source = DataSource::Fixed(DatasetRef { blob: BlobRef::of(&data), records });
	(ModelSpec { graph, objective, data: source }, data)
}

/// What is on hold of the registrar's money for this.
fn held(reason: impl Into<RuntimeHoldReason>) -> Balance {
	Balances::balance_on_hold(&reason.into(), &Sr25519Keyring::Dave.to_account_id())
}

fn pass_time() {
	pallet_clock::Now::<Runtime>::mutate(|now| *now = now.saturating_add(MinCommitAge::get()));
}

/// Announces and registers the model, and commits to weights and reveals them: every amount is compared with what is then
/// on hold.
fn should_hold(spec: ModelSpec, data: &[u8], scores: Vec<u8>) {
	let dave = Sr25519Keyring::Dave.to_account_id();
	let by_dave = || RuntimeOrigin::signed(dave.clone());
	let genesis = System::block_hash(0).0;
	let Costs { announcement, model, bond, fee, scores: for_scores, weights: for_weights } =
		Runtime::costs(spec.clone()).expect("the model would be admitted");
	let id = spec.id();

	let hidden = hash::registration(&genesis, &dave, &id, &SALT);
	assert_ok!(ModelRegistry::announce(by_dave(), hidden));
	assert_eq!(held(OfModels::Announcement), announcement);
	pass_time();
	let proof = RangeProof::of_end(data).expect("there is data");
	assert_ok!(ModelRegistry::register(by_dave(), spec.clone().into(), proof, None, SALT));
	assert_eq!(held(OfModels::Model), model);
	assert_eq!(held(OfModels::Announcement), 0);
	// Nothing of it depends on whether the model is registered.
	assert_eq!(Runtime::costs(spec.clone()).map(|costs| costs.fee), Some(fee));
	assert_eq!(Runtime::model(id).map(|model| model.fee), Some(fee));

	let weights = BlobRef::of(&networks::weights(&spec.graph, 1));
	let commitment = hash::commitment(&genesis, &id, &dave, &weights, &SALT);
	assert_ok!(Training::commit(by_dave(), id, commitment));
	assert_eq!(held(OfTraining::Submission), bond);
	pass_time();
	let submission = *Training::submissions(id).first().expect("a commitment is a submission");
	let list = scores.try_into().expect("the list is not too long");
	assert_ok!(Training::reveal(by_dave(), submission, weights, SALT, list));
	let amounts = [
		(held(OfTraining::Submission), bond),
		(held(OfTraining::VerificationFee), fee),
		(held(OfTraining::ScoreList), for_scores),
		(held(OfTraining::KnownWeights), for_weights),
	];
	for (held, said) in amounts {
		assert_eq!(held, said);
		assert!(said > 0);
	}
	let all = Balances::total_balance_on_hold(&dave);
	assert_eq!(all, [model, bond, fee, for_scores, for_weights].into_iter().sum::<Balance>());
}

#[test]
fn registering_and_submitting_should_hold_what_the_api_says() {
	// A bit a record, and a number a record.
	for (metric, target, records, packed) in [
		(Metric::Accuracy, TensorType::new(DType::U8, []), 9, 2),
		(Metric::SquaredError, TensorType::new(DType::I16, [10]), 3, 12),
	] {
		new_test_ext("development").execute_with(|| {
			let (spec, data) = model(metric, target, records);
			should_hold(spec, &data, vec![0; packed]);
		});
	}
}

#[test]
fn a_model_that_registration_refuses_should_have_no_costs() {
	new_test_ext("development").execute_with(|| {
		let (mut spec, _) = model(Metric::Accuracy, TensorType::new(DType::U8, []), 9);
		assert!(Runtime::costs(spec.clone()).is_some());
		spec.objective.min_improvement = 0;
		assert_eq!(Runtime::costs(spec), None);
	});
}
