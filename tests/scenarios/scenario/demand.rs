//! Weights that nobody hands out are demanded.

use crate::{World, prepared, until_happened, until_printed};
use oda_e2e::{Worker, digits};
use serde_json::Value;
use std::time::Duration;

#[tokio::test]
async fn demanded_weights_are_posted_and_checked_by_who_could_not_get_them() {
	let world = World::new().await;
	let digits = prepared(&world).await;
	let _verifier = world.worker("//Bob").service(&["verify"], &world.log("verifier.log")).unwrap();
	digits::register(&world.worker("//Dave"), &digits, |_| ()).await.expect("version 0 is accepted");

	// A watcher who has the data, and hears of the weights on the chain only.
	let far = world.worker_apart("far", "//Charlie").with(&["--no-network"]);
	far.run(&["blobs", "add", &digits::file("validation.bin")]).await.unwrap();
	let mut watcher = far.service(&["watch"], &world.log("watcher.log")).unwrap();

	let trainer = world.worker("//Eve");
	let trained = digits::train(&trainer, &digits, &["--epochs", "3"], |_| ()).await.unwrap();
	let weights = digits::text(&trained, "/weights/root").unwrap();
	let args = ["submit", "--yes", "--model", &digits.model, "--weights", &weights];
	let ended = trainer.result(&args).await.expect("the submission is accepted");
	assert_eq!(ended["accepted"], true, "{ended}");
	until_printed(&mut watcher, "\"demanded\"").await;
	until_printed(&mut watcher, "\"checked\"").await;
	far.run(&["blobs", "stat", &weights]).await.expect("the weights came with the block");
}

/// What an account can spend, in the smallest unit.
async fn free(worker: &Worker) -> u128 {
	worker.result(&["account"]).await.unwrap()["free"].to_string().parse().unwrap()
}

const ODA: u128 = 1_000_000_000_000;

#[tokio::test]
async fn who_serves_nobody_loses_to_a_demand_with_who_signed_for_it_and_a_head_nobody_has_falls() {
	let world = World::new().await;
	let digits = prepared(&world).await;
	let (trainer, verifier) = (world.worker("//Eve"), world.worker("//Bob"));
	let mut verifying = verifier.service(&["verify"], &world.log("verifier.log")).unwrap();
	digits::register(&world.worker("//Dave"), &digits, |_| ()).await.expect("version 0 is accepted");

	// Better weights, which the verifier gets and nobody else; then both are gone.
	let trained = digits::train(&trainer, &digits, &["--epochs", "3"], |_| ()).await.unwrap();
	let weights = digits::text(&trained, "/weights/root").unwrap();
	let (owned, stood) = (free(&trainer).await, bonded(&verifier).await);
	let args = ["submit", "--yes", "--model", &digits.model, "--weights", &weights];
	let mut submit = trainer.service(&args, &world.log("submit.log")).unwrap();
	until_printed(&mut submit, "\"reveal_final\"").await;
	submit.kill().await.unwrap();
	until_happened(&mut verifying, "opened", 2).await;
	verifying.kill().await.unwrap();

	let far = world.worker_apart("far", "//Charlie").with(&["--no-network"]);
	let mut watcher = far.service(&["watch"], &world.log("watcher.log")).unwrap();
	until_printed(&mut watcher, "\"demanded\"").await;
	// Listed is what is final.
	let mut demands = Vec::new();
	for _ in 0..60 {
		demands = far.run(&["demand", "list"]).await.unwrap();
		if !demands.is_empty() {
			break;
		}
		tokio::time::sleep(Duration::from_millis(500)).await;
	}
	assert_eq!(demands[0]["target"]["submission"], 1, "{demands:?}");
	let mut lost = (0, 0);
	for _ in 0..90 {
		tokio::time::sleep(Duration::from_secs(1)).await;
		lost = (owned - free(&trainer).await, stood - bonded(&verifier).await);
		if lost.1 > 0 {
			break;
		}
	}
	// The committee had ten votes, and there was nobody else to have them.
	assert_eq!(lost.1, 10 * 300 * ODA, "who signed pays, for each of its votes");
	assert!((100 * ODA..110 * ODA).contains(&lost.0), "the trainer pays bond and fees: {}", lost.0);

	// The head lies on a disk that nobody serves from.
	far.run(&["demand", "make", "--model", &digits.model]).await.unwrap();
	let mut shown = Value::Null;
	for _ in 0..90 {
		tokio::time::sleep(Duration::from_secs(1)).await;
		shown = far.result(&["model", "show", &digits.model]).await.unwrap();
		if shown.pointer("/model/head").is_some_and(Value::is_null) {
			break;
		}
	}
	assert!(shown.pointer("/model/head").is_some_and(Value::is_null), "{shown}");
	watcher.check_alive().unwrap();
}

/// What an account has bonded itself as a verifier.
async fn bonded(worker: &Worker) -> u128 {
	let status = worker.result(&["verifier", "status"]).await.unwrap();
	status.pointer("/pool/own").unwrap_or_else(|| panic!("{status}")).to_string().parse().unwrap()
}
