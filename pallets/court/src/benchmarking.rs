//! Benchmarks: the coefficients of the price, each measured at its component's worst shape.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::unwrap_used,
	missing_docs,
	reason = "for benchmarks only"
)]

use crate::{evaluate, graphs};
use alloc::vec;
use codec::{Decode, Encode};
use core::marker::PhantomData;
use oda_evaluator::{Graph, Tensor};
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system};

/// Benchmarks belong to a pallet, and this one is nothing else.
pub struct Pallet<T>(PhantomData<T>);

/// What the benchmarks need: nothing.
pub trait Config: frame_system::Config {}
impl<T: frame_system::Config> Config for T {}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn evaluate_macs(n: Linear<0, 1_048_576>) {
		let graph = graphs::line((n / 256).max(1));
		let (weights, input) = graphs::record(&graph);

		#[block]
		{
			graphs::run(&graph, &weights, &input);
		}
	}

	#[benchmark]
	fn evaluate_rows(n: Linear<0, 65_536>) {
		let graph = graphs::depthwise(n.max(1));
		let (weights, input) = graphs::record(&graph);

		#[block]
		{
			graphs::run(&graph, &weights, &input);
		}
	}

	#[benchmark]
	fn evaluate_patch_lines(n: Linear<0, 524_288>) {
		let graph = graphs::column((n / 64).max(1));
		let (weights, input) = graphs::record(&graph);

		#[block]
		{
			graphs::run(&graph, &weights, &input);
		}
	}

	#[benchmark]
	fn evaluate_patch_elements(n: Linear<0, 4_194_304>) {
		let graph = graphs::apart((n / 4_096).max(1));
		let (weights, input) = graphs::record(&graph);

		#[block]
		{
			graphs::run(&graph, &weights, &input);
		}
	}

	#[benchmark]
	fn evaluate_requants(n: Linear<0, 1_302_528>) {
		let graph = graphs::dense((n / 159).max(1), 1, 159);
		let (weights, input) = graphs::record(&graph);

		#[block]
		{
			graphs::run(&graph, &weights, &input);
		}
	}

	#[benchmark]
	fn evaluate_element_ops(n: Linear<0, 65_536>) {
		let graph = graphs::pool((n / 256).max(1));
		let (weights, input) = graphs::record(&graph);

		#[block]
		{
			graphs::run(&graph, &weights, &input);
		}
	}

	#[benchmark]
	fn evaluate_param_bytes(n: Linear<0, 1_048_576>) {
		let graph = graphs::dense(1, (n / 16).max(1), 16);
		let (weights, _) = graphs::record(&graph);

		#[block]
		{
			graphs::split(&graph, &weights);
		}
	}

	#[benchmark]
	fn evaluate_activation_bytes(n: Linear<0, 1_048_576>) {
		let graph = graphs::reshape((n / 2).max(1));
		let (weights, input) = graphs::record(&graph);

		#[block]
		{
			graphs::run(&graph, &weights, &input);
		}
	}

	/// Nearly as many as fit in a graph, which is decoded too: a challenge's own weight knows another graph.
	#[benchmark]
	fn evaluate_nodes(n: Linear<0, 200>) {
		let graph = graphs::nodes(n.max(1));
		let (weights, input) = graphs::record(&graph);
		let encoded = graph.encode();

		#[block]
		{
			let graph = Graph::decode(&mut &encoded[..]).unwrap();
			graphs::run(&graph, &weights, &input);
		}
	}

	/// Up to the largest tensor, of the elements that take the most to copy: of one byte each.
	#[benchmark]
	fn output_root(n: Linear<0, 4_194_304>) {
		let output = [Tensor::I8(vec![1; n as usize])];

		#[block]
		{
			evaluate::root(&output);
		}
	}
}
