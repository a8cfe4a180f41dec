//! The float model: gradients, and how close its simulated quantisation is to the integers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]
#![allow(
	clippy::cast_possible_truncation,
	clippy::cast_possible_wrap,
	clippy::cast_sign_loss,
	reason = "tests"
)]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests")]

mod common;

use common::*;
use oda_engine::{
	EngineError, FloatModel, Records,
	builder::GraphBuilder,
	files::{load_float, save_float},
	float::{Mode, Tables},
	quantise::random_weights,
};
use oda_evaluator::{
	Evaluator,
	graph::{DType, Op},
	model::Metric,
};
use tch::{Device, Kind, Tensor};

fn inputs(records: &Records<'_>) -> Tensor {
	let pixels: Vec<f32> =
		(0..records.len()).flat_map(|i| records.input(i)).map(|&b| f32::from(b.cast_signed())).collect();
	Tensor::from_slice(&pixels).reshape([records.len() as i64, 6, 6, 4])
}

#[test]
fn gradients_are_finite_differences() {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let data = patterns(8, 1);
	let records = Records::of(&built.graph, &o, &data).unwrap();
	let model = FloatModel::from_seed(&built.graph, &o, 3, &built.tables, &records, Device::Cpu).unwrap();
	let x = inputs(&records);
	let loss = || model.forward(std::slice::from_ref(&x), Mode::Float).unwrap().square().sum(Kind::Double);
	loss().backward();
	let mut checked = 0;
	for (name, tensor) in model.trainable() {
		let gradient = tensor.grad();
		for at in [0i64, tensor.numel() as i64 / 2, tensor.numel() as i64 - 1] {
			let _guard = tch::no_grad_guard();
			let flat = tensor.view([-1]);
			let mut slot = flat.narrow(0, at, 1);
			let old = slot.double_value(&[0]);
			let mut at_offset = |offset: f64| {
				let _ = slot.fill_(old + offset);
				loss().double_value(&[])
			};
			let h = 1e-3;
			let slope = (at_offset(h) - at_offset(-h)) / (2.0 * h);
			at_offset(0.0);
			let exact = gradient.view([-1]).double_value(&[at]);
			let close = (slope - exact).abs() < 0.05 * exact.abs().max(slope.abs()) + 0.05;
			checked += usize::from(close);
			// A kink (pool, clamp, table) within ±h may spoil a few.
			assert!(close || checked > 0, "{name}[{at}]: {slope} is not {exact}");
		}
	}
	assert!(checked * 10 >= model.trainable().len() * 3 * 9, "only {checked} gradients agree");
}

#[test]
fn simulated_quantisation_is_what_the_integers_do() {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let data = patterns(100, 2);
	let records = Records::of(&built.graph, &o, &data).unwrap();
	for seed in 0..5 {
		let model =
			FloatModel::from_seed(&built.graph, &o, seed, &built.tables, &records, Device::Cpu).unwrap();
		let weights = model.quantise().unwrap();
		let evaluator = Evaluator::new(&built.graph, &weights).unwrap();
		let simulated = model.forward(&[inputs(&records)], Mode::Quantised).unwrap();
		let scale = model.scale(usize::from(built.graph.outputs[0])).unwrap();
		let (mut equal, mut all) = (0, 0);
		for i in 0..records.len() {
			let output = &evaluator.run(records.input(i)).unwrap()[0];
			for c in 0..3 {
				let float = (simulated.double_value(&[i as i64, c as i64]) / scale).round() as i32;
				all += 1;
				equal += i32::from(float == output.get(c).unwrap());
			}
		}
		assert!(equal * 100 >= all * 97, "seed {seed}: {equal} of {all}");
	}
}

#[test]
fn quantising_what_was_dequantised_changes_next_to_nothing() {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let data = patterns(200, 2);
	let records = Records::of(&built.graph, &o, &data).unwrap();
	let weights = random_weights(&built.graph, &o, 5, &built.tables, &data).unwrap();
	let model = FloatModel::from_integers(&built.graph, &o, &weights, &records, Device::Cpu).unwrap();
	let again = model.quantise().unwrap();
	let (before, after) =
		(Evaluator::new(&built.graph, &weights).unwrap(), Evaluator::new(&built.graph, &again).unwrap());
	let mut most = 0;
	for i in 0..records.len() {
		let (a, b) = (&before.run(records.input(i)).unwrap()[0], &after.run(records.input(i)).unwrap()[0]);
		for c in 0..3 {
			most = most.max(a.get(c).unwrap().abs_diff(b.get(c).unwrap()));
		}
	}
	assert!(most <= 8, "a logit moved by {most}");
}

#[test]
fn the_same_seed_gives_the_same_weights() {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let data = patterns(50, 2);
	let make = |seed| random_weights(&built.graph, &o, seed, &built.tables, &data).unwrap();
	assert_eq!(make(1), make(1));
	assert_ne!(make(1), make(2));
}

#[test]
fn random_weights_need_no_data() {
	let built = every_operator(DType::I32);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let weights = random_weights(&built.graph, &o, 1, &built.tables, &[]).unwrap();
	assert_eq!(weights.len() as u64, built.graph.param_bytes());
}

#[test]
fn a_table_that_nobody_gave_is_named() {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let refused = random_weights(&built.graph, &o, 1, &Tables::new(), &[]);
	let param = *built.tables.keys().next().unwrap();
	assert!(matches!(refused, Err(EngineError::MissingTable { param: p }) if p == param));
}

#[test]
fn a_parameter_with_two_purposes_is_refused() {
	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [4]);
	let y = b.dense(x, 3, DType::I16).unwrap();
	let mut graph = b.build([y]).unwrap().graph;
	let Op::Dense { requant, .. } = &mut graph.nodes[0].op else { panic!() };
	requant.mult = requant.bias;
	graph.params = [&graph.params[..2], &graph.params[3..]].concat();
	requant.shift = 2;
	graph.validate().unwrap();
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let refused = random_weights(&graph, &o, 1, &Tables::new(), &[]);
	assert!(matches!(refused, Err(EngineError::ConflictingRoles { param: 1, .. })));
}

#[test]
fn shared_requantisation_is_consistent() {
	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [6]);
	let y = b.dense(x, 6, DType::I8).unwrap();
	let z = b.dense(y, 6, DType::I8).unwrap();
	let mut graph = b.build([z]).unwrap().graph;
	// Both layers with the requantisation of the first.
	let Op::Dense { requant: first, .. } = graph.nodes[0].op else { panic!() };
	let Op::Dense { requant, .. } = &mut graph.nodes[1].op else { panic!() };
	*requant = first;
	graph.params.truncate(5);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let data: Vec<u8> = (0..70u8).map(|i| i.wrapping_mul(37) % 120).collect();
	let records = Records::of(&graph, &o, &data).unwrap();
	let model = FloatModel::from_seed(&graph, &o, 1, &Tables::new(), &records, Device::Cpu).unwrap();
	assert_eq!(model.scale(0), model.scale(1));
	assert_eq!(model.scale(1), model.scale(2));
	let weights = model.quantise().unwrap();
	let evaluator = Evaluator::new(&graph, &weights).unwrap();
	let pixels: Vec<f32> =
		(0..10).flat_map(|i| records.input(i)).map(|&b| f32::from(b.cast_signed())).collect();
	let simulated = model.forward(&[Tensor::from_slice(&pixels).reshape([10, 6])], Mode::Quantised).unwrap();
	for i in 0..10 {
		let output = &evaluator.run(records.input(i)).unwrap()[0];
		for c in 0..6 {
			let float = simulated.double_value(&[i as i64, c as i64]) / model.scale(2).unwrap();
			assert!((float - f64::from(output.get(c).unwrap())).abs() < 1.5);
		}
	}
}

#[test]
fn a_float_model_survives_the_round_trip() {
	let built = every_operator(DType::I16);
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let data = patterns(50, 2);
	let records = Records::of(&built.graph, &o, &data).unwrap();
	let model = FloatModel::from_seed(&built.graph, &o, 3, &built.tables, &records, Device::Cpu).unwrap();
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("model.safetensors");
	save_float(&path, &model).unwrap();
	let loaded = load_float(&path, &built.graph, &o, Device::Cpu).unwrap();
	assert_eq!(loaded.quantise().unwrap(), model.quantise().unwrap());
	let mut other = built.graph.clone();
	other.nodes.pop();
	other.outputs[0] -= 1;
	other.params.truncate(other.params.len() - 4);
	assert!(matches!(load_float(&path, &other, &o, Device::Cpu), Err(EngineError::OtherGraph { .. })));
}
