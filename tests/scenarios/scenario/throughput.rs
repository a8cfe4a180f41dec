//! The measurement of throughput, with too few transactions to measure anything: it works, and claims nothing.

use oda_e2e::process::binary;
use tokio::process::Command;

#[tokio::test]
async fn every_transfer_is_counted_and_a_small_load_is_no_figure() {
	let folder = tempfile::tempdir().unwrap();
	let page = folder.path().join("page.md");
	let output = Command::new(binary("oda-throughput").unwrap())
		.args(["200", "--calls", "transfer", "--slots", "1000", "--out"])
		.arg(&page)
		.kill_on_drop(true)
		.output()
		.await
		.unwrap();
	let printed = String::from_utf8_lossy(&output.stdout);
	assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
	assert!(printed.contains("| counted: transactions, blocks, seconds | 200, "), "{printed}");
	// Read from the node's log, whose words may change with the SDK.
	assert!(printed.contains("nothing ready in the pool: "), "{printed}");
	assert!(printed.contains("too few transactions to keep three blocks full"), "{printed}");
	assert!(!page.exists());
}
