//! What the registry keeps of a model.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use oda_evaluator::{Cost, SpecError};
use oda_pallet_traits::ModelStatus;
use oda_primitives::{BlobRef, ModelId, ProofError, Tick, VersionId};
use polkadot_sdk::frame_support::traits::PalletError;
use scale_info::TypeInfo;

/// A registered model, without its specification and its versions, which lie beside it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Model<AccountId, Ticket> {
	/// The account that registered it.
	pub registrar: AccountId,
	/// Whether it is pending, active or retired.
	pub status: ModelStatus,
	/// The model that the registrar says it descends from.
	pub parent: Option<ModelId>,
	/// The number of the version that is current and has to be beaten.
	pub head: Option<VersionId>,
	/// The number that the next accepted version gets.
	pub next_version: VersionId,
	/// The number of submissions to it that have not ended.
	pub live: u32,
	/// The cost of evaluating one record.
	pub cost: Cost,
	/// The number of records that the data has.
	pub records: u32,
	/// How many bytes weights and data have together.
	pub bytes: u64,
	/// The tick at which it was registered.
	pub registered_at: Tick,
	/// The first tick at which anybody may abandon it, if it is still pending.
	pub free_at: Tick,
	/// The registrar's deposit for what the chain keeps of it.
	pub ticket: Ticket,
}

/// A registrar's announcement of a model that it is going to register.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Announcement<Ticket> {
	/// [`oda_primitives::hash::registration`] of the registrar, the model and a salt.
	pub commitment: [u8; 32],
	/// The first tick at which it is good for a registration.
	pub opens_at: Tick,
	/// The first tick at which it is good for none any more, and anybody may remove it.
	pub closes_at: Tick,
	/// The registrar's deposit for it.
	pub ticket: Ticket,
}

/// What a model is about, and how people ask it: a blob outside the model's id.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Card<AccountId, Ticket> {
	/// The card itself.
	pub blob: BlobRef,
	/// The account that set it.
	pub owner: AccountId,
	/// That account's deposit for it.
	pub ticket: Ticket,
}

/// Why a specification is refused, as a part of the pallet's error.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SpecRefusal(pub SpecError);

impl SpecRefusal {
	/// Bytes of an encoded [`SpecError`]; the pallet's integrity test holds it against the type.
	pub const MAX_BYTES: usize = 2;
}

impl PalletError for SpecRefusal {
	const MAX_ENCODED_SIZE: usize = Self::MAX_BYTES;
}

/// Why a proof of the data's length is refused, as a part of the pallet's error.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ProofRefusal(pub ProofError);

impl ProofRefusal {
	/// Bytes of an encoded [`ProofError`]; the pallet's integrity test holds it against the type.
	pub const MAX_BYTES: usize = 1;
}

impl PalletError for ProofRefusal {
	const MAX_ENCODED_SIZE: usize = Self::MAX_BYTES;
}
