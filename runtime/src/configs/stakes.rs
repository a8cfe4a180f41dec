//! Stakes, and what is minted for those who hold them.

use crate::{
	parameters::governed::{emission, staking, verification},
	*,
};
use frame_support::{
	PalletId, parameter_types,
	traits::{ConstU32, ConstU64, Get},
};
use oda_pallet_traits::Role;
use oda_primitives::hash;
use sp_runtime::traits::{AccountIdConversion, Convert};

/// For how many sessions after its own an offence of a validator can be reported.
pub const REPORT_SESSIONS: u32 = 24;

/// The account of a candidate's pool: a hash with a domain of its own, so that nobody has a key of it.
pub struct PoolAccount;
impl Convert<(Role, AccountId), AccountId> for PoolAccount {
	fn convert((role, operator): (Role, AccountId)) -> AccountId {
		hash::pool_account(role as u8, &operator).into()
	}
}

/// The least own bond, by role.
pub struct MinBond;
impl Convert<Role, Balance> for MinBond {
	fn convert(role: Role) -> Balance {
		match role {
			Role::Validator => staking::MinValidatorBond::get(),
			Role::Verifier => verification::MinStake::get(),
			Role::Provider => staking::MinProviderBond::get(),
		}
	}
}

impl pallet_oda_staking::Config for Runtime {
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = benchmarks::Helper;
	type BondingDuration = staking::BondingDuration;
	type Clock = Clock;
	type CommissionNotice = staking::CommissionNotice;
	type Currency = Balances;
	type MaxAbsences = staking::MaxAbsences;
	type MaxCandidates = super::consensus::MaxAuthorities;
	type MaxCommission = staking::MaxCommission;
	type MaxLeaving = ConstU32<16>;
	type MaxOffences = ConstU32<128>;
	type MinBond = MinBond;
	type MinDelegation = staking::MinDelegation;
	type MinValidators = staking::MinValidators;
	type OffencesPerBlock = ConstU32<4>;
	type PoolAccount = PoolAccount;
	type ReportSessions = ConstU32<REPORT_SESSIONS>;
	type RuntimeHoldReason = RuntimeHoldReason;
	type SessionLength = tempo::EpochSlots<Runtime>;
	type Sessions = Session;
	type Tiers = Reputation;
	type ValidatorCount = staking::ValidatorCount;
	type Watcher = (Verification, Reputation);
	type WeightInfo = weights::pallet_oda_staking::WeightInfo<Runtime>;
}

parameter_types! {
	/// Names the account of what is put aside.
	pub const EmissionId: PalletId = PalletId(*b"oda/emis");
	/// The treasury's account, of which nobody has a key.
	pub TreasuryAccount: AccountId = super::governance::TreasuryId::get().into_account_truncating();
	/// How what is minted is shared.
	pub EmissionShares: pallet_emission::Shares = pallet_emission::Shares {
		authors: emission::Authors::get(),
		verifiers: emission::Verifiers::get(),
		trainers: emission::Trainers::get(),
		treasury: emission::Treasury::get(),
	};
	/// The most that is ever minted: a hundred million ODA.
	pub const MaxMinted: Balance = UNIT.saturating_mul(100_000_000);
}

impl pallet_emission::Config for Runtime {
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = benchmarks::Helper;
	type CarryOver = ConstU32<168>;
	type Clock = Clock;
	type Currency = Balances;
	// Four years of 3 s ticks.
	type HalvingInterval = ConstU64<42_076_800>;
	type MaxMinted = MaxMinted;
	type MaxVerifiers = <Runtime as pallet_verification::Config>::MaxMembers;
	type PalletId = EmissionId;
	// An hour of 3 s ticks.
	type Period = ConstU64<1_200>;
	type Rewards = Staking;
	type Shares = EmissionShares;
	type Treasury = TreasuryAccount;
	type VerifiersRatio = emission::VerifiersRatio;
	type WeightInfo = weights::pallet_emission::WeightInfo<Runtime>;
}
