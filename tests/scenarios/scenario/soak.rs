//! A network under constant load for some minutes: nothing that its processes take grows beyond its bounds.

use oda_e2e::process::binary;
use tokio::process::Command;

#[tokio::test]
async fn what_processes_take_stays_flat_under_constant_load() {
	let soak = Command::new(binary("oda-soak").unwrap()).args(["--minutes", "5"]).kill_on_drop(true).output();
	let output = soak.await.unwrap();
	let (figures, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
	println!("{figures}");
	// What is not as it should be is in its last words.
	assert!(output.status.success(), "{said}");
	assert!(figures.contains("**Everything was flat within the bounds**"), "{figures}");
}
