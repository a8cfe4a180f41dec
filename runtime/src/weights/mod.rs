//! What the protocol's calls weigh, measured in the runtime's own wasm by `scripts/weights.sh`.

// Generated code has no documentation of its own.
#![allow(missing_docs)]

pub mod oda_pallet_court;
pub mod pallet_clock;
pub mod pallet_emission;
pub mod pallet_inference;
pub mod pallet_model_registry;
pub mod pallet_oda_staking;
pub mod pallet_peers;
pub mod pallet_referenda;
pub mod pallet_reputation;
pub mod pallet_storage_deals;
pub mod pallet_tier_voting;
pub mod pallet_training;
pub mod pallet_verification;
