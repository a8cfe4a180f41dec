//! To `spec_version` 2: the protocol's windows become parameters, and every parameter gets its value.

use crate::{
	parameters::{Windows, write},
	*,
};
use frame_support::{
	migrations::VersionedMigration, storage_alias, traits::UncheckedOnRuntimeUpgrade, weights::Weight,
};
use oda_primitives::Tick;

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

	/// The windows of the old state.
	pub(super) fn windows(stored: Option<[Tick; 11]>) -> Windows {
		let Some(stored) = stored else { return Windows::DEFAULT };
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
			verifier_patience,
			pending,
			storage_round,
			unbonding,
			..Windows::DEFAULT
		}
	}

	impl UncheckedOnRuntimeUpgrade for Move {
		fn on_runtime_upgrade() -> Weight {
			let windows = windows(ProtocolWindows::take());
			let written = write(&windows);
			// Those that keep their value are read first.
			let written = u64::from(written);
			<Runtime as frame_system::Config>::DbWeight::get()
				.reads_writes(written.saturating_add(1), written.saturating_add(1))
		}

		#[cfg(feature = "try-runtime")]
		fn pre_upgrade() -> Result<Vec<u8>, sp_runtime::TryRuntimeError> {
			Ok(codec::Encode::encode(&ProtocolWindows::get()))
		}

		#[cfg(feature = "try-runtime")]
		fn post_upgrade(before: Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
			use codec::DecodeAll;
			use frame_support::{ensure, traits::dynamic_params::AggregatedKeyValue};
			let stored = DecodeAll::decode_all(&mut &before[..]).map_err(|_| "the old windows")?;
			ensure!(!ProtocolWindows::exists(), "the old windows are still there");
			for parameter in parameters::all(&windows(stored)) {
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
