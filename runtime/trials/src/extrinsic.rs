//! Extrinsics, signed or not.

use codec::Encode;
use oda_runtime::{
	Address, Hash, Nonce, Runtime, RuntimeCall, Signature, SignedPayload, TxExtension, UncheckedExtrinsic,
	VERSION, defence::CheckDefence,
};
use polkadot_sdk::{
	frame_metadata_hash_extension::CheckMetadataHash, frame_system, pallet_transaction_payment,
	sp_keyring::Sr25519Keyring, sp_runtime::generic::Era,
};

/// What a transaction says beside its call.
fn extension(nonce: Nonce) -> TxExtension {
	(
		frame_system::AuthorizeCall::<Runtime>::new(),
		frame_system::CheckNonZeroSender::<Runtime>::new(),
		frame_system::CheckSpecVersion::<Runtime>::new(),
		frame_system::CheckTxVersion::<Runtime>::new(),
		frame_system::CheckGenesis::<Runtime>::new(),
		frame_system::CheckMortality::<Runtime>::from(Era::Immortal),
		frame_system::CheckNonce::<Runtime>::from(nonce),
		frame_system::CheckWeight::<Runtime>::new(),
		pallet_transaction_payment::ChargeTransactionPayment::<Runtime>::from(0),
		CheckMetadataHash::<Runtime>::new(false),
		CheckDefence,
		frame_system::WeightReclaim::<Runtime>::new(),
	)
}

/// A call that its pallet authorises by what it says; nobody signs it.
pub fn general(call: RuntimeCall) -> UncheckedExtrinsic {
	UncheckedExtrinsic::new_transaction(call, extension(0))
}

/// A call that `who` signs for the chain with this genesis, for ever.
pub fn signed(call: RuntimeCall, who: Sr25519Keyring, nonce: Nonce, genesis: Hash) -> UncheckedExtrinsic {
	let (spec, transaction) = (VERSION.spec_version, VERSION.transaction_version);
	let implicit = ((), (), spec, transaction, genesis, genesis, (), (), (), None, (), ());
	let payload = SignedPayload::from_raw(call.clone(), extension(nonce), implicit);
	let signature = payload.using_encoded(|bytes| who.sign(bytes));
	let address = Address::Id(who.to_account_id());
	UncheckedExtrinsic::new_signed(call, address, Signature::Sr25519(signature), extension(nonce))
}
