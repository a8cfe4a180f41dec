//! Blocks through a runtime's wasm.

use crate::current;
use codec::{Decode, Encode};
use oda_runtime::{
	AccountId, Balances, Clock, Emission, Hash, Header, Inference, ModelRegistry, Peers, ProtocolParameters,
	Runtime, RuntimeCall, RuntimeEvent, SignedPayload, Staking, StorageDeals, System, Training, TxExtension,
	UncheckedExtrinsic, Verification, configs::tokens::BURNED_FEE, defence::CheckDefence,
};
use polkadot_sdk::{
	frame_metadata_hash_extension::CheckMetadataHash,
	frame_system, pallet_balances, pallet_timestamp, pallet_transaction_payment,
	sc_chain_spec::GenesisConfigBuilderRuntimeCaller,
	sc_executor::WasmExecutor,
	sp_consensus_babe::{
		BABE_ENGINE_ID,
		digests::{PreDigest, SecondaryPlainPreDigest},
	},
	sp_core::{
		storage::{Storage, well_known_keys::CODE},
		traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
	},
	sp_io::{SubstrateHostFunctions, TestExternalities, hashing::blake2_256, storage},
	sp_keyring::Sr25519Keyring,
	sp_runtime::{
		ApplyExtrinsicResult, Digest, DigestItem, DispatchError, ExtrinsicInclusionMode,
		generic::Era,
		traits::Header as _,
		transaction_validity::{InvalidTransaction, TransactionValidityError},
	},
	sp_version::RuntimeVersion,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};

/// What runs every chain's wasm: each code is compiled once.
static EXECUTOR: LazyLock<WasmExecutor<SubstrateHostFunctions>> =
	LazyLock::new(|| WasmExecutor::builder().build());

/// Who makes all blocks: the only validator.
const AUTHOR: Sr25519Keyring = Sr25519Keyring::Alice;

/// The presets of this tree's runtime.
static PRESETS: LazyLock<GenesisConfigBuilderRuntimeCaller> =
	LazyLock::new(|| GenesisConfigBuilderRuntimeCaller::new(current()));

/// The genesis of the development chain of this tree's runtime, changed.
pub fn genesis(change: impl FnOnce(&mut Value)) -> Storage {
	let mut patch = PRESETS.get_named_preset(Some(&"development".to_owned())).expect("there is one");
	change(&mut patch);
	PRESETS.get_storage_for_patch(patch).expect("it builds")
}

/// Why a block does not take a transaction that it has no room for.
pub const FULL: TransactionValidityError =
	TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources);

/// The first slot after genesis.
const FIRST_SLOT: u64 = 1_000;

/// What a slot of the development chain lasts, in milliseconds.
const SLOT_MILLIS: u64 = 1_000;

/// A development chain between two blocks. Its blocks are made by the code that lies in its state.
pub struct Chain {
	state: TestExternalities,
	/// The code that ran last, and its hash.
	code: (Vec<u8>, Vec<u8>),
	parent: Header,
	/// What transaction fees have cost each account so far, or brought the author; the rest was burned.
	pub(crate) fees: BTreeMap<AccountId, i128>,
}

impl Chain {
	/// A chain of this runtime after its first block, from which on it knows the hash of genesis.
	pub fn start(code: &[u8]) -> Self {
		let caller: GenesisConfigBuilderRuntimeCaller = GenesisConfigBuilderRuntimeCaller::new(code);
		let genesis =
			caller.get_storage_for_named_preset(Some(&"development".to_owned())).expect("it builds");
		Self::start_with(code, genesis)
	}

	/// A chain of this tree's runtime, from such a [`genesis`].
	pub fn start_from(genesis: Storage) -> Self {
		Self::start_with(current(), genesis)
	}

	fn start_with(code: &[u8], genesis: Storage) -> Self {
		let parent =
			Header::new(0, Default::default(), Default::default(), Default::default(), Digest::default());
		let state = TestExternalities::new_with_code(code, genesis);
		let mut chain = Self { state, code: Default::default(), parent, fees: BTreeMap::new() };
		chain.empty_block();
		chain
	}

	/// Calls a function of the runtime.
	pub fn call<R: Decode>(&mut self, function: &str, input: &impl Encode) -> R {
		let code = self.state.execute_with(|| storage::get(CODE)).expect("there is code");
		if self.code.0 != code {
			self.code = (code.to_vec(), blake2_256(&code).to_vec());
		}
		let (code, hash) = &self.code;
		let fetcher = WrappedRuntimeCode(code.into());
		let code = RuntimeCode { code_fetcher: &fetcher, heap_pages: None, hash: hash.clone() };
		let context = CallContext::Onchain { import: false };
		let (output, _) = EXECUTOR.call(&mut self.state.ext(), &code, function, &input.encode(), context);
		let output = output.unwrap_or_else(|error| panic!("{function}: {error}"));
		R::decode(&mut &output[..]).unwrap_or_else(|error| panic!("{function}: {error}"))
	}

	/// The version of the runtime in the state.
	pub fn version(&mut self) -> RuntimeVersion {
		self.call("Core_version", &())
	}

	/// Replaces the code, as `set_code` does: the next block is made by it.
	pub fn set_code(&mut self, code: &[u8]) {
		self.state.execute_with(|| storage::set(CODE, code));
	}

	/// Reads or writes the state natively, by this tree's runtime, between two blocks.
	pub fn natively<R>(&mut self, run: impl FnOnce() -> R) -> R {
		self.state.execute_with(run)
	}

	/// Makes a block of these transactions; what came of each.
	pub fn block(&mut self, transactions: &[impl Encode]) -> Vec<ApplyExtrinsicResult> {
		let number = self.parent.number + 1;
		let slot = FIRST_SLOT + u64::from(number);
		let author = SecondaryPlainPreDigest { authority_index: 0, slot: slot.into() };
		let author = PreDigest::SecondaryPlain(author).encode();
		let digest = Digest { logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, author)] };
		let header = Header::new(number, Default::default(), Default::default(), self.parent.hash(), digest);
		let mode: ExtrinsicInclusionMode = self.call("Core_initialize_block", &header);
		assert_eq!(mode, ExtrinsicInclusionMode::AllExtrinsics);
		let now = pallet_timestamp::Call::set { now: slot * SLOT_MILLIS };
		let inherent = UncheckedExtrinsic::new_bare(now.into());
		assert_eq!(self.apply(&inherent), Ok(Ok(())));
		let results = transactions.iter().map(|transaction| self.apply(transaction)).collect();
		self.parent = self.call("BlockBuilder_finalize_block", &());
		self.note_fees();
		results
	}

	/// Adds the fees of the last block.
	fn note_fees(&mut self) {
		for event in self.events() {
			if let RuntimeEvent::TransactionPayment(pallet_transaction_payment::Event::TransactionFeePaid {
				who,
				actual_fee,
				..
			}) = event
			{
				let burned = BURNED_FEE.mul_ceil(actual_fee);
				*self.fees.entry(who).or_default() -= actual_fee as i128;
				*self.fees.entry(AUTHOR.to_account_id()).or_default() += (actual_fee - burned) as i128;
			}
		}
	}

	/// Applies a transaction, and leaves nothing of one that is refused, as who builds a block does.
	fn apply(&mut self, extrinsic: &impl Encode) -> ApplyExtrinsicResult {
		self.natively(storage::start_transaction);
		let result: ApplyExtrinsicResult = self.call("BlockBuilder_apply_extrinsic", extrinsic);
		self.natively(if result.is_ok() {
			storage::commit_transaction
		} else {
			storage::rollback_transaction
		});
		result
	}

	/// Makes an empty block.
	pub fn empty_block(&mut self) {
		self.block(&[] as &[UncheckedExtrinsic]);
	}

	/// Makes empty blocks.
	pub fn blocks(&mut self, number: u64) {
		for _ in 0..number {
			self.empty_block();
		}
	}

	/// Makes blocks until it is this tick. The first block of an epoch has none.
	pub fn until(&mut self, tick: u64) {
		while self.natively(Clock::now) < tick {
			self.empty_block();
		}
	}

	/// A call, signed for the runtime in the state.
	pub fn sign(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
		self.sign_after(who, 0, call)
	}

	/// A call, signed to follow so many others of the same account.
	fn sign_after(
		&mut self,
		who: Sr25519Keyring,
		others: u32,
		call: impl Into<RuntimeCall>,
	) -> UncheckedExtrinsic {
		let version = self.version();
		let account = AccountId::from(who.public());
		let (genesis, nonce) =
			self.natively(|| (System::block_hash(0), System::account_nonce(&account) + others));
		let (call, extension) = (call.into(), extension(nonce));
		let (spec, transaction) = (version.spec_version, version.transaction_version);
		let implicit = ((), (), spec, transaction, genesis, genesis, (), (), (), None::<[u8; 32]>, (), ());
		let payload = SignedPayload::from_raw(call.clone(), extension.clone(), implicit);
		let signature = payload.using_encoded(|payload| who.sign(payload));
		UncheckedExtrinsic::new_signed(call, account.into(), signature.into(), extension)
	}

	/// Sends a signed call, which has to succeed.
	pub fn signed(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
		let transaction = self.sign(who, call);
		assert_eq!(self.send(&transaction), Ok(Ok(())), "{transaction:?}");
	}

	/// Sends signed calls in one block; each has to succeed.
	pub fn signed_together<C: Into<RuntimeCall>>(
		&mut self,
		who: Sr25519Keyring,
		calls: impl IntoIterator<Item = C>,
	) {
		let transactions: Vec<_> =
			(0..).zip(calls).map(|(others, call)| self.sign_after(who, others, call)).collect();
		let mut results = self.block(&transactions);
		if results.iter().all(|result| *result == Err(FULL)) {
			results = self.block(&transactions);
		}
		for (result, transaction) in results.iter().zip(&transactions) {
			assert_eq!(*result, Ok(Ok(())), "{transaction:?}");
		}
	}

	/// Sends a call that nobody signs, which has to succeed.
	pub fn authorised(&mut self, call: impl Into<RuntimeCall>) {
		let transaction = unsigned(call);
		assert_eq!(self.send(&transaction), Ok(Ok(())), "{transaction:?}");
	}

	/// Sends a call that nobody signs, as it is encoded: one that this tree's runtime may not know any more.
	pub fn authorised_raw(&mut self, call: &[u8]) {
		// Version 5, general; then that of the extensions.
		let body = [&[0b0100_0101, 0][..], &extension(0).encode(), call].concat();
		assert_eq!(self.send(&Opaque(body)), Ok(Ok(())));
	}

	/// Makes blocks until there is room for a transaction in one; the first block of an epoch has none.
	pub fn send(&mut self, transaction: &(impl Encode + Clone)) -> ApplyExtrinsicResult {
		for _ in 0..2 {
			let result = self.block(std::slice::from_ref(transaction)).remove(0);
			if result != Err(FULL) {
				return result;
			}
		}
		Err(FULL)
	}

	/// The events of the last block.
	pub fn events(&mut self) -> Vec<RuntimeEvent> {
		self.natively(|| System::events().into_iter().map(|record| record.event).collect())
	}

	/// Checks that no funds were made or lost, that holds are reserved, and every pallet's own invariants.
	pub fn check(&mut self) {
		self.natively(|| {
			let mut sum = 0u128;
			for (who, account) in frame_system::Account::<Runtime>::iter() {
				let data = account.data;
				sum += data.free + data.reserved;
				let held: u128 =
					pallet_balances::Holds::<Runtime>::get(&who).iter().map(|hold| hold.amount).sum();
				assert!(held <= data.reserved, "{who} has {held} on hold and {} reserved", data.reserved);
			}
			assert_eq!(sum, Balances::total_issuance(), "issuance");
			type Check = fn() -> Result<(), DispatchError>;
			let checks: [(&str, Check); 10] = [
				("the clock", Clock::do_try_state),
				("emission", Emission::do_try_state),
				("inference", Inference::do_try_state),
				("the registry", ModelRegistry::do_try_state),
				("parameters", ProtocolParameters::do_try_state),
				("peers", Peers::do_try_state),
				("stakes", Staking::do_try_state),
				("storage", StorageDeals::do_try_state),
				("training", Training::do_try_state),
				("verification", Verification::do_try_state),
			];
			for (what, check) in checks {
				check().unwrap_or_else(|error| panic!("{what}: {error:?}"));
			}
		});
	}

	/// The hash of block 0.
	pub fn genesis(&mut self) -> [u8; 32] {
		let hash: Hash = self.natively(|| System::block_hash(0));
		hash.0
	}
}

/// The bytes of a transaction, as blocks have them: with their number.
#[derive(Clone, Encode)]
struct Opaque(Vec<u8>);

/// A call that nobody signs, as a transaction.
pub fn unsigned(call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
	UncheckedExtrinsic::new_transaction(call.into(), extension(0))
}

/// What is checked of a transaction, without a tip, for ever.
fn extension(nonce: u32) -> TxExtension {
	(
		frame_system::AuthorizeCall::new(),
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckMortality::from(Era::Immortal),
		frame_system::CheckNonce::from(nonce),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(0),
		CheckMetadataHash::new(false),
		CheckDefence,
		frame_system::WeightReclaim::new(),
	)
}
