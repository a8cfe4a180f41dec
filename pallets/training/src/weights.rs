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
	/// Settling a submission that too few have judged, without starting the next one.
	fn settle_expired() -> Weight;
	/// Starting the next in the queue after `q` that no longer beat the head.
	fn advance(q: u32) -> Weight;
	/// A note, where as many as there can be have expired.
	fn note_challenge() -> Weight;
	/// A challenge with `w` bytes of weights and `p` bytes of proof that overturns, without evaluating the
	/// record and without starting the next submission.
	fn challenge(w: u32, p: u32) -> Weight;
	/// A new bounty.
	fn post_bounty() -> Weight;
	/// Taking a bounty back.
	fn withdraw_bounty() -> Weight;
	/// Removing a head's score list.
	fn drop_scores() -> Weight;
	/// Removing a record of known weights.
	fn forget_weights() -> Weight;
	/// `n` multiply-accumulates of dense nodes, 64 to an accumulator.
	fn evaluate_dense_macs(n: u32) -> Weight;
	/// `n` multiply-accumulates of convolutions, 16 to an accumulator.
	fn evaluate_conv_macs(n: u32) -> Weight;
	/// `n` elements gathered into the patches of a depthwise convolution.
	fn evaluate_patch_elements(n: u32) -> Weight;
	/// `n` accumulators of one product each, requantised.
	fn evaluate_requants(n: u32) -> Weight;
	/// `n` elements read by pools of one element.
	fn evaluate_element_ops(n: u32) -> Weight;
	/// `n` bytes of parameters, split.
	fn evaluate_param_bytes(n: u32) -> Weight;
	/// `n` bytes of activations, read and written once.
	fn evaluate_activation_bytes(n: u32) -> Weight;
	/// `n` nodes that have next to nothing to do.
	fn evaluate_nodes(n: u32) -> Weight;
}

/// What evaluating and scoring one record of this cost weighs: every component at the coefficient that was
/// measured at its worst shape, and what one evaluation costs in any case.
pub fn evaluation<W: WeightInfo>(cost: &Cost) -> Weight {
	let base = W::evaluate_nodes(0);
	// A component of more than an `u32` is far beyond any block.
	let of = |weight: fn(u32) -> Weight, n: u64| {
		let n = u32::try_from(n).unwrap_or(u32::MAX);
		weight(n).saturating_sub(weight(0))
	};
	base.saturating_add(of(W::evaluate_dense_macs, cost.dense_macs))
		.saturating_add(of(W::evaluate_conv_macs, cost.conv_macs))
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
	fn advance(q: u32) -> Weight {
		Weight::from_parts(700, 0).saturating_add(Weight::from_parts(300, 0).saturating_mul(q.into()))
	}
	fn note_challenge() -> Weight {
		Weight::from_parts(1_000, 0)
	}
	fn challenge(w: u32, p: u32) -> Weight {
		Weight::from_parts(9_000, 0)
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
	fn evaluate_dense_macs(n: u32) -> Weight {
		Weight::from_parts(1, 0).saturating_mul(n.into())
	}
	fn evaluate_conv_macs(n: u32) -> Weight {
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
