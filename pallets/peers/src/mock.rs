//! A runtime with balances and peers, and small numbers.

use crate as pallet_peers;
use crate::HoldReason;
use oda_primitives::message;
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		traits::{
			ConstU64, LinearStoragePrice,
			fungible::{HoldConsideration, InspectHold},
		},
	},
	frame_system, pallet_balances,
	sp_core::{Pair, ed25519},
	sp_io,
	sp_keystore::{KeystoreExt, testing::MemoryKeystore},
	sp_runtime::{BuildStorage, DispatchResult},
};

type Block = frame_system::mocking::MockBlock<Test>;

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
	pub type Peers = pallet_peers::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type ExistentialDeposit = ConstU64<10>;
}

parameter_types! {
	pub const PeerHold: RuntimeHoldReason = RuntimeHoldReason::Peers(HoldReason::PeerDeposit);
}

impl pallet_peers::Config for Test {
	type PeerDeposit =
		HoldConsideration<u64, Balances, PeerHold, LinearStoragePrice<ConstU64<5>, ConstU64<1>, u64>>;
	type WeightInfo = ();
}

/// Account and key, twice.
pub(crate) const PEER_DEPOSIT: u64 = 5 + 2 * (8 + 32);
pub(crate) const ALICE: u64 = 1;
pub(crate) const BOB: u64 = 2;
/// Has nearly nothing.
pub(crate) const POOR: u64 = 3;
/// What the rich start with.
pub(crate) const ENDOWMENT: u64 = 1_000;

/// The chain at genesis.
pub(crate) fn ext() -> sp_io::TestExternalities {
	let balances = vec![(ALICE, ENDOWMENT), (BOB, ENDOWMENT), (POOR, 10)];
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	};
	let mut ext: sp_io::TestExternalities = genesis.build_storage().unwrap().into();
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Runs `test` on it, and checks the invariants afterwards.
pub(crate) fn run(test: impl FnOnce()) {
	ext().execute_with(|| {
		test();
		Peers::do_try_state().unwrap();
	});
}

pub(crate) fn genesis() -> [u8; 32] {
	System::block_hash(0).0
}

/// The keys of an account's peer.
pub(crate) fn peer(of: u64) -> ed25519::Pair {
	let mut seed = [0; 32];
	seed[..8].copy_from_slice(&of.to_le_bytes());
	ed25519::Pair::from_seed(&seed)
}

/// What a peer's key signs to be bound.
pub(crate) fn binding(pair: &ed25519::Pair, who: u64) -> [u8; 64] {
	pair.sign(&message::peer_binding(&genesis(), &who)).0
}

/// Binds an account's own peer to it.
pub(crate) fn bind(who: u64) -> DispatchResult {
	let pair = peer(who);
	Peers::bind(RuntimeOrigin::signed(who), pair.public().0, binding(&pair, who))
}

/// What is on hold of an account.
pub(crate) fn held(who: u64) -> u64 {
	Balances::balance_on_hold(&HoldReason::PeerDeposit.into(), &who)
}

/// Whether it happened.
pub(crate) fn happened(event: crate::Event<Test>) -> bool {
	System::events().into_iter().any(|record| record.event == RuntimeEvent::Peers(event.clone()))
}
