//! How the state of one runtime becomes that of the next.
//!
//! Each `spec_version` that changes the state has a file. Its migration is removed when no chain runs the version before
//! any longer; `docs/upgrades.md` says how one is written and tested.

pub mod v2;

/// What is done in the first block of this runtime, before anything else.
pub type SingleBlock = (v2::WindowsToParameters, v2::DrawnCommittees);

/// What is done over a number of blocks, in which only inherents run and ticks stand still.
#[cfg(not(any(test, feature = "runtime-benchmarks")))]
pub type MultiBlock = ();

/// In the tests of this crate one that can be made to fail.
#[cfg(all(test, not(feature = "runtime-benchmarks")))]
pub type MultiBlock = (crate::tests::migrations::Failing,);

/// The SDK's benchmarks bring their own.
#[cfg(feature = "runtime-benchmarks")]
pub type MultiBlock = polkadot_sdk::pallet_migrations::mock_helpers::MockedMigrations;
