//! Reputation: points, what they come from, tiers, and whether an account may take part.

use crate::{
	AccountId, Balance, ChainError, View,
	runtime::{self, runtime_types as generated},
};
use generated::pallet_reputation::types::{Counted, Explanation, Fault, Source, Standing as Stored};
use oda_primitives::Tick;
use serde::Serialize;

/// Whether an account may take part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Standing {
	/// It may.
	Good,
	/// It may not for some time.
	Suspended {
		/// The first tick at which it may again.
		until: Tick,
		/// Whether it has appealed.
		appealed: bool,
	},
	/// It may not any more.
	Banned {
		/// Whether it has appealed.
		appealed: bool,
	},
}

/// The points of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct SourcePoints {
	/// What they come from.
	pub source: &'static str,
	/// Those of the present period.
	pub now: u64,
	/// Those of the period before.
	pub before: u64,
	/// The most of a period, as the account is bonded now.
	pub cap: u64,
}

/// A deed that is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct RecentDeed {
	/// When the chain saw it.
	pub tick: Tick,
	/// What it was.
	pub what: &'static str,
	/// Whether it took points, instead of giving them.
	pub fault: bool,
	/// The points.
	pub points: u64,
}

/// What the next tier needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct NextTier {
	/// The tier.
	pub tier: u8,
	/// The points that it needs in all.
	pub points: u64,
	/// What the account itself has to have bonded for it, in planck.
	pub bond: Balance,
}

/// Why an account has the tier that it has, with all that has decayed by now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reputation {
	/// The tier that it has.
	pub tier: u8,
	/// The tier that it would have if somebody settled it now.
	pub due: u8,
	/// The points that count.
	pub points: u64,
	/// What it has bonded itself, over all roles, in planck.
	pub bond: Balance,
	/// What its faults weigh.
	pub faults: u64,
	/// The weight of faults beyond which it is suspended.
	pub suspend_at: u64,
	/// Whether it may take part.
	pub standing: Standing,
	/// How often it has been suspended, less the appeals that were granted.
	pub suspensions: u32,
	/// What it earned lately, by source.
	pub sources: Vec<SourcePoints>,
	/// Its last deeds, the oldest first.
	pub recent: Vec<RecentDeed>,
	/// What the next tier needs; nothing if there is none.
	pub next: Option<NextTier>,
}

fn source(source: &Source) -> &'static str {
	match source {
		Source::Verified => "verified",
		Source::Accepted => "accepted",
		Source::Challenged => "challenged",
		Source::Kept => "kept",
		Source::Served => "served",
		Source::Heartbeat => "heartbeat",
		Source::Voted => "voted",
		Source::Audited => "audited",
	}
}

fn fault(fault: &Fault) -> &'static str {
	match fault {
		Fault::Misverified => "misverified",
		Fault::Overturned => "overturned",
		Fault::Absent => "absent",
		Fault::ChallengeFailed => "challenge failed",
		Fault::Missed => "missed",
		Fault::Misserved => "misserved",
		Fault::DisputeFailed => "dispute failed",
	}
}

impl From<Explanation<Balance>> for Reputation {
	fn from(stored: Explanation<Balance>) -> Self {
		let standing = match stored.standing {
			Stored::Good => Standing::Good,
			Stored::Suspended { until, appealed } => Standing::Suspended { until, appealed },
			Stored::Banned { appealed } => Standing::Banned { appealed },
		};
		let sources = stored.sources.iter().map(|points| SourcePoints {
			source: source(&points.source),
			now: points.now,
			before: points.before,
			cap: points.cap,
		});
		let recent = stored.recent.iter().map(|deed| {
			let (what, fault) = match &deed.what {
				Counted::Earned(from) => (source(from), false),
				Counted::Fault(of) => (fault(of), true),
			};
			RecentDeed { tick: deed.tick, what, fault, points: deed.points }
		});
		Self {
			tier: stored.tier,
			due: stored.due,
			points: stored.points,
			bond: stored.bond,
			faults: stored.faults,
			suspend_at: stored.suspend_at,
			standing,
			suspensions: stored.suspensions,
			sources: sources.collect(),
			recent: recent.collect(),
			next: stored.next.map(|next| NextTier { tier: next.tier, points: next.points, bond: next.bond }),
		}
	}
}

impl View {
	/// What is known of an account; nothing if nothing is.
	///
	/// # Errors
	///
	/// The node cannot be asked.
	pub async fn reputation(&self, who: &AccountId) -> Result<Option<Reputation>, ChainError> {
		let call = runtime::view_functions().reputation().explain(*who);
		Ok(self.ask(call).await?.map(Reputation::from))
	}
}
