//! Every reason for which a graph or a model is refused.

#![allow(
	missing_docs,
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing
)]

use oda_evaluator::{
	DataSource, DatasetRef, Evaluator, Graph, GraphError, ModelSpec, Objective, SpecError,
	graph::*,
	limits::*,
	model::{Confidence, Metric, TargetSpec},
};
use oda_primitives::BlobRef;

fn t(dtype: DType, shape: &[u32]) -> TensorType {
	TensorType::new(dtype, shape)
}

/// conv 3×3 → clamp → max-pool → reshape → dense, with its parameters.
fn graph() -> Graph {
	let node = |op, inputs: &[u16], output| Node { op, inputs: inputs.to_vec(), output };
	Graph {
		version: VERSION,
		inputs: vec![t(DType::I8, &[4, 4, 2])],
		params: vec![
			t(DType::I8, &[6, 3, 3, 2]),
			t(DType::I32, &[6]),
			t(DType::I32, &[6]),
			t(DType::U8, &[6]),
			t(DType::I8, &[3, 24]),
			t(DType::I32, &[3]),
			t(DType::I32, &[3]),
			t(DType::U8, &[3]),
		],
		nodes: vec![
			node(
				Op::Conv2d {
					weight: 0,
					requant: Requant { bias: 1, mult: 2, shift: 3 },
					stride: [1, 1],
					padding: Padding { top: 1, bottom: 1, left: 1, right: 1 },
					groups: 1,
				},
				&[0],
				t(DType::I8, &[4, 4, 6]),
			),
			node(Op::Clamp { min: 0, max: 127 }, &[1], t(DType::I8, &[4, 4, 6])),
			node(
				Op::MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: Padding::default() },
				&[2],
				t(DType::I8, &[2, 2, 6]),
			),
			node(Op::Reshape, &[3], t(DType::I8, &[24])),
			node(
				Op::Dense { weight: 4, requant: Requant { bias: 5, mult: 6, shift: 7 } },
				&[4],
				t(DType::I32, &[3]),
			),
		],
		outputs: vec![5],
	}
}

fn refused(change: impl FnOnce(&mut Graph)) -> GraphError {
	let mut graph = graph();
	change(&mut graph);
	graph.validate().expect_err("the changed graph is not valid")
}

/// The convolution's stride, padding and groups.
fn conv(graph: &mut Graph) -> (&mut [u16; 2], &mut Padding, &mut u32) {
	match &mut graph.nodes[0].op {
		Op::Conv2d { stride, padding, groups, .. } => (stride, padding, groups),
		_ => unreachable!("node 0 is the convolution"),
	}
}

#[test]
fn the_cost_is_counted_exactly() {
	let cost = graph().validate().expect("the graph is valid");
	assert_eq!(cost.macs, 4 * 4 * 6 * 18 + 3 * 24);
	assert_eq!(cost.rows, 4 * 4 + 2 + 1);
	assert_eq!(cost.patch_lines, 4 * 4 * 3);
	assert_eq!(cost.patch_elements, 4 * 4 * 18);
	assert_eq!(cost.requants, 96 + 3);
	assert_eq!(cost.element_ops, 96 + 24 * 4 + 24);
	assert_eq!(cost.param_bytes, 108 + 6 * 9 + 72 + 3 * 9);
	assert_eq!(cost.activation_bytes, 32 + 96 + 96 + 24 + 24 + 12);
	assert_eq!(cost.live_bytes, 96 + 96);
	assert_eq!(cost.nodes, 5);
}

#[test]
fn groups_cost_rows_and_lines_of_their_own() {
	let mut grouped = graph();
	*conv(&mut grouped).2 = 2;
	grouped.params[0].shape[3] = 1;
	let cost = grouped.validate().expect("the graph is valid");
	assert_eq!(cost.macs, 4 * 4 * 6 * 9 + 3 * 24);
	assert_eq!(cost.rows, 4 * 4 * 2 + 2 + 1);
	assert_eq!(cost.patch_lines, 4 * 4 * 2 * 3);
	assert_eq!(cost.patch_elements, 4 * 4 * 2 * 9);
}

#[test]
fn an_unknown_version_is_refused() {
	assert_eq!(refused(|g| g.version = 2), GraphError::UnknownVersion);
}

#[test]
fn a_graph_without_inputs_is_refused() {
	assert_eq!(refused(|g| g.inputs.clear()), GraphError::InputCount);
	assert_eq!(refused(|g| g.inputs = vec![g.inputs[0].clone(); MAX_INPUTS + 1]), GraphError::InputCount);
}

#[test]
fn too_many_parameters_are_refused() {
	assert_eq!(refused(|g| g.params = vec![g.params[1].clone(); MAX_PARAMS + 1]), GraphError::ParamCount);
}

#[test]
fn a_graph_without_nodes_or_with_too_many_is_refused() {
	assert_eq!(refused(|g| g.nodes.clear()), GraphError::NodeCount);
	assert_eq!(refused(|g| g.nodes = vec![g.nodes[1].clone(); MAX_NODES + 1]), GraphError::NodeCount);
}

#[test]
fn a_graph_without_outputs_is_refused() {
	assert_eq!(refused(|g| g.outputs.clear()), GraphError::OutputCount);
	assert_eq!(refused(|g| g.outputs = vec![5; MAX_OUTPUTS + 1]), GraphError::OutputCount);
}

#[test]
fn a_graph_of_too_many_bytes_is_refused() {
	let many = |g: &mut Graph| g.params = vec![t(DType::I8, &[1 << 20, 1, 1, 1]); MAX_PARAMS];
	assert!(
		refused(|g| {
			many(g);
			g.nodes = vec![g.nodes[1].clone(); MAX_NODES];
		}) == GraphError::TooLarge
	);
}

#[test]
fn a_tensor_without_axes_or_with_too_many_is_refused() {
	assert_eq!(refused(|g| g.inputs[0].shape = vec![]), GraphError::Rank);
	assert_eq!(refused(|g| g.nodes[1].output.shape = vec![1; MAX_RANK + 1]), GraphError::Rank);
}

#[test]
fn an_empty_axis_is_refused() {
	assert_eq!(refused(|g| g.params[0].shape[2] = 0), GraphError::EmptyAxis);
}

#[test]
fn a_tensor_over_four_mebibytes_is_refused() {
	assert_eq!(refused(|g| g.inputs[0].shape = vec![1 << 22, 1, 2]), GraphError::TensorTooLarge);
	assert_eq!(refused(|g| g.params[4].shape = vec![u32::MAX; 4]), GraphError::TensorTooLarge);
}

#[test]
fn activations_over_sixteen_mebibytes_are_refused() {
	let image = t(DType::I8, &[1 << 22]);
	let clamp = |from| Node { op: Op::Clamp { min: 0, max: 1 }, inputs: vec![from], output: image.clone() };
	let graph = |inputs: usize| Graph {
		version: VERSION,
		inputs: vec![image.clone(); inputs],
		params: vec![],
		nodes: (0..inputs as u16).map(clamp).collect(),
		outputs: (inputs as u16..2 * inputs as u16).collect(),
	};
	assert!(graph(3).validate().is_ok());
	assert_eq!(graph(4).validate(), Err(GraphError::LiveTooLarge));
}

#[test]
fn reading_what_comes_later_is_refused() {
	assert_eq!(refused(|g| g.nodes[1].inputs = vec![2]), GraphError::UnknownValue);
	assert_eq!(refused(|g| g.nodes[1].inputs = vec![3]), GraphError::UnknownValue);
	assert_eq!(refused(|g| g.outputs = vec![6]), GraphError::UnknownValue);
}

#[test]
fn a_parameter_that_does_not_exist_is_refused() {
	assert_eq!(refused(|g| g.params.truncate(7)), GraphError::UnknownParam);
}

#[test]
fn the_wrong_number_of_inputs_is_refused() {
	assert_eq!(refused(|g| g.nodes[1].inputs = vec![]), GraphError::Arity);
	assert_eq!(refused(|g| g.nodes[1].inputs = vec![1, 1]), GraphError::Arity);
}

#[test]
fn an_input_of_the_wrong_type_is_refused() {
	assert_eq!(refused(|g| g.inputs[0].dtype = DType::U8), GraphError::InputType);
}

#[test]
fn an_input_of_the_wrong_shape_is_refused() {
	assert_eq!(refused(|g| g.inputs[0].shape = vec![32]), GraphError::InputShape);
}

#[test]
fn a_parameter_of_the_wrong_type_is_refused() {
	assert_eq!(refused(|g| g.params[0].dtype = DType::U8), GraphError::ParamType);
	assert_eq!(refused(|g| g.params[1].shape = vec![7]), GraphError::ParamType);
	assert_eq!(refused(|g| g.params[3].dtype = DType::I8), GraphError::ParamType);
	assert_eq!(refused(|g| g.params[4].shape = vec![3, 25]), GraphError::ParamType);
}

#[test]
fn a_stated_output_that_is_not_made_is_refused() {
	assert_eq!(refused(|g| g.nodes[0].output.shape = vec![4, 3, 6]), GraphError::OutputType);
	assert_eq!(refused(|g| g.nodes[1].output.dtype = DType::U8), GraphError::OutputType);
	assert_eq!(refused(|g| g.nodes[3].output.shape = vec![25]), GraphError::OutputType);
	assert_eq!(refused(|g| g.nodes[4].output.shape = vec![4]), GraphError::OutputType);
}

#[test]
fn a_window_that_does_not_fit_is_refused() {
	assert_eq!(refused(|g| conv(g).0[1] = 0), GraphError::Window);
	let kernel = |h, w| {
		move |g: &mut Graph| {
			g.nodes[2].op = Op::MaxPool2d { kernel: [h, w], stride: [2, 2], padding: Padding::default() };
		}
	};
	assert_eq!(refused(kernel(0, 2)), GraphError::Window);
	assert_eq!(refused(kernel(5, 2)), GraphError::Window);
}

#[test]
fn padding_of_a_whole_window_is_refused() {
	assert_eq!(refused(|g| conv(g).1.right = 3), GraphError::Padding);
}

#[test]
fn groups_that_do_not_divide_are_refused() {
	assert_eq!(refused(|g| *conv(g).2 = 0), GraphError::Groups);
	assert_eq!(refused(|g| *conv(g).2 = 4), GraphError::Groups);
	assert_eq!(refused(|g| *conv(g).2 = 2), GraphError::ParamType);
}

#[test]
fn an_accumulation_that_could_overflow_is_refused() {
	let dense = |k: u32| Graph {
		version: VERSION,
		inputs: vec![t(DType::I8, &[k])],
		params: vec![t(DType::I8, &[1, k]), t(DType::I32, &[1]), t(DType::I32, &[1]), t(DType::U8, &[1])],
		nodes: vec![Node {
			op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
			inputs: vec![0],
			output: t(DType::I32, &[1]),
		}],
		outputs: vec![1],
	};
	assert_eq!(dense(131_072).validate(), Err(GraphError::Accumulation));
	// At the limit the greatest sum there is stays exact: 131,071 · (−128)² < 2³¹.
	let graph = dense(131_071);
	let mut weights = vec![0x80; 131_071];
	weights.extend([0, 0, 0, 0, 1, 0, 0, 0, 0]);
	let evaluator = Evaluator::new(&graph, &weights).expect("the graph is valid");
	let outputs = evaluator.run(&[0x80; 131_071]).expect("the input fits");
	assert_eq!(outputs[0].get(0), Some(131_071 * 16_384));
}

#[test]
fn clamp_bounds_outside_the_type_are_refused() {
	for (min, max) in [(1, 0), (-129, 0), (0, 128)] {
		assert_eq!(refused(|g| g.nodes[1].op = Op::Clamp { min, max }), GraphError::ClampBounds);
	}
}

#[test]
fn a_value_that_nothing_reads_is_refused() {
	assert_eq!(refused(|g| g.inputs.insert(0, t(DType::I8, &[1]))), GraphError::InputShape);
	let dead = |g: &mut Graph| {
		let output = t(DType::I8, &[4, 4, 6]);
		g.nodes.insert(2, Node { op: Op::Clamp { min: 0, max: 1 }, inputs: vec![1], output });
		g.nodes[3].inputs = vec![2];
		g.nodes[4].inputs = vec![4];
		g.nodes[5].inputs = vec![5];
		g.outputs = vec![6];
	};
	assert_eq!(refused(dead), GraphError::DeadValue);
}

#[test]
fn a_parameter_that_nothing_reads_is_refused() {
	assert_eq!(refused(|g| g.params.push(t(DType::I8, &[1]))), GraphError::DeadParam);
}

#[test]
fn an_output_named_twice_or_an_input_is_refused() {
	assert_eq!(refused(|g| g.outputs = vec![5, 5]), GraphError::OutputRepeated);
	assert_eq!(refused(|g| g.outputs = vec![5, 0]), GraphError::OutputRepeated);
}

#[test]
fn weights_and_inputs_of_the_wrong_length_are_refused() {
	use oda_evaluator::EvalError;
	let graph = graph();
	let len = graph.param_bytes() as usize;
	for wrong in [0, len - 1, len + 1] {
		assert_eq!(Evaluator::new(&graph, &vec![0; wrong]).err(), Some(EvalError::WeightsLength));
	}
	let weights = vec![0; len];
	let evaluator = Evaluator::new(&graph, &weights).expect("the weights fit");
	for wrong in [0, 31, 33] {
		assert_eq!(evaluator.run(&vec![0; wrong]), Err(EvalError::InputLength));
	}
	let spec = spec();
	for wrong in [0, 32, 34] {
		assert_eq!(spec.score_record(&evaluator, &vec![0; wrong]), Err(EvalError::RecordLength));
	}
}

fn spec() -> ModelSpec {
	ModelSpec {
		graph: graph(),
		objective: Objective {
			metric: Metric::Accuracy,
			target: TargetSpec { tensor: t(DType::U8, &[]), ignore: None },
			min_improvement: 1,
			confidence: Some(Confidence { p: 384, q: 100 }),
		},
		data: DataSource::Fixed(DatasetRef { blob: BlobRef { root: [7; 32], len: 33 * 10 }, records: 10 }),
	}
}

fn refused_spec(change: impl FnOnce(&mut ModelSpec)) -> SpecError {
	let mut spec = spec();
	change(&mut spec);
	spec.validate().expect_err("the changed specification is not valid")
}

#[test]
fn a_valid_specification_costs_its_graph_and_its_metric() {
	let spec = spec();
	let cost = spec.validate().expect("the specification is valid");
	let graph = spec.graph.validate().expect("the graph is valid");
	assert_eq!(cost.element_ops, graph.element_ops + 3);
	assert_eq!(cost.rows, graph.rows + 1);
	assert_eq!(spec.record_bytes(), 33);
	assert_eq!(spec.record_range(9), Some(297..330));
	assert_eq!(spec.record_range(10), None);
}

#[test]
fn an_invalid_graph_makes_an_invalid_specification() {
	assert_eq!(refused_spec(|s| s.graph.version = 0), SpecError::Graph(GraphError::UnknownVersion));
}

#[test]
fn a_specification_with_two_outputs_is_refused() {
	assert_eq!(refused_spec(|s| s.graph.outputs = vec![5, 4]), SpecError::OutputCount);
}

#[test]
fn a_target_of_the_wrong_shape_is_refused() {
	assert_eq!(refused_spec(|s| s.objective.target.tensor.shape = vec![1]), SpecError::TargetShape);
	assert_eq!(
		refused_spec(|s| {
			s.objective.metric = Metric::SquaredError;
			s.objective.confidence = None;
		}),
		SpecError::TargetShape
	);
}

#[test]
fn a_logit_scale_out_of_bounds_is_refused() {
	assert_eq!(
		refused_spec(|s| s.objective.metric = Metric::CrossEntropy { logit_scale_log2: 17 }),
		SpecError::LogitScale
	);
}

#[test]
fn a_minimum_improvement_out_of_bounds_is_refused() {
	assert_eq!(refused_spec(|s| s.objective.min_improvement = 0), SpecError::MinImprovement);
	assert_eq!(refused_spec(|s| s.objective.min_improvement = 1 + (1 << 48)), SpecError::MinImprovement);
}

#[test]
fn a_confidence_out_of_place_or_bounds_is_refused() {
	let cross_entropy = Metric::CrossEntropy { logit_scale_log2: 4 };
	assert_eq!(refused_spec(|s| s.objective.metric = cross_entropy), SpecError::Confidence);
	for (p, q) in [(0, 1), (1, 0), (MAX_CONFIDENCE + 1, 1)] {
		assert_eq!(
			refused_spec(|s| s.objective.confidence = Some(Confidence { p, q })),
			SpecError::Confidence
		);
	}
}

/// Makes the data `records` records of a blob of `len` bytes.
fn data(records: u32, len: u64) -> impl FnOnce(&mut ModelSpec) {
	move |s| {
		s.data = DataSource::Fixed(DatasetRef { blob: BlobRef { root: [7; 32], len }, records });
	}
}

#[test]
fn data_without_records_is_refused() {
	assert_eq!(refused_spec(data(0, 0)), SpecError::NoRecords);
}

#[test]
fn data_of_another_length_is_refused() {
	assert_eq!(refused_spec(data(10, 329)), SpecError::DataLength);
	assert_eq!(refused_spec(data(11, 330)), SpecError::DataLength);
}

#[test]
fn data_whose_scores_do_not_fit_is_refused() {
	assert_eq!(refused_spec(data(524_289, 524_289 * 33)), SpecError::TooManyRecords);
}

#[test]
fn the_id_is_pinned_and_covers_every_part() {
	let id = spec().id();
	let mut others = vec![spec(); 4];
	others[0].graph.nodes[1].op = Op::Clamp { min: 0, max: 126 };
	others[1].objective.min_improvement = 2;
	others[2].objective.target.ignore = Some(0);
	data(10, 331)(&mut others[3]);
	assert!(others.iter().all(|other| other.id() != id));
	assert_eq!(hex::encode(id), "baddf97edd96eba3ffe508d24619795d5ed81e3bef329e19246fff65de8f76d1");
}
