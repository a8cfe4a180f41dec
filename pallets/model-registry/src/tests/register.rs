//! Registering.

use super::*;
use crate::{HoldReason, ProofRefusal, SpecRefusal, Specs};
use oda_evaluator::{DataSource, GraphError, SpecError};
use oda_primitives::ProofError;
use polkadot_sdk::{frame_support::traits::fungible::InspectHold, sp_runtime::TokenError};

/// Alice registers `spec`, which she has announced if that matters, with the proof that fits the fixture's data of 2 records.
fn try_register(spec: ModelSpec) -> DispatchResult {
	register_spec(ALICE, spec, proof(2), None)
}

#[test]
fn register_stores_a_pending_model_and_holds_the_deposit() {
	run(|| {
		let spec = fixture::spec(2, 0);
		announced(ALICE, spec.id());
		assert_ok!(try_register(spec.clone()));
		let model = stored(spec.id());
		assert_eq!(model.registrar, ALICE);
		assert_eq!(model.status, ModelStatus::Pending);
		assert_eq!((model.parent, model.head, model.next_version, model.live), (None, None, 0, 0));
		assert_eq!((model.records, model.registered_at, model.free_at), (2, 100, 150));
		assert_eq!(Ok(model.cost), spec.validate());
		assert_eq!(Specs::<Test>::get(spec.id()), Some(spec.clone()));
		let held = Balances::balance_on_hold(&HoldReason::Model.into(), &ALICE);
		assert_eq!(held, deposit(&spec));
		System::assert_last_event(
			Event::Registered { model: spec.id(), registrar: ALICE, parent: None }.into(),
		);
	});
}

#[test]
fn register_keeps_the_parent() {
	run(|| {
		let parent = active();
		let spec = fixture::spec(4, 0);
		announced(BOB, spec.id());
		assert_ok!(register_spec(BOB, spec.clone(), proof(4), Some(parent)));
		assert_eq!(stored(spec.id()).parent, Some(parent));
	});
}

#[test]
fn register_fails_unsigned() {
	run(|| {
		let spec = Box::new(fixture::spec(2, 0));
		let call = Registry::register(RuntimeOrigin::none(), spec, proof(2), None, SALT);
		assert_noop!(call, polkadot_sdk::sp_runtime::DispatchError::BadOrigin);
	});
}

#[test]
fn register_fails_when_the_model_exists() {
	run(|| {
		let model = pending();
		announced(BOB, model);
		assert_noop!(register(BOB, 2), Error::<Test>::AlreadyRegistered);
	});
}

#[test]
fn register_fails_when_the_spec_is_too_large() {
	run(|| {
		let mut spec = fixture::spec(2, 0);
		spec.objective.target.tensor.shape = vec![1; 8_192];
		assert_noop!(try_register(spec), Error::<Test>::SpecTooLarge);
	});
}

#[test]
fn register_fails_when_the_graph_is_invalid_and_says_why() {
	run(|| {
		let mut spec = fixture::spec(2, 0);
		spec.graph.version = 0;
		let reason = SpecError::Graph(GraphError::UnknownVersion);
		assert_noop!(try_register(spec), Error::<Test>::InvalidSpec(SpecRefusal(reason)));
	});
}

#[test]
fn register_fails_when_the_data_is_not_records_times_size() {
	run(|| {
		let mut spec = fixture::spec(2, 0);
		let DataSource::Fixed(ref mut dataset) = spec.data;
		dataset.records = 3;
		let reason = SpecRefusal(SpecError::DataLength);
		assert_noop!(try_register(spec), Error::<Test>::InvalidSpec(reason));
	});
}

#[test]
fn register_fails_when_the_scores_would_be_too_long() {
	run(|| {
		let mut spec = fixture::spec(2, 0);
		let DataSource::Fixed(ref mut dataset) = spec.data;
		dataset.records = 64 * 1024 * 8 + 1;
		dataset.blob.len = u64::from(dataset.records) * fixture::RECORD as u64;
		let reason = SpecRefusal(SpecError::TooManyRecords);
		assert_noop!(try_register(spec), Error::<Test>::InvalidSpec(reason));
	});
}

#[test]
fn register_fails_when_the_weights_exceed_what_the_court_can_be_shown() {
	run(|| {
		let spec = fixture::spec(2, 0);
		announced(ALICE, spec.id());
		MaxWeightsBytes::set(spec.graph.param_bytes() - 1);
		assert_noop!(try_register(spec.clone()), Error::<Test>::WeightsTooLarge);
		MaxWeightsBytes::set(spec.graph.param_bytes());
		assert_ok!(try_register(spec));
	});
}

#[test]
fn register_fails_when_a_record_is_too_expensive_for_the_court() {
	run(|| {
		let spec = fixture::spec(2, 0);
		announced(ALICE, spec.id());
		let cost = spec.validate().unwrap();
		CourtLimit::set(cost.macs + cost.element_ops - 1);
		assert_noop!(try_register(spec.clone()), Error::<Test>::RecordTooExpensive);
		CourtLimit::set(cost.macs + cost.element_ops);
		assert_ok!(try_register(spec));
	});
}

#[test]
fn register_fails_when_a_records_output_is_too_expensive_for_the_court_to_hash() {
	run(|| {
		let spec = fixture::spec(2, 0);
		announced(ALICE, spec.id());
		let cost = spec.validate().unwrap();
		OutputByte::set(7);
		let limit = cost.macs + cost.element_ops + 7 * spec.graph.output_bytes();
		CourtLimit::set(limit - 1);
		assert_noop!(try_register(spec.clone()), Error::<Test>::RecordTooExpensive);
		CourtLimit::set(limit);
		assert_ok!(try_register(spec));
	});
}

#[test]
fn register_fails_when_the_parent_is_unknown() {
	run(|| {
		let call = register_spec(ALICE, fixture::spec(2, 0), proof(2), Some([9; 32]));
		assert_noop!(call, Error::<Test>::UnknownParent);
	});
}

#[test]
fn register_fails_when_the_parent_is_pending() {
	run(|| {
		let parent = pending();
		let call = register_spec(ALICE, fixture::spec(4, 0), proof(4), Some(parent));
		assert_noop!(call, Error::<Test>::PendingParent);
	});
}

#[test]
fn register_fails_when_dataset_length_is_not_proved() {
	run(|| {
		let data = fixture::data(2);
		let front = RangeProof::new(&data, 0..1).unwrap();
		announced(ALICE, fixture::spec(2, 0).id());
		let call = register_spec(ALICE, fixture::spec(2, 0), front, None);
		let fault = ProofRefusal(ProofError::NotTheEnd);
		assert_noop!(call, Error::<Test>::DatasetLengthNotProved(fault));
	});
}

#[test]
fn register_fails_when_the_stated_length_is_not_the_blobs() {
	run(|| {
		// The root of two records, said to be four: no honest proof of four fits that root.
		let mut spec = fixture::spec(4, 0);
		let DataSource::Fixed(ref mut dataset) = spec.data;
		dataset.blob.root = BlobRef::of(&fixture::data(2)).root;
		announced(ALICE, spec.id());
		let call = register_spec(ALICE, spec, proof(4), None);
		let fault = ProofRefusal(ProofError::RootMismatch);
		assert_noop!(call, Error::<Test>::DatasetLengthNotProved(fault));
	});
}

#[test]
fn register_fails_when_the_length_proof_is_larger_than_a_chunk() {
	run(|| {
		let data = fixture::data(2);
		let all = RangeProof::new(&data, 0..data.len() as u64).unwrap();
		let call = register_spec(ALICE, fixture::spec(2, 0), all, None);
		assert_noop!(call, Error::<Test>::LengthProofTooLarge);
	});
}

#[test]
fn register_fails_when_the_length_proof_is_deeper_than_any_blob() {
	run(|| {
		let mut deep = proof(2);
		deep.siblings = vec![[0; 32]; 55];
		let call = register_spec(ALICE, fixture::spec(2, 0), deep, None);
		assert_noop!(call, Error::<Test>::LengthProofTooLarge);
	});
}

#[test]
fn register_fails_without_the_deposit() {
	run(|| {
		let spec = fixture::spec(2, 0);
		announced(POOR, spec.id());
		assert_noop!(register_spec(POOR, spec, proof(2), None), TokenError::FundsUnavailable);
	});
}

#[test]
fn every_error_keeps_its_index() {
	use codec::Encode;
	let first = |error: Error<Test>| error.encode()[0];
	assert_eq!(Error::<Test>::InvalidSpec(SpecRefusal(SpecError::DataLength)).encode(), [0, 7]);
	assert_eq!(first(Error::SpecTooLarge), 1);
	assert_eq!(first(Error::LengthProofTooLarge), 2);
	assert_eq!(Error::<Test>::DatasetLengthNotProved(ProofRefusal(ProofError::NotTheEnd)).encode(), [3, 5]);
	assert_eq!(first(Error::WeightsTooLarge), 4);
	assert_eq!(first(Error::RecordTooExpensive), 5);
	assert_eq!(first(Error::AlreadyRegistered), 6);
	assert_eq!(first(Error::UnknownParent), 7);
	assert_eq!(first(Error::PendingParent), 8);
	assert_eq!(first(Error::UnknownModel), 9);
	assert_eq!(first(Error::NotRegistrar), 10);
	assert_eq!(first(Error::ModelPending), 11);
	assert_eq!(first(Error::ModelRetired), 12);
	assert_eq!(first(Error::NotPending), 13);
	assert_eq!(first(Error::LiveSubmissions), 14);
	assert_eq!(first(Error::HeadOfAnother), 15);
	assert_eq!(first(Error::WindowOpen), 16);
	assert_eq!(first(Error::Exhausted), 17);
	assert_eq!(first(Error::NoHead), 18);
	assert_eq!(first(Error::NotAnnounced), 19);
	assert_eq!(first(Error::AnnouncementTooYoung), 20);
	assert_eq!(first(Error::AnnouncementExpired), 21);
	assert_eq!(first(Error::TooManyAnnouncements), 22);
	assert_eq!(first(Error::AlreadyAnnounced), 23);
	assert_eq!(first(Error::AnnouncementLive), 24);
	assert_eq!(first(Error::ChallengeTooLong), 25);
	assert_eq!(first(Error::RecordTakesTooMuchMemory), 26);
	assert_eq!(first(Error::CardOfAnother), 27);
	assert_eq!(first(Error::CardTooLarge), 28);
	assert_eq!(first(Error::NoCard), 29);
}
