//! What the registry does, one behaviour a test.

mod abandon;
mod announce;
mod card;
mod freeze;
mod keeper;
mod leaks;
mod register;
mod retire;
mod state;
mod views;

use crate::{Error, Event, ModelOf, Models, Pallet, VersionOf, fixture, mock::*};
use oda_evaluator::ModelSpec;
use oda_pallet_funds as funds;
use oda_pallet_traits::{ModelStatus, Models as Keeper, Version};
use oda_primitives::{BlobRef, ModelId, RangeProof, hash};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_io,
	sp_runtime::DispatchResult,
};

/// Runs a test, then checks the state.
fn run(test: impl FnOnce()) {
	let mut ext: sp_io::TestExternalities = new_test_ext();
	ext.execute_with(|| {
		test();
		assert_ok!(Registry::do_try_state());
	});
}

/// The proof of the length of the fixture's data.
fn proof(records: u32) -> RangeProof {
	RangeProof::of_end(&fixture::data(records)).unwrap()
}

/// The salt of every announcement.
const SALT: [u8; 32] = [7; 32];

/// What `who` announces for `model`.
fn commitment(who: u64, model: ModelId) -> [u8; 32] {
	hash::registration(&funds::genesis_hash::<Test>(), &who, &model, &SALT)
}

/// `who` has announced `model`, long enough ago; no time passes.
fn announced(who: u64, model: ModelId) {
	let now = Time::get();
	Time::set(now - MinAnnouncementAge::get());
	// If it has been announced already, or cannot be, the test says so.
	let _ = Registry::announce(RuntimeOrigin::signed(who), commitment(who, model));
	Time::set(now);
}

/// `who` registers `spec`, which it has announced.
fn register_spec(who: u64, spec: ModelSpec, proof: RangeProof, parent: Option<ModelId>) -> DispatchResult {
	Registry::register(RuntimeOrigin::signed(who), Box::new(spec), proof, parent, SALT)
}

/// `who` announces and registers the fixture's model of `records` records.
fn register(who: u64, records: u32) -> DispatchResult {
	let spec = fixture::spec(records, 0);
	announced(who, spec.id());
	register_spec(who, spec, proof(records), None)
}

/// A pending model of Alice's.
fn pending() -> ModelId {
	assert_ok!(register(ALICE, 2));
	fixture::spec(2, 0).id()
}

/// A model of Alice's with a head that she trained.
fn active() -> ModelId {
	let model = pending();
	assert_ok!(accept(model, ALICE, 10));
	model
}

/// A submission of `trainer`'s goes all the way.
fn accept(model: ModelId, trainer: u64, score: i64) -> Result<u32, polkadot_sdk::sp_runtime::DispatchError> {
	<Registry as Keeper<u64>>::enter(&model, &trainer)?;
	let number = <Registry as Keeper<u64>>::accept(&model, version(trainer, score));
	<Registry as Keeper<u64>>::leave(&model);
	number
}

/// A version that `trainer` brought.
fn version(trainer: u64, score: i64) -> VersionOf<Test> {
	Version {
		trainer,
		weights: BlobRef::of(b"weights"),
		score,
		submission: 7,
		accepted_at: Time::get(),
		replaced: None,
	}
}

/// A version as it is stored that replaced another.
fn replacing(old: u32, version: VersionOf<Test>) -> VersionOf<Test> {
	Version { replaced: Some(old), ..version }
}

/// The model as it is stored.
fn stored(model: ModelId) -> ModelOf<Test> {
	Models::<Test>::get(model).unwrap()
}

/// What an announcement's deposit comes to.
fn announcement_deposit() -> u64 {
	10 + Pallet::<Test>::announcement_footprint().size
}

/// What a card's deposit comes to.
fn card_deposit() -> u64 {
	CardBase::get() + Pallet::<Test>::card_footprint().size
}

/// What Alice's deposit for `spec` comes to.
fn deposit(spec: &ModelSpec) -> u64 {
	100 + 2 * Pallet::<Test>::footprint(spec).size
}
