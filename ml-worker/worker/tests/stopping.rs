//! The program is asked to stop, as a shell or a service manager asks.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
	io::{BufRead, BufReader, Read},
	path::Path,
	process::{Child, Command, Stdio},
};

/// A running worker, at a node that nobody answers for.
fn start(base: &Path, args: &[&str]) -> Child {
	Command::new(env!("CARGO_BIN_EXE_ml-worker"))
		.args(["--json", "--no-mdns", "--node", "ws://127.0.0.1:9", "--base-path"])
		.arg(base)
		.args(args)
		.env_remove("RUST_LOG")
		.stdin(Stdio::null())
		.stdout(Stdio::piped())
		.stderr(Stdio::piped())
		.spawn()
		.unwrap()
}

fn signal(child: &Child, name: &str) {
	let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
	assert!(sent.success());
}

/// Reads lines until one has these words.
fn wait_for(lines: impl BufRead, words: &str) {
	assert!(lines.lines().map(Result::unwrap).any(|line| line.contains(words)), "it never said {words:?}");
}

#[test]
fn a_command_that_is_stopped_before_it_is_done_says_by_which_signal() {
	for (name, status) in [("INT", 130), ("TERM", 143)] {
		let base = tempfile::tempdir().unwrap();
		let mut child = start(base.path(), &["model", "list"]);
		wait_for(BufReader::new(child.stderr.take().unwrap()), "waiting for it");
		signal(&child, name);
		assert_eq!(child.wait().unwrap().code(), Some(status), "{name}");
	}
}

#[test]
fn a_service_that_is_asked_to_stop_is_done() {
	for name in ["INT", "TERM"] {
		let base = tempfile::tempdir().unwrap();
		let mut child = start(base.path(), &["--listen", "/ip4/127.0.0.1/tcp/0", "blobs", "serve"]);
		wait_for(BufReader::new(child.stdout.take().unwrap()), "serving");
		signal(&child, name);
		assert_eq!(child.wait().unwrap().code(), Some(0), "{name}");
	}
}

#[test]
fn a_training_that_is_stopped_leaves_its_best_weights_in_the_store() {
	let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/digits");
	let at = |name: &str| data.join(name).display().to_string();
	let base = tempfile::tempdir().unwrap();
	let added = start(base.path(), &["blobs", "add", &at("validation.bin")]).wait().unwrap();
	assert!(added.success());
	let out = base.path().join("best.bin");
	let mut child = start(
		base.path(),
		&[
			"train",
			"--spec",
			&at("model.json"),
			"--data",
			&at("train.bin"),
			"--epochs",
			"1000000",
			"--out",
			out.to_str().unwrap(),
		],
	);
	let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
	assert!(lines.any(|line| line.contains("\"epoch\":2")));
	signal(&child, "INT");
	let last = lines.last().unwrap();
	assert_eq!(child.wait().unwrap().code(), Some(130));
	let mut said = String::new();
	child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
	assert!(!said.contains("journal"), "{said}");
	let result: serde_json::Value = serde_json::from_str(&last).unwrap();
	assert_eq!(result["stop"], "cancelled");
	let root = result["weights"]["root"].as_str().unwrap().trim_start_matches("0x").to_owned();
	let stored = std::fs::read(base.path().join("blobs").join(&root[..2]).join(&root)).unwrap();
	assert_eq!(std::fs::read(out).unwrap(), stored);
	assert_eq!(result["weights"]["len"], stored.len());
}
