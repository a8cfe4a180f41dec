//! Referenda and all that they decide by: votes, schedules, preimages, the treasury, and the brakes.

use super::{protocol::StoragePrice, system::MAXIMUM_BLOCK_WEIGHT};
use crate::{
	governance::{
		origins::{Decided, DecidedFor},
		proposals::{MAX_QUEUED, MAX_SCHEDULED, Proposers},
		tracks::{self, Tracks},
	},
	*,
};
use frame_support::{
	PalletId,
	migrations::MultiStepMigrator,
	parameter_types,
	traits::{
		ConstU32, Contains, EitherOf, EqualPrivilegeOnly, Get, InsideBoth,
		fungible::HoldConsideration,
		tokens::{PayFromAccount, UnityAssetBalanceConversion},
	},
	weights::Weight,
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess};
use sp_runtime::{Permill, traits::IdentityLookup};

parameter_types! {
	/// What the deposit for a preimage is held for.
	pub const PreimageHold: RuntimeHoldReason = RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
	/// What the deposits for lists of votes and delegations are held for.
	pub const VotesHold: RuntimeHoldReason =
		RuntimeHoldReason::TierVoting(pallet_tier_voting::HoldReason::ListDeposit);

	/// What votes may weigh that follow changed tiers: a tenth of a block.
	pub CatchUpWeight: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(10);

	/// What proposing puts on hold; returned if the referendum is approved or cancelled.
	pub const SubmissionDeposit: Balance = UNIT.saturating_mul(10);
	/// The account of the treasury, of which nobody has a key, is made of it.
	pub const TreasuryId: PalletId = PalletId(*b"oda/trsy");
	/// The most that a decision of the treasury's track spends at a time; more takes root's.
	pub const MostSpent: Balance = UNIT.saturating_mul(100_000);
	/// Whatever there is.
	pub const Everything: Balance = Balance::MAX;
	/// Nothing is burned for not being spent.
	pub const Nothing: Permill = Permill::zero();

	/// The deposit for a list of proxies, or of announcements.
	pub const ListDeposit: Balance = super::protocol::deposit(1, 8);
	/// That for each proxy: an account, a type and a delay.
	pub const ProxyDeposit: Balance = super::protocol::deposit(0, 37);
	/// That for each announcement: an account, a hash and a height.
	pub const AnnouncementDeposit: Balance = super::protocol::deposit(0, 68);
	/// The deposit for a call that waits for signatures.
	pub const MultisigDeposit: Balance = super::protocol::deposit(1, 88);
	/// That for each signatory.
	pub const SignatoryDeposit: Balance = super::protocol::deposit(0, 32);
}

/// What scheduled calls may weigh in a block: half of it, as the author of a short slot has time for. Nothing
/// while a migration runs: what was due waits, in its block's agenda.
pub struct MaxScheduledWeight;

impl Get<Weight> for MaxScheduledWeight {
	fn get() -> Weight {
		if <Runtime as frame_system::Config>::MultiBlockMigrator::ongoing() {
			Weight::zero()
		} else {
			MAXIMUM_BLOCK_WEIGHT.saturating_div(2)
		}
	}
}

impl pallet_preimage::Config for Runtime {
	type Consideration = HoldConsideration<AccountId, Balances, PreimageHold, StoragePrice>;
	type Currency = Balances;
	type ManagerOrigin = EnsureRoot<AccountId>;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
}

impl pallet_scheduler::Config for Runtime {
	type BlockNumberProvider = Proposals;
	type MaxScheduledPerBlock = ConstU32<MAX_SCHEDULED>;
	type MaximumWeight = MaxScheduledWeight;
	type OriginPrivilegeCmp = EqualPrivilegeOnly;
	type PalletsOrigin = OriginCaller;
	type Preimages = Preimage;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type RuntimeOrigin = RuntimeOrigin;
	type ScheduleOrigin = EnsureRoot<AccountId>;
	type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Runtime>;
}

impl pallet_referenda::Config for Runtime {
	type AlarmInterval = ConstU32<1>;
	type BlockNumberProvider = Proposals;
	type CancelOrigin = Decided<{ tracks::EMERGENCY }>;
	type Currency = Balances;
	type KillOrigin = Decided<{ tracks::EMERGENCY }>;
	type MaxQueued = ConstU32<MAX_QUEUED>;
	type Preimages = Preimage;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type Scheduler = Scheduler;
	// Deposits that are slashed are burned.
	type Slash = ();
	type SubmissionDeposit = SubmissionDeposit;
	type SubmitOrigin = Proposers;
	type Tally = pallet_tier_voting::Tally<Runtime>;
	type Tracks = Tracks;
	type UndecidingTimeout = tempo::VotingBlocks<Runtime>;
	type Votes = pallet_tier_voting::Votes;
	type WeightInfo = weights::pallet_referenda::WeightInfo<Runtime>;
}

impl pallet_tier_voting::Config for Runtime {
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = benchmarks::Helper;
	type CatchUpWeight = CatchUpWeight;
	type Evidence = Reputation;
	type ListDeposit = HoldConsideration<AccountId, Balances, VotesHold, StoragePrice>;
	type MaxClasses = ConstU32<{ tracks::COUNT }>;
	type MaxVotes = ConstU32<16>;
	type Polls = Referenda;
	type Tiers = Reputation;
	type WeightInfo = weights::pallet_tier_voting::WeightInfo<Runtime>;
}

impl pallet_whitelist::Config for Runtime {
	type BlockNumberProvider = Proposals;
	// Nothing waits to be whitelisted: anybody could dispatch it then, at a moment of its choice.
	type DeferredDispatchExpiration = ConstU32<0>;
	type DispatchWhitelistedOrigin = Decided<{ tracks::WHITELISTED }>;
	type Preimages = Preimage;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_whitelist::weights::SubstrateWeight<Runtime>;
	type WhitelistOrigin = Decided<{ tracks::EMERGENCY }>;
}

impl pallet_treasury::Config for Runtime {
	type AssetKind = ();
	type BalanceConverter = UnityAssetBalanceConversion;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = benchmarks::Helper;
	type Beneficiary = AccountId;
	type BeneficiaryLookup = IdentityLookup<AccountId>;
	type BlockNumberProvider = Proposals;
	type Burn = Nothing;
	type BurnDestination = ();
	type Currency = Balances;
	type MaxApprovals = ConstU32<0>;
	type PalletId = TreasuryId;
	type Paymaster = PayFromAccount<Balances, super::stakes::TreasuryAccount>;
	type PayoutPeriod = tempo::VotingBlocks<Runtime>;
	type RejectOrigin = Decided<{ tracks::TREASURY }>;
	type RuntimeEvent = RuntimeEvent;
	type SpendFunds = ();
	type SpendOrigin = EitherOf<
		EnsureRootWithSuccess<AccountId, Everything>,
		DecidedFor<{ tracks::TREASURY }, Balance, MostSpent>,
	>;
	type SpendPeriod = tempo::VotingBlocks<Runtime>;
	type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
}

impl pallet_multisig::Config for Runtime {
	type BlockNumberProvider = System;
	type Currency = Balances;
	type DepositBase = MultisigDeposit;
	type DepositFactor = SignatoryDeposit;
	type MaxSignatories = ConstU32<100>;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
}

/// What a proxy may do.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Default,
	codec::Encode,
	codec::Decode,
	codec::DecodeWithMemTracking,
	codec::MaxEncodedLen,
	scale_info::TypeInfo,
)]
pub enum ProxyType {
	/// Everything.
	#[default]
	#[codec(index = 0)]
	Any,
	/// Voting, delegating votes, proposing, and the deposits for that.
	#[codec(index = 1)]
	Governance,
	/// Whether a stake counts, and the commission. Not keys: with them it could be slashed.
	#[codec(index = 2)]
	Staking,
}

impl frame_support::traits::InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		use pallet_oda_staking::Call as Stake;
		match self {
			Self::Any => true,
			Self::Governance => matches!(
				call,
				RuntimeCall::Referenda(_)
					| RuntimeCall::TierVoting(_)
					| RuntimeCall::Preimage(_)
					| RuntimeCall::Utility(
						pallet_utility::Call::batch { .. } | pallet_utility::Call::batch_all { .. }
					)
			),
			Self::Staking => matches!(
				call,
				RuntimeCall::Staking(
					Stake::chill { .. }
						| Stake::resume { .. }
						| Stake::set_commission { .. }
						| Stake::refresh { .. }
				)
			),
		}
	}

	fn is_superset(&self, other: &Self) -> bool {
		*self == Self::Any || self == other
	}
}

impl pallet_proxy::Config for Runtime {
	type AnnouncementDepositBase = ListDeposit;
	type AnnouncementDepositFactor = AnnouncementDeposit;
	type BlockNumberProvider = System;
	type CallHasher = sp_runtime::traits::BlakeTwo256;
	type Currency = Balances;
	type MaxPending = ConstU32<32>;
	type MaxProxies = ConstU32<32>;
	type ProxyDepositBase = ListDeposit;
	type ProxyDepositFactor = ProxyDeposit;
	type ProxyType = ProxyType;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
}

/// What stays open in safe mode: consensus, governance, and what holds several of these calls; and what
/// somebody would lose by who could not send it for so long, though the protocol's clock stands still: by
/// sessions or blocks.
pub struct Essential;

impl Contains<RuntimeCall> for Essential {
	fn contains(call: &RuntimeCall) -> bool {
		use pallet_oda_staking::Call as Stake;
		use pallet_verification::Call as Verify;
		matches!(
			call,
			RuntimeCall::System(_)
				| RuntimeCall::Timestamp(_)
				| RuntimeCall::Babe(_)
				| RuntimeCall::Grandpa(_)
				| RuntimeCall::ImOnline(_)
				| RuntimeCall::Session(_)
				| RuntimeCall::Migrations(_)
				| RuntimeCall::Referenda(_)
				| RuntimeCall::TierVoting(_)
				| RuntimeCall::Preimage(_)
				| RuntimeCall::Scheduler(_)
				| RuntimeCall::Whitelist(_)
				| RuntimeCall::Parameters(_)
				| RuntimeCall::ProtocolParameters(_)
				| RuntimeCall::TxPause(_)
				| RuntimeCall::SafeMode(_)
				| RuntimeCall::Utility(_)
				| RuntimeCall::Proxy(_)
				| RuntimeCall::Multisig(_)
				| RuntimeCall::Reputation(pallet_reputation::Call::bump { .. })
				| RuntimeCall::Staking(Stake::chill { .. } | Stake::resume { .. } | Stake::refresh { .. })
				| RuntimeCall::Treasury(
					pallet_treasury::Call::payout { .. } | pallet_treasury::Call::check_status { .. }
				) | RuntimeCall::Verification(Verify::rest { .. } | Verify::wake { .. })
		)
	}
}

impl pallet_safe_mode::Config for Runtime {
	type Currency = Balances;
	type EnterDepositAmount = ();
	type EnterDuration = tempo::VotingBlocks<Runtime>;
	type ExtendDepositAmount = ();
	type ExtendDuration = tempo::VotingBlocks<Runtime>;
	type ForceDepositOrigin = EnsureRoot<AccountId>;
	type ForceEnterOrigin = DecidedFor<{ tracks::EMERGENCY }, BlockNumber, tempo::VotingBlocks<Runtime>>;
	type ForceExitOrigin = Decided<{ tracks::EMERGENCY }>;
	type ForceExtendOrigin = DecidedFor<{ tracks::EMERGENCY }, BlockNumber, tempo::VotingBlocks<Runtime>>;
	type Notify = Clock;
	type ReleaseDelay = ();
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WeightInfo = pallet_safe_mode::weights::SubstrateWeight<Runtime>;
	type WhitelistedCalls = Essential;
}

/// The calls that can be paused: those that begin something. What was begun has deadlines, and pausing does
/// not stop the clock; nor is money kept from who needs it to meet one.
pub(crate) const PAUSABLE: [(&str, &[&str]); 7] = [
	("Staking", &["bond", "delegate", "redelegate"]),
	("ModelRegistry", &["announce", "register", "set_card"]),
	("Training", &["commit", "post_bounty"]),
	("Verification", &["join"]),
	("StorageDeals", &["enlist", "offer", "take"]),
	("Peers", &["bind"]),
	("Inference", &["set_offer", "open", "request"]),
];

/// What cannot be paused.
pub struct Unpausable;

impl Contains<pallet_tx_pause::RuntimeCallNameOf<Runtime>> for Unpausable {
	fn contains((pallet, call): &pallet_tx_pause::RuntimeCallNameOf<Runtime>) -> bool {
		!PAUSABLE.iter().any(|(name, calls)| {
			name.as_bytes() == pallet.as_slice()
				&& calls.iter().any(|name| name.as_bytes() == call.as_slice())
		})
	}
}

impl pallet_tx_pause::Config for Runtime {
	type MaxNameLen = ConstU32<64>;
	type PauseOrigin = Decided<{ tracks::EMERGENCY }>;
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type UnpauseOrigin = Decided<{ tracks::EMERGENCY }>;
	type WeightInfo = pallet_tx_pause::weights::SubstrateWeight<Runtime>;
	type WhitelistedCalls = Unpausable;
}

/// Which calls the chain takes at present.
pub type Brakes = InsideBoth<SafeMode, TxPause>;
