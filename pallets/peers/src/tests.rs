//! What peers do, one behaviour a test.

mod bind;
mod state;

pub(crate) use crate::{mock::*, *};
pub(crate) use polkadot_sdk::{
	frame_support::{assert_err, assert_noop, assert_ok},
	sp_core::Pair,
	sp_runtime::{DispatchError, TokenError},
};
