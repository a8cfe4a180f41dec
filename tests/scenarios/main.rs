//! End-to-end scenarios: real `oda-node` and `ml-worker` processes on this machine.
//!
//! They take turns (`--test-threads=1`), because each wants the machine for itself.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod scenario;

use oda_e2e::{Node, Process, Worker, digits};
use std::time::Duration;
use tempfile::TempDir;

/// A chain, a folder for everybody's blobs, and somebody who registers models.
struct World {
	// Before the folder, so that the process ends before its files go.
	node: Node,
	base: TempDir,
}

impl World {
	async fn new() -> Self {
		Self::with(vec!["--dev".into()]).await
	}

	/// A chain whose node has these options.
	async fn with(options: Vec<String>) -> Self {
		let base = tempfile::tempdir().expect("there is room for temporary files");
		let node = Node::start_with(base.path(), options).await.expect("the node starts");
		Self { node, base }
	}

	fn worker(&self, suri: &str) -> Worker {
		self.worker_apart("worker", suri)
	}

	/// A worker whose blobs and journal lie by themselves.
	fn worker_apart(&self, base: &str, suri: &str) -> Worker {
		Worker::new(&self.node.url(), &self.base.path().join(base), suri)
	}

	fn log(&self, name: &str) -> std::path::PathBuf {
		self.base.path().join(name)
	}
}

/// The digits, prepared by Dave but not registered.
async fn prepared(world: &World) -> digits::Digits {
	digits::prepare(&world.worker("//Dave")).await.expect("the specification can be made")
}

/// Waits until a process has printed `what`.
async fn until_printed(process: &mut Process, what: &str) {
	for _ in 0..600 {
		process.check_alive().expect("the process runs");
		if process.output().contains(what) {
			return;
		}
		tokio::time::sleep(Duration::from_millis(100)).await;
	}
	panic!("never printed {what}:\n{}", process.output());
}
