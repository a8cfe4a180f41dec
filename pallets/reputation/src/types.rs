//! What the pallet stores, is configured with, and shows.

#![allow(clippy::cast_possible_truncation, reason = "what the `Encode` derive makes of `codec(index)`")]

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use oda_pallet_traits::{Deed, Tier};
use oda_primitives::{BlobRef, Tick};
use polkadot_sdk::{
	frame_support::{BoundedVec, traits::ConstU32},
	sp_runtime::SaturatedConversion,
};
use scale_info::TypeInfo;

/// The most deeds that an entry remembers one by one.
pub const MAX_RECENT: u32 = 16;

/// The most payers that one call removes.
pub const MAX_TIDIED: u32 = 64;

/// What points come from.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Source {
	/// Answers that were right as their task ended, by the vote.
	#[codec(index = 0)]
	Verified,
	/// Weights that became a head.
	#[codec(index = 1)]
	Accepted,
	/// Scores that were proved wrong.
	#[codec(index = 2)]
	Challenged,
	/// Rounds of storage that were proved.
	#[codec(index = 3)]
	Kept,
	/// Fees for inference, by what of them was burned.
	#[codec(index = 4)]
	Served,
	/// Signs of life.
	#[codec(index = 5)]
	Heartbeat,
	/// Votes in referenda.
	#[codec(index = 6)]
	Voted,
	/// Audits done.
	#[codec(index = 7)]
	Audited,
}

impl Source {
	/// Every source.
	pub const ALL: [Self; 8] = [
		Self::Verified,
		Self::Accepted,
		Self::Challenged,
		Self::Kept,
		Self::Served,
		Self::Heartbeat,
		Self::Voted,
		Self::Audited,
	];

	/// Whether it costs nobody anything that was burned or bonded.
	pub fn is_free(self) -> bool {
		matches!(self, Self::Heartbeat | Self::Voted | Self::Audited)
	}
}

/// What takes points away and may suspend.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Fault {
	/// An answer that turned out wrong, by the vote.
	#[codec(index = 0)]
	Misverified,
	/// A claim that fell.
	#[codec(index = 1)]
	Overturned,
	/// An answer that was not given, by the vote.
	#[codec(index = 2)]
	Absent,
	/// A challenge of a score that was right.
	#[codec(index = 3)]
	ChallengeFailed,
	/// A round of storage that was missed.
	#[codec(index = 4)]
	Missed,
	/// A wrong output that was signed.
	#[codec(index = 5)]
	Misserved,
	/// A dispute of an output that was right.
	#[codec(index = 6)]
	DisputeFailed,
}

/// A deed as it counts.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Counted {
	/// It earns points.
	#[codec(index = 0)]
	Earned(Source),
	/// It takes points.
	#[codec(index = 1)]
	Fault(Fault),
}

impl Counted {
	/// What a deed counts as, and how often.
	pub(crate) fn of(deed: Deed) -> (Self, u32) {
		match deed {
			Deed::Verified(_) => (Self::Earned(Source::Verified), 1),
			Deed::Accepted(_) => (Self::Earned(Source::Accepted), 1),
			Deed::Challenged(_) => (Self::Earned(Source::Challenged), 1),
			Deed::Kept(_) => (Self::Earned(Source::Kept), 1),
			Deed::Heartbeat => (Self::Earned(Source::Heartbeat), 1),
			Deed::Voted(_) => (Self::Earned(Source::Voted), 1),
			Deed::Audited(_) => (Self::Earned(Source::Audited), 1),
			Deed::Misverified(_) => (Self::Fault(Fault::Misverified), 1),
			Deed::Overturned(_) => (Self::Fault(Fault::Overturned), 1),
			Deed::Absent(_) => (Self::Fault(Fault::Absent), 1),
			Deed::ChallengeFailed(_) => (Self::Fault(Fault::ChallengeFailed), 1),
			Deed::Missed(_, rounds) => (Self::Fault(Fault::Missed), rounds),
			Deed::Misserved(_) => (Self::Fault(Fault::Misserved), 1),
			Deed::DisputeFailed(_) => (Self::Fault(Fault::DisputeFailed), 1),
		}
	}
}

/// A number of points for each source.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PerSource {
	/// Of [`Source::Verified`].
	pub verified: u64,
	/// Of [`Source::Accepted`].
	pub accepted: u64,
	/// Of [`Source::Challenged`].
	pub challenged: u64,
	/// Of [`Source::Kept`].
	pub kept: u64,
	/// Of [`Source::Served`].
	pub served: u64,
	/// Of [`Source::Heartbeat`].
	pub heartbeat: u64,
	/// Of [`Source::Voted`].
	pub voted: u64,
	/// Of [`Source::Audited`].
	pub audited: u64,
}

impl PerSource {
	/// The points of a source.
	pub fn of(&self, source: Source) -> u64 {
		match source {
			Source::Verified => self.verified,
			Source::Accepted => self.accepted,
			Source::Challenged => self.challenged,
			Source::Kept => self.kept,
			Source::Served => self.served,
			Source::Heartbeat => self.heartbeat,
			Source::Voted => self.voted,
			Source::Audited => self.audited,
		}
	}

	/// Adds points to a source.
	pub(crate) fn add(&mut self, source: Source, points: u64) {
		let sum = match source {
			Source::Verified => &mut self.verified,
			Source::Accepted => &mut self.accepted,
			Source::Challenged => &mut self.challenged,
			Source::Kept => &mut self.kept,
			Source::Served => &mut self.served,
			Source::Heartbeat => &mut self.heartbeat,
			Source::Voted => &mut self.voted,
			Source::Audited => &mut self.audited,
		};
		*sum = sum.saturating_add(points);
	}
}

/// The most points that a source gives in one period, for each unit of the account's bond.
pub type Caps = PerSource;

/// The points that each fault takes.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PerFault {
	/// Of [`Fault::Misverified`], for each vote.
	pub misverified: u64,
	/// Of [`Fault::Overturned`].
	pub overturned: u64,
	/// Of [`Fault::Absent`], for each vote.
	pub absent: u64,
	/// Of [`Fault::ChallengeFailed`].
	pub challenge_failed: u64,
	/// Of [`Fault::Missed`], for each round.
	pub missed: u64,
	/// Of [`Fault::Misserved`].
	pub misserved: u64,
	/// Of [`Fault::DisputeFailed`].
	pub dispute_failed: u64,
}

impl PerFault {
	/// The points that a fault takes.
	pub fn of(&self, fault: Fault) -> u64 {
		match fault {
			Fault::Misverified => self.misverified,
			Fault::Overturned => self.overturned,
			Fault::Absent => self.absent,
			Fault::ChallengeFailed => self.challenge_failed,
			Fault::Missed => self.missed,
			Fault::Misserved => self.misserved,
			Fault::DisputeFailed => self.dispute_failed,
		}
	}
}

/// What deeds are worth, in points.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Worths {
	/// What a deed earns; of [`Source::Verified`] for each vote, of [`Source::Served`] for each
	/// `served_unit`, and of what [is free](Source::is_free) for each unit of the account's bond.
	pub points: PerSource,
	/// The planck of fees that have to be burned at once to earn `points.served`. With 0, fees earn nothing.
	pub served_unit: u128,
	/// What a fault takes.
	pub faults: PerFault,
}

impl Worths {
	/// What burning so many planck of fees earns.
	pub(crate) fn of_burned(&self, burned: u128) -> u64 {
		let units = burned.checked_div(self.served_unit).unwrap_or_default();
		units.saturating_mul(self.points.served.into()).saturated_into()
	}
}

/// Whether an account may take part.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Standing {
	/// It may.
	#[default]
	#[codec(index = 0)]
	Good,
	/// It may not for some time.
	#[codec(index = 1)]
	Suspended {
		/// The first tick at which it may again.
		until: Tick,
		/// Whether it has appealed against this suspension.
		appealed: bool,
	},
	/// It may not, unless an appeal is granted.
	#[codec(index = 2)]
	Banned {
		/// Whether it has appealed against the ban.
		appealed: bool,
	},
}

impl Standing {
	/// Whether it has appealed against what it may not do now.
	pub fn appealed(&self) -> bool {
		matches!(self, Self::Suspended { appealed: true, .. } | Self::Banned { appealed: true })
	}

	/// Whether it is as good as new: a suspension ends at its tick, without anybody doing anything.
	pub fn is_good_at(&self, now: Tick) -> bool {
		match self {
			Self::Good => true,
			Self::Suspended { until, .. } => *until <= now,
			Self::Banned { .. } => false,
		}
	}

	/// Sets whether it has appealed.
	pub(crate) fn set_appealed(&mut self, to: bool) {
		match self {
			Self::Good => {}
			Self::Suspended { appealed, .. } | Self::Banned { appealed } => *appealed = to,
		}
	}
}

/// One deed, as an entry remembers it; or signs of life in a row.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Recent {
	/// When the chain saw it, or the last of them.
	pub tick: Tick,
	/// What it was.
	pub what: Counted,
	/// The points that it gave or took; fewer than it is worth where a cap bound it, or there was less to
	/// take.
	pub points: u64,
}

/// What is known of an account. Points and faults are as they were in `period`: later periods take their
/// part.
#[derive(
	Clone, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Entry {
	/// The period in which it was settled last.
	pub period: u64,
	/// The points from sources that cost somebody something.
	pub costly: u64,
	/// The points from sources that cost nothing, whether they count or not.
	pub free: u64,
	/// What its faults weigh.
	pub faults: u64,
	/// Its tier.
	pub tier: Tier,
	/// Whether it may take part.
	pub standing: Standing,
	/// How often it has been suspended, less the appeals that were granted.
	pub suspensions: u32,
	/// The points that it earned in `period`.
	pub earned: PerSource,
	/// The points that it earned in the period before.
	pub earned_before: PerSource,
	/// Its last deeds, the oldest first.
	pub recent: BoundedVec<Recent, ConstU32<MAX_RECENT>>,
}

impl Entry {
	/// Whether nothing would be lost without it.
	pub fn is_empty(&self) -> bool {
		self.costly == 0
			&& self.free == 0
			&& self.faults == 0
			&& self.suspensions == 0
			&& self.standing == Standing::Good
			&& self.earned == PerSource::default()
	}
}

/// What a payer's fees have given to providers.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Payer {
	/// The period of which this is.
	pub period: u64,
	/// The points that all providers together got for it in that period.
	pub points: u64,
}

/// An appeal that waits for an answer.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Appeal<Balance> {
	/// What the account has to say.
	pub reason: BlobRef,
	/// What it has on hold.
	pub deposit: Balance,
	/// The first tick at which anybody may close it.
	pub until: Tick,
}

/// The points of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct SourcePoints {
	/// What they come from.
	pub source: Source,
	/// Those of the present period.
	pub now: u64,
	/// Those of the period before.
	pub before: u64,
	/// The most of the present period, as the account is bonded now.
	pub cap: u64,
}

/// What the next tier needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Next<Balance> {
	/// The tier.
	pub tier: Tier,
	/// The points that it needs in all.
	pub points: u64,
	/// The bond that it needs in all, in planck.
	pub bond: Balance,
}

/// Why an account has the tier that it has, with all that has decayed by now.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Explanation<Balance> {
	/// The tier that it has.
	pub tier: Tier,
	/// The tier that it would have after a `bump`.
	pub due: Tier,
	/// The points that count.
	pub points: u64,
	/// Those of them from sources that cost somebody something.
	pub costly: u64,
	/// The points from other sources, whether they count or not.
	pub free: u64,
	/// What the account itself has bonded over all roles, in planck.
	pub bond: Balance,
	/// What it earned lately, by source.
	pub sources: Vec<SourcePoints>,
	/// Its last deeds, the oldest first.
	pub recent: Vec<Recent>,
	/// What its faults weigh.
	pub faults: u64,
	/// What they weigh no more than before it is suspended.
	pub suspend_at: u64,
	/// Whether it may take part.
	pub standing: Standing,
	/// How often it has been suspended, less the appeals that were granted.
	pub suspensions: u32,
	/// What the next tier needs; nothing if it has come as far as one can.
	pub next: Option<Next<Balance>>,
}
