//! The naive evaluator: slow, obvious, sharing nothing with the crate but the types of a graph.

use oda_evaluator::graph::{DType, Graph, Node, Op, Requant, TensorType};

/// Elements in row-major order.
type Values = Vec<i128>;

fn elements(t: &TensorType) -> usize {
	t.shape.iter().map(|&d| d as usize).product()
}

fn parse(t: &TensorType, bytes: &mut &[u8]) -> Values {
	let mut next = |n: usize| {
		let (head, rest) = bytes.split_at(n);
		*bytes = rest;
		head.to_vec()
	};
	(0..elements(t))
		.map(|_| match t.dtype {
			DType::I8 => i128::from(next(1)[0] as i8),
			DType::U8 => i128::from(next(1)[0]),
			DType::I16 => i128::from(i16::from_le_bytes(next(2).try_into().expect("two bytes"))),
			DType::U16 => i128::from(u16::from_le_bytes(next(2).try_into().expect("two bytes"))),
			DType::I32 => i128::from(i32::from_le_bytes(next(4).try_into().expect("four bytes"))),
		})
		.collect()
}

fn bounds(dtype: DType) -> (i128, i128) {
	match dtype {
		DType::I8 => (-128, 127),
		DType::U8 => (0, 255),
		DType::I16 => (-32_768, 32_767),
		DType::U16 => (0, 65_535),
		DType::I32 => (-(1 << 31), (1 << 31) - 1),
	}
}

fn saturate(dtype: DType, x: i128) -> i128 {
	let (min, max) = bounds(dtype);
	x.max(min).min(max)
}

fn rounding_shift(x: i128, shift: i128) -> i128 {
	let shift = shift.min(62);
	let half = if shift > 0 { 1i128 << (shift - 1) } else { 0 };
	(x + half).div_euclid(1i128 << shift)
}

fn requantise(sum: i128, channel: usize, r: &Requant, params: &[Values], dtype: DType) -> i128 {
	let of = |index: u16| params[index as usize][channel];
	let a = saturate(DType::I32, sum + of(r.bias));
	saturate(dtype, rounding_shift(a * of(r.mult), of(r.shift)))
}

/// The element of an image at a place that may lie outside it.
fn at(x: &Values, shape: &[u32], row: i128, column: i128, channel: i128, outside: i128) -> i128 {
	let [h, w, c] = [0, 1, 2].map(|axis| i128::from(shape[axis]));
	if row < 0 || row >= h || column < 0 || column >= w {
		return outside;
	}
	x[((row * w + column) * c + channel) as usize]
}

/// Calls `f` with every row, column and channel of an image, in order.
fn image_of(shape: &[u32], f: impl Fn(i128, i128, i128) -> i128) -> Values {
	let mut values = Vec::new();
	for row in 0..shape[0] {
		for column in 0..shape[1] {
			for channel in 0..shape[2] {
				values.push(f(row.into(), column.into(), channel.into()));
			}
		}
	}
	values
}

fn step(graph: &Graph, node: &Node, values: &[Values], params: &[Values]) -> Values {
	let x = &values[node.inputs[0] as usize];
	let x_type = graph.value_type(node.inputs[0] as usize).expect("the graph is valid");
	let y = &node.output;
	match &node.op {
		Op::Dense { weight, requant } => {
			let n = *y.shape.last().expect("the graph is valid") as usize;
			let k = *x_type.shape.last().expect("the graph is valid") as usize;
			let w = &params[*weight as usize];
			(0..elements(y))
				.map(|i| {
					let sum = (0..k).map(|j| x[i / n * k + j] * w[i % n * k + j]).sum();
					requantise(sum, i % n, requant, params, y.dtype)
				})
				.collect()
		}
		Op::Conv2d { weight, requant, stride, padding, groups } => {
			let shape = &graph.params[*weight as usize].shape;
			let [o, kh, kw, cg] = [0, 1, 2, 3].map(|axis| i128::from(shape[axis]));
			let w = &params[*weight as usize];
			image_of(&y.shape, |r, q, j| {
				let group = j / (o / i128::from(*groups));
				let mut sum = 0;
				for u in 0..kh {
					for v in 0..kw {
						for i in 0..cg {
							let row = r * i128::from(stride[0]) + u - i128::from(padding.top);
							let column = q * i128::from(stride[1]) + v - i128::from(padding.left);
							let element = at(x, &x_type.shape, row, column, group * cg + i, 0);
							sum += element * w[(((j * kh + u) * kw + v) * cg + i) as usize];
						}
					}
				}
				requantise(sum, j as usize, requant, params, y.dtype)
			})
		}
		Op::MaxPool2d { kernel, stride, padding } => image_of(&y.shape, |r, q, j| {
			let mut most = bounds(x_type.dtype).0;
			for u in 0..i128::from(kernel[0]) {
				for v in 0..i128::from(kernel[1]) {
					let row = r * i128::from(stride[0]) + u - i128::from(padding.top);
					let column = q * i128::from(stride[1]) + v - i128::from(padding.left);
					most = most.max(at(x, &x_type.shape, row, column, j, most));
				}
			}
			most
		}),
		Op::AvgPool2d { kernel, stride } => image_of(&y.shape, |r, q, j| {
			let n = i128::from(kernel[0]) * i128::from(kernel[1]);
			let mut sum = 0;
			for u in 0..i128::from(kernel[0]) {
				for v in 0..i128::from(kernel[1]) {
					let row = r * i128::from(stride[0]) + u;
					let column = q * i128::from(stride[1]) + v;
					sum += at(x, &x_type.shape, row, column, j, 0);
				}
			}
			(2 * sum + n).div_euclid(2 * n)
		}),
		Op::Add { lhs_mult, rhs_mult, shift } => {
			let of = |index: u16| params[index as usize][0];
			let rhs = &values[node.inputs[1] as usize];
			x.iter()
				.zip(rhs)
				.map(|(a, b)| {
					saturate(y.dtype, rounding_shift(a * of(*lhs_mult) + b * of(*rhs_mult), of(*shift)))
				})
				.collect()
		}
		Op::Reshape => x.clone(),
		Op::Lookup { table } => {
			let least = bounds(x_type.dtype).0;
			x.iter().map(|e| params[*table as usize][(e - least) as usize]).collect()
		}
		Op::Clamp { min, max } => x.iter().map(|e| (*e).max((*min).into()).min((*max).into())).collect(),
	}
}

/// The outputs of a valid graph on one record's input.
pub(crate) fn evaluate(graph: &Graph, mut weights: &[u8], mut input: &[u8]) -> Vec<Values> {
	let params: Vec<Values> = graph.params.iter().map(|t| parse(t, &mut weights)).collect();
	let mut values: Vec<Values> = graph.inputs.iter().map(|t| parse(t, &mut input)).collect();
	for node in &graph.nodes {
		let made = step(graph, node, &values, &params);
		values.push(made);
	}
	graph.outputs.iter().map(|&v| values[v as usize].clone()).collect()
}
