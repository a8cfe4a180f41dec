//! What staking does, one behaviour a test.

mod absences;
mod bonds;
mod candidates;
mod commission;
mod cost;
mod election;
mod escapes;
mod fund;
mod leave;
mod offences;
mod property;
mod rewards;
mod slashes;
mod state;
mod suspension;
mod views;

pub(crate) use crate::mock::*;
pub(crate) use crate::*;
pub(crate) use oda_pallet_traits::Role::{Provider, Validator, Verifier};
pub(crate) use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::TokenError,
};
