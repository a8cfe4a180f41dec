//! The process dies at any moment: another one goes on with what was on the disk then.

use crate::world::{GENESIS, Mood, PRICE, World, question, voucher};
use oda_inference::api::ProblemKind;
use std::{fs, path::Path};
use tempfile::TempDir;

/// What is on the disk now.
fn copy(world: &World) -> TempDir {
	fn all(from: &Path, to: &Path) {
		fs::create_dir_all(to).unwrap();
		for entry in fs::read_dir(from).unwrap() {
			let entry = entry.unwrap();
			let target = to.join(entry.file_name());
			if entry.file_type().unwrap().is_dir() {
				all(&entry.path(), &target);
			} else {
				fs::copy(entry.path(), target).unwrap();
			}
		}
	}
	let folder = tempfile::tempdir().unwrap();
	all(world.folder.path(), folder.path());
	folder
}

#[tokio::test]
async fn a_request_before_its_voucher_was_kept_is_served_as_if_it_were_new() {
	let world = World::new().await;
	let disk = copy(&world);
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	let after = world.again(disk).await;
	assert_eq!(after.known().await.last, None);
	after.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	assert_eq!(after.known().await.spent, PRICE);
}

#[tokio::test]
async fn a_request_whose_voucher_was_kept_is_served_for_the_same_voucher_and_charged_once() {
	let world = World::new().await;
	world.engine.set(Mood::Waits);
	let asked = question(&[[7.0, 5.0]]);
	let disk = tokio::select! {
		_ = world.pay(voucher(1), &asked) => panic!("nothing was evaluated"),
		disk = async {
			while world.known().await.last.is_none() {}
			copy(&world)
		} => disk,
	};
	world.engine.set(Mood::Works);
	let after = world.again(disk).await;
	let known = after.known().await;
	assert_eq!((known.spent, known.last), (0, Some(voucher(1))), "kept, and not charged");
	after.pay(voucher(1), &asked).await.answer();
	assert_eq!(after.known().await.spent, PRICE);
}

#[tokio::test]
async fn a_request_whose_answer_was_kept_gets_the_same_bytes_and_is_charged_once() {
	let world = World::new().await;
	let first = world.pay_as("key", voucher(1), &question(&[[7.0, 5.0]])).await;
	let after = world.again(copy(&world)).await;
	let again = after.pay_as("key", voucher(1), &question(&[[7.0, 5.0]])).await;
	again.answer();
	assert_eq!(first.body, again.body);
	assert_eq!(after.known().await.spent, PRICE);
	after.pay(voucher(2), &question(&[[7.0, 5.0]])).await.answer();
}

#[tokio::test]
async fn a_disk_that_fails_is_said_and_changes_nothing() {
	let world = World::new().await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	let channel = world.folder.path().join(hex::encode(GENESIS)).join("3");
	let aside = world.folder.path().join("aside");
	// A file where the channel's folder was: nothing can be written there.
	fs::rename(&channel, &aside).unwrap();
	fs::write(&channel, b"").unwrap();
	let reply = world.pay(voucher(2), &question(&[[7.0, 5.0]])).await;
	let why = reply.refused(ProblemKind::Unavailable);
	assert!(why.contains("disk") && reply.retry_after() > 0, "{why}");
	assert_eq!(world.known().await.last, Some(voucher(1)));
	fs::remove_file(&channel).unwrap();
	fs::rename(&aside, &channel).unwrap();
	world.pay(voucher(2), &question(&[[7.0, 5.0]])).await.answer();
}

#[tokio::test]
async fn a_folder_that_another_provider_uses_is_an_error() {
	let world = World::new().await;
	let config = crate::world::config(world.folder.path());
	let error = oda_provider::Server::start(config, world.chain.clone(), world.engine.clone()).await.err();
	assert!(error.unwrap().to_string().contains("another process"));
}
