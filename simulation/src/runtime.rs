//! A runtime with balances and the pallet itself, configured with [`parameters`](crate::parameters), and
//! bonds that are a table.

#![allow(
	missing_docs,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	reason = "what the macros of a runtime make"
)]

use crate::{Balance, UNIT, parameters as p};
use oda_pallet_traits::{AmountOf, OwnStakes, RewardOf, Role, StakeWatcher as _, Stakes};
use oda_primitives::Tick;
use pallet_reputation::{Caps, Worths};
use polkadot_sdk::{
	frame_support::{
		BoundedVec, derive_impl, parameter_types,
		traits::{ConstU32, ConstU64, ConstU128, Get},
	},
	frame_system::{self, EnsureRoot},
	pallet_balances, sp_io,
	sp_runtime::{BuildStorage, DispatchResult, Perbill},
};
use std::{cell::RefCell, collections::BTreeMap};

type Block = frame_system::mocking::MockBlock<Runtime>;

#[polkadot_sdk::frame_support::runtime]
mod composed {
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
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system::Pallet<Runtime>;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances::Pallet<Runtime>;
	#[runtime::pallet_index(2)]
	pub type Reputation = pallet_reputation::Pallet<Runtime>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<1>;
	type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
	/// Protocol time.
	pub static Now: Tick = 0;
	pub const Decay: Perbill = p::DECAY;
	pub const FaultDecay: Perbill = p::FAULT_DECAY;
	pub const WhatDeedsAreWorth: Worths = p::WORTHS;
	pub const Bounds: Caps = p::CAPS;
	pub const FreeShare: Perbill = p::FREE_SHARE;
	pub const Hysteresis: Perbill = p::HYSTERESIS;
}

/// The thresholds.
pub struct Thresholds;
impl Get<BoundedVec<u64, ConstU32<{ p::MAX_TIERS }>>> for Thresholds {
	fn get() -> BoundedVec<u64, ConstU32<{ p::MAX_TIERS }>> {
		BoundedVec::truncate_from(p::THRESHOLDS.to_vec())
	}
}

impl pallet_reputation::Config for Runtime {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Stakes = Bonds;
	type Watcher = ();
	type Clock = Now;
	type Period = ConstU64<{ p::PERIOD }>;
	type Decay = Decay;
	type FaultDecay = FaultDecay;
	type Worths = WhatDeedsAreWorth;
	type Caps = Bounds;
	type PayerCap = ConstU64<{ p::PAYER_CAP }>;
	type FreeShare = FreeShare;
	type MaxTiers = ConstU32<{ p::MAX_TIERS }>;
	type Thresholds = Thresholds;
	type Hysteresis = Hysteresis;
	type BondPerTier = ConstU128<{ p::BOND_PER_TIER }>;
	type SuspendAt = ConstU64<{ p::SUSPEND_AT }>;
	type SuspensionTerm = ConstU64<{ p::SUSPENSION_TERM }>;
	type BanAfter = ConstU32<{ p::BAN_AFTER }>;
	type AppealDeposit = ConstU128<{ p::APPEAL_DEPOSIT }>;
	type AppealTerm = ConstU64<{ p::APPEAL_TERM }>;
	type AppealOrigin = EnsureRoot<u64>;
	type WeightInfo = ();
}

thread_local! {
	/// What accounts have bonded, all of it their own.
	static BONDS: RefCell<BTreeMap<(Role, u64), Balance>> = const { RefCell::new(BTreeMap::new()) };
}

/// The bonds.
pub struct Bonds;

impl Bonds {
	/// The least bond for a role: what is less counts as nothing.
	pub fn least(role: Role) -> Balance {
		match role {
			Role::Validator => 1_000 * UNIT,
			Role::Verifier => 500 * UNIT,
			Role::Provider => 100 * UNIT,
		}
	}

	/// Makes an account's bond this, and tells reputation.
	pub fn set(role: Role, who: u64, amount: Balance) {
		BONDS.with_borrow_mut(|bonds| bonds.insert((role, who), amount));
		Reputation::changed(role, &who, Self::own(role, &who));
	}
}

impl Stakes<u64> for Bonds {
	type Currency = Balances;

	fn active(role: Role, who: &u64) -> Balance {
		Self::own(role, who)
	}

	fn reserve(_: Role, _: &u64, _: Balance, _: Balance) -> DispatchResult {
		unreachable!("reputation reserves nothing")
	}

	fn release(_: Role, _: &u64, _: Balance) {
		unreachable!("reputation reserves nothing")
	}

	fn slash(_: Role, _: &u64, _: Balance) -> (AmountOf<u64, Self>, RewardOf<u64, Self>) {
		unreachable!("reputation slashes nobody")
	}
}

impl OwnStakes<u64> for Bonds {
	fn own(role: Role, who: &u64) -> Balance {
		let amount = BONDS.with_borrow(|bonds| bonds.get(&(role, *who)).copied()).unwrap_or_default();
		if amount < Self::least(role) { 0 } else { amount }
	}

	fn slash_own(_: Role, _: &u64, _: Balance) -> (AmountOf<u64, Self>, RewardOf<u64, Self>) {
		unreachable!("reputation slashes nobody")
	}
}

/// The chain at tick 0, where nobody has bonds or points.
pub fn genesis() -> sp_io::TestExternalities {
	Now::set(0);
	BONDS.take();
	RuntimeGenesisConfig::default().build_storage().expect("an empty genesis can be built; qed").into()
}
