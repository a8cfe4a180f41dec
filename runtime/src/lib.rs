//! The ODA runtime: composes the pallets into the chain's state transition.
//!
//! - [`Runtime`] is made of the pallets listed at the end of this file; their indices are part of every
//!   encoded call and never change.
//! - [`configs`] gives each pallet what it is configured with.
//! - [`parameters`] are the windows and amounts that may change without another runtime.
//! - [`defence`] says which transactions may use the room that blocks keep for the protocol's defence.
//! - [`governance`] is how the chain changes itself: tracks of referenda, their origins, who may propose.
//! - [`tempo`] keeps the slot duration and the epoch length that genesis chose.
//! - [`migrations`] make the state of the last runtime that of this one.
//! - [`apis`] is what the node may ask of the runtime; `overview` composes the answers about models.
//! - [`genesis_config_presets`] are the chains that this one runtime can start.

#![cfg_attr(not(feature = "std"), no_std)]
// `impl_runtime_apis!` and the runtime macro expand beyond the default limit.
#![recursion_limit = "512"]

extern crate alloc;

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarks;
pub mod configs;
pub mod defence;
pub mod genesis_config_presets;
pub mod governance;
pub mod migrations;
mod overview;
pub mod parameters;
pub mod tempo;
pub mod weights;

#[cfg(test)]
#[allow(clippy::expect_used)]
pub(crate) mod tests;

pub use apis::{RUNTIME_API_VERSIONS, RuntimeApi};
pub use construct::*;
#[cfg(feature = "std")]
pub use wasm::*;

use alloc::{borrow::Cow, vec::Vec};
use polkadot_sdk::*;

use sp_runtime::{
	MultiAddress, MultiSignature, generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

/// A signature over an extrinsic: sr25519, ed25519 or ecdsa.
pub type Signature = MultiSignature;

/// The public side of whoever signs extrinsics, 32 bytes.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;

/// How an extrinsic names an account.
pub type Address = MultiAddress<AccountId, ()>;

/// An amount of planck, see [`UNIT`].
pub type Balance = u128;

/// The number of transactions that an account has sent.
pub type Nonce = u32;

/// A block, state or extrinsic hash.
pub type Hash = sp_core::H256;

/// The height of a block.
pub type BlockNumber = u32;

/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;

/// A block with its decoded extrinsics.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// What every transaction is checked against, in this order, beside its signature.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckMortality<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	defence::CheckDefence,
	frame_system::WeightReclaim<Runtime>,
);

/// An extrinsic as it travels and lies in a block.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// What is signed for a transaction.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Dispatches extrinsics to the pallets and runs their hooks.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

/// One ODA: the token has 12 decimals.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of an ODA.
pub const MILLI_UNIT: Balance = UNIT / 1_000;
/// A millionth of an ODA.
pub const MICRO_UNIT: Balance = UNIT / 1_000_000;

// The build script generates items without documentation.
#[cfg(feature = "std")]
#[allow(missing_docs)]
mod wasm {
	include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));
}

// The macro generates items without documentation.
#[allow(missing_docs)]
mod session_keys {
	use super::*;
	impl_opaque_keys! {
		/// The keys with which a validator takes part in consensus.
		pub struct SessionKeys {
			pub babe: Babe,
			pub grandpa: configs::consensus::Voters,
			pub im_online: ImOnline,
		}
	}
}
pub use session_keys::SessionKeys;

/// Which runtime this is. `spec_version` rises with every release that changes the state transition,
/// `transaction_version` whenever an existing transaction would decode or check differently.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("oda"),
	impl_name: Cow::Borrowed("oda-node"),
	authoring_version: 1,
	spec_version: 2,
	impl_version: 1,
	apis: RUNTIME_API_VERSIONS,
	transaction_version: 2,
	system_version: 1,
};

// The macro generates items without documentation.
#[allow(missing_docs)]
mod construct {
	use super::*;

	// The pallets, in the order in which their genesis is built and their hooks run: that of this list, not that of the
	// indices. An index, once on a chain, is never given to another pallet.
	#[frame_support::runtime(legacy_ordering)]
	mod runtime {
		use super::*;

		#[runtime::runtime]
		#[runtime::derive(
			RuntimeCall,
			RuntimeEvent,
			RuntimeError,
			RuntimeOrigin,
			RuntimeFreezeReason,
			RuntimeHoldReason,
			RuntimeSlashReason,
			RuntimeLockId,
			RuntimeTask,
			RuntimeViewFunction
		)]
		pub struct Runtime;

		#[runtime::pallet_index(0)]
		pub type System = frame_system;

		// Before all that asks how long a slot or an epoch is, so that genesis has written it.
		#[runtime::pallet_index(9)]
		pub type Tempo = tempo;

		#[runtime::pallet_index(7)]
		pub type Migrations = pallet_migrations;

		#[runtime::pallet_index(13)]
		pub type Parameters = pallet_parameters;

		// Before the protocol's pallets, whose genesis reads parameters.
		#[runtime::pallet_index(14)]
		pub type ProtocolParameters = parameters::changes;

		#[runtime::pallet_index(1)]
		pub type Timestamp = pallet_timestamp;

		// BABE and authorship before session: they see a block under the session it was made in.
		#[runtime::pallet_index(2)]
		pub type Babe = pallet_babe;

		#[runtime::pallet_index(3)]
		pub type Authorship = pallet_authorship;

		// Before session, whose genesis counts references on the validators' accounts.
		#[runtime::pallet_index(10)]
		pub type Balances = pallet_balances;

		// Before session, whose genesis elects; after balances, in which stakes are held.
		#[runtime::pallet_index(26)]
		pub type Staking = pallet_oda_staking;

		#[runtime::pallet_index(4)]
		pub type Session = pallet_session;

		#[runtime::pallet_index(5)]
		pub type Historical = pallet_session::historical;

		#[runtime::pallet_index(6)]
		pub type Grandpa = pallet_grandpa;

		#[runtime::pallet_index(15)]
		pub type ImOnline = pallet_im_online;

		#[runtime::pallet_index(16)]
		pub type Offences = pallet_offences;

		#[runtime::pallet_index(11)]
		pub type TransactionPayment = pallet_transaction_payment;

		#[runtime::pallet_index(12)]
		pub type Utility = pallet_utility;

		// 20 and up are the protocol's own.
		#[runtime::pallet_index(20)]
		pub type Clock = pallet_clock;

		#[runtime::pallet_index(21)]
		pub type ModelRegistry = pallet_model_registry;

		#[runtime::pallet_index(22)]
		pub type Training = pallet_training;

		#[runtime::pallet_index(23)]
		pub type Verification = pallet_verification;

		#[runtime::pallet_index(24)]
		pub type StorageDeals = pallet_storage_deals;

		#[runtime::pallet_index(25)]
		pub type Peers = pallet_peers;

		#[runtime::pallet_index(27)]
		pub type Emission = pallet_emission;

		#[runtime::pallet_index(28)]
		pub type Inference = pallet_inference;

		#[runtime::pallet_index(29)]
		pub type Reputation = pallet_reputation;

		#[runtime::pallet_index(30)]
		pub type TierVoting = pallet_tier_voting;

		// 40 and up are what the chain governs itself by.
		#[runtime::pallet_index(40)]
		pub type Origins = governance::origins;

		#[runtime::pallet_index(41)]
		pub type Proposals = governance::proposals;

		#[runtime::pallet_index(42)]
		pub type Scheduler = pallet_scheduler;

		#[runtime::pallet_index(43)]
		pub type Preimage = pallet_preimage;

		#[runtime::pallet_index(44)]
		pub type Referenda = pallet_referenda;

		#[runtime::pallet_index(45)]
		pub type Whitelist = pallet_whitelist;

		#[runtime::pallet_index(46)]
		pub type Treasury = pallet_treasury;

		#[runtime::pallet_index(47)]
		pub type Proxy = pallet_proxy;

		#[runtime::pallet_index(48)]
		pub type Multisig = pallet_multisig;

		#[runtime::pallet_index(49)]
		pub type TxPause = pallet_tx_pause;

		#[runtime::pallet_index(50)]
		pub type SafeMode = pallet_safe_mode;

		#[runtime::pallet_index(51)]
		pub type Pauses = governance::pauses;
	}

	// The macro's trait with these two is private to this module.
	pub(crate) fn create_inherents(data: &sp_inherents::InherentData) -> Vec<UncheckedExtrinsic> {
		data.create_extrinsics()
	}

	pub(crate) fn check_inherents(
		data: &sp_inherents::InherentData,
		block: &<Block as sp_runtime::traits::Block>::LazyBlock,
	) -> sp_inherents::CheckInherentsResult {
		data.check_extrinsics(block)
	}
}
