//! Blobs that rot on a disk are fetched again, whoever needs them, and nobody loses by it.

use crate::{World, events, prepared, serve, until_happened};
use oda_blobs::{BlobRef, Store};
use oda_e2e::{Worker, digits};
use std::fs;

/// Changes one byte of a blob behind the store's back; with `outboard`, the file beside it that says which is gone too.
fn rot(worker: &Worker, root: &str, outboard: bool) {
	let store = Store::open(worker.base()).unwrap();
	let root = oda_blobs::parse_root(root).unwrap();
	let path = store.path(&root);
	let mut bytes = fs::read(&path).unwrap();
	let middle = bytes.len() / 2;
	bytes[middle] ^= 1;
	fs::write(&path, bytes).unwrap();
	if outboard {
		fs::remove_file(store.dir().join("outboard").join(hex::encode(root))).unwrap();
	}
}

fn apart(world: &World, base: &str, suri: &str) -> Worker {
	world.worker_apart(base, suri).with(&["--listen", "/ip4/127.0.0.1/tcp/0"])
}

#[tokio::test]
async fn a_verifier_whose_copy_of_the_data_is_damaged_gets_another_and_says_what_is_so() {
	let world = World::new().await;
	let publisher = apart(&world, "worker", "//Dave");
	let (serving, address) = serve(&publisher, &world.log("publisher.log")).await;
	let digits = prepared(&world).await;
	let verifier = apart(&world, "verifier", "//Bob").with(&["--bootstrap", &address]);
	let added = verifier.result(&["blobs", "add", &digits::file("validation.bin")]).await.unwrap();
	rot(&verifier, &digits::text(&added, "/root").unwrap(), false);

	let mut verifying = verifier.service(&["verify"], &world.log("verifier.log")).unwrap();
	until_happened(&mut verifying, "verifying", 1).await;
	digits::register(&publisher, &digits, |_| ()).await.expect("version 0 is accepted");
	until_happened(&mut verifying, "opened", 1).await;
	assert_eq!(events(&verifying, "opened")[0]["verdict"], "valid", "{}", verifying.output());
	assert_eq!(verifying.output().matches("a blob is damaged").count(), 1, "{}", verifying.output());
	for peer in publisher.run(&["blobs", "peers", "--wait", "0"]).await.unwrap() {
		assert_eq!(peer["faults"], serde_json::json!([]), "{peer}");
	}
	drop(serving);
}

#[tokio::test]
async fn a_keeper_whose_disk_rots_gets_another_copy_within_the_round_and_is_paid() {
	let world = World::paced(500, 24).await;
	let publisher = apart(&world, "publisher", "//Dave");
	let (_serving, address) = serve(&publisher, &world.log("publisher.log")).await;
	let mut kept = Vec::new();
	for (name, len) in [("small", 700usize), ("large", 200_000)] {
		let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
		let file = world.log(name);
		fs::write(&file, &bytes).unwrap();
		let file = file.to_string_lossy();
		let offer = ["deal", "offer", &file, "--replicas", "1", "--rounds", "1000", "--price", "0.01"];
		publisher.result(&offer).await.unwrap();
		kept.push(hex::encode(BlobRef::of(&bytes).root));
	}
	let keeper = apart(&world, "keeper", "//Charlie").with(&["--bootstrap", &address]);
	let mut keeping =
		keeper.service(&["keeper", "run", "--capacity-mib", "16"], &world.log("keeper.log")).unwrap();
	until_happened(&mut keeping, "taken", 2).await;
	until_happened(&mut keeping, "proved", 2).await;

	for root in &kept {
		rot(&keeper, root, true);
	}
	let before = events(&keeping, "proved").len();
	until_happened(&mut keeping, "proved", before + 4).await;
	assert!(events(&keeping, "missed").is_empty(), "{}", keeping.output());
	assert_eq!(keeping.output().matches("a blob is damaged").count(), 2, "{}", keeping.output());
}
