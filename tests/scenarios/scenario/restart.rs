//! Whatever dies comes back and goes on.

use crate::{World, prepared, until_happened, until_printed};
use oda_e2e::digits;
use std::time::Duration;

#[tokio::test]
async fn a_submission_survives_the_death_of_trainer_verifier_and_node() {
	let world = World::new().await;
	let digits = prepared(&world).await;
	let verifier = world.worker("//Bob").service(&["verify"], &world.log("verifier.log")).unwrap();
	digits::register(&world.worker("//Dave"), &digits, |_| ()).await.expect("version 0 is accepted");

	let trainer = world.worker("//Eve");
	let trained = digits::train(&trainer, &digits, &["--epochs", "3"], |_| ()).await.unwrap();
	let weights = digits::text(&trained, "/weights/root").unwrap();
	let args = ["submit", "--yes", "--model", &digits.model, "--weights", &weights];
	let mut submit = trainer.service(&args, &world.log("submit.log")).unwrap();
	until_printed(&mut submit, "committed").await;
	submit.kill().await.unwrap();
	verifier.kill().await.unwrap();

	// A watcher that outlives the node, and finds it again.
	let mut watcher = world.worker("//Charlie").service(&["watch"], &world.log("watcher.log")).unwrap();
	let world = world.with_restarted_node(Duration::from_secs(2)).await;

	let mut verifier = world.worker("//Bob").service(&["verify"], &world.log("verifier2.log")).unwrap();
	let ended = world.worker("//Eve").result(&["submit", "--resume"]).await.expect("the submission goes on");
	assert_eq!(ended["accepted"], true, "{ended}");
	verifier.check_alive().unwrap();
	watcher.check_alive().unwrap();
	let shown = world.worker("//Eve").result(&["model", "show", &digits.model]).await.unwrap();
	assert_eq!(shown["versions"].as_array().unwrap().len(), 2, "{shown}");
}

#[tokio::test]
async fn a_verifier_killed_while_it_verifies_answers_when_it_is_back() {
	let world = World::new().await;
	let digits = prepared(&world).await;
	let verify = |log: &str| world.worker("//Bob").service(&["verify"], &world.log(log)).unwrap();
	let mut verifier = verify("verifier.log");
	until_happened(&mut verifier, "verifying", 1).await;
	verifier.kill().await.unwrap();

	let weights = digits::random_weights(&world.worker("//Dave"), &digits, "1").await.unwrap();
	let spec = digits.spec.to_string_lossy();
	let args = ["model", "register", "--yes", &spec, "--weights", &weights];
	let mut register = world.worker("//Dave").service(&args, &world.log("register.log")).unwrap();
	until_printed(&mut register, "reveal_final").await;
	let _verifier = verify("verifier2.log");
	assert!(register.wait().await.unwrap().success(), "{}", register.output());
}
