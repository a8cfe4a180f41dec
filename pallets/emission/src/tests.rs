//! One file a behaviour.

mod authors;
mod farm;
mod page;
mod periods;
mod property;
mod schedule;
mod state;
mod trainers;
mod verifiers;
mod views;

pub(crate) use crate::{Event, mock::*, pallet::*, schedule::Schedule, types::*};
pub(crate) use oda_pallet_traits::{Payments, Role};
pub(crate) use polkadot_sdk::sp_runtime::Perbill;
