//! A network under constant load for some minutes: nothing that its processes take grows beyond its bounds.

use oda_e2e::process::binary;
use tokio::process::Command;

#[tokio::test]
async fn what_processes_take_stays_flat_under_constant_load() {
	let minutes = std::env::var("ODA_SOAK_MINUTES").unwrap_or_else(|_| "5".to_owned());
	let output = Command::new(binary("oda-soak").unwrap())
		.args(["--minutes", &minutes])
		.kill_on_drop(true)
		.output()
		.await
		.unwrap();
	let printed = String::from_utf8_lossy(&output.stdout);
	println!("{printed}");
	// What is not as it should be is in its last words.
	assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
	assert!(printed.contains("**Everything was flat within the bounds**"), "{printed}");
}
