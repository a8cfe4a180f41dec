//! What the fuzzers have found so far still holds, and reaches what it should.

#![allow(clippy::expect_used, reason = "tests")]

use oda_fuzz::{
	evaluator::{self, Outcome},
	runtime::{self, OK, Tally},
};
use std::{collections::BTreeMap, fs, path::Path, thread};

/// The pallets whose every call has to succeed somewhere in the corpus, and has to be refused somewhere.
const REACHED: [&str; 10] = [
	"Inference",
	"ModelRegistry",
	"Peers",
	"Reputation",
	"Session",
	"Staking",
	"StorageDeals",
	"TierVoting",
	"Training",
	"Verification",
];

/// The calls that refuse nobody who signs them.
const REFUSES_NOBODY: [(&str, &str); 1] = [("Reputation", "tidy")];

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
	let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
	let mut inputs: Vec<_> = fs::read_dir(folder)
		.expect("there is a corpus")
		.map(|file| {
			let file = file.expect("it can be read");
			(file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).expect("it can be read"))
		})
		.collect();
	inputs.sort();
	inputs
}

#[test]
fn graphs_should_keep_their_promises() {
	let mut outcomes = BTreeMap::<String, u64>::new();
	for (name, bytes) in corpus("evaluator") {
		println!("{name}");
		let outcome = evaluator::run(&bytes, None);
		*outcomes.entry(format!("{outcome:?}")).or_default() += 1;
	}
	println!("{outcomes:?}");
	assert!(outcomes.contains_key(&format!("{:?}", Outcome::Evaluated)), "{outcomes:?}");
}

#[test]
fn one_input_should_leave_nothing_for_the_next() {
	let inputs = corpus("runtime");
	let alone: Vec<_> = inputs
		.iter()
		.map(|(_, bytes)| thread::scope(|scope| scope.spawn(|| runtime::run(bytes)).join().expect("it ran")))
		.collect();
	for ((name, bytes), alone) in inputs.iter().zip(alone) {
		assert_eq!(runtime::run(bytes), alone, "{name}");
	}
}

#[test]
fn the_chain_should_keep_its_promises() {
	let mut all = Tally::new();
	for (name, bytes) in corpus("runtime") {
		println!("{name}");
		for (call, outcomes) in runtime::run(&bytes) {
			for (outcome, count) in outcomes {
				*all.entry(call).or_default().entry(outcome).or_default() += count;
			}
		}
	}
	let mut missing = Vec::new();
	for (pallet, call) in runtime::calls().into_iter().filter(|(pallet, _)| REACHED.contains(pallet)) {
		let outcomes = all.get(&(pallet, call)).cloned().unwrap_or_default();
		println!("{pallet}::{call}: {outcomes:?}");
		let refused = outcomes.len() > 1 || REFUSES_NOBODY.contains(&(pallet, call));
		if !outcomes.contains_key(OK) || !refused {
			missing.push(format!("{pallet}::{call}"));
		}
	}
	assert!(missing.is_empty(), "not both accepted and refused: {missing:?}");
}
