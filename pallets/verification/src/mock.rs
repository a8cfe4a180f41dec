//! A runtime with balances and verification.

use crate as pallet_verification;
use oda_pallet_traits::{Deed, Evidence};
use oda_primitives::Tick;
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		traits::{ConstU32, ConstU64},
	},
	frame_system, pallet_balances, sp_io,
	sp_keyring::Sr25519Keyring,
	sp_keystore::{KeystoreExt, testing::MemoryKeystore},
	sp_runtime::{AccountId32, BuildStorage, MultiSignature, MultiSigner, Perbill, traits::IdentityLookup},
};

type Block = frame_system::mocking::MockBlock<Test>;

/// What every keyring account starts with.
pub(crate) const ENDOWMENT: u64 = 10_000;
/// What a verifier of the tests bonds.
pub(crate) const BOND: u64 = 1_000;

/// The keyring, in its order: the verifiers of the tests are the first of them.
pub(crate) const KEYS: [Sr25519Keyring; 6] = [
	Sr25519Keyring::Alice,
	Sr25519Keyring::Bob,
	Sr25519Keyring::Charlie,
	Sr25519Keyring::Dave,
	Sr25519Keyring::Eve,
	Sr25519Keyring::Ferdie,
];

#[polkadot_sdk::frame_support::runtime]
mod runtime {
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
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system::Pallet<Test>;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances::Pallet<Test>;
	#[runtime::pallet_index(2)]
	pub type Verification = pallet_verification::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId32;
	type Lookup = IdentityLookup<AccountId32>;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type ExistentialDeposit = ConstU64<10>;
}

parameter_types! {
	/// What time it is.
	pub static Time: Tick = 100;
	pub static Quorum: Perbill = Perbill::from_parts(666_666_667);
	pub static VerifierSlash: u64 = 401;
	pub static AccusationSlash: u64 = 300;
	pub static AbsenceSlash: u64 = 50;
	/// What was seen, in this order.
	pub static Seen: Vec<(AccountId32, Deed)> = Vec::new();
}

/// Remembers what it sees.
pub struct SeenDeeds;
impl Evidence<AccountId32> for SeenDeeds {
	fn saw(who: &AccountId32, deed: Deed) {
		Seen::mutate(|seen| seen.push((who.clone(), deed)));
	}
}

impl pallet_verification::Config for Test {
	type Clock = Time;
	type Evidence = SeenDeeds;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Signature = MultiSignature;
	type Signer = MultiSigner;
	type MaxVerifiers = ConstU32<8>;
	type Quorum = Quorum;
	type MinBond = ConstU64<700>;
	type VerifierSlash = VerifierSlash;
	type AccusationSlash = AccusationSlash;
	type AbsenceSlash = AbsenceSlash;
	type AttestPriority = ConstU64<9>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = pallet_verification::Sr25519Helper;
}

/// The chain with the keyring's first `verifiers` accounts bonded.
pub(crate) fn new_test_ext(verifiers: usize) -> sp_io::TestExternalities {
	let bonded = KEYS.iter().take(verifiers).map(|key| (key.to_account_id(), BOND)).collect();
	with_genesis(bonded)
}

/// The chain with these verifiers and bonds.
pub(crate) fn with_genesis(verifiers: Vec<(AccountId32, u64)>) -> sp_io::TestExternalities {
	let balances = KEYS.iter().map(|key| (key.to_account_id(), ENDOWMENT)).collect();
	let storage = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		verification: pallet_verification::GenesisConfig { verifiers },
		..Default::default()
	}
	.build_storage()
	.unwrap();
	let mut ext = sp_io::TestExternalities::from(storage);
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext.execute_with(|| System::set_block_number(1));
	ext
}
