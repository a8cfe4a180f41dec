//! Several validators: what the chain outlives, and how others join it.

use crate::wealth;
use oda_client::{Chain, Key, Phase, View};
use oda_e2e::{
	Network, Node, Process, Worker, digits,
	lan::Lan,
	network::{PATIENCE, heads, until},
	node, skipped,
};
use serde_json::Value;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Slots of a second, ten an epoch.
const TEMPO: (u64, u64) = (1_000, 10);
/// How many blocks may be made until blocks become final again, once enough validators are there: a minute's.
const HEALING: u64 = 60;
/// The same where so many blocks are not final that validators hold back, and make one in several slots.
const HEALING_HELD_BACK: u64 = 10;
/// How many seconds a network is split, unless `ODA_SPLIT_SECONDS` says otherwise: so long that a kernel's own pauses
/// between two tries exceed a minute.
const SPLIT: u64 = 100;

/// How many of a hundred packets that hosts of their own send to each other get lost.
const LOSS: u32 = 2;

async fn four() -> (Network, TempDir) {
	let base = TempDir::new().unwrap();
	let network = Network::start(base.path(), 4, TEMPO, &[]).await.unwrap();
	for node in &network.validators {
		until(node, "the network finalises", |_, finalised| finalised > 0).await.unwrap();
	}
	(network, base)
}

/// Waits until a node has gone on by so many final blocks.
async fn finalises(node: &Node, blocks: u64) -> u64 {
	let (_, before) = heads(node).await.unwrap();
	let goes_on = |_, finalised| finalised >= before + blocks;
	until(node, "finality goes on", goes_on).await.unwrap().1
}

/// Waits until what was under way is over, and sees that blocks are made of which none becomes final; the last final one.
async fn makes_blocks_without_finality(node: &Node) -> u64 {
	let (best, _) = heads(node).await.unwrap();
	let (best, before) = until(node, "blocks go on", |now, _| now >= best + 5).await.unwrap();
	let (_, after) = until(node, "blocks go on", |now, _| now >= best + 8).await.unwrap();
	assert_eq!(after, before, "a block became final without two thirds of the validators");
	after
}

/// The best block of all nodes.
async fn best(nodes: &[Node]) -> u64 {
	let mut best = 0;
	for node in nodes {
		best = best.max(heads(node).await.unwrap().0);
	}
	best
}

/// Waits until all nodes have final blocks after this one, before so many blocks were made.
async fn heals(nodes: &[Node], last: u64, within: u64) {
	let (healed, before) = (Instant::now(), best(nodes).await);
	for node in nodes {
		until(node, "finality comes back", |_, finalised| finalised > last).await.unwrap();
	}
	let made = best(nodes).await - before;
	assert!(made <= within, "it took {made} blocks");
	println!("finality came back in {:?}, after {made} blocks", healed.elapsed());
}

#[tokio::test]
async fn finality_waits_for_half_the_validators_and_comes_back_with_them() {
	let (network, _base) = four().await;
	let (here, away) = network.validators.split_at(2);
	for node in away {
		node.halt().unwrap();
	}
	let last = makes_blocks_without_finality(&here[0]).await;
	for node in away {
		node.go_on().unwrap();
	}
	heals(&network.validators, last, HEALING).await;
}

/// The state of the last final block, once it is so.
async fn final_state(chain: &Chain, what: &str, is_so: impl AsyncFn(&View) -> bool) -> View {
	let waiting = async {
		let mut view = chain.finalised().await.unwrap();
		while !is_so(&view).await {
			view = chain.finalised_after(view.number()).await.unwrap();
		}
		view
	};
	tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}"))
}

#[tokio::test]
async fn a_network_that_was_split_in_halves_agrees_again_and_no_deadline_is_lost() {
	let Some(lan) = Lan::new(4).unwrap() else {
		skipped(
			"a_network_that_was_split_in_halves_agrees_again_and_no_deadline_is_lost",
			"it takes root, `ip` and `nft`",
		);
		return;
	};
	let split = std::env::var("ODA_SPLIT_SECONDS").map_or(SPLIT, |seconds| seconds.parse().unwrap());
	for host in lan.hosts() {
		host.lose(LOSS).unwrap();
	}
	let base = TempDir::new().unwrap();
	// A verifier in each half, and both are needed. A public network's windows are longer.
	let change = |genesis: &mut Value| {
		for place in ["/verification/verifiers", "/staking/verifiers"] {
			genesis.pointer_mut(place).and_then(Value::as_array_mut).unwrap().truncate(2);
		}
		node::set_windows(genesis, &[("attestBase", 150), ("open", 150)])
	};
	let options = |_| Ok(Vec::new());
	let network = Network::start_with(base.path(), 4, TEMPO, lan.hosts(), options, change).await.unwrap();
	for node in &network.validators {
		until(node, "the network finalises", |_, finalised| finalised > 0).await.unwrap();
	}
	// Everybody at a node of their own host, with the same blobs.
	let worker = |index: usize, uri: &str| {
		let node = &network.validators[index];
		let url = format!("ws://127.0.0.1:{}", node.port());
		Worker::new(&url, &base.path().join("worker"), uri).on(node.host().unwrap())
	};
	let serve = |index, uri, args: &[&str], log| -> Process {
		worker(index, uri).service(args, &base.path().join(log)).unwrap()
	};
	let verifiers = [(1, "//Charlie", "charlie.log"), (3, "//Dave", "dave.log")];
	let mut verifying = verifiers.map(|(index, uri, log)| serve(index, uri, &["verify"], log));
	let registrar = worker(0, "//Eve");
	let digits = digits::prepare(&registrar).await.unwrap();
	let weights = digits::random_weights(&registrar, &digits, "1").await.unwrap();
	let spec = digits.spec.to_string_lossy();
	let register = ["model", "register", "--yes", &spec, "--weights", &weights];
	let mut registering = serve(0, "//Eve", &register, "register.log");

	let chain = Chain::connect(&network.validators[0].url(), Some(PATIENCE)).await.unwrap();
	let worths = async |view: &View| {
		let mut worths = Vec::new();
		for (_, uri, _) in verifiers {
			worths.push(wealth(view, &Key::from_uri(uri).unwrap().account()).await);
		}
		worths
	};
	let revealed = async |view: &View| {
		let submission = view.submission(0).await.unwrap();
		submission.is_some_and(|submission| matches!(submission.phase, Phase::Verifying { .. }))
	};
	let before = final_state(&chain, "weights are revealed", revealed).await;

	let (here, away) = network.validators.split_at(2);
	for node in away {
		node.host().unwrap().connect(false).unwrap();
	}
	// Connections to those who are away linger: the longer, the rarer they are tried again.
	tokio::time::sleep(Duration::from_secs(split)).await;
	let last = makes_blocks_without_finality(&here[0]).await;
	for node in away {
		node.host().unwrap().connect(true).unwrap();
	}
	heals(&network.validators, last, HEALING_HELD_BACK).await;

	// Each verifier had answered in its half, and one of the halves is forgotten.
	let model = oda_blobs::parse_root(&digits.model).unwrap();
	let accepted =
		async |view: &View| view.model(model).await.unwrap().is_some_and(|model| model.head == Some(0));
	let after = final_state(&chain, "the weights are accepted", accepted).await;
	for (had, has) in worths(&before).await.into_iter().zip(worths(&after).await) {
		assert!(has > had, "who verified was paid, and lost nothing: {had} became {has}");
	}
	assert!(registering.wait().await.unwrap().success(), "{}", registering.output());
	for process in &mut verifying {
		process.check_alive().unwrap();
	}
}

#[tokio::test]
async fn a_chain_whose_validators_were_all_away_for_more_than_an_epoch_goes_on() {
	let (network, _base) = four().await;
	let before = finalises(&network.validators[0], 3).await;
	let mut places = Vec::new();
	for node in network.validators {
		places.push(node.kill().await.unwrap());
	}
	let (slot_millis, slots) = TEMPO;
	// Two epochs and a half: one begins and ends while nobody is there.
	tokio::time::sleep(Duration::from_millis(slot_millis * slots * 5 / 2)).await;
	let mut nodes = Vec::new();
	for place in places {
		nodes.push(place.start().await.unwrap());
	}
	for node in &nodes {
		until(node, "it goes on", |_, finalised| finalised >= before + 2 * slots).await.unwrap();
	}
	assert!(nodes.iter().any(|node| node.output().contains("Epoch(s) skipped")), "no epoch was skipped");
}

#[tokio::test]
async fn a_new_node_warps_to_the_last_final_block_and_follows_from_there() {
	let (network, _base) = four().await;
	let (_, slots) = TEMPO;
	let reached = finalises(&network.validators[0], 2 * slots).await;
	let node = network.join("new", &["--sync", "warp"]).await.unwrap();
	until(&node, "it is there", |_, finalised| finalised >= reached).await.unwrap();
	let output = node.output();
	assert!(output.contains("Warp sync is complete"), "{output}");
	// Through the epochs that it has only heard of.
	finalises(&node, 2 * slots).await;
}
