//! Balances and the price of a transaction.

use crate::*;
use frame_support::{
	parameter_types,
	traits::{
		ConstU8, ConstU32, Imbalance, OnUnbalanced, VariantCountOf,
		fungible::{Balanced, Credit},
	},
	weights::{ConstantMultiplier, IdentityFee},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{FixedPointNumber, Percent, Perquintill, traits::Bounded};

parameter_types! {
	/// The least that an account may own; below it the account is removed.
	pub const ExistentialDeposit: Balance = MILLI_UNIT;
	/// The price of a byte: 20 KB cost 0.02 ODA.
	pub const TransactionByteFee: Balance = MICRO_UNIT;
	/// How full blocks may be, of what ordinary transactions can fill, before prices rise.
	pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
	/// How quickly prices follow demand: about 24 % in a day of full 3 s blocks.
	pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(1, 100_000);
	/// Where prices stop falling.
	pub MinimumMultiplier: Multiplier = Multiplier::saturating_from_rational(1, 10);
	/// Where prices stop rising.
	pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

impl pallet_balances::Config for Runtime {
	type AccountStore = System;
	type Balance = Balance;
	type DoneSlashHandler = ();
	type DustRemoval = ();
	type ExistentialDeposit = ExistentialDeposit;
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ConstU32<0>;
	type ReserveIdentifier = [u8; 8];
	type RuntimeEvent = RuntimeEvent;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

/// The share of a transaction's fee that is burned; the rest is the block author's. An author who fills its own blocks
/// pays at least this share.
pub const BURNED_FEE: Percent = Percent::from_percent(50);

/// Burns a share of a fee, and pays the rest of it, and all of the tip, to the block's author. What the author's account
/// cannot take is burned.
pub struct FeesToAuthor;

impl FeesToAuthor {
	fn pay(credit: Credit<AccountId, Balances>) {
		if let Some(author) = Authorship::author() {
			// The credit that comes back on failure burns itself when dropped.
			let _ = Balances::resolve(&author, credit);
		}
	}
}

impl OnUnbalanced<Credit<AccountId, Balances>> for FeesToAuthor {
	/// The fee, then the tip, if there is one.
	fn on_unbalanceds(mut fees_then_tips: impl Iterator<Item = Credit<AccountId, Balances>>) {
		if let Some(fee) = fees_then_tips.next() {
			Self::on_unbalanced(fee);
		}
		fees_then_tips.for_each(Self::pay);
	}

	fn on_nonzero_unbalanced(fee: Credit<AccountId, Balances>) {
		let burned = BURNED_FEE.mul_ceil(fee.peek());
		let (burned, rest) = fee.split(burned);
		// What is dropped is burned.
		drop(burned);
		Self::pay(rest);
	}
}

impl pallet_transaction_payment::Config for Runtime {
	type FeeMultiplierUpdate = TargetedFeeAdjustment<
		Runtime,
		TargetBlockFullness,
		AdjustmentVariable,
		MinimumMultiplier,
		MaximumMultiplier,
	>;
	type LengthToFee = ConstantMultiplier<Balance, TransactionByteFee>;
	type OnChargeTransaction = FungibleAdapter<Balances, FeesToAuthor>;
	type OperationalFeeMultiplier = ConstU8<5>;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
	// A second of computing, 10^12 ps, costs one ODA.
	type WeightToFee = IdentityFee<Balance>;
}
