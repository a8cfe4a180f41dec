//! What can go wrong, one variant per reason.

/// Words that only the error of a node that stayed away for too long has.
pub(crate) const AWAY: &str = "gave up waiting for the node";

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
	},
	/// The call failed for a reason that is not a pallet's.
	#[error("the chain refused: {0}")]
	Dispatch(String),
	/// The node did not take the transaction into its pool.
	#[error("the node rejected the transaction: {message} ({code})")]
	Rejected {
		/// The node's code.
		code: i32,
		/// The node's words.
		message: String,
	},
	/// No block that could still hold the transaction does.
	#[error("the transaction is in none of the blocks up to {0}, after which it is no longer valid")]
	Expired(u64),
	/// The node cannot be reached, and the caller does not want to wait any longer.
	#[error("{0}")]
	NodeAway(String),
	/// The chain does not have something that it always has.
	#[error("the chain's state lacks {0}")]
	Missing(&'static str),
	/// What the chain holds does not fit what this program knows of it.
	#[error("the chain is not the one that this program knows: {0}")]
	Incompatible(String),
	/// The secret key cannot be read.
	#[error("the key: {0}")]
	Key(String),
	/// Something else between this program and the node.
	#[error("the node: {0}")]
	Node(Box<subxt::Error>),
}

impl ChainError {
	/// Whether `pallet` refused with its error `error`.
	pub fn is(&self, pallet: &str, error: &str) -> bool {
		matches!(self, Self::Module { pallet: p, error: e, .. } if p == pallet && e == error)
	}
}

/// What subxt failed with.
pub(crate) fn node(error: impl Into<subxt::Error>) -> ChainError {
	let error = error.into();
	let text = error.to_string();
	if text.contains(AWAY) {
		ChainError::NodeAway(text)
	} else if text.contains("not compatible") || text.contains("incompatible") {
		ChainError::Incompatible(text)
	} else {
		ChainError::Node(Box::new(error))
	}
}

/// What the node answered to a request.
pub(crate) fn rpc(error: subxt::rpcs::Error) -> ChainError {
	match error {
		subxt::rpcs::Error::User(error) => {
			let data = error.data.as_ref().map(|data| data.get().trim_matches('"').to_owned());
			let message =
				data.map_or_else(|| error.message.clone(), |data| format!("{}: {data}", error.message));
			ChainError::Rejected { code: error.code, message }
		}
		other => node(other),
	}
}
