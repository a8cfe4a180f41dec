//! Finality stands still, and blocks go on: no deadline waits for it, and so nobody who defends does.

use crate::{World, events, until_happened, until_printed, wealth};
use oda_client::{Chain, Happened, Key, Phase, View};
use oda_e2e::{Node, digits, node};
use serde_json::Value;
use std::time::Duration;

const ODA: u128 = 1_000_000_000_000;

/// Ticks that a commitment has to age: enough for the other validator to be stopped, and few enough that all is over
/// before the one that is left holds back, for want of finality.
const COMMIT_AGE: u64 = 6;

/// A chain of two validators, of whom no one alone can make a block final, and of one verifier, Charlie.
async fn two_validators() -> (World, Node) {
	let base = tempfile::tempdir().unwrap();
	let spec = node::specification(base.path(), "local", 1_000, |genesis| {
		for place in ["/verification/verifiers", "/staking/verifiers"] {
			genesis.pointer_mut(place).and_then(Value::as_array_mut).unwrap().truncate(1);
		}
		// Who is stopped for a while stays a validator.
		let windows =
			[("minCommitAge", COMMIT_AGE), ("attestBase", 45), ("minCommittee", 1), ("minValidators", 2)];
		node::set_windows(genesis, &windows)
	});
	let spec = spec.unwrap();
	let options = |name: &str, key: &str| {
		let all = ["--chain", &spec, "--validator", name, "--force-authoring", "--node-key", key];
		all.map(str::to_owned).to_vec()
	};
	let alice = options("--alice", &format!("{:064x}", 1));
	let alice = Node::start_with(base.path(), alice).await.unwrap();
	let mut bob = options("--bob", &format!("{:064x}", 2));
	bob.extend(["--bootnodes".to_owned(), alice.address().await.unwrap()]);
	let bob = Node::start_with(base.path().join("bob"), bob).await.unwrap();
	(World { node: alice, base }, bob)
}

/// Waits until the state at the best block, or at the last final one, is so; it.
async fn until(chain: &Chain, best: bool, is_so: impl AsyncFn(&View) -> bool) -> View {
	for _ in 0..3_000 {
		let view = if best { chain.best().await.unwrap() } else { chain.finalised().await.unwrap() };
		if is_so(&view).await {
			return view;
		}
		tokio::time::sleep(Duration::from_millis(200)).await;
	}
	panic!("it was never so");
}

/// Whether a challenge, as a service tells of it, overturned a submission.
fn overturned_by(challenge: &Value) -> bool {
	challenge["outcome"] == "overturned"
}

#[tokio::test]
async fn a_wrong_claim_is_overturned_in_its_window_while_finality_stands_still() {
	let (world, bob) = two_validators().await;
	let chain = Chain::connect(&world.node.url(), Some(Duration::from_secs(120))).await.unwrap();
	let mut verifier = world.worker("//Charlie").service(&["verify"], &world.log("verifier.log")).unwrap();
	// The watcher only looks on, so that the verifier has something to do.
	let watch = ["watch", "--no-challenge"];
	let mut watcher = world.worker("//Eve").service(&watch, &world.log("watcher.log")).unwrap();
	let digits = digits::prepare(&world.worker("//Dave")).await.unwrap();
	digits::register(&world.worker("//Dave"), &digits, |_| ()).await.expect("version 0 is accepted");
	until_happened(&mut verifier, "opened", 1).await;
	let id = oda_blobs::parse_root(&digits.model).unwrap();
	let worth = async |view: &View, uri: &str| wealth(view, &Key::from_uri(uri).unwrap().account()).await;
	let before = chain.finalised().await.unwrap();
	let (liar_had, verifier_had) = (worth(&before, "//Ferdie").await, worth(&before, "//Charlie").await);

	// A liar has committed, and from here on nothing becomes final.
	let liar = world.worker("//Ferdie");
	let model = digits.model.clone();
	let lie = tokio::spawn(async move { liar.rogue(&model, &["--hasty", "lie"]).await });
	let committed =
		until(&chain, false, async |view: &View| view.next_submission().await.unwrap() == 2).await;
	bob.halt().unwrap();
	let lie = lie.await.unwrap().unwrap();
	let submission = lie["submission"].as_u64().unwrap_or_else(|| panic!("{lie}"));
	let revealed = lie["block"].as_u64().unwrap_or_else(|| panic!("{lie}"));

	// The claim is on the best chain alone; there it is answered and overturned, before it could be settled.
	let verifying = chain.best().await.unwrap().submission(submission).await.unwrap();
	until_happened(&mut verifier, "committed", 2).await;
	assert_eq!(events(&verifier, "committed")[1]["task"], submission);
	let gone = async |view: &View| view.submission(submission).await.unwrap().is_none();
	let overturned = until(&chain, true, gone).await;
	if let Some(Phase::Verifying { open_until, .. }) = verifying.map(|submission| submission.phase) {
		assert!(overturned.tick().await.unwrap() <= open_until);
	}
	let last = chain.finalised().await.unwrap();
	assert!(last.number() < revealed, "block {} is final", last.number());
	let phase = last.submission(submission).await.unwrap().map(|submission| submission.phase);
	assert_eq!(phase, Some(Phase::Committed));
	for defender in [&mut verifier, &mut watcher] {
		until_printed(defender, "none becomes final").await;
	}

	// Finality comes back, and all of it stands.
	bob.go_on().unwrap();
	let after = until(&chain, false, gone).await;
	let mut ends = Vec::new();
	for number in committed.number()..=after.number() {
		let view = chain.at(number).await.unwrap().unwrap();
		ends.extend(view.submission_events().await.unwrap().into_iter().map(|event| event.what));
	}
	let lost: Vec<_> = ends
		.iter()
		.filter_map(|happened| match happened {
			Happened::Overturned { slashed, .. } => Some(*slashed),
			_ => None,
		})
		.collect();
	assert_eq!(lost, [100 * ODA], "{ends:?}");
	assert!(liar_had - worth(&after, "//Ferdie").await >= 100 * ODA);
	assert!(worth(&after, "//Charlie").await > verifier_had, "who defended is paid");
	let registered = after.model(id).await.unwrap().unwrap();
	assert_eq!(registered.head, Some(0), "the lie is no version");
	for defender in [&mut verifier, &mut watcher] {
		until_printed(defender, "blocks become final again").await;
	}
	// The verifier says so, now that it is final.
	let won = || events(&verifier, "challenged").iter().any(overturned_by);
	for _ in 0..1_500 {
		if won() {
			break;
		}
		tokio::time::sleep(Duration::from_millis(200)).await;
	}
	assert!(won(), "{}", verifier.output());
	// No commitment to evidence is left behind, nor a bond.
	let holds = async |view: &View, uri: &str| {
		view.account(&Key::from_uri(uri).unwrap().account()).await.unwrap().holds
	};
	for uri in ["//Charlie", "//Eve", "//Ferdie"] {
		let holds = holds(&after, uri).await;
		assert!(!holds.iter().any(|hold| hold.reason.contains("Challenge")), "{uri}: {holds:?}");
	}
}
