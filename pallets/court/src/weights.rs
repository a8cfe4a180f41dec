//! What an evaluation weighs. The runtime measures and supplies the coefficients (`runtime/src/weights/`).

use core::marker::PhantomData;
use oda_evaluator::Cost;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	sp_runtime::{Perbill, traits::Convert},
};

/// What the components of a record's cost weigh, each at its worst shape.
pub trait WeightInfo {
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
	/// `n` bytes of an output, copied and hashed.
	fn output_root(n: u32) -> Weight;
}

/// What evaluating and scoring one record of a cost weighs: every component at its coefficient, and what one evaluation
/// costs in any case; and above all that `Margin`, for the coefficients are those of one machine, when it was quiet.
pub struct Price<W, Margin>(PhantomData<(W, Margin)>);

impl<W: WeightInfo, Margin: Get<Perbill>> Convert<Cost, Weight> for Price<W, Margin> {
	fn convert(cost: Cost) -> Weight {
		// No graph within the limits reaches an `u32` in a component that is cheap.
		let of = |weight: fn(u32) -> Weight, n: u64| {
			u32::try_from(n).map_or(Weight::MAX, |n| weight(n).saturating_sub(weight(0)))
		};
		let measured = W::evaluate_nodes(0)
			.saturating_add(of(W::evaluate_macs, cost.macs))
			.saturating_add(of(W::evaluate_rows, cost.rows))
			.saturating_add(of(W::evaluate_patch_lines, cost.patch_lines))
			.saturating_add(of(W::evaluate_patch_elements, cost.patch_elements))
			.saturating_add(of(W::evaluate_requants, cost.requants))
			.saturating_add(of(W::evaluate_element_ops, cost.element_ops))
			.saturating_add(of(W::evaluate_param_bytes, cost.param_bytes))
			.saturating_add(of(W::evaluate_activation_bytes, cost.activation_bytes))
			.saturating_add(of(W::evaluate_nodes, cost.nodes));
		with_margin::<Margin>(measured)
	}
}

/// What hashing an output of so many bytes weighs, above what [`Price`] says of its evaluation, with the same `Margin`.
pub struct OutputPrice<W, Margin>(PhantomData<(W, Margin)>);

impl<W: WeightInfo, Margin: Get<Perbill>> Convert<u64, Weight> for OutputPrice<W, Margin> {
	fn convert(bytes: u64) -> Weight {
		u32::try_from(bytes).map_or(Weight::MAX, |n| with_margin::<Margin>(W::output_root(n)))
	}
}

fn with_margin<Margin: Get<Perbill>>(measured: Weight) -> Weight {
	let margin = Margin::get().mul_ceil(measured.ref_time());
	Weight::from_parts(measured.ref_time().saturating_add(margin), measured.proof_size())
}
