//! What outlives the process of a transaction that was sent: its bytes.
//!
//! They are kept before the node gets them, and until it is known what became of them. A process that is killed in
//! between leaves them, and whoever sends the same call for the same account later follows them instead of signing
//! others.

use crate::ChainError;
use serde::{Deserialize, Serialize};
use std::io;

/// Where the bytes of signed transactions lie until they are seen through.
pub trait Outbox: Send + Sync {
	/// A place for a transaction of this content, a hash of the account and the call: one that an earlier process left
	/// bytes in, if there is one; no other process or call has it meanwhile.
	fn open(&self, content: [u8; 32]) -> io::Result<Box<dyn Place>>;
}

/// A place in an [`Outbox`]. When it is dropped, what was kept in it is left.
pub trait Place: Send {
	/// What was left in it.
	fn left(&self) -> io::Result<Option<Vec<u8>>>;

	/// Keeps this, whole or not at all, and makes it last.
	fn keep(&mut self, bytes: &[u8]) -> io::Result<()>;

	/// Keeps nothing any more.
	fn clear(&mut self) -> io::Result<()>;
}

/// A transaction as it was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
	#[serde(with = "oda_primitives::hexadecimal")]
	pub(crate) bytes: Vec<u8>,
	/// Its number, if it is an account's.
	pub(crate) nonce: Option<u64>,
	/// It can only be in blocks after this one.
	pub(crate) from: u64,
}

fn failed(error: impl std::fmt::Display) -> ChainError {
	ChainError::Outbox(error.to_string())
}

/// A transaction's place, if it is to outlive the process.
pub(crate) struct Kept(Option<Box<dyn Place>>);

impl Kept {
	/// In no place.
	pub(crate) fn nowhere() -> Self {
		Self(None)
	}

	/// In a place of this outbox.
	pub(crate) fn open(outbox: &dyn Outbox, content: [u8; 32]) -> Result<Self, ChainError> {
		Ok(Self(Some(outbox.open(content).map_err(failed)?)))
	}

	/// The transaction that an interrupted process left there.
	pub(crate) fn left(&self) -> Result<Option<Made>, ChainError> {
		let Some(place) = &self.0 else { return Ok(None) };
		let left = place.left().map_err(failed)?;
		left.map(|bytes| serde_json::from_slice(&bytes).map_err(failed)).transpose()
	}

	/// Keeps a transaction that is about to be sent.
	pub(crate) fn keep(&mut self, made: &Made) -> Result<(), ChainError> {
		match &mut self.0 {
			Some(place) => place.keep(&serde_json::to_vec(made).map_err(failed)?).map_err(failed),
			None => Ok(()),
		}
	}

	/// Keeps nothing any more: it is known what became of the transaction.
	pub(crate) fn clear(&mut self) {
		if let Some(place) = &mut self.0
			&& let Err(error) = place.clear()
		{
			// The next call of the same content looks for it once more, and finds it where it is.
			tracing::warn!(%error, "what became of a transaction is known, but its bytes stay");
		}
	}
}
