//! The committed test vectors are what this crate computes.

#![allow(
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "tests"
)]

use codec::DecodeAll;
use oda_evaluator::{Evaluator, Graph, ModelSpec};
use serde_json::Value;
use std::{fs, path::Path};

fn bytes(case: &Value, key: &str) -> Option<Vec<u8>> {
	case.get(key).and_then(Value::as_str).map(|text| hex::decode(text).expect("hexadecimal"))
}

fn refused(case: &Value, graph: &[u8]) {
	match Graph::decode_all(&mut &graph[..]) {
		Err(_) => assert_eq!(case["invalid"], "decode", "{}", case["name"]),
		Ok(graph) => {
			assert!(case["invalid"].is_u64(), "{}", case["name"]);
			assert!(graph.validate().is_err(), "{}", case["name"]);
		}
	}
}

fn agrees(case: &Value) {
	let (weights, record) = (bytes(case, "weights").unwrap(), bytes(case, "record").unwrap());
	let model = bytes(case, "model").map(|bytes| ModelSpec::decode_all(&mut &bytes[..]).unwrap());
	let graph = match &model {
		Some(model) => model.graph.clone(),
		None => Graph::decode_all(&mut &bytes(case, "graph").unwrap()[..]).unwrap(),
	};
	let evaluator = Evaluator::new(&graph, &weights).unwrap();
	let cost = match &model {
		Some(model) => {
			assert_eq!(bytes(case, "id").unwrap(), model.id(), "{}", case["name"]);
			let score = model.score_record(&evaluator, &record).unwrap();
			assert_eq!(case["score"], score, "{}", case["name"]);
			model.validate().unwrap()
		}
		None => graph.validate().unwrap(),
	};
	assert_eq!(case["cost"], serde_json::to_value(cost).unwrap(), "{}", case["name"]);
	let outputs = evaluator.run(&record[..graph.input_bytes() as usize]).unwrap();
	let outputs: Vec<Vec<i32>> =
		outputs.iter().map(|y| (0..y.len()).map(|i| y.get(i).unwrap()).collect()).collect();
	assert_eq!(case["outputs"], serde_json::to_value(outputs).unwrap(), "{}", case["name"]);
}

#[test]
fn the_reference_agrees_with_every_vector() {
	let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
	let mut count = 0;
	for file in fs::read_dir(folder).unwrap() {
		let file: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
		for case in file["cases"].as_array().unwrap() {
			match bytes(case, "graph") {
				Some(graph) if case.get("invalid").is_some() => refused(case, &graph),
				_ => agrees(case),
			}
			count += 1;
		}
	}
	assert!(count >= 200, "{count} vectors");
}
