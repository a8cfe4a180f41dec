//! What reputation is configured with: values for a public chain with ticks of 3 s, and why.
//!
//! **The measure.** 200,000 points are worth one ODA that was burned for good: what is burned, less what the
//! emission mints for it. Everything below is counted in that, so that no source is a cheaper way than
//! another, but for `Kept`, which costs lock-up only and is worth what a lock-up costs.
//!
//! **What tiers cost.** Tier 1: a bond of 100 ODA, and 2 ODA burned for good, of which 2 % a day has to be
//! burned anew. Tier 5: a bond of 500 ODA, and 8 ODA. Bonds come back. A higher price would leave more honest
//! accounts without a tier, and a larger share of the votes to who pays itself; a lower one would make a tier
//! little more than a bond.
//!
//! **How long honest work takes** is on the simulation's page, computed with the pallet's own decay.

use crate::{Balance, UNIT};
use pallet_reputation::{Caps, PerFault, PerSource, Worths};
use polkadot_sdk::sp_runtime::Perbill;

/// Points that stand for one ODA burned for good.
pub const POINTS_PER_ODA: u64 = 200_000;

/// Half of all points are gone after 34 days: a tier says what an account did this quarter.
pub const DECAY: Perbill = Perbill::from_percent(2);

/// Half of all faults are gone after 69 days: they are remembered twice as long as deeds.
pub const FAULT_DECAY: Perbill = Perbill::from_percent(1);

/// A tenth: five days without any deed cost no tier.
pub const HYSTERESIS: Perbill = Perbill::from_percent(10);

/// Room for three tiers more than there are, which governance may add.
pub const MAX_TIERS: u32 = 8;

/// Each tier needs what the one before keeps, and tier 1 besides, a little rounded down: as much as is sound.
/// Less would make high tiers cheaper still by the vote: tier 5 costs four times tier 1.
pub const THRESHOLDS: [u64; 5] = [400_000, 760_000, 1_080_000, 1_360_000, 1_600_000];

/// The least bond of a provider makes the first tier, the least bond of a verifier the highest.
pub const BOND_PER_TIER: Balance = UNIT.saturating_mul(100);

/// What deeds earn, and faults take.
pub const WORTHS: Worths = Worths {
	points: PerSource {
		// A task of 2 ODA burns 0.4, of which 0.2 for good: half of these 40,000 points are the verifiers',
		// for ten votes.
		verified: 2_000,
		// The other half is the trainer's.
		accepted: 20_000,
		// The wrong trainer's bond burns 50 ODA, which would be a hundred times as much: nobody overturns
		// itself for points.
		challenged: 100_000,
		// A round is an hour. A replica of the least stake, 1 ODA, earns 24 points a day, worth 0.00012 ODA:
		// interest of 4.4 % a year on what is locked up.
		kept: 1,
		// A whole ODA of fees burns 0.05, of which 0.025 for good.
		served: 5_000,
		// Of a block: one validator of fifty makes 576 a day, about as many as count for each unit.
		heartbeat: 1,
		// Three days of blocks: there are few referenda.
		voted: 2_000,
		// More than a vote: it takes computing time.
		audited: 5_000,
	},
	// What an ODA of fees burns. Settling less at once earns nothing, and leaves no entry of a payer.
	served_unit: UNIT / 20,
	faults: PerFault {
		// By the vote, each of which also costs 300 ODA. The fifth suspends; it takes fifty right votes to
		// make up for one.
		misverified: 100_000,
		// A false claim, or weights that were not shown, which may happen to who is honest: the second
		// suspends.
		overturned: 250_000,
		// By the vote, each of which also costs 5 ODA: a tenth of a right one. Faults are counted by the
		// account and votes follow stake, so with more a large verifier would be suspended for what its parts
		// are not: with a thousand votes a day this one may miss one in fifty.
		absent: 200,
		// An accusation that was wrong, which costs 10 ODA besides.
		challenge_failed: 40_000,
		// Of a round: five proved ones. A replica is lost after three misses in a row, so that a keeper of
		// 400 replicas that is gone loses 6,000 points.
		missed: 5,
		// A wrong output, which the court has seen. Integer graphs err by nobody's rounding: the second
		// suspends.
		misserved: 250_000,
		// A right output that was disputed, which costs 5 ODA besides.
		dispute_failed: 20_000,
	},
};

/// The most points a day for each unit of bond, of 100 ODA. A day takes 8,000 of the first tier's, so that
/// each costly source has to give more to lead to the highest alone. Serving, which one can do for oneself at
/// once, gives little more: whoever pays itself then needs weeks, in which it is seen. All together reach
/// tier 1 in six days, where the bond is no larger than that needs.
pub const CAPS: Caps = PerSource {
	// Ten votes.
	verified: 20_000,
	// A head.
	accepted: 20_000,
	// A verifier's least bond makes room for one.
	challenged: 20_000,
	// 350 replicas: 350 ODA of lock-up beside the 100 of the bond. As little as may be, since nothing is
	// burned.
	kept: 8_400,
	// Fees of 2 ODA. What a provider settles seldom and in lumps is cut off: it should settle every day.
	served: 10_000,
	heartbeat: 600,
	voted: 4_000,
	audited: 10_000,
};

/// One payer makes no more than the bond of the highest tier may earn a day, at all providers together: fees
/// of 10 ODA. Less would keep honest providers of few large users down, and cost an attacker another account
/// only.
pub const PAYER_CAP: u64 = 50_000;

/// A fifth: signs of life let a tier be reached a little sooner, and make none.
pub const FREE_SHARE: Perbill = Perbill::from_percent(20);

/// The first threshold: more than four votes for what was false at once, or than 2,000 absences.
pub const SUSPEND_AT: u64 = 400_000;

/// The fourth suspension, after fourteen weeks of suspensions, has no end.
pub const BAN_AFTER: u32 = 4;

/// A unit of bond: it is burned if the appeal is rejected.
pub const APPEAL_DEPOSIT: Balance = UNIT.saturating_mul(100);
