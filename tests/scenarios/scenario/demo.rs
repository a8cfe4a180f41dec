//! The demo itself, by its closing table.

use oda_e2e::process::binary;
use serde_json::Value;
use tokio::process::Command;

fn number(table: &Value, pointer: &str) -> f64 {
	table.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {table}"))
}

#[tokio::test]
async fn the_story_ends_with_a_better_head_and_a_slashed_liar() {
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
}
