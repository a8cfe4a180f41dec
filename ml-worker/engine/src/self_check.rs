//! Adversarial vectors, run against the reference before a backend is trusted.

use crate::{Backend, EngineError, cpu, exact::ExactModel, records::Records, rng::Rng};
use oda_evaluator::{
	Evaluator, Graph,
	graph::{DType, Node, Op, Padding, Requant, TensorType, VERSION},
};
use std::borrow::Cow;

/// Why a backend is not used.
#[derive(Debug, thiserror::Error)]
pub enum SelfCheckError {
	/// It gave other bits than the reference.
	#[error("it differs from the reference on {0}")]
	Differs(String),
	/// It failed.
	#[error("it failed on {vector}: {source}")]
	Failed {
		/// Which vector.
		vector: String,
		/// Why.
		source: EngineError,
	},
}

/// How many random graphs are compared, on top of the vectors made by hand.
const RANDOM_CASES: u64 = 40;

/// Sums on both sides of every limit: of `f32`, of a piece, of the accumulator.
const LENGTHS: [u32; 7] = [1, 1_023, 1_024, 1_025, 2_049, 4_096, 131_071];

/// Compares a backend with the reference on vectors meant to break it: operands of −128 and ±127, sums of every
/// critical length, extreme requantisation parameters, negative averages, groups and padding, and random graphs.
/// Takes well under a second.
///
/// # Errors
///
/// [`SelfCheckError`] on the first difference; then the backend must not be used for exact evaluation.
pub fn self_check(backend: Backend) -> Result<(), SelfCheckError> {
	for k in LENGTHS {
		for (name, x, w) in patterns(k) {
			let vector = format!("a sum of {k} products, {name}");
			let (graph, mut weights) = dense(k, DType::I32);
			weights.splice(..k as usize, w);
			check(backend, vector, &graph, &weights, &x)?;
		}
	}
	for dtype in [DType::I8, DType::U8, DType::I16, DType::U16, DType::I32] {
		let (graph, weights, input) = requantisation(dtype);
		check(backend, format!("extreme requantisation to {dtype:?}"), &graph, &weights, &input)?;
	}
	let (graph, weights, input) = convolution();
	check(backend, "a grouped, padded convolution of extremes".into(), &graph, &weights, &input)?;
	for seed in 0..RANDOM_CASES {
		let case = oda_evaluator::testing::random_case(seed);
		check(backend, format!("random graph {seed}"), &case.graph, &case.weights, &case.inputs)?;
	}
	Ok(())
}

/// Runs both on all of `inputs` and compares every output.
fn check(
	backend: Backend,
	vector: String,
	graph: &Graph,
	weights: &[u8],
	inputs: &[u8],
) -> Result<(), SelfCheckError> {
	let compare = || -> Result<bool, EngineError> {
		let stride = graph.input_bytes() as usize;
		let count = inputs.len() / stride.max(1);
		let fast = match backend {
			Backend::Libtorch(device) => {
				ExactModel::new(graph, weights, device, u64::MAX)?.run(inputs, stride, count)?
			}
			Backend::Cpu(kernel) => {
				let evaluator = Evaluator::with_kernel(kernel, Cow::Borrowed(graph), weights)?;
				cpu::batch(&evaluator, &Records::inputs_only(graph, inputs)?, 0, 1)?
			}
		};
		let reference = Evaluator::new(graph, weights)?;
		let mut same = fast.len() == count;
		for (input, outputs) in inputs.chunks_exact(stride).zip(&fast) {
			same &= reference.run(input)? == *outputs;
		}
		Ok(same)
	};
	match compare() {
		Ok(true) => Ok(()),
		Ok(false) => Err(SelfCheckError::Differs(vector)),
		Err(source) => Err(SelfCheckError::Failed { vector, source }),
	}
}

/// Operands for a sum of `k` products, as bytes: name, inputs, weights.
fn patterns(k: u32) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
	let k = k as usize;
	let all = |v: i8| vec![v.cast_unsigned(); k];
	let mut rng = Rng::new(k as u64);
	let mut random = || (0..k).map(|_| rng.next() as u8).collect::<Vec<u8>>();
	// One odd product among even ones: lost as soon as a sum is rounded.
	let mut odd = all(-128);
	if let Some(last) = odd.last_mut() {
		*last = 127;
	}
	vec![
		("all −128 · −128", all(-128), all(-128)),
		("all −128 · 127", all(-128), all(127)),
		("all 127 · 127", all(127), all(127)),
		("one odd product", odd, all(127)),
		("random", random(), random()),
	]
}

/// `k` inputs to one output of `dtype` that shows the sum as it is; the weights' last nine bytes are the
/// requantisation.
pub(crate) fn dense(k: u32, dtype: DType) -> (Graph, Vec<u8>) {
	let graph = Graph {
		version: VERSION,
		inputs: vec![TensorType::new(DType::I8, [k])],
		params: requant_params(TensorType::new(DType::I8, [1, k]), 1),
		nodes: vec![Node {
			op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
			inputs: vec![0],
			output: TensorType::new(dtype, [1]),
		}],
		outputs: vec![1],
	};
	let mut weights = vec![0; k as usize + 9];
	weights[k as usize + 4] = 1;
	(graph, weights)
}

fn requant_params(weight: TensorType, channels: u32) -> Vec<TensorType> {
	vec![
		weight,
		TensorType::new(DType::I32, [channels]),
		TensorType::new(DType::I32, [channels]),
		TensorType::new(DType::U8, [channels]),
	]
}

/// Every combination of extreme bias, multiplier and shift, a channel each, on sums of either sign.
fn requantisation(dtype: DType) -> (Graph, Vec<u8>, Vec<u8>) {
	let biases = [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX];
	let mults = [i32::MIN, -(1 << 30), -3, -1, 0, 1, 3, 1 << 30, i32::MAX];
	let shifts = [0u8, 1, 2, 7, 30, 31, 32, 33, 61, 62, 63, 64, 255];
	let mut channels = Vec::new();
	for bias in biases {
		for mult in mults {
			channels.extend(shifts.map(|shift| (bias, mult, shift)));
		}
	}
	let n = channels.len() as u32;
	let graph = Graph {
		version: VERSION,
		inputs: vec![TensorType::new(DType::I8, [2])],
		params: requant_params(TensorType::new(DType::I8, [n, 2]), n),
		nodes: vec![Node {
			op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
			inputs: vec![0],
			output: TensorType::new(dtype, [n]),
		}],
		outputs: vec![1],
	};
	let mut weights: Vec<u8> = (0..n).flat_map(|i| [128, (i % 5) as u8]).collect();
	weights.extend(channels.iter().flat_map(|c| c.0.to_le_bytes()));
	weights.extend(channels.iter().flat_map(|c| c.1.to_le_bytes()));
	weights.extend(channels.iter().map(|c| c.2));
	let inputs = vec![128, 128, 127, 0, 0, 1, 0, 255, 1, 3];
	(graph, weights, inputs)
}

/// Two groups, uneven padding, strides, sums over 1,024 long, then a negative average.
fn convolution() -> (Graph, Vec<u8>, Vec<u8>) {
	let image = TensorType::new(DType::I8, [5, 4, 256]);
	let graph = Graph {
		version: VERSION,
		inputs: vec![image.clone()],
		params: requant_params(TensorType::new(DType::I8, [4, 3, 3, 128]), 4),
		nodes: vec![
			Node {
				op: Op::Conv2d {
					weight: 0,
					requant: Requant { bias: 1, mult: 2, shift: 3 },
					stride: [1, 2],
					padding: Padding { top: 2, bottom: 0, left: 1, right: 2 },
					groups: 2,
				},
				inputs: vec![0],
				output: TensorType::new(DType::I32, [5, 3, 4]),
			},
			Node {
				op: Op::AvgPool2d { kernel: [2, 2], stride: [1, 1] },
				inputs: vec![1],
				output: TensorType::new(DType::I32, [4, 2, 4]),
			},
		],
		outputs: vec![1, 2],
	};
	let mut rng = Rng::new(11);
	let extremes = [128u8, 128, 128, 127, 129];
	let mut weights: Vec<u8> = (0..4 * 9 * 128).map(|_| *rng.pick(&extremes)).collect();
	weights.extend([-5i32, 7, i32::MIN, i32::MAX].iter().flat_map(|v| v.to_le_bytes()));
	weights.extend([1i32, -1, 1, 1 << 20].iter().flat_map(|v| v.to_le_bytes()));
	weights.extend([0u8, 0, 1, 40]);
	let inputs = (0..image.bytes() * 2).map(|_| *rng.pick(&extremes)).collect();
	(graph, weights, inputs)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::CpuKernel;
	use tch::Device;

	#[test]
	fn every_set_of_instructions_passes() {
		for kernel in CpuKernel::all() {
			let start = std::time::Instant::now();
			self_check(Backend::Cpu(kernel)).unwrap();
			println!("self-check of {}: {:?}", kernel.name(), start.elapsed());
		}
	}

	#[test]
	fn libtorch_passes() {
		self_check(Backend::Libtorch(Device::Cpu)).unwrap();
	}

	#[test]
	fn a_cuda_device_passes() {
		if !tch::Cuda::is_available() {
			crate::skipped::skipped("a_cuda_device_passes", "no CUDA device");
			return;
		}
		self_check(Backend::Libtorch(Device::Cuda(0))).unwrap();
	}
}
