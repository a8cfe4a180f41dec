//! Calls, and the bytes of the transactions that they become.

use crate::{
	AccountId, Chain, ChainError, Key, Receipt,
	error::{node, rpc},
	link::Head,
	outbox::Made,
};
use futures::future::BoxFuture;
use std::{fmt, future::IntoFuture, sync::Arc};
use subxt::{
	OnlineClientAtBlock, SubstrateConfig,
	client::{ClientAtBlock, OfflineClientAtBlockT},
	config::DefaultExtrinsicParamsBuilder,
	tx::Payload,
	utils::MultiSignature,
};

/// Blocks after the last finalised one in which a transaction can be included.
pub const LIFETIME: u64 = 64;

/// How a call is told to the runtime, whatever its type.
trait Encode: Send + Sync {
	/// The bytes of the call alone.
	fn data(&self, at: &OnlineClientAtBlock<SubstrateConfig>) -> Result<Vec<u8>, ChainError>;

	/// The bytes of the transaction of this number that a key signs, valid for [`LIFETIME`] blocks after `from`.
	fn signed(
		&self,
		at: &OnlineClientAtBlock<SubstrateConfig>,
		key: &Key,
		nonce: u64,
		from: Head,
	) -> Result<Vec<u8>, ChainError>;

	/// The bytes of the transaction that nobody signs.
	fn general(&self, at: &OnlineClientAtBlock<SubstrateConfig>) -> Result<Vec<u8>, ChainError>;
}

impl<P: Payload + Send + Sync> Encode for P {
	fn data(&self, at: &OnlineClientAtBlock<SubstrateConfig>) -> Result<Vec<u8>, ChainError> {
		at.tx().call_data(self).map_err(node)
	}

	fn signed(
		&self,
		at: &OnlineClientAtBlock<SubstrateConfig>,
		key: &Key,
		nonce: u64,
		from: Head,
	) -> Result<Vec<u8>, ChainError> {
		let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
			.nonce(nonce)
			.mortal_from_unchecked(LIFETIME, from.number, from.hash)
			.build();
		at.tx()
			.create_v4_signable_offline(self, params)
			.and_then(|mut signable| signable.sign(key))
			.map(|signed| signed.into_encoded())
			.map_err(node)
	}

	fn general(&self, at: &OnlineClientAtBlock<SubstrateConfig>) -> Result<Vec<u8>, ChainError> {
		general(at, self)
	}
}

/// A call that has not been sent. Awaiting it sends it and waits until it is final; [`send`](Self::send) leaves
/// the waiting to the caller.
///
/// An account's calls may be sent one after the other without waiting.
///
/// # Errors
///
/// [`ChainError::Rejected`]: the node would not take it. [`ChainError::Expired`]: no block took it, nor will.
/// [`ChainError::Module`], [`ChainError::Dispatch`]: the runtime refused it, in a block; or, if nobody signs it,
/// before. Where [`leaves_open`](ChainError::leaves_open) says so of an error, a block may have taken the call:
/// the next call of the same content and account through this [`Chain`], or through one with the same
/// [`Outbox`](crate::Outbox), then follows the first bytes.
#[must_use = "a call does nothing before it is awaited or sent"]
pub struct Call<T = Receipt> {
	pub(crate) chain: Chain,
	pub(crate) key: Option<Key>,
	call: Arc<dyn Encode>,
	pub(crate) read: fn(Receipt) -> Result<T, ChainError>,
}

impl<T> fmt::Debug for Call<T> {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Call").field("key", &self.key).finish_non_exhaustive()
	}
}

/// By whom a call is, and what it holds.
pub(crate) type Content = (Option<[u8; 32]>, Vec<u8>);

impl<T> Call<T> {
	/// What it holds, by a block's runtime, and by whom it is.
	pub(crate) fn content(&self, at: &OnlineClientAtBlock<SubstrateConfig>) -> Result<Content, ChainError> {
		Ok((self.key.as_ref().map(|key| key.account().0), self.call.data(at)?))
	}

	/// The bytes of the transaction, for somebody else to send. They are good for [`LIFETIME`] blocks.
	///
	/// # Errors
	///
	/// The node cannot be asked, or its runtime does not know the call.
	pub async fn bytes(&self) -> Result<Vec<u8>, ChainError> {
		Ok(self.make().await?.bytes)
	}

	/// The transaction, with the account's next number.
	pub(crate) async fn make(&self) -> Result<Made, ChainError> {
		let chain = &self.chain;
		let finalised = chain.finalised_head().await?;
		// What is signed is signed for the runtime of the block that it goes into.
		let best = chain.best().await?;
		let Some(key) = &self.key else {
			let bytes = self.call.general(&best.at)?;
			return Ok(Made { bytes, nonce: None, from: finalised.number });
		};
		// Where finality is far behind, what begins there is over already.
		let near = best.number().saturating_sub(finalised.number) <= LIFETIME / 2;
		let from = if near { finalised } else { Head { number: best.number(), hash: best.hash() } };
		let nonce = chain.rpc.system_account_next_index(&key.account()).await.map_err(rpc)?;
		let bytes = self.call.signed(&best.at, key, nonce, from)?;
		Ok(Made { bytes, nonce: Some(nonce), from: from.number })
	}
}

impl<T: Send + 'static> IntoFuture for Call<T> {
	type Output = Result<T, ChainError>;
	type IntoFuture = BoxFuture<'static, Self::Output>;

	fn into_future(self) -> Self::IntoFuture {
		Box::pin(async move { self.send().await?.finalised().await })
	}
}

impl Chain {
	/// A call that `key` signs.
	pub(crate) fn signed<T>(
		&self,
		key: &Key,
		call: impl Payload + Send + Sync + 'static,
		read: fn(Receipt) -> Result<T, ChainError>,
	) -> Call<T> {
		Call { chain: self.clone(), key: Some(key.clone()), call: Arc::new(call), read }
	}

	/// A call that `key` signs, and whose receipt is all that there is to it.
	pub fn submit(&self, key: &Key, call: impl Payload + Send + Sync + 'static) -> Call {
		self.signed(key, call, Ok)
	}

	/// A call that nobody signs, for a pallet that authorises it by what it holds. It costs nothing.
	pub(crate) fn unsigned<T>(
		&self,
		call: impl Payload + Send + Sync + 'static,
		read: fn(Receipt) -> Result<T, ChainError>,
	) -> Call<T> {
		Call { chain: self.clone(), key: None, call: Arc::new(call), read }
	}
}

/// The bytes of a general transaction: preamble, the extensions with nothing to say, the call.
fn general<C>(at: &ClientAtBlock<SubstrateConfig, C>, call: &impl Payload) -> Result<Vec<u8>, ChainError>
where
	C: OfflineClientAtBlockT<SubstrateConfig>,
{
	let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new().immortal().nonce(0).build();
	// There is no extension that a signature goes into, so these are not part of the bytes.
	let (nobody, nothing) = (AccountId([0; 32]), MultiSignature::Sr25519([0; 64]));
	Ok(at
		.tx()
		.create_v5_signable_offline(call, params)
		.and_then(|mut signable| signable.sign_with_account_and_signature(&nobody, &nothing))
		.map_err(node)?
		.into_encoded())
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{played::offline, runtime};
	use codec::Encode as _;
	use oda_primitives::TaskId;

	#[test]
	fn a_general_transaction_says_nothing_in_its_extensions() {
		let (task, commitment, signature) = (TaskId::Submission(7), [3; 32], [5; 64]);
		let call = runtime::transactions().verification().commit(
			task.into(),
			commitment,
			AccountId([1; 32]),
			runtime::runtime_types::sp_runtime::MultiSignature::Sr25519(signature),
		);
		let at = offline();
		let bytes = general(&at, &call).unwrap();
		// Era, nonce, tip, and no metadata hash: a zero each.
		let mut expected = vec![0x45, 0, 0, 0, 0, 0];
		let pallet = at.metadata_ref().pallet_by_name("Verification").unwrap();
		expected.extend([pallet.call_index(), 6]);
		(task, commitment, [1u8; 32], 1u8, signature).encode_to(&mut expected);
		assert_eq!(bytes, expected.encode());
	}

	#[test]
	fn the_shared_types_are_encoded_as_the_chain_does() {
		let blob = oda_primitives::BlobRef::of(b"weights");
		let call = runtime::transactions().training().withdraw(9, blob.into(), [2; 32]);
		let at = offline();
		let data = at.tx().call_data(&call).unwrap();
		assert_eq!(data[2..], (9u64, blob, [2u8; 32]).encode());
	}
}
