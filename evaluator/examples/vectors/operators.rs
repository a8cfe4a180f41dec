//! Graphs of one node.

use crate::case::{bytes, edges, of_graph};
use oda_evaluator::{
	Graph,
	graph::{DType, Node, Op, Padding, Requant, TensorType, VERSION},
	testing::Rng,
};
use serde_json::Value;

const DTYPES: [DType; 5] = [DType::I8, DType::U8, DType::I16, DType::U16, DType::I32];
/// What `Add` reads.
const NARROW: [DType; 4] = [DType::I8, DType::U8, DType::I16, DType::U16];

/// A tensor and its values.
type Filled = (TensorType, Vec<i32>);

fn t(dtype: DType, shape: &[u32]) -> TensorType {
	TensorType::new(dtype, shape)
}

fn one(name: &str, op: Op, inputs: &[Filled], params: &[Filled], output: TensorType) -> Value {
	let types = |filled: &[Filled]| filled.iter().map(|(t, _)| t.clone()).collect::<Vec<_>>();
	let all = |filled: &[Filled]| -> Vec<u8> {
		filled.iter().flat_map(|(t, values)| bytes(t, values.iter().copied())).collect()
	};
	let graph = Graph {
		version: VERSION,
		inputs: types(inputs),
		params: types(params),
		nodes: vec![Node { op, inputs: (0..inputs.len() as u16).collect(), output }],
		outputs: vec![inputs.len() as u16],
	};
	of_graph(name, &graph, &all(params), &all(inputs))
}

/// Any values, among them many bounds.
fn any(rng: &mut Rng, t: TensorType) -> Filled {
	let edges = edges(t.dtype);
	let values = (0..t.elements())
		.map(|_| {
			if rng.below(3) == 0 {
				*rng.pick(&edges)
			} else {
				rng.range(t.dtype.min().into(), t.dtype.max().into()) as i32
			}
		})
		.collect();
	(t, values)
}

/// Requantisation that keeps sums of about `k` products apart from the bounds of an `I8`, more or less.
fn tame(rng: &mut Rng, channels: u32, k: u32) -> [Filled; 3] {
	let mut words = |low, high| (0..channels).map(|_| rng.range(low, high) as i32).collect();
	let shift = 37 + (k.ilog2() / 2) as i64;
	[
		(t(DType::I32, &[channels]), words(-2_000, 2_000)),
		(t(DType::I32, &[channels]), words(1 << 29, i32::MAX.into())),
		(t(DType::U8, &[channels]), words(shift - 2, shift + 2)),
	]
}

const REQUANT: Requant = Requant { bias: 1, mult: 2, shift: 3 };

/// One product an accumulator, and every combination of extreme requantisation parameters.
fn requantisation() -> Vec<Value> {
	let (mut biases, mut mults, mut shifts) = (Vec::new(), Vec::new(), Vec::new());
	for bias in [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX] {
		for mult in [i32::MIN, -1, 0, 1, 1 << 30, i32::MAX] {
			for shift in [0, 1, 2, 31, 61, 62, 63, 255] {
				biases.push(bias);
				mults.push(mult);
				shifts.push(shift);
			}
		}
	}
	let n = biases.len() as u32;
	let params = [
		(t(DType::I8, &[n, 1]), vec![-128; n as usize]),
		(t(DType::I32, &[n]), biases),
		(t(DType::I32, &[n]), mults),
		(t(DType::U8, &[n]), shifts),
	];
	let mut cases = Vec::new();
	for dtype in DTYPES {
		for x in [-128, -1, 0, 1, 127] {
			let name = format!("requantise {x} · −128 to {dtype:?}");
			let input = (t(DType::I8, &[1]), vec![x]);
			cases.push(one(
				&name,
				Op::Dense { weight: 0, requant: REQUANT },
				&[input],
				&params,
				t(dtype, &[n]),
			));
		}
	}
	// Halves, of both signs.
	for shift in 1..=3 {
		let rows = -9..=9;
		let input = (t(DType::I8, &[19, 1]), rows.collect());
		let params = [
			(t(DType::I8, &[1, 1]), vec![1]),
			(t(DType::I32, &[1]), vec![0]),
			(t(DType::I32, &[1]), vec![1]),
			(t(DType::U8, &[1]), vec![shift]),
		];
		let op = Op::Dense { weight: 0, requant: REQUANT };
		cases.push(one(&format!("halves, shift {shift}"), op, &[input], &params, t(DType::I8, &[19, 1])));
	}
	cases
}

fn dense(rng: &mut Rng) -> Vec<Value> {
	let shapes: [(&[u32], u32); 6] =
		[(&[1], 1), (&[7], 3), (&[64], 10), (&[3, 5], 4), (&[2, 2, 9], 2), (&[2, 1, 3, 17], 5)];
	let mut cases = Vec::new();
	for (i, (shape, n)) in shapes.into_iter().enumerate() {
		let k = *shape.last().unwrap_or(&1);
		let dtype = DTYPES[i % DTYPES.len()];
		let output = t(dtype, &[&shape[..shape.len() - 1], &[n]].concat());
		let [bias, mult, shift] = tame(rng, n, k);
		let params = [any(rng, t(DType::I8, &[n, k])), bias, mult, shift];
		let input = any(rng, t(DType::I8, shape));
		let op = Op::Dense { weight: 0, requant: REQUANT };
		cases.push(one(&format!("dense {shape:?} to {dtype:?} {n}"), op, &[input], &params, output));
	}
	cases
}

/// Image, kernel and channels, stride, padding (top, bottom, left, right), groups.
type Shape = ([u32; 3], [u32; 3], [u16; 2], [u16; 4], u32);

fn extent(extent: u32, kernel: u32, stride: u16, before: u16, after: u16) -> u32 {
	(extent + u32::from(before) + u32::from(after) - kernel) / u32::from(stride) + 1
}

fn conv(rng: &mut Rng) -> Vec<Value> {
	let shapes: [Shape; 16] = [
		([1, 1, 1], [1, 1, 1], [1, 1], [0; 4], 1),
		([5, 4, 1], [3, 3, 2], [1, 1], [0; 4], 1),
		([5, 4, 1], [3, 3, 2], [1, 1], [1; 4], 1),
		([5, 5, 2], [3, 2, 3], [2, 1], [2, 0, 1, 1], 1),
		([5, 5, 2], [2, 3, 3], [1, 3], [0, 1, 2, 2], 1),
		([4, 6, 4], [1, 1, 5], [1, 1], [0; 4], 1),
		([4, 6, 4], [1, 1, 8], [2, 2], [0; 4], 2),
		([4, 4, 4], [3, 3, 4], [1, 1], [1; 4], 4),
		([4, 4, 3], [3, 3, 6], [1, 1], [1; 4], 3),
		([6, 3, 6], [2, 2, 9], [2, 1], [1, 0, 0, 1], 3),
		([1, 9, 2], [1, 4, 2], [1, 2], [0, 0, 3, 0], 1),
		([9, 1, 2], [4, 1, 2], [3, 1], [0, 3, 0, 0], 1),
		([2, 2, 1], [4, 4, 1], [1, 1], [3, 2, 2, 3], 1),
		([3, 3, 8], [3, 3, 8], [1, 1], [2; 4], 8),
		([7, 7, 1], [7, 7, 1], [5, 5], [0; 4], 1),
		([8, 8, 3], [3, 3, 4], [2, 2], [1, 0, 1, 0], 1),
	];
	let mut cases = Vec::new();
	for (i, ([h, w, c], [kh, kw, o], stride, [top, bottom, left, right], groups)) in
		shapes.into_iter().enumerate()
	{
		let dtype = DTYPES[i % DTYPES.len()];
		let kernel = t(DType::I8, &[o, kh, kw, c / groups]);
		let [bias, mult, shift] = tame(rng, o, (kernel.elements() / u64::from(o)) as u32);
		let params = [any(rng, kernel), bias, mult, shift];
		let output =
			t(dtype, &[extent(h, kh, stride[0], top, bottom), extent(w, kw, stride[1], left, right), o]);
		let padding = Padding { top, bottom, left, right };
		let op = Op::Conv2d { weight: 0, requant: REQUANT, stride, padding, groups };
		let input = any(rng, t(DType::I8, &[h, w, c]));
		cases.push(one(&format!("convolution {i}"), op, &[input], &params, output));
	}
	cases
}

fn pools(rng: &mut Rng) -> Vec<Value> {
	let mut cases = Vec::new();
	for dtype in DTYPES {
		for ([h, w, c], [kh, kw], stride, [top, bottom, left, right]) in [
			([4, 4, 1], [2, 2], [2, 2], [0; 4]),
			([5, 3, 2], [3, 2], [1, 2], [2, 1, 1, 0]),
			([1, 1, 3], [2, 2], [1, 1], [1, 1, 1, 1]),
		] {
			let shape = [
				extent(h, kh.into(), stride[0], top, bottom),
				extent(w, kw.into(), stride[1], left, right),
				c,
			];
			let padding = Padding { top, bottom, left, right };
			let input = any(rng, t(dtype, &[h, w, c]));
			let op = Op::MaxPool2d { kernel: [kh, kw], stride, padding };
			let name = format!("greatest of {kh} × {kw}, {dtype:?}, padding {padding:?}");
			cases.push(one(&name, op, &[input], &[], t(dtype, &shape)));
		}
		for ([h, w, c], [kh, kw], stride) in
			[([4, 4, 1], [2, 2], [2, 2]), ([5, 3, 2], [3, 1], [1, 1]), ([1, 3, 1], [1, 3], [2, 2])]
		{
			let shape = [extent(h, kh.into(), stride[0], 0, 0), extent(w, kw.into(), stride[1], 0, 0), c];
			let input = any(rng, t(dtype, &[h, w, c]));
			let op = Op::AvgPool2d { kernel: [kh, kw], stride };
			cases.push(one(&format!("mean of {kh} × {kw}, {dtype:?}"), op, &[input], &[], t(dtype, &shape)));
		}
	}
	cases
}

fn add() -> Vec<Value> {
	let mut cases = Vec::new();
	let factors =
		[(1, 1, 0), (1, -1, 1), (i32::MAX, i32::MAX, 31), (i32::MIN, i32::MIN, 62), (1 << 20, 3, 21)];
	for (i, lhs) in NARROW.into_iter().enumerate() {
		for (j, rhs) in NARROW.into_iter().enumerate() {
			let (left, right): (Vec<i32>, Vec<i32>) =
				edges(lhs).into_iter().flat_map(|a| edges(rhs).into_iter().map(move |b| (a, b))).unzip();
			let n = left.len() as u32;
			let (lhs_mult, rhs_mult, shift) = factors[(i + j) % factors.len()];
			let params = [
				(t(DType::I32, &[1]), vec![lhs_mult]),
				(t(DType::I32, &[1]), vec![rhs_mult]),
				(t(DType::U8, &[1]), vec![shift]),
			];
			let inputs = [(t(lhs, &[n]), left), (t(rhs, &[n]), right)];
			let dtype = DTYPES[(i * NARROW.len() + j) % DTYPES.len()];
			let op = Op::Add { lhs_mult: 0, rhs_mult: 1, shift: 2 };
			cases.push(one(&format!("{lhs:?} + {rhs:?} to {dtype:?}"), op, &inputs, &params, t(dtype, &[n])));
		}
	}
	cases
}

fn elementwise(rng: &mut Rng) -> Vec<Value> {
	let mut cases = Vec::new();
	for from in [DType::I8, DType::U8] {
		for to in DTYPES {
			let input = (t(from, &[256]), (from.min()..=from.max()).rev().collect());
			let table = any(rng, t(to, &[256]));
			let name = format!("look {from:?} up in {to:?}");
			cases.push(one(&name, Op::Lookup { table: 0 }, &[input], &[table], t(to, &[256])));
		}
	}
	for dtype in DTYPES {
		let values = edges(dtype);
		let n = values.len() as u32;
		for (min, max) in [(dtype.min(), dtype.max()), (0, 1), (dtype.max(), dtype.max())] {
			let input = (t(dtype, &[n]), values.clone());
			let name = format!("clamp {dtype:?} to {min}..={max}");
			cases.push(one(&name, Op::Clamp { min, max }, &[input], &[], t(dtype, &[n])));
		}
		let input = any(rng, t(dtype, &[2, 3, 4]));
		let name = format!("reshape {dtype:?}");
		cases.push(one(&name, Op::Reshape, &[input], &[], t(dtype, &[4, 1, 6])));
	}
	cases
}

/// Every operator.
pub(crate) fn all() -> Vec<Value> {
	let mut rng = Rng::new(1);
	let mut cases = requantisation();
	cases.extend(dense(&mut rng));
	cases.extend(conv(&mut rng));
	cases.extend(pools(&mut rng));
	cases.extend(add());
	cases.extend(elementwise(&mut rng));
	cases
}

/// As many products as an accumulator may have, all of them the greatest that there is.
pub(crate) fn longest() -> Vec<Value> {
	let k = 131_071;
	let params = [
		(t(DType::I8, &[1, k]), vec![-128; k as usize]),
		(t(DType::I32, &[1]), vec![0]),
		(t(DType::I32, &[1]), vec![1]),
		(t(DType::U8, &[1]), vec![0]),
	];
	let input = (t(DType::I8, &[k]), vec![-128; k as usize]);
	let op = Op::Dense { weight: 0, requant: REQUANT };
	vec![one("131,071 products of −128 and −128", op, &[input], &params, t(DType::I32, &[1]))]
}
