//! Models whose output is their input, so that a record names its logits.

use crate::case::{bytes, edges, of_model};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, TensorType, VERSION},
	model::{Confidence, Metric, TargetSpec},
	testing::Rng,
};
use oda_primitives::BlobRef;
use serde_json::Value;

fn model(logits: &TensorType, metric: Metric, target: TargetSpec) -> ModelSpec {
	let node = Node { op: Op::Reshape, inputs: vec![0], output: logits.clone() };
	let graph = Graph {
		version: VERSION,
		inputs: vec![logits.clone()],
		params: vec![],
		nodes: vec![node],
		outputs: vec![1],
	};
	let record = logits.bytes() + target.tensor.bytes();
	let confidence = (metric == Metric::Accuracy).then_some(Confidence { p: 384, q: 100 });
	ModelSpec {
		graph,
		objective: Objective { metric, target, min_improvement: 1, confidence },
		data: DataSource::Fixed(DatasetRef { blob: BlobRef { root: [9; 32], len: 3 * record }, records: 3 }),
	}
}

fn case(
	name: &str,
	metric: Metric,
	y: (DType, &[u32], &[i32]),
	t: (DType, &[i32]),
	ignore: Option<i32>,
) -> Value {
	let logits = TensorType::new(y.0, y.1);
	let shape = if metric == Metric::SquaredError { y.1 } else { &y.1[..y.1.len() - 1] };
	let tensor = TensorType::new(t.0, shape);
	let mut record = bytes(&logits, y.2.iter().copied());
	record.extend(bytes(&tensor, t.1.iter().copied()));
	of_model(name, &model(&logits, metric, TargetSpec { tensor, ignore }), &[], &record)
}

fn accuracy() -> Vec<Value> {
	let (m, u8, i16) = (Metric::Accuracy, DType::U8, DType::I16);
	let four = [1, 0, 0, 1, 5, 5, -1, 0];
	vec![
		case("the greatest", m, (DType::I8, &[3], &[-5, 7, 6]), (u8, &[1]), None),
		case("not the greatest", m, (DType::I8, &[3], &[-5, 7, 6]), (u8, &[2]), None),
		case("the first of equals", m, (i16, &[4], &[7, -9, 7, 7]), (u8, &[0]), None),
		case("a later one of equals", m, (i16, &[4], &[7, -9, 7, 7]), (u8, &[2]), None),
		case("one logit", m, (DType::I32, &[1], &[i32::MIN]), (u8, &[0]), None),
		case("a target above the logits", m, (u8, &[2], &[255, 0]), (u8, &[2]), None),
		case("a negative target", m, (u8, &[2], &[255, 0]), (DType::I8, &[-1]), None),
		case("an ignored record", m, (u8, &[2], &[255, 0]), (DType::I8, &[0]), Some(0)),
		case("four positions", m, (i16, &[4, 2], &four), (u8, &[0, 1, 0, 1]), None),
		case("four positions in two axes", m, (i16, &[2, 2, 2], &four), (u8, &[0, 1, 0, 0]), None),
		case("two of them ignored", m, (i16, &[4, 2], &four), (i16, &[0, -1, -1, 1]), Some(-1)),
		case("one position in an axis", m, (i16, &[1, 2], &[3, 4]), (u8, &[1]), None),
	]
}

fn cross_entropy() -> Vec<Value> {
	let mut rng = Rng::new(2);
	let mut cases = Vec::new();
	for dtype in [DType::I8, DType::U8, DType::I16, DType::I32] {
		for logit_scale_log2 in [0, 1, 8, 15, 16] {
			let m = Metric::CrossEntropy { logit_scale_log2 };
			let edges = edges(dtype);
			let n = edges.len() as u32;
			for target in [0, (n - 1) as i32] {
				let name = format!(
					"cross-entropy of the bounds of {dtype:?}, scale {logit_scale_log2}, target {target}"
				);
				cases.push(case(&name, m, (dtype, &[n], &edges), (DType::U8, &[target]), None));
			}
			let near: Vec<i32> = (0..10).map(|_| rng.below(100) as i32).collect();
			let name = format!("cross-entropy of near {dtype:?}, scale {logit_scale_log2}");
			cases.push(case(&name, m, (dtype, &[10], &near), (DType::U8, &[rng.below(10) as i32]), None));
		}
	}
	let m = Metric::CrossEntropy { logit_scale_log2: 4 };
	let three = [9, 1, 2, 2, -80, 100];
	cases.extend([
		case("cross-entropy of equals", m, (DType::I8, &[4], &[3; 4]), (DType::U8, &[1]), None),
		case("cross-entropy, no such logit", m, (DType::I8, &[2], &[3, 3]), (DType::U8, &[2]), None),
		case("cross-entropy of positions", m, (DType::I8, &[3, 2], &three), (DType::I8, &[0, 1, 0]), None),
		case("one of them ignored", m, (DType::I8, &[3, 2], &three), (DType::I8, &[0, -7, 0]), Some(-7)),
	]);
	let (positions, targets) = (vec![0; 256 * 2], vec![2; 256]);
	let name = "cross-entropy at the worst";
	cases.push(case(name, m, (DType::I8, &[256, 2], &positions), (DType::U8, &targets), None));
	cases
}

fn squared_error() -> Vec<Value> {
	let m = Metric::SquaredError;
	let (i8, i32) = (DType::I8, DType::I32);
	vec![
		case("squared error", m, (i8, &[2, 2], &[1, -2, 3, -128]), (DType::U8, &[0, 0, 3, 255]), None),
		case("an element ignored", m, (i8, &[2, 2], &[1, -2, 3, 4]), (i8, &[0, 9, 0, 9]), Some(9)),
		case("none right", m, (i32, &[2], &[i32::MIN, i32::MAX]), (i32, &[i32::MAX, i32::MIN]), None),
		case("just above the bound", m, (i32, &[1], &[46_340]), (i32, &[0]), None),
		case("just below the bound", m, (i32, &[1], &[46_341]), (i32, &[0]), None),
	]
}

/// Every metric.
pub(crate) fn all() -> Vec<Value> {
	[accuracy(), cross_entropy(), squared_error()].concat()
}
