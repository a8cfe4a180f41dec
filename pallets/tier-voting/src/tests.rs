//! One file a behaviour.

mod catch_up;
mod delegate;
mod deposit;
mod evidence;
mod forget;
mod poke;
mod property;
mod state;
mod tally;
mod tier;
mod views;
mod vote;

pub(crate) use crate::{Error, Event, mock::*, pallet::*, types::*};
pub(crate) use polkadot_sdk::frame_support::{assert_noop, assert_ok, pallet_prelude::Weight};
