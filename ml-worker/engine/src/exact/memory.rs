//! How much scratch memory a record takes in libtorch, so that a batch can be sized beforehand.

use oda_evaluator::{
	Cost, Graph,
	graph::{Node, Op, Padding, TensorType},
};

/// Bytes that one record takes at most while the graph runs: live values (twice their size, as `U16` takes
/// four bytes) and the largest node's temporaries. Saturates.
pub(super) fn record_bytes(graph: &Graph, cost: &Cost) -> u64 {
	let scratch = graph.nodes.iter().map(|node| node_bytes(graph, node)).max().unwrap_or_default();
	cost.live_bytes.saturating_mul(2).saturating_add(scratch)
}

/// Bytes that the prepared parameters take: weights in `f32`, twice while they are laid out.
pub(super) fn param_bytes(graph: &Graph) -> u64 {
	let weight = |node: &Node| match &node.op {
		Op::Dense { weight, .. } | Op::Conv2d { weight, .. } => {
			graph.params.get(usize::from(*weight)).map_or(0, TensorType::elements)
		}
		_ => 0,
	};
	graph.nodes.iter().fold(0u64, |n, node| n.saturating_add(weight(node).saturating_mul(8)))
}

fn padded(t: &TensorType, padding: &Padding) -> u64 {
	let [h, w, c] = t.shape.as_slice() else { return t.elements() };
	let high = u64::from(*h) + u64::from(padding.top) + u64::from(padding.bottom);
	let wide = u64::from(*w) + u64::from(padding.left) + u64::from(padding.right);
	high.saturating_mul(wide).saturating_mul((*c).into())
}

fn node_bytes(graph: &Graph, node: &Node) -> u64 {
	let Some(x) = node.inputs.first().and_then(|&v| graph.value_type(v.into())) else { return 0 };
	let (reads, makes) = (x.elements(), node.output.elements());
	match &node.op {
		// f32 input, f32 sums, i64 sums twice while pieces are added, the result.
		Op::Dense { .. } => reads.saturating_mul(4).saturating_add(makes.saturating_mul(24)),
		// The same, with a padded image and its patches in f32.
		Op::Conv2d { weight, padding, groups, .. } => {
			let shape =
				graph.params.get(usize::from(*weight)).map(|t| t.shape.as_slice()).unwrap_or_default();
			let k = shape.iter().skip(1).fold(1u64, |n, &d| n.saturating_mul(d.into()));
			let positions = node.output.shape.iter().take(2).fold(1u64, |n, &d| n.saturating_mul(d.into()));
			let patches = positions.saturating_mul(k).saturating_mul((*groups).into());
			patches
				.saturating_add(padded(x, padding).saturating_mul(2))
				.saturating_mul(4)
				.saturating_add(makes.saturating_mul(32))
		}
		Op::MaxPool2d { padding, .. } => {
			padded(x, padding).saturating_mul(4).saturating_add(makes.saturating_mul(4))
		}
		Op::AvgPool2d { .. } => reads.saturating_mul(4).saturating_add(makes.saturating_mul(16)),
		Op::Add { .. } => makes.saturating_mul(28),
		Op::Lookup { .. } => makes.saturating_mul(16),
		Op::Reshape | Op::Clamp { .. } => makes.saturating_mul(4),
	}
}
