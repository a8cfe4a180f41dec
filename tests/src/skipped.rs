//! Tests that cannot run where they are, say for lack of a device, say so instead of passing unseen.

#![allow(unreachable_pub, reason = "other crates' tests include this file")]

use std::{fs::File, io::Write};

/// Says that the test `name` does not run here, and why: where the test prints, and as a line of the file that
/// `ODA_SKIPPED` names, from which `scripts/test.sh` counts.
pub fn skipped(name: &str, why: &str) {
	println!("skipped: {name}: {why}");
	let Some(path) = std::env::var_os("ODA_SKIPPED") else { return };
	// In one piece, for tests run side by side.
	let line = format!("SKIPPED {name}: {why}\n");
	let opened = File::options().create(true).append(true).open(path);
	if let Err(error) = opened.and_then(|mut file| file.write_all(line.as_bytes())) {
		println!("cannot be counted: {error}");
	}
}
