//! What the calls cost. The runtime measures and supplies its own (`runtime/src/weights/`).

use oda_evaluator::Cost;
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
	/// Settling a submission whose weights nobody showed, without starting the next one.
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
	/// `n` multiply-accumulates of a convolution with one output.
	fn evaluate_macs(n: u32) -> Weight;
	/// `n` rows of one product each: a depthwise convolution at one position.
	fn evaluate_rows(n: u32) -> Weight;
	/// `n` lines of a convolution's patches, of two elements each.
	fn evaluate_patch_lines(n: u32) -> Weight;
	/// `n` elements of a depthwise convolution's patches, far apart.
	fn evaluate_patch_elements(n: u32) -> Weight;
	/// `n` accumulators of one product each, 159 to a row, requantised.
	fn evaluate_requants(n: u32) -> Weight;
	/// `n` elements read by pools of one element.
	fn evaluate_element_ops(n: u32) -> Weight;
	/// `n` bytes of parameters, split.
	fn evaluate_param_bytes(n: u32) -> Weight;
	/// `n` bytes of activations, read and written once.
	fn evaluate_activation_bytes(n: u32) -> Weight;
	/// `n` convolutions of an element, with parameters of their own, decoded.
	fn evaluate_nodes(n: u32) -> Weight;
}

/// What evaluating and scoring one record of this cost weighs: every component at the coefficient that was
/// measured at its worst shape, and what one evaluation costs in any case.
pub fn evaluation<W: WeightInfo>(cost: &Cost) -> Weight {
	let base = W::evaluate_nodes(0);
	// No graph within the limits reaches an `u32` in a component that is cheap.
	let of = |weight: fn(u32) -> Weight, n: u64| {
		u32::try_from(n).map_or(Weight::MAX, |n| weight(n).saturating_sub(weight(0)))
	};
	base.saturating_add(of(W::evaluate_macs, cost.macs))
		.saturating_add(of(W::evaluate_rows, cost.rows))
		.saturating_add(of(W::evaluate_patch_lines, cost.patch_lines))
		.saturating_add(of(W::evaluate_patch_elements, cost.patch_elements))
		.saturating_add(of(W::evaluate_requants, cost.requants))
		.saturating_add(of(W::evaluate_element_ops, cost.element_ops))
		.saturating_add(of(W::evaluate_param_bytes, cost.param_bytes))
		.saturating_add(of(W::evaluate_activation_bytes, cost.activation_bytes))
		.saturating_add(of(W::evaluate_nodes, cost.nodes))
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
	fn evaluate_macs(n: u32) -> Weight {
		Weight::from_parts(1, 0).saturating_mul(n.into())
	}
	fn evaluate_rows(n: u32) -> Weight {
		Weight::from_parts(1, 0).saturating_mul(n.into())
	}
	fn evaluate_patch_lines(n: u32) -> Weight {
		Weight::from_parts(1, 0).saturating_mul(n.into())
	}
	fn evaluate_patch_elements(n: u32) -> Weight {
		Weight::from_parts(1, 0).saturating_mul(n.into())
	}
	fn evaluate_requants(n: u32) -> Weight {
		Weight::from_parts(10, 0).saturating_mul(n.into())
	}
	fn evaluate_element_ops(n: u32) -> Weight {
		Weight::from_parts(10, 0).saturating_mul(n.into())
	}
	fn evaluate_param_bytes(n: u32) -> Weight {
		Weight::from_parts(1, 0).saturating_mul(n.into())
	}
	fn evaluate_activation_bytes(n: u32) -> Weight {
		Weight::from_parts(1, 0).saturating_mul(n.into())
	}
	fn evaluate_nodes(n: u32) -> Weight {
		Weight::from_parts(100, 0).saturating_mul(n.into())
	}
}
