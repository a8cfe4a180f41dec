//! What can go wrong, one variant per reason.

use crate::{
	AccountId,
	link::LinkError,
	runtime::{self, runtime_types as generated},
};
use oda_primitives::{refusal, storage::INVALID_PROOF};
use subxt::{
	Metadata,
	error::{
		BackendError, ConstantError, DispatchError, EventsError, ExtrinsicError, OnlineClientAtBlockError,
		OnlineClientError, RpcError, RuntimeApiError, StorageError, ViewFunctionError,
	},
	ext::scale_decode::DecodeAsType,
	rpcs,
	tx::TransactionInvalid,
};

/// The errors of the pallets, as the runtime names them.
pub mod errors {
	use super::generated;
	pub use crate::runtime::Error as RuntimeError;
	pub use generated::{
		pallet_balances::pallet::Error as Balances, pallet_inference::pallet::Error as Inference,
		pallet_model_registry::pallet::Error as ModelRegistry, pallet_oda_staking::pallet::Error as Staking,
		pallet_peers::pallet::Error as Peers, pallet_storage_deals::pallet::Error as StorageDeals,
		pallet_training::pallet::Error as Training, pallet_verification::pallet::Error as Verification,
	};
}

use errors::{ModelRegistry, Peers, RuntimeError, StorageDeals, Training, Verification};

/// Why something could not be read from the chain, or was not done by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
	/// A pallet refused the call, by an error of its own.
	#[error("the chain refused: {pallet}::{error}{}", .detail.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
	Module {
		/// The pallet.
		pallet: String,
		/// The error's name.
		error: String,
		/// What the error carries, if anything.
		detail: Option<String>,
		/// The error as a value; `None` if the runtime is newer than this program, which does not know it.
		typed: Option<RuntimeError>,
	},
	/// The call failed for a reason that is not a pallet's.
	#[error("the chain refused: {0}")]
	Dispatch(DispatchError),
	/// The node did not take the transaction into its pool.
	#[error("the node rejected the transaction: {message} ({code})")]
	Rejected {
		/// Why.
		reason: Refusal,
		/// The node's code.
		code: i32,
		/// The node's words.
		message: String,
	},
	/// The node answered a request with an error.
	#[error("the node answered: {message} ({code})")]
	Answered {
		/// The node's code.
		code: i32,
		/// The node's words.
		message: String,
	},
	/// No block that could still hold the transaction does.
	#[error("the transaction is in none of the blocks up to {0}, after which it is no longer valid")]
	Expired(u64),
	/// Other transactions of the account took the number of this one, each time that it was signed. It is in no
	/// block, nor can it come into one.
	#[error("another transaction of this account was first, {0} times")]
	Overtaken(usize),
	/// A block has the transaction, and the node no longer has the state that tells what became of it.
	#[error("the transaction is in block {0}, whose state the node no longer has")]
	Unread(u64),
	/// The node cannot be reached, and the caller does not want to wait any longer.
	#[error("{0}")]
	NodeAway(String),
	/// A node of another chain answers where the chain's node was. It stays so until the right one is back there.
	#[error("{0}")]
	AnotherChain(String),
	/// A request or its answer is larger than the node or this program takes.
	#[error("{0}")]
	TooLarge(String),
	/// The chain does not have something that it always has.
	#[error("the chain's state lacks {0}")]
	Missing(&'static str),
	/// What the chain holds does not fit what this program knows of it.
	#[error("the chain is not the one that this program knows: {0}")]
	Incompatible(String),
	/// The same call of this account was sent before, by a process that was interrupted, and this block has it. Nothing
	/// was sent now; the next call is another one.
	#[error(
		"this was done in block {0}, by a command that was interrupted; nothing was sent now: to do it once more, give it again"
	)]
	AlreadyDone(u64),
	/// A transaction was not sent, because its bytes could not be kept for the case that this process ends.
	#[error("the outbox: {0}")]
	Outbox(String),
	/// The secret key cannot be read.
	#[error("the key: {0}")]
	Key(String),
	/// A key whose secret everybody knows, on a chain that is not for development.
	#[error(
		"{0} is a development account, whose secret everybody knows; this chain is not for development: make a key (ml-worker key new)"
	)]
	WellKnownKey(AccountId),
	/// Something else between this program and the node.
	#[error("the node: {0}")]
	Node(Box<subxt::Error>),
}

/// Why a node did not take a transaction into its pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refusal {
	/// The account cannot pay the fees.
	Fees,
	/// A block has a transaction of the account with this number.
	Outdated,
	/// Transactions of the account with lower numbers are missing.
	Early,
	/// It is signed for another runtime or another fork; or its signature is wrong.
	Signature,
	/// It was signed too many blocks ago.
	Old,
	/// It takes more than is left of a block.
	Exhausts,
	/// The runtime finds it invalid for another reason.
	Invalid,
	/// The runtime refused it in the pool's block, and would take it in the one after.
	Passed,
	/// The pool has a transaction of the account with this number, or of the same content.
	Outbid,
	/// The pool found it invalid, or saw it in a block, a while ago.
	Banned,
	/// The pool is full of others with higher fees.
	Full,
	/// Another reason.
	Other,
}

/// Where the answers of a pool begin, and where they end.
const POOL: std::ops::RangeInclusive<i32> = 1000..=1040;
/// The runtime says that the transaction is invalid.
pub(crate) const INVALID: i32 = 1010;
/// The pool or a block has it, or the pool found it invalid a while ago.
const BANNED: i32 = 1012;
/// The pool has it.
pub(crate) const KNOWN: i32 = 1013;
/// The pool has another one in its place.
const OUTBID: i32 = 1014;
/// The pool is full.
const FULL: i32 = 1016;
/// The request is larger than the node takes, or its answer larger than it gives.
const OVERSIZED: [i32; 2] = [-32007, -32008];

impl ChainError {
	/// The runtime's own error, if that is why.
	pub fn module(&self) -> Option<&RuntimeError> {
		match self {
			Self::Module { typed, .. } => typed.as_ref(),
			_ => None,
		}
	}

	/// Why the node did not take the transaction into its pool, if that is why.
	pub fn refusal(&self) -> Option<Refusal> {
		match self {
			Self::Rejected { reason, .. } => Some(*reason),
			_ => None,
		}
	}

	/// Whether the runtime itself refused, for a reason that waiting does not remove: the same call would be
	/// refused again. Nothing else is a reason to give up what has a deadline.
	pub fn is_final(&self) -> bool {
		match self {
			Self::Module { typed: Some(error), .. } => is_final(error),
			Self::Dispatch(error) => matches!(
				error,
				DispatchError::BadOrigin | DispatchError::CannotLookup | DispatchError::RootNotAllowed
			),
			_ => false,
		}
	}

	/// Whether what became of a transaction that was sent is not known: a connection ended, or the node did not
	/// say. It may be in a block, or get into one.
	pub fn leaves_open(&self) -> bool {
		!matches!(
			self,
			Self::Module { .. }
				| Self::Dispatch(_)
				| Self::Rejected { .. }
				| Self::Expired(_)
				| Self::Overtaken(_)
				| Self::Unread(_)
				| Self::AlreadyDone(_)
				| Self::Outbox(_)
				| Self::Key(_)
		)
	}
}

/// Whether the same call would get this error again, however long it waits.
fn is_final(error: &RuntimeError) -> bool {
	match error {
		RuntimeError::ModelRegistry(error) => !matches!(
			error,
			ModelRegistry::PendingParent
				| ModelRegistry::ModelPending
				| ModelRegistry::LiveSubmissions
				| ModelRegistry::WindowOpen
				| ModelRegistry::AnnouncementTooYoung
				| ModelRegistry::TooManyAnnouncements
				| ModelRegistry::AnnouncementLive
		),
		RuntimeError::Training(error) => !matches!(
			error,
			Training::TooManyLive
				| Training::RevealTooEarly
				| Training::QueueFull
				| Training::HeadUnchanged
				| Training::NothingDue
				| Training::NotVerifying
				| Training::TooManyChallengers
				| Training::ChallengeTooEarly
				| Training::TooManyBounties
				| Training::BountyNotOver
				| Training::BountyPending
				| Training::NotRetired
				| Training::StillLive
				| Training::AlreadyDemanded
				| Training::NotDisputed
		),
		RuntimeError::Verification(error) => !matches!(
			error,
			Verification::NoVerifiers
				| Verification::HasOpenTasks
				| Verification::TooManyVerifiers
				| Verification::StakeTooLow
				| Verification::StillInDraw
				| Verification::NotCommitting
				| Verification::NotOpening
				| Verification::NotCommitted
				| Verification::NotDisputed
		),
		RuntimeError::StorageDeals(error) => !matches!(
			error,
			StorageDeals::CapacityInUse
				| StorageDeals::HasReplicas
				| StorageDeals::StillUnbonding
				| StorageDeals::NoFreeSlot
				| StorageDeals::CapacityExceeded
				| StorageDeals::BondTooLow
				| StorageDeals::NothingDue
				| StorageDeals::TooEarly
				| StorageDeals::ModelNotOpen
		),
		RuntimeError::Peers(error) => !matches!(error, Peers::PeerInUse),
		// Of money above all, which comes and goes.
		_ => false,
	}
}

/// What a request to the node failed with, wherever subxt keeps it.
fn request(error: &subxt::Error) -> Option<&rpcs::Error> {
	use subxt::Error;
	let backend = match error {
		Error::OtherRpcClientError(error) => return Some(error),
		Error::OnlineClientError(OnlineClientError::RpcError(error)) => return Some(error),
		Error::OnlineClientError(OnlineClientError::CannotGetGenesisHash(error)) => error,
		Error::OnlineClientAtBlockError(
			OnlineClientAtBlockError::CannotGetCurrentBlock { reason, .. }
			| OnlineClientAtBlockError::CannotGetBlockHash { reason, .. }
			| OnlineClientAtBlockError::CannotGetBlockHeader { reason, .. }
			| OnlineClientAtBlockError::CannotGetSpecVersion { reason, .. },
		) => reason,
		Error::StorageError(
			StorageError::CannotFetchValue(error)
			| StorageError::CannotIterateValues(error)
			| StorageError::StreamFailure(error),
		) => error,
		Error::RuntimeApiError(RuntimeApiError::CannotCallApi(error)) => error,
		Error::ViewFunctionError(ViewFunctionError::CannotCallApi(error)) => error,
		Error::EventsError(EventsError::CannotFetchEventBytes(error)) => error,
		Error::ExtrinsicError(
			ExtrinsicError::CannotGetBlockBody(error) | ExtrinsicError::CannotGetValidationInfo(error),
		) => error,
		Error::AccountNonceError(subxt::error::AccountNonceError::CouldNotRetrieve(error)) => error,
		Error::BackendError(error) => error,
		_ => return None,
	};
	match backend {
		BackendError::Rpc(RpcError::ClientError(error)) => Some(error),
		_ => None,
	}
}

/// Whether the runtime lacks something that this program uses, or has it in another shape.
fn is_incompatible(error: &subxt::Error) -> bool {
	use subxt::Error;
	matches!(
		error,
		Error::StorageError(
			StorageError::IncompatibleCodegen
				| StorageError::PalletNameNotFound(_)
				| StorageError::StorageEntryNotFound { .. }
		) | Error::RuntimeApiError(
			RuntimeApiError::IncompatibleCodegen
				| RuntimeApiError::TraitNotFound(_)
				| RuntimeApiError::MethodNotFound { .. }
		) | Error::ViewFunctionError(
			ViewFunctionError::IncompatibleCodegen
				| ViewFunctionError::PalletNotFound(_)
				| ViewFunctionError::ViewFunctionNotFound { .. }
		) | Error::ExtrinsicError(
			ExtrinsicError::IncompatibleCodegen
				| ExtrinsicError::PalletNameNotFound(_)
				| ExtrinsicError::CallNameNotFound { .. }
		) | Error::ConstantError(
			ConstantError::IncompatibleCodegen
				| ConstantError::PalletNameNotFound(_)
				| ConstantError::ConstantNameNotFound { .. }
		)
	)
}

/// What subxt failed with.
pub(crate) fn node(error: impl Into<subxt::Error>) -> ChainError {
	let error = error.into();
	if let Some(known) = request(&error).and_then(link) {
		return known;
	}
	if is_incompatible(&error) {
		return ChainError::Incompatible(error.to_string());
	}
	ChainError::Node(Box::new(error))
}

/// What the connection itself says of a request.
fn link(error: &rpcs::Error) -> Option<ChainError> {
	match error {
		rpcs::Error::Client(error) => {
			let error = error.downcast_ref::<LinkError>()?;
			let text = error.to_string();
			Some(match error {
				LinkError::Away { .. } => ChainError::NodeAway(text),
				LinkError::AnotherChain { .. } => ChainError::AnotherChain(text),
				LinkError::TooLarge { .. } => ChainError::TooLarge(text),
			})
		}
		rpcs::Error::User(error) if OVERSIZED.contains(&error.code) => {
			Some(ChainError::TooLarge(format!("the node answered: {error}")))
		}
		_ => None,
	}
}

/// What the node answered to a request.
pub(crate) fn rpc(error: rpcs::Error) -> ChainError {
	if let Some(known) = link(&error) {
		return known;
	}
	let rpcs::Error::User(error) = error else { return node(error) };
	let data = error.data.as_ref().map(|data| data.get().trim_matches('"').to_owned());
	let message = data.map_or_else(|| error.message.clone(), |data| format!("{}: {data}", error.message));
	let code = error.code;
	if !POOL.contains(&code) {
		return ChainError::Answered { code, message };
	}
	let reason = match code {
		INVALID => Refusal::Invalid,
		BANNED => Refusal::Banned,
		OUTBID => Refusal::Outbid,
		FULL => Refusal::Full,
		_ => Refusal::Other,
	};
	ChainError::Rejected { reason, code, message }
}

/// A refusal of the runtime by its reason: a pallet's error, if it is one of a call that nobody signs.
pub(crate) fn invalid(reason: &TransactionInvalid, message: String, metadata: &Metadata) -> ChainError {
	let reason = match reason {
		TransactionInvalid::Custom(code) => match custom(*code, metadata) {
			Some(error) => return error,
			None => Refusal::Invalid,
		},
		TransactionInvalid::Payment => Refusal::Fees,
		TransactionInvalid::Stale => Refusal::Outdated,
		TransactionInvalid::Future => Refusal::Early,
		TransactionInvalid::BadProof => Refusal::Signature,
		TransactionInvalid::AncientBirthBlock => Refusal::Old,
		TransactionInvalid::ExhaustsResources => Refusal::Exhausts,
		_ => Refusal::Invalid,
	};
	ChainError::Rejected { reason, code: INVALID, message }
}

/// Where the codes of pallets begin with which they refuse calls that nobody signs; the highest first.
const REFUSALS: [(u8, &str); 3] = [
	(refusal::TRAINING, "Training"),
	(INVALID_PROOF, "StorageDeals"),
	(refusal::VERIFICATION, "Verification"),
];

/// The pallet's error that a code stands for.
fn custom(code: u8, metadata: &Metadata) -> Option<ChainError> {
	// The highest base that the code reaches.
	let (base, pallet) = REFUSALS.into_iter().find(|(base, _)| code >= *base)?;
	let pallet = metadata.pallet_by_name(pallet)?;
	module([pallet.error_index(), code - base, 0, 0, 0], metadata)
}

/// A pallet's error by its bytes: the pallet's index, the error's, and what it carries.
fn module(bytes: [u8; 5], metadata: &Metadata) -> Option<ChainError> {
	let [pallet, index, ..] = bytes;
	let pallet = metadata.pallet_by_error_index(pallet)?;
	let variant = pallet.error_variant_by_index(index)?;
	let root = metadata.outer_enums().error_enum_ty();
	let detail = (!variant.fields.is_empty())
		.then(|| subxt::dynamic::Value::decode_as_type(&mut bytes.as_slice(), root, metadata.types()).ok())
		.flatten()
		.map(|value| shown(&value));
	let typed = runtime::Error::decode_as_type(&mut bytes.as_slice(), root, metadata.types()).ok();
	Some(ChainError::Module { pallet: pallet.name().to_owned(), error: variant.name.clone(), detail, typed })
}

/// Why a call failed in a block.
pub(crate) fn dispatch(error: DispatchError, metadata: &Metadata) -> ChainError {
	match error {
		DispatchError::Module(error) => module(error.bytes(), metadata)
			.unwrap_or_else(|| ChainError::Incompatible(error.details_string())),
		other => ChainError::Dispatch(other),
	}
}

/// A value in words, with bytes as hexadecimal digits.
pub(crate) fn shown(value: &subxt::dynamic::Value) -> String {
	use subxt::ext::scale_value::stringify::{custom_formatters::format_hex, to_writer_custom};
	let mut text = String::new();
	let written = to_writer_custom()
		.add_custom_formatter(|value, writer| format_hex(value, writer))
		.write(value, &mut text);
	if written.is_ok() { text } else { value.to_string() }
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_runtime_that_lacks_what_this_program_asks_for_is_told_whatever_is_asked() {
		let (pallet, name) = ("Staking".to_owned(), "pool".to_owned());
		let missing =
			ViewFunctionError::ViewFunctionNotFound { pallet_name: pallet.clone(), function_name: name };
		for error in [
			node(StorageError::PalletNameNotFound(pallet.clone())),
			node(ViewFunctionError::PalletNotFound(pallet)),
			node(missing),
			node(ViewFunctionError::IncompatibleCodegen),
			node(RuntimeApiError::IncompatibleCodegen),
		] {
			assert!(matches!(error, ChainError::Incompatible(_)), "{error}");
		}
	}
}
