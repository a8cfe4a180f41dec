//! What a graph says about its float model: what each parameter is for, and which scales are one.

use crate::EngineError;
use oda_evaluator::{
	Graph,
	graph::{DType, Op, Requant},
};

/// What a parameter is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
	Weight,
	Bias,
	Mult,
	Shift,
	Table,
	AddMult,
	AddShift,
}

impl Role {
	fn name(self) -> &'static str {
		match self {
			Self::Weight => "a weight",
			Self::Bias => "a bias",
			Self::Mult => "a multiplier",
			Self::Shift => "a shift",
			Self::Table => "a lookup table",
			Self::AddMult => "an add's multiplier",
			Self::AddShift => "an add's shift",
		}
	}
}

/// The scale that a value of `dtype` has where nothing determines one: a range of ±8 for 8 and 16 bit.
pub fn default_scale(dtype: DType) -> f64 {
	match dtype {
		DType::I8 => 1.0 / 16.0,
		DType::U8 => 1.0 / 32.0,
		DType::I16 => 1.0 / 4_096.0,
		DType::U16 => 1.0 / 8_192.0,
		DType::I32 => 1.0 / 65_536.0,
	}
}

/// The integer that an observed range is mapped to: the type's greatest, with room to grow where there is
/// plenty.
pub(crate) fn full_scale(dtype: DType, output: bool) -> f64 {
	match dtype {
		DType::I16 if output => 8_191.0,
		DType::U16 if output => 16_383.0,
		DType::I32 => f64::from(1 << 20),
		dtype => f64::from(dtype.max()),
	}
}

/// What fixes the scale of a group of values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hold {
	/// Nothing: it follows the observed range.
	Free,
	/// It is an input's: set once, from the data.
	Input,
	/// A table or an inner clamp bound gives it a meaning: set once.
	Meaning,
	/// The objective reads it: set once.
	Output,
}

/// A linear node: dense or convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
	pub node: usize,
	pub weight: u16,
	pub requant: Requant,
	/// Which linear nodes share their per-channel weight scales.
	pub group: usize,
}

/// The analysis of a graph.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
	/// The scale group of each value.
	pub group: Vec<usize>,
	/// Why each group's scale is what it is.
	pub hold: Vec<Hold>,
	/// What each parameter is for.
	pub role: Vec<Role>,
	/// The linear nodes, in order.
	pub linear: Vec<Linear>,
	/// Values of which only the part above 0 matters: all their readers clamp below 0 away.
	pub positive: Vec<bool>,
}

/// Sets of indices that have been found to be one.
struct Unions(Vec<usize>);

impl Unions {
	fn new(n: usize) -> Self {
		Self((0..n).collect())
	}

	fn find(&self, mut i: usize) -> usize {
		while self.0[i] != i {
			i = self.0[i];
		}
		i
	}

	fn join(&mut self, a: usize, b: usize) {
		let (a, b) = (self.find(a), self.find(b));
		self.0[a.max(b)] = a.min(b);
	}
}

impl Plan {
	/// Analyses a valid graph. `fixed_output`: the objective fixes the output's scale.
	pub(crate) fn new(graph: &Graph, fixed_output: bool) -> Result<Self, EngineError> {
		graph.validate()?;
		let role = roles(graph)?;
		let first = graph.inputs.len();
		let values = first + graph.nodes.len();
		let mut scales = Unions::new(values);
		let mut weights = Unions::new(graph.nodes.len());
		// Earlier users of each parameter: the node.
		let mut users: Vec<Vec<usize>> = vec![Vec::new(); graph.params.len()];
		let mut linear = Vec::new();
		for (index, node) in graph.nodes.iter().enumerate() {
			let (x, y) = (usize::from(node.inputs[0]), first + index);
			match &node.op {
				Op::MaxPool2d { .. } | Op::AvgPool2d { .. } | Op::Reshape | Op::Clamp { .. } => {
					scales.join(x, y);
				}
				Op::Dense { weight, requant } | Op::Conv2d { weight, requant, .. } => {
					for &other in &users[usize::from(*weight)] {
						weights.join(other, index);
					}
					users[usize::from(*weight)].push(index);
					for param in [requant.bias, requant.mult, requant.shift] {
						for &other in &users[usize::from(param)] {
							weights.join(other, index);
							scales.join(usize::from(graph.nodes[other].inputs[0]), x);
							scales.join(first + other, y);
						}
						users[usize::from(param)].push(index);
					}
					linear.push(Linear { node: index, weight: *weight, requant: *requant, group: 0 });
				}
				Op::Add { lhs_mult, rhs_mult, .. } => {
					for (param, operand) in [(*lhs_mult, x), (*rhs_mult, usize::from(node.inputs[1]))] {
						for &other in &users[usize::from(param)] {
							let Op::Add { lhs_mult: l, .. } = &graph.nodes[other].op else { continue };
							let side = usize::from(*l != param);
							scales.join(usize::from(graph.nodes[other].inputs[side]), operand);
							scales.join(first + other, y);
						}
						users[usize::from(param)].push(index);
					}
				}
				Op::Lookup { .. } => {}
			}
		}
		for l in &mut linear {
			l.group = weights.find(l.node);
		}
		let group: Vec<usize> = (0..values).map(|v| scales.find(v)).collect();
		let mut plan =
			Self { hold: vec![Hold::Free; values], positive: positive(graph), group, role, linear };
		plan.hold(graph, fixed_output);
		Ok(plan)
	}

	fn hold(&mut self, graph: &Graph, fixed_output: bool) {
		for value in 0..graph.inputs.len() {
			self.hold[self.group[value]] = Hold::Input;
		}
		for (index, node) in graph.nodes.iter().enumerate() {
			let (x, y) = (usize::from(node.inputs[0]), graph.inputs.len() + index);
			match node.op {
				Op::Lookup { .. } => {
					self.hold[self.group[x]] = Hold::Meaning;
					self.hold[self.group[y]] = Hold::Meaning;
				}
				Op::Clamp { min, max } => {
					let inner = |bound: i32, outer: i32| bound != 0 && bound != outer;
					let dtype = node.output.dtype;
					if inner(min, dtype.min()) || inner(max, dtype.max()) {
						self.hold[self.group[y]] = Hold::Meaning;
					}
				}
				_ => {}
			}
		}
		if fixed_output && let Some(&output) = graph.outputs.first() {
			self.hold[self.group[usize::from(output)]] = Hold::Output;
		}
	}
}

fn roles(graph: &Graph) -> Result<Vec<Role>, EngineError> {
	let mut found: Vec<Option<Role>> = vec![None; graph.params.len()];
	for node in &graph.nodes {
		let uses = match &node.op {
			Op::Dense { weight, requant } | Op::Conv2d { weight, requant, .. } => vec![
				(*weight, Role::Weight),
				(requant.bias, Role::Bias),
				(requant.mult, Role::Mult),
				(requant.shift, Role::Shift),
			],
			Op::Add { lhs_mult, rhs_mult, shift } => {
				vec![(*lhs_mult, Role::AddMult), (*rhs_mult, Role::AddMult), (*shift, Role::AddShift)]
			}
			Op::Lookup { table } => vec![(*table, Role::Table)],
			_ => vec![],
		};
		for (param, role) in uses {
			let slot = &mut found[usize::from(param)];
			match *slot {
				Some(first) if first != role => {
					return Err(EngineError::ConflictingRoles {
						param,
						first: first.name(),
						second: role.name(),
					});
				}
				_ => *slot = Some(role),
			}
		}
	}
	found.into_iter().collect::<Option<_>>().ok_or(EngineError::NotTrainable("a parameter nothing reads"))
}

/// Which values matter only above 0.
fn positive(graph: &Graph) -> Vec<bool> {
	let first = graph.inputs.len();
	(0..first + graph.nodes.len())
		.map(|value| {
			let mut readers = graph.nodes.iter().filter(|n| n.inputs.contains(&(value as u16))).peekable();
			readers.peek().is_some()
				&& !graph.outputs.contains(&(value as u16))
				&& readers.all(|n| matches!(n.op, Op::Clamp { min, .. } if min >= 0))
		})
		.collect()
}
