//! Graphs that break exactly one rule, and bytes that are no graph.

use codec::{DecodeAll, Encode};
use oda_evaluator::{
	Graph, GraphError,
	graph::{DType, Node, Op, Padding, Requant, TensorType, VERSION},
};
use serde_json::{Value, json};

const I8: DType = DType::I8;

/// The rule of section 2 that an error is about.
fn rule(error: GraphError) -> u8 {
	use GraphError::*;
	match error {
		UnknownVersion | TooLarge | InputCount | ParamCount | NodeCount | OutputCount => 1,
		Rank | EmptyAxis | TensorTooLarge => 2,
		UnknownValue | UnknownParam | Arity | OutputRepeated => 3,
		DeadValue | DeadParam => 4,
		InputType | InputShape | ParamType | OutputType | Window | Padding | Groups | Accumulation
		| ClampBounds => 5,
		LiveTooLarge => 6,
	}
}

fn broken(number: u8, name: &str, graph: &Graph) -> Value {
	let error = graph.validate().expect_err(name);
	assert_eq!(rule(error), number, "{name}: {error}");
	json!({ "name": name, "graph": hex::encode(graph.encode()), "invalid": number })
}

fn no_graph(name: &str, bytes: &[u8]) -> Value {
	assert!(Graph::decode_all(&mut &bytes[..]).is_err(), "{name}");
	json!({ "name": name, "graph": hex::encode(bytes), "invalid": "decode" })
}

fn t(dtype: DType, shape: &[u32]) -> TensorType {
	TensorType::new(dtype, shape)
}

fn node(op: Op, inputs: &[u16], output: TensorType) -> Node {
	Node { op, inputs: inputs.to_vec(), output }
}

const CLAMP: Op = Op::Clamp { min: 0, max: 1 };
const ADD: Op = Op::Add { lhs_mult: 0, rhs_mult: 1, shift: 2 };

fn add_params() -> Vec<TensorType> {
	vec![t(DType::I32, &[1]), t(DType::I32, &[1]), t(DType::U8, &[1])]
}

/// From inputs of one type, by one node.
fn one(op: Op, inputs: Vec<TensorType>, params: Vec<TensorType>, output: TensorType) -> Graph {
	let nodes = vec![node(op, &(0..inputs.len() as u16).collect::<Vec<_>>(), output)];
	let outputs = vec![inputs.len() as u16];
	Graph { version: VERSION, inputs, params, nodes, outputs }
}

/// A chain of two clamps and a sum: `(x, clamp(x), clamp(clamp(x)), sum)`.
fn chain() -> Graph {
	let four = || t(I8, &[4]);
	Graph {
		version: VERSION,
		inputs: vec![four()],
		params: add_params(),
		nodes: vec![node(CLAMP, &[0], four()), node(CLAMP, &[1], four()), node(ADD, &[0, 2], four())],
		outputs: vec![3],
	}
}

fn conv() -> Graph {
	let op = Op::Conv2d {
		weight: 0,
		requant: Requant { bias: 1, mult: 2, shift: 3 },
		stride: [1, 1],
		padding: Padding { top: 1, bottom: 1, left: 1, right: 1 },
		groups: 1,
	};
	let params = vec![t(I8, &[6, 3, 3, 2]), t(DType::I32, &[6]), t(DType::I32, &[6]), t(DType::U8, &[6])];
	one(op, vec![t(I8, &[4, 4, 2])], params, t(I8, &[4, 4, 6]))
}

fn dense(k: u32) -> Graph {
	let op = Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } };
	let params = vec![t(I8, &[3, k]), t(DType::I32, &[3]), t(DType::I32, &[3]), t(DType::U8, &[3])];
	one(op, vec![t(I8, &[k])], params, t(I8, &[3]))
}

fn changed(mut graph: Graph, change: impl FnOnce(&mut Graph)) -> Graph {
	change(&mut graph);
	graph
}

fn with_op(graph: Graph, change: impl FnOnce(&mut Op)) -> Graph {
	changed(graph, |g| change(&mut g.nodes[0].op))
}

/// Counts and sizes.
fn rule_1() -> Vec<Value> {
	let one_of_many = |n: usize, params| Graph {
		version: VERSION,
		inputs: vec![t(I8, &[1]); n],
		params,
		nodes: Vec::new(),
		outputs: Vec::new(),
	};
	let seventeen_inputs = changed(one_of_many(17, add_params()), |g| {
		for i in 0..16 {
			let before = if i == 0 { 0 } else { 16 + i };
			g.nodes.push(node(ADD, &[before, i + 1], t(I8, &[1])));
		}
		g.outputs = vec![32];
	});
	let many_nodes = changed(one_of_many(1, vec![]), |g| {
		g.nodes = (0..257).map(|i| node(CLAMP, &[i], t(I8, &[1]))).collect();
		g.outputs = vec![257];
	});
	let many_outputs = changed(one_of_many(1, vec![]), |g| {
		g.nodes = (0..17).map(|_| node(CLAMP, &[0], t(I8, &[1]))).collect();
		g.outputs = (1..18).collect();
	});
	let long = changed(conv(), |g| {
		*g = Graph {
			inputs: vec![t(I8, &[1, 1, 1])],
			params: vec![],
			nodes: vec![],
			outputs: vec![256],
			..g.clone()
		};
		for i in 0..256u16 {
			let first = 4 * i;
			let requant = Requant { bias: first + 1, mult: first + 2, shift: first + 3 };
			let op =
				Op::Conv2d { weight: first, requant, stride: [1, 1], padding: Padding::default(), groups: 1 };
			g.nodes.push(node(op, &[i], t(I8, &[1, 1, 1])));
			g.params.extend([
				t(I8, &[1, 1, 1, 1]),
				t(DType::I32, &[1]),
				t(DType::I32, &[1]),
				t(DType::U8, &[1]),
			]);
		}
	});
	vec![
		broken(1, "version 0", &changed(chain(), |g| g.version = 0)),
		broken(1, "version 2", &changed(chain(), |g| g.version = 2)),
		broken(1, "17 inputs", &seventeen_inputs),
		broken(1, "257 nodes", &many_nodes),
		broken(1, "17 outputs", &many_outputs),
		broken(1, "an encoding over 16,384 bytes", &long),
	]
}

/// Tensors.
fn rule_2() -> Vec<Value> {
	let reshape = |from: &[u32], to: &[u32]| one(Op::Reshape, vec![t(I8, from)], vec![], t(I8, to));
	vec![
		broken(2, "an input without axes", &reshape(&[], &[1])),
		broken(2, "an output without axes", &reshape(&[1], &[])),
		broken(2, "an input of five axes", &reshape(&[1, 1, 1, 1, 2], &[2])),
		broken(2, "an axis of extent 0", &reshape(&[3, 0], &[0])),
		broken(2, "a tensor over 4 MiB", &reshape(&[4_194_305], &[4_194_305])),
	]
}

/// Names.
fn rule_3() -> Vec<Value> {
	vec![
		broken(3, "a node that reads itself", &changed(chain(), |g| g.nodes[2].inputs = vec![3, 2])),
		broken(
			3,
			"a node that reads what is not there",
			&changed(chain(), |g| g.nodes[2].inputs = vec![77, 2]),
		),
		broken(
			3,
			"a parameter that is not there",
			&changed(chain(), |g| {
				g.nodes.push(node(Op::Add { lhs_mult: 0, rhs_mult: 3, shift: 2 }, &[3, 3], t(I8, &[4])));
				g.outputs = vec![4];
			}),
		),
		broken(3, "a clamp of two values", &changed(chain(), |g| g.nodes[1].inputs = vec![1, 1])),
		broken(3, "a sum of one value", &changed(chain(), |g| g.nodes[2].inputs = vec![2])),
		broken(3, "an input as output", &changed(chain(), |g| g.outputs = vec![3, 0])),
		broken(3, "an output twice", &changed(chain(), |g| g.outputs = vec![3, 3])),
		broken(3, "an output that is not there", &changed(chain(), |g| g.outputs = vec![3, 4])),
	]
}

/// What nothing reads.
fn rule_4() -> Vec<Value> {
	vec![
		broken(
			4,
			"an input that nothing reads",
			&changed(dense(2), |g| {
				g.inputs.push(t(I8, &[1]));
				g.outputs = vec![2];
			}),
		),
		broken(
			4,
			"a node that nothing reads",
			&changed(chain(), |g| g.nodes.push(node(CLAMP, &[0], t(I8, &[4])))),
		),
		broken(4, "a parameter that nothing names", &changed(chain(), |g| g.params.push(t(I8, &[1])))),
	]
}

/// Nodes that do not fit their operator.
fn rule_5() -> Vec<Value> {
	let conv_with = |change: fn(&mut [u16; 2], &mut Padding, &mut u32)| {
		with_op(conv(), |op| {
			if let Op::Conv2d { stride, padding, groups, .. } = op {
				change(stride, padding, groups);
			}
		})
	};
	let param = |graph: Graph, index: usize, to: TensorType| changed(graph, |g| g.params[index] = to);
	let made = |graph: Graph, to: TensorType| changed(graph, |g| g.nodes[0].output = to);
	let image = || vec![t(I8, &[4, 4, 2])];
	let max = |kernel, stride| Op::MaxPool2d { kernel, stride, padding: Padding::default() };
	let table = |of: DType, n: u32, to: DType| {
		one(Op::Lookup { table: 0 }, vec![t(of, &[2])], vec![t(DType::I16, &[n])], t(to, &[2]))
	};
	let clamp = |dtype, min, max| one(Op::Clamp { min, max }, vec![t(dtype, &[2])], vec![], t(dtype, &[2]));
	let add = |a: TensorType, b: TensorType| {
		let output = t(I8, &a.shape);
		one(ADD, vec![a, b], add_params(), output)
	};
	vec![
		broken(5, "dense: an input of I16", &changed(dense(2), |g| g.inputs[0].dtype = DType::I16)),
		broken(5, "dense: a weight of U8", &param(dense(2), 0, t(DType::U8, &[3, 2]))),
		broken(5, "dense: a weight of other width", &param(dense(2), 0, t(I8, &[3, 3]))),
		broken(5, "dense: a bias of I16", &param(dense(2), 1, t(DType::I16, &[3]))),
		broken(5, "dense: too short a multiplier", &param(dense(2), 2, t(DType::I32, &[2]))),
		broken(5, "dense: a shift of I8", &param(dense(2), 3, t(I8, &[3]))),
		broken(5, "dense: an output of other width", &made(dense(2), t(I8, &[4]))),
		broken(5, "dense: 131,072 products", &{
			let mut graph = dense(131_072);
			graph.params[0] = t(I8, &[3, 131_072]);
			graph
		}),
		broken(5, "convolution: no image", &changed(conv(), |g| g.inputs[0].shape = vec![4, 8])),
		broken(5, "convolution: a weight of three axes", &param(conv(), 0, t(I8, &[6, 3, 6]))),
		broken(5, "convolution: a stride of 0", &conv_with(|stride, _, _| stride[1] = 0)),
		broken(5, "convolution: padding of a whole kernel", &conv_with(|_, padding, _| padding.left = 3)),
		broken(5, "convolution: no groups", &conv_with(|_, _, groups| *groups = 0)),
		broken(5, "convolution: groups that do not divide", &conv_with(|_, _, groups| *groups = 4)),
		broken(5, "convolution: groups and a whole kernel", &conv_with(|_, _, groups| *groups = 2)),
		broken(5, "convolution: a kernel beyond the image", &{
			let mut graph = conv_with(|_, padding, _| *padding = Padding::default());
			graph.params[0] = t(I8, &[6, 5, 3, 2]);
			graph.nodes[0].output = t(I8, &[1, 2, 6]);
			graph
		}),
		broken(5, "convolution: an output of other extent", &made(conv(), t(I8, &[4, 3, 6]))),
		broken(5, "greatest: no image", &one(max([1, 1], [1, 1]), vec![t(I8, &[4])], vec![], t(I8, &[4]))),
		broken(5, "greatest: a kernel of 0", &one(max([0, 1], [1, 1]), image(), vec![], t(I8, &[4, 4, 2]))),
		broken(5, "greatest: a stride of 0", &one(max([1, 1], [1, 0]), image(), vec![], t(I8, &[4, 4, 2]))),
		broken(
			5,
			"greatest: an output of U8",
			&one(max([1, 1], [1, 1]), image(), vec![], t(DType::U8, &[4, 4, 2])),
		),
		broken(
			5,
			"mean: a kernel of 0",
			&one(Op::AvgPool2d { kernel: [1, 0], stride: [1, 1] }, image(), vec![], t(I8, &[4, 5, 2])),
		),
		broken(
			5,
			"mean: a kernel beyond the image",
			&one(Op::AvgPool2d { kernel: [5, 1], stride: [1, 1] }, image(), vec![], t(I8, &[1, 4, 2])),
		),
		broken(5, "sum of I32", &add(t(DType::I32, &[2]), t(I8, &[2]))),
		broken(5, "sum of two shapes", &add(t(I8, &[2]), t(I8, &[2, 1]))),
		broken(5, "reshape to more elements", &one(Op::Reshape, vec![t(I8, &[4])], vec![], t(I8, &[5]))),
		broken(
			5,
			"reshape to another type",
			&one(Op::Reshape, vec![t(I8, &[4])], vec![], t(DType::U8, &[4])),
		),
		broken(5, "lookup of I16", &table(DType::I16, 256, DType::I16)),
		broken(5, "lookup in 255 entries", &table(I8, 255, DType::I16)),
		broken(5, "lookup to another type than the table's", &table(I8, 256, I8)),
		broken(5, "clamp with bounds out of order", &clamp(I8, 1, 0)),
		broken(5, "clamp with a bound outside the type", &clamp(DType::U8, -1, 1)),
		broken(5, "clamp to another type", &made(clamp(I8, 0, 1), t(DType::U8, &[2]))),
	]
}

/// Memory: four values of 4 MiB and their first sum.
fn rule_6() -> Vec<Value> {
	let all = || t(I8, &[4_194_304]);
	let graph = Graph {
		version: VERSION,
		inputs: vec![all(), all(), all(), all()],
		params: add_params(),
		nodes: vec![node(ADD, &[0, 1], all()), node(ADD, &[4, 2], all()), node(ADD, &[5, 3], all())],
		outputs: vec![6],
	};
	vec![broken(6, "20 MiB alive at once", &graph)]
}

fn decoding() -> Vec<Value> {
	let bytes = conv().encode();
	let edit = |at: usize, with: &[u8]| [&bytes[..at], with, &bytes[at + 1..]].concat();
	vec![
		no_graph("nothing", &[]),
		no_graph("a byte too few", &bytes[..bytes.len() - 1]),
		no_graph("a byte too many", &[&bytes[..], &[0]].concat()),
		// Byte 1 is the number of inputs, 2 the first one's type.
		no_graph("a compact length that could be shorter", &edit(1, &[0x05, 0x00])),
		no_graph("a type that there is not", &edit(2, &[5])),
		no_graph("an operator that there is not", &{
			let clamp = one(CLAMP, vec![t(I8, &[1])], vec![], t(I8, &[1])).encode();
			// Before the bounds, the node's inputs and output, and the graph's outputs.
			let at = clamp.len() - 1 - 8 - 3 - 6 - 3;
			assert_eq!(clamp[at], 7);
			[&clamp[..at], &[8], &clamp[at + 1..]].concat()
		}),
	]
}

/// Everything that must be refused.
pub(crate) fn all() -> Vec<Value> {
	[rule_1(), rule_2(), rule_3(), rule_4(), rule_5(), rule_6(), decoding()].concat()
}
