//! The chain's state at one block.

use crate::{ChainError, error::node, runtime};
use oda_primitives::Tick;
use subxt::{OnlineClientAtBlock, SubstrateConfig, utils::H256};

/// The chain's state at one block: a finalised one, unless it comes from [`Chain::best`](crate::Chain::best) or
/// [`Chain::defence_view`](crate::Chain::defence_view). Everything read through one view belongs together.
#[derive(Clone)]
pub struct View {
	pub(crate) at: OnlineClientAtBlock<SubstrateConfig>,
}

/// Reads one value, or nothing.
macro_rules! get {
	($view:expr, $address:expr, $($key:expr),*) => {
		$view
			.at
			.storage()
			.try_fetch($address, ($($key,)*))
			.await
			.map_err(node)?
			.map(|value| value.decode())
			.transpose()
			.map_err(node)?
	};
}

/// Every entry of a storage map, as its keys and its value.
macro_rules! entries {
	($view:expr, $address:expr, |$keys:ident, $value:ident| $made:expr) => {{
		let mut entries = $view.at.storage().iter($address, ()).await.map_err(node)?;
		let mut found = Vec::new();
		while let Some(entry) = entries.next().await {
			let entry = entry.map_err(node)?;
			let $keys = entry.key().map_err(node)?.decode().map_err(node)?;
			let $value = entry.value().decode().map_err(node)?;
			found.push($made);
		}
		found
	}};
}

pub(crate) use {entries, get};

impl View {
	pub(crate) fn new(at: OnlineClientAtBlock<SubstrateConfig>) -> Self {
		Self { at }
	}

	/// The block's number.
	pub fn number(&self) -> u64 {
		self.at.block_number()
	}

	/// The block's hash.
	pub fn hash(&self) -> H256 {
		self.at.block_hash()
	}

	/// The current tick.
	pub async fn tick(&self) -> Result<Tick, ChainError> {
		Ok(get!(self, runtime::storage().clock().now(),).unwrap_or_default())
	}
}
