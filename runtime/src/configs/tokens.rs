//! Balances and the price of a transaction.

use crate::*;
use frame_support::{
	parameter_types,
	traits::{
		ConstU8, ConstU32, OnUnbalanced, VariantCountOf,
		fungible::{Balanced, Credit},
	},
	weights::{ConstantMultiplier, IdentityFee},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{FixedPointNumber, Perquintill, traits::Bounded};

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

/// Pays fees and tips to the block's author. What the author's account cannot take is burned.
pub struct FeesToAuthor;
impl OnUnbalanced<Credit<AccountId, Balances>> for FeesToAuthor {
	fn on_nonzero_unbalanced(fee: Credit<AccountId, Balances>) {
		if let Some(author) = Authorship::author() {
			// The credit that comes back on failure burns itself when dropped.
			let _ = Balances::resolve(&author, fee);
		}
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
