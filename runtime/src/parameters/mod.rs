//! The protocol's parameters: windows and amounts that change without another runtime.
//!
//! Each is declared once, in [`governed`], with what it is on a chain whose genesis says nothing, and is read where a
//! pallet's configuration names it. The values lie in the state of the SDK's `Parameters`, every one of them since
//! genesis, so that clients read them there and need no default. `ProtocolParameters` is the only way to change them
//! ([`changes`]): it keeps true what must be true between them.
//!
//! A change concerns what begins after it. Whatever is under way has its deadlines, bonds, prices and penalties in its
//! own entry.
//!
//! What the layout of the state, a block's limits or other parameters rest on is a constant, in [`crate::configs`]; how
//! long slots and epochs are is frozen, in [`crate::tempo`].

// The macros generate items without documentation, and casts of indices.
#![allow(missing_docs, clippy::cast_possible_truncation)]

pub mod changes;
pub mod points;

use crate::*;
use frame_support::{
	BoundedVec,
	dynamic_params::{dynamic_pallet_params, dynamic_params},
	traits::{ConstU32, dynamic_params::AggregatedKeyValue},
};
use oda_primitives::Tick;
use sp_runtime::Perbill;

/// Parameters by the pallet that they belong to, under its name and its index. Indices never change.
#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
pub mod governed {
	use super::*;

	#[dynamic_pallet_params]
	#[codec(index = 21)]
	pub mod model_registry {
		/// Ticks for which a pending model belongs to its registrar alone.
		#[codec(index = 0)]
		pub static PendingWindow: Tick = Windows::DEFAULT.pending;
	}

	#[dynamic_pallet_params]
	#[codec(index = 22)]
	pub mod training {
		/// Ticks that a commitment to weights, or an announcement, must have aged before it is opened.
		#[codec(index = 0)]
		pub static MinCommitAge: Tick = Windows::DEFAULT.min_commit_age;
		/// Ticks after the commitment or the announcement from which on it can no longer be opened.
		#[codec(index = 1)]
		pub static RevealWindow: Tick = Windows::DEFAULT.reveal;
		/// Ticks for which every task can be answered; to these come those that follow its cost.
		#[codec(index = 2)]
		pub static AttestBase: Tick = Windows::DEFAULT.attest_base;
		/// Ticks that must pass between the last needed answer and the acceptance.
		#[codec(index = 3)]
		pub static ChallengeWindow: Tick = Windows::DEFAULT.challenge;
		/// Ticks that a challenge commitment must have aged before its challenge.
		#[codec(index = 4)]
		pub static MinChallengeAge: Tick = Windows::DEFAULT.min_challenge_age;
		/// Ticks for which a challenge commitment holds the window open.
		#[codec(index = 5)]
		pub static ChallengeLifetime: Tick = Windows::DEFAULT.challenge_lifetime;
		/// Ticks for which demanded weights can be posted.
		#[codec(index = 6)]
		pub static DemandWindow: Tick = Windows::DEFAULT.demand;
		// 7 was for how long a submission waits for verifiers: `verification::Patience`.
		/// What a trainer puts on hold for a submission.
		#[codec(index = 8)]
		pub static TrainerBond: Balance = UNIT.saturating_mul(100);
		/// What a challenger puts on hold for a commitment to evidence.
		#[codec(index = 9)]
		pub static ChallengeBond: Balance = UNIT.saturating_mul(10);
		/// What demanding weights puts on hold beside the price of posting them.
		#[codec(index = 10)]
		pub static DemandBond: Balance = UNIT;
		/// The part of the verifiers' fee that every task has.
		#[codec(index = 11)]
		pub static FeeBase: Balance = UNIT;
		/// What a task's verifiers are paid together for fetching a mebibyte: 10.24 ODA a gibibyte.
		#[codec(index = 12)]
		pub static FeePerMib: Balance = UNIT / 100;
		/// The least bounty.
		#[codec(index = 13)]
		pub static MinBounty: Balance = UNIT;
		/// The part of the verifiers' fee that is burned.
		#[codec(index = 14)]
		pub static FeeBurn: Perbill = Perbill::from_percent(20);
	}

	#[dynamic_pallet_params]
	#[codec(index = 23)]
	pub mod verification {
		/// The share of a task's votes that has to say `Valid`: more than two thirds.
		#[codec(index = 0)]
		pub static Quorum: Perbill = Perbill::from_parts(666_666_667);
		/// The stake below which a verifier is not drawn, and which it bonds itself at least.
		#[codec(index = 1)]
		pub static MinStake: Balance = UNIT.saturating_mul(500);
		/// What saying `Valid` of a false claim costs, and showing a false output; this and the next ones for each vote. Each vote
		/// is answered for with so much of its own.
		/// Half of it is burned, and that half of a single verifier exceeds the trainer's bond; what else a lie may bring, such
		/// as a bounty, has no bound.
		#[codec(index = 2)]
		pub static VerifierSlash: Balance = UNIT.saturating_mul(300);
		/// What saying `Wrong` costs when nobody overturns the claim.
		#[codec(index = 3)]
		pub static AccusationSlash: Balance = UNIT.saturating_mul(50);
		/// What not answering costs.
		#[codec(index = 4)]
		pub static AbsenceSlash: Balance = UNIT.saturating_mul(5);
		/// What committing to an answer and not opening it costs.
		#[codec(index = 5)]
		pub static UnopenedSlash: Balance = UNIT.saturating_mul(10);
		/// The most that a verifier pays for absences from tasks that were drawn in one epoch.
		#[codec(index = 6)]
		pub static AbsenceCap: Balance = UNIT.saturating_mul(50);
		/// After how many absences in a row a verifier rests.
		#[codec(index = 7)]
		pub static MaxAbsences: u32 = 3;
		/// How many votes a committee is to have at first.
		#[codec(index = 8)]
		pub static Committee: u32 = 10;
		/// The fewest members that it can have.
		#[codec(index = 9)]
		pub static MinCommittee: u32 = Windows::DEFAULT.min_committee;
		/// The most votes that a second committee can have.
		#[codec(index = 10)]
		pub static MaxCommittee: u32 = 20;
		/// How many samples a draw takes.
		#[codec(index = 11)]
		pub static Samples: u32 = 256;
		/// The share of them that has to be able to have a vote.
		#[codec(index = 12)]
		pub static AbleShare: Perbill = Perbill::from_percent(50);
		/// How many records' outputs members show.
		#[codec(index = 13)]
		pub static Wanted: u32 = 8;
		/// Ticks in which who committed can open.
		#[codec(index = 14)]
		pub static OpenWindow: Tick = Windows::DEFAULT.open;
		/// Ticks in which a disputed record can be resolved.
		#[codec(index = 15)]
		pub static DisputeWindow: Tick = Windows::DEFAULT.dispute;
		/// Ticks for which a task waits for a committee.
		#[codec(index = 16)]
		pub static Patience: Tick = Windows::DEFAULT.verifier_patience;
		/// The least computing time that a verifier has room for, in picoseconds of the reference machine: ten minutes.
		#[codec(index = 17)]
		pub static MinTime: u64 = 600_000_000_000_000;
		/// The least number of bytes that it has room for: a gibibyte.
		#[codec(index = 18)]
		pub static MinBytes: u64 = 1 << 30;
		/// After how many epochs anybody may let a verifier rest that is away.
		#[codec(index = 19)]
		pub static AwayEpochs: u32 = Windows::DEFAULT.away_epochs;
	}

	#[dynamic_pallet_params]
	#[codec(index = 24)]
	pub mod storage_deals {
		/// Ticks that a round of storage challenges lasts: how long keepers can answer.
		#[codec(index = 0)]
		pub static RoundLength: Tick = Windows::DEFAULT.storage_round;
		/// Ticks between a keeper's retirement and the return of its bond.
		#[codec(index = 1)]
		pub static UnbondingPeriod: Tick = Windows::DEFAULT.unbonding;
		/// The least bond of a keeper.
		#[codec(index = 2)]
		pub static MinBond: Balance = UNIT.saturating_mul(100);
		/// A keeper's bond for each mebibyte of capacity, and its stake for each of a replica: 102.4 ODA a gibibyte.
		#[codec(index = 3)]
		pub static BondPerMib: Balance = UNIT / 10;
		/// The least stake of a replica.
		#[codec(index = 4)]
		pub static MinStake: Balance = UNIT;
		/// The least pay for a proved round.
		#[codec(index = 5)]
		pub static MinPrice: Balance = MICRO_UNIT;
		/// What a model's account begins to offer for keeping a mebibyte for a round; it pays twice as much at most.
		#[codec(index = 6)]
		pub static HeadPricePerMib: Balance = MILLI_UNIT;
	}

	#[dynamic_pallet_params]
	#[codec(index = 26)]
	pub mod staking {
		/// The least own bond of a candidate for validator.
		#[codec(index = 0)]
		pub static MinValidatorBond: Balance = UNIT.saturating_mul(1_000);
		/// The least own bond of a provider of inference.
		#[codec(index = 1)]
		pub static MinProviderBond: Balance = UNIT.saturating_mul(100);
		/// The least amount that is delegated.
		#[codec(index = 2)]
		pub static MinDelegation: Balance = UNIT;
		/// The highest commission.
		#[codec(index = 3)]
		pub static MaxCommission: Perbill = Perbill::from_percent(50);
		/// For how many ticks a higher commission is announced before it counts.
		#[codec(index = 4)]
		pub static CommissionNotice: Tick = Windows::DEFAULT.commission_notice;
		/// For how many ticks leaving stake answers.
		#[codec(index = 5)]
		pub static BondingDuration: Tick = Windows::DEFAULT.bonding;
		/// How many validators are elected, if there are so many.
		#[codec(index = 6)]
		pub static ValidatorCount: u32 = 50;
		/// With fewer that could be elected the old ones stay, and below it nobody is removed for absence.
		#[codec(index = 7)]
		pub static MinValidators: u32 = Windows::DEFAULT.min_validators;
		/// For how many sessions in a row a validator has not responded when it is chilled.
		#[codec(index = 8)]
		pub static MaxAbsences: u32 = 4;
	}

	#[dynamic_pallet_params]
	#[codec(index = 27)]
	pub mod emission {
		/// The block authors' part of what is minted.
		#[codec(index = 0)]
		pub static Authors: Perbill = Perbill::from_percent(40);
		/// The verifiers' part.
		#[codec(index = 1)]
		pub static Verifiers: Perbill = Perbill::from_percent(30);
		/// The trainers' part.
		#[codec(index = 2)]
		pub static Trainers: Perbill = Perbill::from_percent(20);
		/// The treasury's part.
		#[codec(index = 3)]
		pub static Treasury: Perbill = Perbill::from_percent(10);
		/// The most that a task's verifiers are paid together, as a part of what the task's fee burned.
		#[codec(index = 4)]
		pub static VerifiersRatio: Perbill = Perbill::from_percent(50);
	}

	/// What no share says is burned: 5 %.
	#[dynamic_pallet_params]
	#[codec(index = 28)]
	pub mod inference {
		/// The provider's part of every fee.
		#[codec(index = 0)]
		pub static ProviderShare: Perbill = Perbill::from_percent(70);
		/// The part of the trainer of the version that answered.
		#[codec(index = 1)]
		pub static TrainerShare: Perbill = Perbill::from_percent(15);
		/// The part of the trainers of the models that it descends from.
		#[codec(index = 2)]
		pub static RoyaltyShare: Perbill = Perbill::from_percent(3);
		/// The block author's part.
		#[codec(index = 3)]
		pub static AuthorShare: Perbill = Perbill::from_percent(2);
		/// The treasury's part.
		#[codec(index = 4)]
		pub static TreasuryShare: Perbill = Perbill::from_percent(2);
		/// The part of the model's storage account.
		#[codec(index = 5)]
		pub static StorageShare: Perbill = Perbill::from_percent(3);
		/// What a provider itself loses for a wrong output, and has at least at stake. Half of it may go to the user.
		#[codec(index = 6)]
		pub static ReceiptSlash: Balance = UNIT.saturating_mul(50);
		/// How many times its price a user gets back for a wrong answer.
		#[codec(index = 7)]
		pub static RefundRatio: u32 = 10;
		/// What a user gets back of what a won dispute cost: the fee of a transaction with the largest weights.
		#[codec(index = 8)]
		pub static DisputeFee: Balance = UNIT.saturating_mul(4);
		/// What a user loses who disputes an output that is right.
		#[codec(index = 9)]
		pub static DisputeBond: Balance = UNIT.saturating_mul(5);
		/// For how many ticks a receipt is good at the most, and a channel is kept after its end.
		#[codec(index = 10)]
		pub static ReceiptLife: Tick = Windows::DEFAULT.receipts;
		/// For how many ticks the answer to a one-shot request can be disputed.
		#[codec(index = 11)]
		pub static AnswerDispute: Tick = Windows::DEFAULT.dispute;
		/// The shortest time, in ticks, that a provider has to redeem its last voucher.
		#[codec(index = 12)]
		pub static MinGrace: Tick = Windows::DEFAULT.open;
		/// The least deposit of a channel.
		#[codec(index = 13)]
		pub static MinDeposit: Balance = UNIT / 100;
	}

	/// Why they are what they are, [`super::points`] says.
	#[dynamic_pallet_params]
	#[codec(index = 29)]
	pub mod reputation {
		/// What deeds earn, and faults take, in points.
		#[codec(index = 0)]
		pub static Worths: pallet_reputation::Worths = points::WORTHS;
		/// The most points that each source gives in a period for each unit of bond.
		#[codec(index = 1)]
		pub static Caps: pallet_reputation::Caps = points::CAPS;
		/// The most points that one payer's fees give in a period, to all providers together.
		#[codec(index = 2)]
		pub static PayerCap: u64 = points::PAYER_CAP;
		/// The points from free sources that count, as a part of those from costly ones.
		#[codec(index = 3)]
		pub static FreeShare: Perbill = points::FREE_SHARE;
		/// The points that tier 1, 2 and so on need.
		#[codec(index = 4)]
		pub static Thresholds: BoundedVec<u64, ConstU32<{ points::MAX_TIERS }>> =
			BoundedVec::truncate_from(points::THRESHOLDS.to_vec());
		/// The part of its threshold by which an account may fall below it and keep its tier.
		#[codec(index = 5)]
		pub static Hysteresis: Perbill = points::HYSTERESIS;
		/// What an account itself has to have bonded for each tier, and a unit of its bond.
		#[codec(index = 6)]
		pub static BondPerTier: Balance = points::BOND_PER_TIER;
		/// The weight of faults beyond which an account is suspended.
		#[codec(index = 7)]
		pub static SuspendAt: u64 = points::SUSPEND_AT;
		/// The ticks of a first suspension; each later one lasts twice as long as the one before.
		#[codec(index = 8)]
		pub static SuspensionTerm: Tick = Windows::DEFAULT.suspension;
		/// Which suspension is a ban.
		#[codec(index = 9)]
		pub static BanAfter: u32 = points::BAN_AFTER;
		/// What an appeal puts on hold.
		#[codec(index = 10)]
		pub static AppealDeposit: Balance = points::APPEAL_DEPOSIT;
		/// The ticks after which an appeal that nobody answered can be closed.
		#[codec(index = 11)]
		pub static AppealTerm: Tick = Windows::DEFAULT.appeal;
	}
}

/// The windows that a genesis chooses, in ticks: how fast a chain is shall not be the same for people at a terminal and
/// for a public network. The amounts are those of every chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Windows {
	/// [`governed::training::MinCommitAge`].
	pub min_commit_age: Tick,
	/// [`governed::training::RevealWindow`].
	pub reveal: Tick,
	/// [`governed::training::AttestBase`].
	pub attest_base: Tick,
	/// [`governed::training::ChallengeWindow`].
	pub challenge: Tick,
	/// [`governed::training::MinChallengeAge`].
	pub min_challenge_age: Tick,
	/// [`governed::training::ChallengeLifetime`].
	pub challenge_lifetime: Tick,
	/// [`governed::training::DemandWindow`].
	pub demand: Tick,
	/// [`governed::verification::Patience`].
	pub verifier_patience: Tick,
	/// [`governed::verification::OpenWindow`] and [`governed::inference::MinGrace`].
	pub open: Tick,
	/// [`governed::verification::DisputeWindow`] and [`governed::inference::AnswerDispute`].
	pub dispute: Tick,
	/// [`governed::model_registry::PendingWindow`].
	pub pending: Tick,
	/// [`governed::storage_deals::RoundLength`].
	pub storage_round: Tick,
	/// [`governed::storage_deals::UnbondingPeriod`].
	pub unbonding: Tick,
	/// [`governed::staking::CommissionNotice`].
	pub commission_notice: Tick,
	/// [`governed::staking::BondingDuration`].
	pub bonding: Tick,
	/// [`governed::inference::ReceiptLife`].
	pub receipts: Tick,
	/// [`governed::reputation::SuspensionTerm`].
	pub suspension: Tick,
	/// [`governed::reputation::AppealTerm`].
	pub appeal: Tick,
	/// [`governed::verification::MinCommittee`].
	pub min_committee: u32,
	/// [`governed::verification::AwayEpochs`].
	pub away_epochs: u32,
	/// [`governed::staking::MinValidators`].
	pub min_validators: u32,
}

impl Windows {
	/// Those that suit slots of 3 s and people who sleep: a submission takes about an hour and a half.
	pub const DEFAULT: Self = Self {
		min_commit_age: 20,
		reveal: 1_200,
		attest_base: 600,
		challenge: 1_200,
		min_challenge_age: 5,
		challenge_lifetime: 60,
		demand: 1_200,
		verifier_patience: 7_200,
		open: 200,
		dispute: 1_200,
		pending: 28_800,
		storage_round: 1_200,
		unbonding: 28_800,
		commission_notice: 201_600,
		bonding: 201_600,
		receipts: 28_800,
		// Two weeks, twice as long as stake takes to leave.
		suspension: 403_200,
		// Four weeks: a referendum.
		appeal: 806_400,
		min_committee: 4,
		// A week of epochs of an hour.
		away_epochs: 168,
		min_validators: 4,
	};
}

impl Default for Windows {
	fn default() -> Self {
		Self::DEFAULT
	}
}

/// Every parameter: these windows, and amounts as they are.
pub fn all(windows: &Windows) -> Vec<RuntimeParameters> {
	macro_rules! list {
		($($group:ident, $pallet:ident { $($name:ident $(= $value:expr)?,)* })*) => {
			Vec::from([$($(
				RuntimeParameters::$group(governed::$pallet::Parameters::$name(
					governed::$pallet::$name,
					Some(list!(@value $pallet $name $($value)?)),
				)),
			)*)*])
		};
		(@value $pallet:ident $name:ident $value:expr) => { $value };
		(@value $pallet:ident $name:ident) => { <governed::$pallet::$name as sp_core::Get<_>>::get() };
	}
	list! {
		ModelRegistry, model_registry {
			PendingWindow = windows.pending,
		}
		Training, training {
			MinCommitAge = windows.min_commit_age,
			RevealWindow = windows.reveal,
			AttestBase = windows.attest_base,
			ChallengeWindow = windows.challenge,
			MinChallengeAge = windows.min_challenge_age,
			ChallengeLifetime = windows.challenge_lifetime,
			DemandWindow = windows.demand,
			TrainerBond,
			ChallengeBond,
			DemandBond,
			FeeBase,
			FeePerMib,
			MinBounty,
			FeeBurn,
		}
		Verification, verification {
			Quorum,
			MinStake,
			VerifierSlash,
			AccusationSlash,
			AbsenceSlash,
			UnopenedSlash,
			AbsenceCap,
			MaxAbsences,
			Committee,
			MinCommittee = windows.min_committee,
			MaxCommittee,
			Samples,
			AbleShare,
			Wanted,
			OpenWindow = windows.open,
			DisputeWindow = windows.dispute,
			Patience = windows.verifier_patience,
			MinTime,
			MinBytes,
			AwayEpochs = windows.away_epochs,
		}
		StorageDeals, storage_deals {
			RoundLength = windows.storage_round,
			UnbondingPeriod = windows.unbonding,
			MinBond,
			BondPerMib,
			MinStake,
			MinPrice,
			HeadPricePerMib,
		}
		Staking, staking {
			MinValidatorBond,
			MinProviderBond,
			MinDelegation,
			MaxCommission,
			CommissionNotice = windows.commission_notice,
			BondingDuration = windows.bonding,
			ValidatorCount,
			MinValidators = windows.min_validators,
			MaxAbsences,
		}
		Emission, emission {
			Authors,
			Verifiers,
			Trainers,
			Treasury,
			VerifiersRatio,
		}
		Inference, inference {
			ProviderShare,
			TrainerShare,
			RoyaltyShare,
			AuthorShare,
			TreasuryShare,
			StorageShare,
			ReceiptSlash,
			RefundRatio,
			DisputeFee,
			DisputeBond,
			ReceiptLife = windows.receipts,
			AnswerDispute = windows.dispute,
			MinGrace = windows.open,
			MinDeposit,
		}
		Reputation, reputation {
			Worths,
			Caps,
			PayerCap,
			FreeShare,
			Thresholds,
			Hysteresis,
			BondPerTier,
			SuspendAt,
			SuspensionTerm = windows.suspension,
			BanAfter,
			AppealDeposit,
			AppealTerm = windows.appeal,
		}
	}
}

/// Writes every parameter: these windows, and amounts as they are; how many it wrote. For genesis and migrations, which
/// answer for the relations themselves.
pub(crate) fn write(windows: &Windows) -> u32 {
	let mut written = 0u32;
	for parameter in all(windows) {
		if let (key, Some(value)) = parameter.into_parts() {
			pallet_parameters::Parameters::<Runtime>::insert(key, value);
			written = written.saturating_add(1);
		}
	}
	written
}

// The longest of them, as the SDK's benchmark asks for.
#[cfg(feature = "runtime-benchmarks")]
impl Default for RuntimeParameters {
	fn default() -> Self {
		use governed::training::{Parameters, TrainerBond};
		Self::Training(Parameters::TrainerBond(TrainerBond, Some(Balance::MAX)))
	}
}
