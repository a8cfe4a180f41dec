//! The demo itself, by its closing table.

use oda_e2e::{digits, process::binary};
use serde_json::Value;
use tokio::process::Command;

const ODA: u128 = 1_000_000_000_000;

fn number(table: &Value, pointer: &str) -> f64 {
	table.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {table}"))
}

#[tokio::test]
async fn the_story_ends_with_a_better_head_slashed_liars_and_paid_answers() {
	let folder = tempfile::tempdir().unwrap();
	let file = folder.path().join("table.json");
	let output = Command::new(binary("oda-demo").unwrap())
		.arg("--json")
		.arg(&file)
		.kill_on_drop(true)
		.output()
		.await
		.unwrap();
	let printed = String::from_utf8_lossy(&output.stdout);
	assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
	println!("{printed}");
	let table: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();

	assert!(number(&table, "/integer_accuracy") >= 0.97);
	assert!(number(&table, "/head_score") >= 0.97 * number(&table, "/records"));
	assert_eq!(table["versions"], 3);
	assert_eq!(table["blocks_to_accept"].as_array().unwrap().len(), 2);
	let mut below: Vec<f64> = table["seeds"]
		.as_array()
		.unwrap()
		.iter()
		.map(|seed| number(seed, "/float") - number(seed, "/integer"))
		.collect();
	below.sort_by(f64::total_cmp);
	assert_eq!(below.len(), 5);
	assert!(below[2] <= 2.0, "{below:?}");

	let liar = &table["liar"];
	assert_ne!(liar["claimed"], liar["true"]);
	let planck = |name: &str| liar[name].as_str().unwrap().parse::<u128>().unwrap();
	assert_eq!(planck("slashed"), 100_000_000_000_000);
	assert_eq!(planck("challenger_paid"), planck("slashed") / 2);
	assert!(planck("balance_before") - planck("balance_after") > planck("slashed"));
	assert_eq!(table["refused"]["copy"], "Training::WeightsAlreadySubmitted");
	assert_eq!(table["refused"]["no_improvement"], "Training::BelowMinImprovement");

	let inference = &table["inference"];
	assert_eq!((&inference["answers"], &inference["transactions"]), (&1_000.into(), &2.into()));
	assert_eq!(inference["requests"], 250);
	// Whoever pays gets what the chain has seen.
	assert_eq!(inference["judged"]["right"], table["head_score"]);
	assert!(number(inference, "/right") >= 970.0);
	let planck = |pointer: &str| digits::text(&table, pointer).unwrap().parse::<u128>().unwrap();
	let paid = planck("/inference/paid");
	assert_eq!(paid, 10 * ODA);
	let parts = ["provider", "trainer", "royalty", "author", "treasury", "storage", "burned"];
	let shared = parts.map(|part| planck(&format!("/inference/shared/{part}")));
	// The model descends from none, so the royalty is its own trainer's.
	assert_eq!(shared, [70, 15 + 3, 0, 2, 2, 3, 5].map(|percent| paid * percent / 100));
	assert_eq!(planck("/inference/provider_gained"), shared[0]);

	let wrong = &table["wrong_answer"];
	assert_ne!(wrong["shown"], wrong["signed"]);
	let [before, after, slashed, refunded, burned] =
		["bond_before", "bond_after", "slashed", "refunded", "burned"]
			.map(|name| planck(&format!("/wrong_answer/{name}")));
	assert_eq!((before, after, slashed), (100 * ODA, 50 * ODA, 50 * ODA));
	// Ten times the price, and 4 ODA for the dispute.
	assert_eq!(refunded, 10 * planck("/wrong_answer/price") + 4 * ODA);
	assert_eq!(burned, slashed - refunded);
}
