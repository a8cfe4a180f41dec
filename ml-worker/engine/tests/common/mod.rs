//! What the tests share.

use oda_engine::{
	Engine, EngineConfig, TrainConfig,
	builder::{Built, Conv, GraphBuilder},
	evaluate::DeviceChoice,
	rng::Rng,
	train::OptimiserConfig,
};
use oda_evaluator::{
	Objective,
	graph::{DType, TensorType},
	model::{Metric, TargetSpec},
};

pub fn engine() -> Engine {
	Engine::start(&EngineConfig { device: DeviceChoice::Cpu, ..Default::default() })
}

pub fn objective(metric: Metric, dtype: DType, shape: &[u32]) -> Objective {
	let target = TargetSpec { tensor: TensorType::new(dtype, shape), ignore: None };
	Objective { metric, target, min_improvement: 1, confidence: None }
}

pub fn config(epochs: u32) -> TrainConfig {
	TrainConfig {
		epochs,
		batch: 32,
		optimiser: OptimiserConfig::adam_w(5e-3, 1e-3),
		warm_up: 5,
		..Default::default()
	}
}

/// Every operator: groups, strides, padding, both pools, a residual add, a lookup, an inner clamp, a shared
/// weight. `[6, 6, 4]` to 3 logits.
pub fn every_operator(output: DType) -> Built {
	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [6, 6, 4]);
	let x = b.conv2d(x, Conv::same(8, 3).groups(2), DType::I8).unwrap();
	let x = b.lookup(x, |x| x / (1.0 + (-x).exp()), 1.0 / 16.0, DType::I8, 1.0 / 16.0).unwrap();
	let y = b.conv2d(x, Conv::same(8, 3), DType::I8).unwrap();
	let y = b.clamp(y, 0, 96).unwrap();
	let x = b.add(x, y, DType::I8).unwrap();
	let x = b.max_pool(x, [2, 2], [2, 2]).unwrap();
	let y = b.dense(x, 8, DType::I8).unwrap();
	let y = b.with_weight_of(y, y, DType::I8).unwrap();
	let x = b.relu(y).unwrap();
	let x = b.avg_pool(x, [3, 3], [1, 1]).unwrap();
	let x = b.flatten(x).unwrap();
	let x = b.dense(x, 3, output).unwrap();
	b.build([x]).unwrap()
}

/// Records for [`every_operator`]: noise around one of three patterns, and which.
pub fn patterns(n: usize, seed: u64) -> Vec<u8> {
	let mut rng = Rng::new(99);
	let centres: Vec<Vec<i64>> = (0..3).map(|_| (0..144).map(|_| rng.range(-40, 40)).collect()).collect();
	let mut rng = Rng::new(seed);
	let mut data = Vec::new();
	for _ in 0..n {
		let class = rng.below(3) as usize;
		data.extend(centres[class].iter().map(|c| (c + rng.range(-60, 60)) as u8));
		data.push(class as u8);
	}
	data
}
