//! A runtime with balances only, and small numbers.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		derive_impl,
		traits::{ConstU32, ConstU64, VariantCount, fungible::MutateHold},
	},
	frame_system, pallet_balances, sp_io,
	sp_runtime::BuildStorage,
};
use scale_info::TypeInfo;

type Block = frame_system::mocking::MockBlock<Test>;

#[polkadot_sdk::frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeTask,
		RuntimeFreezeReason
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system::Pallet<Test>;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances::Pallet<Test>;
}

/// What something is on hold for.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Why {
	Bond,
}

impl VariantCount for Why {
	const VARIANT_COUNT: u32 = 1;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type ExistentialDeposit = ConstU64<ED>;
	type MaxFreezes = ConstU32<0>;
	type RuntimeHoldReason = Why;
}

/// The least that an account can have.
pub(crate) const ED: u64 = 10;
/// Has something on hold.
pub(crate) const ALICE: u64 = 1;
pub(crate) const BOB: u64 = 2;
/// Does not exist.
pub(crate) const NOBODY: u64 = 9;
/// What there is at genesis.
pub(crate) const ISSUANCE: u64 = 2_000;

/// Runs `test` where `held` of Alice's funds are on hold.
pub(crate) fn with_held(held: u64, test: impl FnOnce()) {
	let balances = vec![(ALICE, 1_000), (BOB, 1_000)];
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	};
	let mut ext: sp_io::TestExternalities = genesis.build_storage().unwrap().into();
	ext.execute_with(|| {
		Balances::hold(&Why::Bond, &ALICE, held).unwrap();
		test();
	});
}
