//! The chain's state at one block.

use crate::{ChainError, error::node, runtime};
use codec::{Decode, Encode};
use oda_primitives::Tick;
use subxt::{
	OnlineClientAtBlock, SubstrateConfig, ext::scale_decode::DecodeAsType, utils::H256,
	view_functions::Payload,
};

/// Bytes of a view function's id.
const FUNCTION_ID: usize = 32;

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

	/// What a view function of the runtime says.
	pub(crate) async fn ask<P: Payload>(&self, question: P) -> Result<P::ReturnType, ChainError> {
		let functions = self.at.view_functions();
		let metadata = self.at.metadata_ref();
		let (pallet, name) = (question.pallet_name().to_owned(), question.function_name().to_owned());
		functions.validate(&question).map_err(node)?;
		let encoded = functions.encode_args(question).map_err(node)?;
		// subxt writes the arguments right after the function's id, and takes the answer for the value. The runtime takes
		// an id and bytes, and answers with a result that has bytes in it.
		let (id, arguments) = encoded.split_at_checked(FUNCTION_ID).unwrap_or((&encoded, &[]));
		let input = [id, &arguments.encode()].concat();
		let answer = functions.call_raw(Some(&input)).await.map_err(node)?;
		let answer = match answer.split_first() {
			Some((0, bytes)) => Vec::<u8>::decode(&mut &*bytes).ok(),
			_ => None,
		};
		let pallet_of = metadata.pallet_by_name(&pallet);
		let function = pallet_of.as_ref().and_then(|pallet| pallet.view_function_by_name(&name));
		let value = answer.zip(function).and_then(|(bytes, function)| {
			P::ReturnType::decode_as_type(&mut &*bytes, function.output_ty(), metadata.types()).ok()
		});
		value.ok_or_else(|| ChainError::Incompatible(format!("{pallet}.{name} answers something else")))
	}

	/// The current tick.
	pub async fn tick(&self) -> Result<Tick, ChainError> {
		Ok(get!(self, runtime::storage().clock().now(),).unwrap_or_default())
	}
}
