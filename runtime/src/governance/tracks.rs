//! The tracks: what each kind of proposal needs, and how long it takes.
//!
//! All periods are parts of one, [`tempo::VotingPeriod`]: a week on a public network, less than a minute on a
//! chain at a terminal. It was chosen at genesis and never changes, for a referendum's periods are looked up
//! whenever it is looked at.

use super::{origins::TrackId, proposals::MAX_ONGOING};
use crate::*;
use alloc::borrow::Cow;
use frame_support::traits::{Get, OriginTrait};
use frame_system::RawOrigin;
use oda_pallet_traits::Tier;
use pallet_referenda::{Curve, Track, TrackInfo, TracksInfo};
use sp_runtime::{Perbill, str_array};

/// Whatever the runtime can do: upgrades, and all that the other tracks decide.
pub const ROOT: TrackId = 0;
/// What an emergency has whitelisted, as root: faster than root's own track.
pub const WHITELISTED: TrackId = 1;
/// Changed parameters.
pub const PARAMETERS: TrackId = 10;
/// Frozen models.
pub const MODEL_FREEZE: TrackId = 20;
/// Spends of the treasury.
pub const TREASURY: TrackId = 30;
/// The brake: paused calls, safe mode, referenda that are stopped, calls that may be dispatched sooner.
pub const EMERGENCY: TrackId = 40;

/// A track, with periods as divisors of the voting period.
struct Plan {
	id: TrackId,
	name: &'static str,
	/// The tier that proposals take.
	proposers: Tier,
	max_deciding: u32,
	deposit: Balance,
	prepare: u32,
	decide: u32,
	confirm: u32,
	enact: u32,
	/// What part of the votes cast have to be ayes, at first and at last.
	approval: (u32, u32),
	/// What part of all votes have to be ayes, at first and at last.
	support: (u32, u32),
}

/// In the order of their numbers.
const PLANS: [Plan; 6] = [
	// A new runtime can do anything: a day passes before it is decided on, and two before it is enacted.
	Plan {
		id: ROOT,
		name: "root",
		proposers: 2,
		max_deciding: 2,
		deposit: UNIT.saturating_mul(1_000),
		prepare: 8,
		decide: 1,
		confirm: 8,
		enact: 4,
		approval: (90, 60),
		support: (50, 15),
	},
	// As root, for what two thirds have called urgent before.
	Plan {
		id: WHITELISTED,
		name: "whitelisted",
		proposers: 2,
		max_deciding: 4,
		deposit: UNIT.saturating_mul(500),
		prepare: 128,
		decide: 2,
		confirm: 32,
		enact: 128,
		approval: (90, 60),
		support: (50, 10),
	},
	Plan {
		id: PARAMETERS,
		name: "parameters",
		proposers: 1,
		max_deciding: 4,
		deposit: UNIT.saturating_mul(200),
		prepare: 16,
		decide: 1,
		confirm: 8,
		enact: 8,
		approval: (80, 50),
		support: (40, 10),
	},
	Plan {
		id: MODEL_FREEZE,
		name: "model freeze",
		proposers: 1,
		max_deciding: 8,
		deposit: UNIT.saturating_mul(100),
		prepare: 64,
		decide: 2,
		confirm: 16,
		enact: 128,
		approval: (80, 55),
		support: (30, 8),
	},
	Plan {
		id: TREASURY,
		name: "treasury",
		proposers: 1,
		max_deciding: 8,
		deposit: UNIT.saturating_mul(100),
		prepare: 16,
		decide: 1,
		confirm: 8,
		enact: 16,
		approval: (80, 50),
		support: (40, 10),
	},
	// What it does to others ends by itself, so it may be fast; it takes many to do it.
	Plan {
		id: EMERGENCY,
		name: "emergency",
		proposers: 2,
		// All that there can be: none waits for others.
		max_deciding: MAX_ONGOING,
		deposit: UNIT.saturating_mul(500),
		prepare: 512,
		decide: 8,
		confirm: 64,
		enact: 1_024,
		approval: (90, 67),
		support: (50, 25),
	},
];

/// How many tracks there are.
pub const COUNT: u32 = 6;
const _: () = assert!(PLANS.len() == COUNT as usize);

/// How many referenda can be decided on at once, all tracks together.
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "the compiler computes it")]
pub const MOST_DECIDING: u32 = {
	let (mut sum, mut index) = (0, 0);
	while index < PLANS.len() {
		sum += PLANS[index].max_deciding;
		index += 1;
	}
	sum
};

impl Plan {
	fn info(&self, period: BlockNumber) -> TrackInfo<Balance, BlockNumber> {
		let part = |divisor: u32| period.checked_div(divisor).unwrap_or_default().max(1);
		// Falls over the whole of the period.
		let curve = |(ceil, floor)| Curve::LinearDecreasing {
			length: Perbill::one(),
			floor: Perbill::from_percent(floor),
			ceil: Perbill::from_percent(ceil),
		};
		TrackInfo {
			name: str_array(self.name),
			max_deciding: self.max_deciding,
			decision_deposit: self.deposit,
			prepare_period: part(self.prepare),
			decision_period: part(self.decide),
			confirm_period: part(self.confirm),
			min_enactment_period: part(self.enact),
			min_approval: curve(self.approval),
			min_support: curve(self.support),
		}
	}
}

/// The tracks, for referenda.
pub struct Tracks;

impl Tracks {
	/// The tier that proposals on a track take, if there is such a track.
	pub fn proposers(track: TrackId) -> Option<Tier> {
		PLANS.iter().find(|plan| plan.id == track).map(|plan| plan.proposers)
	}
}

impl TracksInfo<Balance, BlockNumber> for Tracks {
	type Id = TrackId;
	type RuntimeOrigin = <RuntimeOrigin as OriginTrait>::PalletsOrigin;

	fn tracks() -> impl Iterator<Item = Cow<'static, Track<TrackId, Balance, BlockNumber>>> {
		let period = tempo::VotingBlocks::<Runtime>::get();
		PLANS.iter().map(move |plan| Cow::Owned(Track { id: plan.id, info: plan.info(period) }))
	}

	fn track_ids() -> impl Iterator<Item = TrackId> {
		PLANS.iter().map(|plan| plan.id)
	}

	fn info(id: TrackId) -> Option<Cow<'static, TrackInfo<Balance, BlockNumber>>> {
		let plan = PLANS.iter().find(|plan| plan.id == id)?;
		Some(Cow::Owned(plan.info(tempo::VotingBlocks::<Runtime>::get())))
	}

	fn track_for(origin: &Self::RuntimeOrigin) -> Result<TrackId, ()> {
		match origin {
			OriginCaller::system(RawOrigin::Root) => Ok(ROOT),
			OriginCaller::Origins(decided) => Ok(decided.track()),
			_ => Err(()),
		}
	}
}
