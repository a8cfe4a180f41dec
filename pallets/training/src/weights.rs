//! What the calls cost. The runtime measures and supplies its own (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::Weight;

/// What the calls cost.
pub trait WeightInfo {
	/// A commitment, to a model with as many bounties as there can be.
	fn commit() -> Weight;
	/// A reveal of `s` bytes of scores.
	fn reveal(s: u32) -> Weight;
	/// A withdrawal, from a model with as many bounties as there can be.
	fn withdraw() -> Weight;
	/// Settling a commitment that was not opened in time.
	fn settle_forfeited() -> Weight;
	/// Settling a submission that becomes the head and earns `b` bounties, without starting the next one.
	fn settle_accepted(b: u32) -> Weight;
	/// Settling a submission that too few have verified, without starting the next one.
	fn settle_expired() -> Weight;
	/// Settling a submission whose weights nobody showed, or that was refuted, without starting the next one.
	fn settle_withheld() -> Weight;
	/// Settling a submission of which nothing is due.
	fn settle_nothing() -> Weight;
	/// Starting the next in the queue after `q` that no longer beat the head.
	fn advance(q: u32) -> Weight;
	/// A challenge commitment, where as many as there can be have expired.
	fn commit_challenge() -> Weight;
	/// Checking a challenge with `w` bytes of weights and `p` bytes of proof.
	fn authorize_challenge(w: u32, p: u32) -> Weight;
	/// A challenge that overturns, without evaluating the record and without starting the next submission.
	fn challenge() -> Weight;
	/// Checking a disputed record with `w` bytes of weights and `p` bytes of proof.
	fn authorize_resolve_dispute(w: u32, p: u32) -> Weight;
	/// Resolving a dispute of as many verifiers as there can be, without evaluating the record.
	fn resolve_dispute() -> Weight;
	/// A new bounty.
	fn post_bounty() -> Weight;
	/// Taking a bounty back.
	fn withdraw_bounty() -> Weight;
	/// Removing a head's score list.
	fn drop_scores() -> Weight;
	/// Removing a record of known weights.
	fn forget_weights() -> Weight;
	/// A demand, of a submission with as many verifiers as there can be.
	fn demand() -> Weight;
	/// Checking `w` bytes of posted weights.
	fn authorize_post_weights(w: u32) -> Weight;
	/// Posting a submission's weights.
	fn post_weights() -> Weight;
	/// The fall of a head.
	fn revert() -> Weight;
}

/// For tests only: round numbers that tell one from another, so that refunds can be checked.
impl WeightInfo for () {
	fn commit() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn reveal(s: u32) -> Weight {
		Weight::from_parts(2_000, 0).saturating_add(Weight::from_parts(1, 0).saturating_mul(s.into()))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn settle_forfeited() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn settle_accepted(b: u32) -> Weight {
		Weight::from_parts(5_000, 0).saturating_add(Weight::from_parts(100, 0).saturating_mul(b.into()))
	}
	fn settle_expired() -> Weight {
		Weight::from_parts(3_000, 0)
	}
	fn settle_withheld() -> Weight {
		Weight::from_parts(4_000, 0)
	}
	fn settle_nothing() -> Weight {
		Weight::from_parts(50, 0)
	}
	fn advance(q: u32) -> Weight {
		Weight::from_parts(700, 0).saturating_add(Weight::from_parts(300, 0).saturating_mul(q.into()))
	}
	fn commit_challenge() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn challenge() -> Weight {
		Weight::from_parts(9_000, 0)
	}
	fn authorize_challenge(w: u32, p: u32) -> Weight {
		Weight::from_parts(400, 0)
			.saturating_add(Weight::from_parts(1, 0).saturating_mul(w.into()))
			.saturating_add(Weight::from_parts(2, 0).saturating_mul(p.into()))
	}
	fn authorize_resolve_dispute(w: u32, p: u32) -> Weight {
		Weight::from_parts(300, 0)
			.saturating_add(Weight::from_parts(1, 0).saturating_mul(w.into()))
			.saturating_add(Weight::from_parts(2, 0).saturating_mul(p.into()))
	}
	fn resolve_dispute() -> Weight {
		Weight::from_parts(6_000, 0)
	}
	fn post_bounty() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn withdraw_bounty() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn drop_scores() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn forget_weights() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn demand() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn post_weights() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn authorize_post_weights(w: u32) -> Weight {
		Weight::from_parts(600, 0).saturating_add(Weight::from_parts(1, 0).saturating_mul(w.into()))
	}
	fn revert() -> Weight {
		Weight::from_parts(1_000, 0)
	}
}
