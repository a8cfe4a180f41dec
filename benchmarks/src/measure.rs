//! The contenders, timed in turn.

use anyhow::{Context, Result, ensure};
use oda_benchmarks::{
	float::{Float32, Layout},
	wasm::{self, Chain},
};
use oda_engine::{CpuKernel, Engine, Records, exact::ExactModel};
use oda_evaluator::{Graph, graph::DType, model::Metric, testing::networks};
use oda_trials::{Case, Trial};
use std::{
	fs,
	ops::ControlFlow,
	path::Path,
	process::Command,
	time::{Duration, Instant},
};
use tch::{CModule, Device};

/// How many records are evaluated at once, and on how many threads.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
	pub(crate) records: usize,
	pub(crate) threads: usize,
}

/// What is measured of each contender.
pub(crate) const SHAPES: [Shape; 4] = [
	Shape { records: 1, threads: 1 },
	Shape { records: 1, threads: 2 },
	Shape { records: 256, threads: 1 },
	Shape { records: 256, threads: 2 },
];

/// Scratch memory for libtorch's exact path on a processor: its intermediate results stay in the cache.
const SCRATCH: u64 = 4 << 20;
/// How often the runtime evaluates in a round: small networks take less than instantiating it varies.
const COURT: usize = 50;
/// How long one contender is repeated in a round, if once does not take longer.
const ROUND: Duration = Duration::from_millis(250);

/// Multiply-accumulates a second.
pub(crate) struct Figures {
	/// Of each contender, in each shape that it can do.
	pub(crate) rows: Vec<(String, Vec<Option<f64>>)>,
	/// Of float32 in libtorch.
	pub(crate) float32: Vec<f64>,
}

/// Whoever evaluates the network.
struct Contender<'a> {
	name: String,
	/// Does the work once, and says how long it took.
	run: Box<dyn FnMut() -> Result<Duration> + 'a>,
}

/// A contender whose work is timed from outside.
fn contender<'a>(name: impl Into<String>, mut work: impl FnMut() -> Result<()> + 'a) -> Contender<'a> {
	let run = move || {
		let begun = Instant::now();
		work()?;
		Ok(begun.elapsed())
	};
	Contender { name: name.into(), run: Box::new(run) }
}

/// Measures all that can evaluate a network.
pub(crate) fn network(graph: &Graph, python: &Path, rounds: u8) -> Result<Figures> {
	let folder = tempfile::tempdir()?;
	let (json, module) = (folder.path().join("graph.json"), folder.path().join("module.pt"));
	fs::write(&json, serde_json::to_vec(graph)?)?;
	let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("quantised.py");
	let made = Command::new(python).args(["-W", "ignore"]).arg(script).args([&json, &module]).status();
	ensure!(made.context("starting Python")?.success(), "PyTorch did not make its module");
	let quantised = CModule::load(&module)?;

	let macs = graph.validate()?.macs as f64;
	let mut figures = Figures { rows: Vec::new(), float32: Vec::new() };
	for (column, shape) in SHAPES.into_iter().enumerate() {
		for (name, took) in shape_of(graph, &quantised, shape, rounds)? {
			let speed = macs * shape.records as f64 / took.as_secs_f64();
			if name == FLOAT32 {
				figures.float32.push(speed);
			}
			let at = figures.rows.iter().position(|(row, _)| *row == name);
			let row = match at.and_then(|at| figures.rows.get_mut(at)) {
				Some(row) => row,
				None => figures.rows.push_mut((name, vec![None; SHAPES.len()])),
			};
			if let Some(cell) = row.1.get_mut(column) {
				*cell = Some(speed);
			}
		}
	}
	Ok(figures)
}

const FLOAT32: &str = "float32, libtorch";

/// The least time of each contender.
fn shape_of(graph: &Graph, quantised: &CModule, shape: Shape, rounds: u8) -> Result<Vec<(String, Duration)>> {
	let Shape { records, threads } = shape;
	tch::set_num_threads(i32::try_from(threads)?);
	let weights = networks::weights(graph, 1);
	let inputs = networks::inputs(graph, records, 2);
	let stride = inputs.len() / records;

	let mut contenders = Vec::new();
	for kernel in CpuKernel::all() {
		let name = match kernel {
			CpuKernel::REFERENCE => "exact, the reference's loops".into(),
			_ => format!("exact, {}", kernel.name()),
		};
		let model = Engine::cpu(kernel, threads).load(graph, &weights)?;
		contenders.push(contender(name, {
			let inputs = &inputs;
			move || {
				let records = Records::inputs_only(graph, inputs)?;
				Ok(model.outputs(&records, |_, _| ControlFlow::Continue(()))?)
			}
		}));
	}
	let libtorch = ExactModel::new(graph, &weights, Device::Cpu, SCRATCH)?;
	contenders.push(contender("exact, libtorch", {
		let inputs = &inputs;
		move || Ok(libtorch.run(inputs, stride, records).map(drop)?)
	}));
	if records == 1 && threads == 1 {
		let chain = Chain::default();
		let hearing = |graph: Graph, weights, inputs: &[u8]| {
			let (spec, data) = wasm::model(graph, Metric::SquaredError, inputs)?;
			chain.open(Trial::new(Case { spec, data, weights, record: 0 })?)
		};
		let mut with = hearing(graph.clone(), weights.clone(), &inputs)?;
		// What the verdict and its consequences take is no part of it.
		let mut without = hearing(networks::scored(DType::I8, 1, 1), Vec::new(), &[1])?;
		let run = move || {
			let [with, without] = [&mut with, &mut without].map(|hearing| chain.time(hearing, COURT));
			Ok(with?.judging.saturating_sub(without?.judging).max(Duration::from_nanos(1)))
		};
		contenders.push(Contender { name: "exact, the runtime's wasm".into(), run: Box::new(run) });
	}
	for layout in [Layout::ChannelsFirst, Layout::ChannelsLast] {
		let network = Float32::new(graph, layout)?;
		let x = network.records(i64::try_from(records)?);
		contenders.push(contender(FLOAT32, move || network.run(&x).map(drop)));
	}
	let x = Float32::new(graph, Layout::ChannelsLast)?.records(i64::try_from(records)?);
	contenders.push(contender("int8, PyTorch (not exact)", move || {
		let _guard = tch::no_grad_guard();
		Ok(quantised.forward_ts(&[&x]).map(drop)?)
	}));

	let mut least: Vec<(String, Duration)> = Vec::new();
	for round in 0..=rounds {
		for Contender { name, run } in &mut contenders {
			let mut best = Duration::MAX;
			let begun = Instant::now();
			while best == Duration::MAX || begun.elapsed() < ROUND {
				best = best.min(run()?);
			}
			match least.iter_mut().find(|(row, _)| row == name) {
				// The first round warms up.
				_ if round == 0 => {}
				Some((_, least)) => *least = best.min(*least),
				None => least.push((name.clone(), best)),
			}
		}
		eprintln!("{records} × {threads}: round {round} of {rounds}");
	}
	Ok(least)
}
