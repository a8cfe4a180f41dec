//! What an upgrade does to the state, and what happens when a part of it fails.

use super::*;
use crate::parameters::{
	Windows,
	governed::{storage_deals, training},
};
use codec::Encode;
use frame_support::{
	migrations::{MultiStepMigrator, SteppedMigration, SteppedMigrationError},
	storage::unhashed,
	traits::{GetStorageVersion, OnRuntimeUpgrade, StorageVersion},
	weights::WeightMeter,
};
use sp_consensus_babe::digests::{PreDigest, SecondaryPlainPreDigest};
use sp_runtime::{Digest, DigestItem, ExtrinsicInclusionMode, traits::Header as _};

/// Makes the migration fail in its second step.
const FAIL: &[u8] = b":fail";
/// What its first step writes, and what its second.
const STEPS: [&[u8]; 2] = [b":first", b":second"];

/// A migration over two blocks.
#[allow(unreachable_pub, reason = "a configuration names it, and that is public")]
pub struct Failing;

impl SteppedMigration for Failing {
	type Cursor = ();
	type Identifier = [u8; 7];

	fn id() -> Self::Identifier {
		*b"failing"
	}

	fn step(
		cursor: Option<Self::Cursor>,
		_meter: &mut WeightMeter,
	) -> Result<Option<Self::Cursor>, SteppedMigrationError> {
		let [first, second] = STEPS;
		if cursor.is_none() {
			unhashed::put(first, &());
			return Ok(Some(()));
		}
		unhashed::put(second, &());
		if unhashed::exists(FAIL) { Err(SteppedMigrationError::Failed) } else { Ok(None) }
	}
}

/// Makes a block of nothing but the time; whether it would have taken transactions.
fn block(number: BlockNumber) -> ExtrinsicInclusionMode {
	let slot = 1_000 + u64::from(number);
	let author = PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index: 0, slot: slot.into() });
	let logs = vec![DigestItem::PreRuntime(sp_consensus_babe::BABE_ENGINE_ID, author.encode())];
	let parent = System::parent_hash();
	let header = Header::new(number, Hash::default(), Hash::default(), parent, Digest { logs });
	let mode = Executive::initialize_block(&header);
	let now = pallet_timestamp::Call::set { now: slot.saturating_mul(1_000) };
	let applied = Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(now.into()));
	applied.expect("valid").expect("the time is set");
	Executive::finalize_block();
	mode
}

/// A chain that ran an earlier runtime until now.
fn upgraded() -> TestExternalities {
	let mut ext = new_test_ext("development");
	ext.execute_with(|| {
		let before = RuntimeVersion { spec_version: VERSION.spec_version - 1, ..VERSION };
		frame_system::LastRuntimeUpgrade::<Runtime>::put(frame_system::LastRuntimeUpgradeInfo::from(before));
	});
	ext
}

#[test]
fn a_migration_over_blocks_should_keep_transactions_out_and_the_clock_still() {
	upgraded().execute_with(|| {
		assert_eq!(block(1), ExtrinsicInclusionMode::OnlyInherents);
		assert_eq!(block(2), ExtrinsicInclusionMode::OnlyInherents);
		assert_eq!(Clock::now(), 0);
		assert!(STEPS.iter().all(|key| unhashed::exists(key)));
		assert!(!Migrations::ongoing());
		assert_eq!(block(3), ExtrinsicInclusionMode::AllExtrinsics);
		assert_eq!(Clock::now(), 1);
	});
}

// try-runtime stops at a failure, so that whoever tries an upgrade cannot miss it.
#[cfg(not(feature = "try-runtime"))]
#[test]
fn a_migration_that_fails_should_stop_all_but_inherents_until_it_is_mended() {
	upgraded().execute_with(|| {
		unhashed::put(FAIL, &());
		block(1);
		block(2);
		System::assert_has_event(pallet_migrations::Event::UpgradeFailed.into());
		assert_eq!(
			pallet_migrations::Cursor::<Runtime>::get(),
			Some(pallet_migrations::MigrationCursor::Stuck)
		);
		assert!(unhashed::exists(STEPS[0]), "what was done before stays");
		assert!(!unhashed::exists(STEPS[1]), "nothing of the step that failed does");
		for number in 3..6 {
			assert_eq!(block(number), ExtrinsicInclusionMode::OnlyInherents);
			assert_eq!(Clock::now(), 0, "no deadline passes");
		}
		// As a repaired runtime does, when it has mended the state.
		pallet_migrations::Cursor::<Runtime>::kill();
		assert_eq!(block(6), ExtrinsicInclusionMode::AllExtrinsics);
		// The first block of an epoch has no tick.
		block(7);
		assert_eq!(Clock::now(), 1);
	});
}

/// A state of version 1 with these windows, which are stored under the pallet `Tempo`.
fn version_1(windows: Option<[u64; 11]>) -> TestExternalities {
	let mut ext = new_test_ext("development");
	ext.execute_with(|| {
		let _ = pallet_parameters::Parameters::<Runtime>::clear(u32::MAX, None);
		StorageVersion::new(0).put::<Tempo>();
		if let Some(windows) = windows {
			let key = frame_support::storage::storage_prefix(b"Tempo", b"ProtocolWindows");
			unhashed::put(&key, &windows);
		}
	});
	ext
}

#[test]
fn the_windows_of_version_1_should_become_parameters() {
	version_1(Some([1, 200, 3, 4, 5, 6, 70, 8, 9, 10, 11])).execute_with(|| {
		crate::migrations::SingleBlock::on_runtime_upgrade();
		let key = frame_support::storage::storage_prefix(b"Tempo", b"ProtocolWindows");
		assert!(!unhashed::exists(&key));
		assert_eq!(Tempo::on_chain_storage_version(), 1);
		assert_eq!(training::MinCommitAge::get(), 1);
		assert_eq!(training::RevealWindow::get(), 200);
		assert_eq!(training::DemandWindow::get(), 70);
		assert_eq!(storage_deals::UnbondingPeriod::get(), 11);
		assert_eq!(training::TrainerBond::get(), 100 * UNIT);
		ProtocolParameters::do_try_state().expect("every parameter has a value that fits the others");
	});
}

#[test]
fn a_chain_whose_genesis_named_no_windows_should_get_the_default_ones() {
	version_1(None).execute_with(|| {
		crate::migrations::SingleBlock::on_runtime_upgrade();
		assert_eq!(training::RevealWindow::get(), Windows::DEFAULT.reveal);
		ProtocolParameters::do_try_state().expect("every parameter has a value that fits the others");
	});
}

#[test]
fn a_state_should_be_migrated_once() {
	version_1(None).execute_with(|| {
		crate::migrations::SingleBlock::on_runtime_upgrade();
		let key = frame_support::storage::storage_prefix(b"Tempo", b"ProtocolWindows");
		unhashed::put(&key, &[9u64; 11]);
		crate::migrations::SingleBlock::on_runtime_upgrade();
		assert_eq!(training::RevealWindow::get(), Windows::DEFAULT.reveal);
	});
}
