//! Writes test vectors for other implementations of `docs/evaluator.md`; `tests/numpy/README.md` has their format.
//!
//! `cargo run -p oda-evaluator --example vectors -- write evaluator/vectors` writes the committed files;
//! `-- random COUNT SEED` prints as many fresh random graphs, one case a line.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_possible_wrap,
	clippy::cast_sign_loss,
	clippy::expect_used,
	clippy::indexing_slicing,
	reason = "never part of a chain"
)]

mod case;
mod digits;
mod invalid;
mod operators;
mod scores;

use oda_evaluator::testing::{Rng, random_case};
use serde_json::{Value, json};
use std::{error::Error, fs, io::Write, path::Path};

/// Random graphs among the committed vectors, and the most bytes that weights and inputs of one may have.
const COMMITTED: usize = 100;
const COMMITTED_BYTES: usize = 1_500;

/// A case of every record of the random graph of `seed`.
fn random(seed: u64) -> Vec<Value> {
	let case = random_case(seed);
	let len = case.inputs.len() / case.count;
	let records = case.inputs.chunks(len).enumerate();
	records
		.map(|(i, input)| {
			case::of_graph(&format!("graph {seed}, record {i}"), &case.graph, &case.weights, input)
		})
		.collect()
}

fn write(folder: &Path, name: &str, about: &str, cases: &[Value]) -> Result<(), Box<dyn Error>> {
	let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
	let text = format!("{{\"about\": {}, \"cases\": [\n{}\n]}}\n", json!(about), lines.join(",\n"));
	fs::write(folder.join(name), text)?;
	println!("{name}: {} cases", cases.len());
	Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
	let args: Vec<String> = std::env::args().skip(1).collect();
	match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
		["write", folder] => {
			let folder = Path::new(folder);
			fs::create_dir_all(folder)?;
			write(
				folder,
				"operators.json",
				"every operator, at the edges of its arithmetic",
				&operators::all(),
			)?;
			write(
				folder,
				"accumulator.json",
				"the longest sum of the greatest products",
				&operators::longest(),
			)?;
			write(folder, "scores.json", "every metric", &scores::all())?;
			write(folder, "invalid.json", "graphs that must be refused", &invalid::all())?;
			write(folder, "digits.json", "the models of data/digits", &digits::all()?)?;
			let small = |seed: &u64| {
				let case = random_case(*seed);
				case.weights.len() + case.inputs.len() <= COMMITTED_BYTES
			};
			let graphs: Vec<Value> = (0..).filter(small).take(COMMITTED).flat_map(random).collect();
			write(folder, "graphs.json", "random graphs", &graphs)
		}
		["random", count, seed] => {
			let (count, mut rng) = (count.parse()?, Rng::new(seed.parse()?));
			let mut out = std::io::stdout().lock();
			for _ in 0..count {
				for case in random(rng.next()) {
					writeln!(out, "{case}")?;
				}
			}
			Ok(())
		}
		_ => Err("usage: vectors write FOLDER | vectors random COUNT SEED".into()),
	}
}
