//! What the calls of approved referenda are dispatched by.

// The pallet macro generates items without documentation, and `expect`.
#![allow(missing_docs, clippy::expect_used)]

use crate::{
	governance::tracks,
	parameters::{RuntimeParametersKey, governed},
	*,
};
use frame_support::traits::{EnsureOrigin, EnsureOriginWithArg, Get};
use frame_system::{EnsureRoot, RawOrigin};

pub use pallet::*;

#[frame_support::pallet]
pub mod pallet {
	use super::tracks;
	use polkadot_sdk::frame_support::pallet_prelude::*;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {}

	/// The track on which something was decided, where that was not root's.
	#[pallet::origin]
	#[derive(
		Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
	)]
	pub enum Origin {
		/// May dispatch what an emergency has whitelisted, as root.
		#[codec(index = 0)]
		Whitelisted,
		/// May change parameters.
		#[codec(index = 1)]
		Parameters,
		/// May freeze models, and let them go on.
		#[codec(index = 2)]
		ModelFreeze,
		/// May spend what the treasury has.
		#[codec(index = 3)]
		Treasury,
		/// May pause calls and enter safe mode, stop referenda, and whitelist calls.
		#[codec(index = 4)]
		Emergency,
	}

	impl Origin {
		/// The track on which it is decided.
		pub fn track(self) -> super::TrackId {
			match self {
				Self::Whitelisted => tracks::WHITELISTED,
				Self::Parameters => tracks::PARAMETERS,
				Self::ModelFreeze => tracks::MODEL_FREEZE,
				Self::Treasury => tracks::TREASURY,
				Self::Emergency => tracks::EMERGENCY,
			}
		}
	}
}

/// The number of a track.
pub type TrackId = pallet_tier_voting::Class;

impl Config for Runtime {}

/// Who was decided on this track, or is root.
pub struct Decided<const TRACK: TrackId>;

impl<const TRACK: TrackId> Decided<TRACK> {
	fn is(origin: &RuntimeOrigin) -> bool {
		match &origin.caller {
			OriginCaller::system(RawOrigin::Root) => true,
			OriginCaller::Origins(decided) => decided.track() == TRACK,
			_ => false,
		}
	}
}

impl<const TRACK: TrackId> EnsureOrigin<RuntimeOrigin> for Decided<TRACK> {
	type Success = ();

	fn try_origin(origin: RuntimeOrigin) -> Result<(), RuntimeOrigin> {
		if Self::is(&origin) { Ok(()) } else { Err(origin) }
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin() -> Result<RuntimeOrigin, ()> {
		Ok(RawOrigin::Root.into())
	}
}

/// Who may change a parameter: whoever was decided on the track of parameters; but what makes votes is root's
/// alone, or a few could make them their own.
pub struct Changers;

impl EnsureOriginWithArg<RuntimeOrigin, RuntimeParametersKey> for Changers {
	type Success = ();

	fn try_origin(origin: RuntimeOrigin, key: &RuntimeParametersKey) -> Result<(), RuntimeOrigin> {
		use governed::{staking, verification};
		let makes_votes = matches!(
			key,
			RuntimeParametersKey::Reputation(_)
				| RuntimeParametersKey::Staking(
					staking::ParametersKey::MinValidatorBond(_) | staking::ParametersKey::MinProviderBond(_)
				) | RuntimeParametersKey::Verification(verification::ParametersKey::MinStake(_))
		);
		if makes_votes {
			<EnsureRoot<AccountId> as EnsureOrigin<_>>::try_origin(origin)
		} else {
			<Decided<{ tracks::PARAMETERS }> as EnsureOrigin<_>>::try_origin(origin)
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_: &RuntimeParametersKey) -> Result<RuntimeOrigin, ()> {
		Ok(RawOrigin::Root.into())
	}
}

/// As [`Decided`], for so much.
pub struct DecidedFor<const TRACK: TrackId, Success, Amount>(core::marker::PhantomData<(Success, Amount)>);

impl<const TRACK: TrackId, Success, Amount: Get<Success>> EnsureOrigin<RuntimeOrigin>
	for DecidedFor<TRACK, Success, Amount>
{
	type Success = Success;

	fn try_origin(origin: RuntimeOrigin) -> Result<Success, RuntimeOrigin> {
		<Decided<TRACK> as EnsureOrigin<_>>::try_origin(origin).map(|()| Amount::get())
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin() -> Result<RuntimeOrigin, ()> {
		<Decided<TRACK> as EnsureOrigin<_>>::try_successful_origin()
	}
}
