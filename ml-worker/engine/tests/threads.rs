//! Training on several threads. By itself: how many threads libtorch takes is the whole process's.

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
	CpuKernel, Engine, TrainConfig,
	builder::{Conv, GraphBuilder},
	float::Tables,
	train::{Start, Task, train},
};
use oda_evaluator::{graph::DType, model::Metric};
use std::ops::ControlFlow;

/// Dense layers and convolutions of `width` channels, trained on up to `threads` threads.
fn weights(threads: usize, width: u32) -> Vec<u8> {
	let mut b = GraphBuilder::new();
	let x = b.input(DType::I8, [6, 6, 4]);
	let x = b.conv2d(x, Conv::same(width, 3), DType::I8).unwrap();
	let x = b.relu(x).unwrap();
	let x = b.conv2d(x, Conv::same(width, 3), DType::I8).unwrap();
	let x = b.avg_pool(x, [6, 6], [1, 1]).unwrap();
	let x = b.flatten(x).unwrap();
	let x = b.dense(x, 4 * width, DType::I8).unwrap();
	let x = b.dense(x, 3, DType::I16).unwrap();
	let graph = b.build([x]).unwrap().graph;
	let o = objective(Metric::Accuracy, DType::U8, &[]);
	let (training, held_out) = (patterns(256, 10), patterns(64, 11));
	let task = Task { graph: &graph, objective: &o, training: &training, held_out: &held_out };
	let engine = Engine::cpu(CpuKernel::REFERENCE, threads);
	let config = TrainConfig { batch: 64, ..config(2) };
	let tables = Tables::new();
	let start = Start::Seed(&tables);
	train(&engine, &task, start, &config, |_| ControlFlow::Continue(())).unwrap().weights
}

/// Small steps take one thread. Of large ones, 64 × 36 × (36 × 128 + 1,152 × 128) × 3 multiply-accumulates here, how
/// the sums are shared is libtorch's affair, and the same whenever the number of threads is.
#[test]
fn the_same_seed_trains_the_same_weights_on_several_threads() {
	let small = weights(1, 8);
	for threads in [2, 3, 8] {
		assert!(weights(threads, 8) == small, "{threads} threads");
	}
	let large = weights(2, 128);
	assert!(weights(2, 128) == large, "two threads, twice");
}
