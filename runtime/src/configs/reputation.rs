//! Reputation: what deeds are worth, and what follows from it.

use crate::{
	governance::{origins::Decided, tracks},
	parameters::{
		governed::reputation,
		points::{DECAY, FAULT_DECAY, MAX_TIERS},
	},
	*,
};
use frame_support::{
	dispatch::DispatchClass, migrations::MultiStepMigrator, parameter_types, traits::ConstU32,
};
use oda_pallet_traits::{Deed, Evidence};
use pallet_reputation::WeightInfo;
use sp_runtime::Perbill;

parameter_types! {
	/// The part of the points that a period takes.
	pub const Decay: Perbill = DECAY;
	/// The part of the faults that it takes.
	pub const FaultDecay: Perbill = FAULT_DECAY;
}

impl pallet_reputation::Config for Runtime {
	type AppealDeposit = reputation::AppealDeposit;
	type AppealOrigin = Decided<{ tracks::PARAMETERS }>;
	type AppealTerm = reputation::AppealTerm;
	type BanAfter = reputation::BanAfter;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = benchmarks::Helper;
	type BondPerTier = reputation::BondPerTier;
	type Caps = reputation::Caps;
	type Clock = Clock;
	type Currency = Balances;
	type Decay = Decay;
	type FaultDecay = FaultDecay;
	type FreeShare = reputation::FreeShare;
	type Hysteresis = reputation::Hysteresis;
	type MaxTiers = ConstU32<MAX_TIERS>;
	type PayerCap = reputation::PayerCap;
	type Period = tempo::PeriodTicks<Runtime>;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Stakes = Staking;
	type SuspendAt = reputation::SuspendAt;
	type SuspensionTerm = reputation::SuspensionTerm;
	type Thresholds = reputation::Thresholds;
	type Watcher = (TierVoting, Staking);
	type WeightInfo = weights::pallet_reputation::WeightInfo<Runtime>;
	type Worths = reputation::Worths;
}

/// Tells of the author of each block as a validator that is there.
pub struct Authors;

impl pallet_authorship::EventHandler<AccountId, BlockNumber> for Authors {
	/// While a migration runs the clock stands still, and reputation may be half migrated.
	fn note_author(author: AccountId) {
		if !<Runtime as frame_system::Config>::MultiBlockMigrator::ongoing() {
			let weight = <Runtime as pallet_reputation::Config>::WeightInfo::saw();
			System::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
			Reputation::saw(&author, Deed::Heartbeat);
		}
	}
}
