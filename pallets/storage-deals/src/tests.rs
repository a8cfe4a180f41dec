//! What storage does, one behaviour a test.

mod caught;
mod evidence;
mod heads;
mod honest;
mod keepers;
mod leaks;
mod leave;
mod misses;
mod offer;
mod property;
mod prove;
mod rounds;
mod snapshots;
mod state;
mod stay;
mod sweep;
mod take;
mod views;

pub(crate) use crate::{mock::*, *};
pub(crate) use polkadot_sdk::frame_support::{assert_noop, assert_ok};
pub(crate) use polkadot_sdk::sp_runtime::{DispatchError, TokenError};

/// The first slot of a deal.
pub(crate) fn slot(deal: DealId, index: usize) -> Slot<u64, u64> {
	StorageDeals::deal(deal).unwrap().slots[index].clone()
}
