//! To `spec_version` 2: windows become parameters, bonds of verifiers become stakes, and committees are drawn.

mod committees;
mod sessions;

pub use committees::DrawnCommittees;

use crate::{
	parameters::{Windows, write},
	*,
};
use frame_support::{
	migrations::VersionedMigration, storage_alias, traits::UncheckedOnRuntimeUpgrade, weights::Weight,
};
use oda_primitives::Tick;
use sp_core::Get;

/// The windows as the pallet `Tempo` kept them in version 0 of its storage. All eleven are there or none: a chain whose
/// genesis named none has the default ones.
#[storage_alias]
type ProtocolWindows = StorageValue<Tempo, [Tick; 11]>;

/// Moves the windows from `Tempo` to `Parameters`, where it also writes the amounts that were constants.
pub type WindowsToParameters =
	VersionedMigration<0, 1, unchecked::Move, crate::Tempo, <Runtime as frame_system::Config>::DbWeight>;

mod unchecked {
	use super::*;

	/// What [`WindowsToParameters`] does where the version is right.
	pub struct Move;

	/// The old windows, and how many verifiers and validators there are: what is new must not ask for more than have
	/// been enough.
	type Before = (Option<[Tick; 11]>, u32, u32);

	fn before() -> Before {
		let validators = Session::validators().len();
		(ProtocolWindows::get(), committees::verifiers(), u32::try_from(validators).unwrap_or(u32::MAX))
	}

	/// The windows of the old state, and those that are new.
	fn windows((stored, verifiers, validators): Before) -> Windows {
		let few = Windows {
			min_committee: Windows::DEFAULT.min_committee.min(verifiers.max(1)),
			min_validators: Windows::DEFAULT.min_validators.min(validators.max(1)),
			..Windows::DEFAULT
		};
		let Some(stored) = stored else { return few };
		let [
			min_commit_age,
			reveal,
			attest_base,
			challenge,
			min_challenge_age,
			challenge_lifetime,
			demand,
			verifier_patience,
			pending,
			storage_round,
			unbonding,
		] = stored;
		Windows {
			min_commit_age,
			reveal,
			attest_base,
			challenge,
			min_challenge_age,
			challenge_lifetime,
			demand,
			verifier_patience: verifier_patience.max(tempo::EpochSlots::<Runtime>::get().saturating_mul(3)),
			// Whoever has to show weights has as long.
			dispute: demand,
			// An answer can be disputed as long as its receipt is good, and that as long as stake answers.
			receipts: few.receipts.max(demand),
			bonding: few.bonding.max(demand),
			pending,
			storage_round,
			unbonding,
			..few
		}
	}

	impl UncheckedOnRuntimeUpgrade for Move {
		fn on_runtime_upgrade() -> Weight {
			let windows = windows(before());
			ProtocolWindows::kill();
			let written = write(&windows);
			// Those that keep their value are read first.
			let written = u64::from(written);
			<Runtime as frame_system::Config>::DbWeight::get()
				.reads_writes(written.saturating_add(1), written.saturating_add(1))
		}

		#[cfg(feature = "try-runtime")]
		fn pre_upgrade() -> Result<Vec<u8>, sp_runtime::TryRuntimeError> {
			Ok(codec::Encode::encode(&before()))
		}

		#[cfg(feature = "try-runtime")]
		fn post_upgrade(before: Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
			use codec::DecodeAll;
			use frame_support::{ensure, traits::dynamic_params::AggregatedKeyValue};
			let before = DecodeAll::decode_all(&mut &before[..]).map_err(|_| "the old windows")?;
			ensure!(!ProtocolWindows::exists(), "the old windows are still there");
			for parameter in parameters::all(&windows(before)) {
				let (key, value) = parameter.into_parts();
				ensure!(
					pallet_parameters::Parameters::<Runtime>::get(key) == value,
					"a parameter is not what it was before"
				);
			}
			ProtocolParameters::do_try_state()
		}
	}
}
