//! The worker is built from a copy of this runtime's metadata; the copy has to be up to date.

#![cfg(not(any(feature = "runtime-benchmarks", feature = "try-runtime")))]
#![allow(clippy::expect_used, reason = "a test")]

use oda_runtime::Runtime;
use polkadot_sdk::sp_io::TestExternalities;
use std::{env, fs, path::Path};

/// Set to write the copy instead of comparing it; `scripts/metadata.sh` does.
const WRITE: &str = "ODA_WRITE_METADATA";

/// The version of the metadata's own format.
const FORMAT: u32 = 16;

#[test]
fn the_worker_should_know_this_runtime() {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ml-worker/client/metadata.scale");
	// Some constants are state: here they have the values of a chain whose genesis names none.
	let metadata = TestExternalities::default()
		.execute_with(|| Runtime::metadata_at_version(FORMAT))
		.expect("the runtime offers this format");
	if env::var_os(WRITE).is_some() {
		fs::write(&path, &metadata[..]).expect("the copy can be written");
		return;
	}
	let copy = fs::read(&path).expect("there is a copy");
	assert!(
		copy == metadata[..],
		"the runtime has changed: run scripts/metadata.sh and build the worker again"
	);
}
