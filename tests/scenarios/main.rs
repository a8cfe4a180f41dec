//! End-to-end scenarios: real `oda-node` and `ml-worker` processes on this machine.
//!
//! Several run at once, each with a chain, ports, folders and peers of its own (`scripts/test.sh` says how many, and
//! which take turns).

#![allow(
	clippy::arithmetic_side_effects,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "tests"
)]

mod scenario;

use oda_client::{AccountId, StakeRole, View};
use oda_e2e::{Node, Process, Worker, digits, node, process::LONGEST};
use serde_json::Value;
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

	/// A chain of its own pace: slots of so many milliseconds, rounds of storage challenges of so many ticks.
	async fn paced(slot_millis: u64, storage_round: u64) -> Self {
		let base = tempfile::tempdir().expect("there is room for temporary files");
		let spec = node::specification(base.path(), "dev", slot_millis, |genesis| {
			node::set_windows(genesis, &[("storageRound", storage_round)])
		});
		let spec = spec.expect("the specification can be written");
		let options = ["--chain", &spec, "--validator", "--alice", "--force-authoring"].map(str::to_owned);
		let node = Node::start_with(base.path(), options.to_vec()).await.expect("the node starts");
		Self { node, base }
	}

	/// The same one after its node was killed, and started again after `pause`.
	async fn with_restarted_node(self, pause: Duration) -> Self {
		let Self { node, base } = self;
		Self { node: node.crash_and_restart(pause).await.expect("the node comes back"), base }
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

/// What belongs to an account: free, on hold, and what it has bonded itself as a verifier.
async fn wealth(view: &View, account: &AccountId) -> u128 {
	let funds = view.account(account).await.unwrap();
	let pool = view.stake_pool(StakeRole::Verifier, account).await.unwrap();
	funds.free + funds.held + pool.map_or(0, |pool| pool.own + pool.leaving)
}

/// What comes of something that should end. A limit that only ends a test that hangs.
async fn ends<T>(what: &str, waited_for: impl Future<Output = T>) -> T {
	let ended = tokio::time::timeout(LONGEST, waited_for).await;
	ended.unwrap_or_else(|_| panic!("never ended: {what}"))
}

/// Waits until a process has printed `what`.
async fn until_printed(process: &mut Process, what: &str) {
	for _ in 0..3_000 {
		process.check_alive().expect("the process runs");
		if process.output().contains(what) {
			return;
		}
		tokio::time::sleep(Duration::from_millis(100)).await;
	}
	panic!("never printed {what}:\n{}", process.output());
}

/// The objects of an event that a service has printed so far.
fn events(process: &Process, event: &str) -> Vec<Value> {
	let output = process.output();
	let lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
	lines.filter(|line| line["event"] == event).collect()
}

/// Waits until a service has printed so many objects of an event.
async fn until_happened(process: &mut Process, event: &str, times: usize) {
	for _ in 0..1_500 {
		process.check_alive().expect("the process runs");
		if events(process, event).len() >= times {
			return;
		}
		tokio::time::sleep(Duration::from_millis(200)).await;
	}
	panic!("not {times} times {event}:\n{}", process.output());
}

/// Has a peer serve its blobs; the process, and the address at which it does.
async fn serve(peer: &Worker, log: &std::path::Path) -> (Process, String) {
	let mut serving = peer.service(&["blobs", "serve"], log).expect("the process starts");
	until_happened(&mut serving, "serving", 1).await;
	let address = events(&serving, "serving")[0]["addresses"][0].as_str().expect("an address").to_owned();
	(serving, address)
}
