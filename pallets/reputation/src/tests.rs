//! One file a behaviour.

mod appeals;
mod bonds;
mod decay;
mod faults;
mod genesis;
mod ladder;
mod payers;
mod points;
mod property;
mod splitting;
mod state;
mod tiers;
mod views;

pub(crate) use crate::{mock::*, pallet::*, types::*};
pub(crate) use oda_pallet_traits::{Deed, Evidence as _, Role, Tiers as _};
pub(crate) use oda_primitives::Payment;
pub(crate) use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, dispatch::Pays, traits::fungible::Inspect as _},
	sp_runtime::Perbill,
};
