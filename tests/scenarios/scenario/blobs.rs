//! Weights and data go from peer to peer, and stay when their publisher has gone.

use crate::{World, prepared, serve, until_happened};
use oda_e2e::{
	Worker, digits,
	lan::{GATEWAY, Lan},
};

/// Where everybody is.
enum Place {
	/// On this host, in folders of their own.
	Here,
	/// On hosts of their own.
	Lan(Lan),
}

/// Those who take part, in order of their hosts.
const HOSTS: [&str; 6] = ["known", "worker", "verifier", "keeper-1", "keeper-2", "third"];

impl Place {
	/// Whoever has this folder.
	fn worker(&self, world: &World, base: &str, suri: &str) -> Worker {
		match self {
			Self::Here => world.worker_apart(base, suri).with(&["--listen", "/ip4/127.0.0.1/tcp/0"]),
			Self::Lan(lan) => {
				let number = HOSTS.iter().position(|host| *host == base).unwrap();
				let host = &lan.hosts()[number];
				let node = format!("ws://{GATEWAY}:{}", world.node.port());
				let listen = format!("/ip4/{}/tcp/0", host.address);
				Worker::new(&node, &world.base.path().join(base), suri).with(&["--listen", &listen]).on(host)
			}
		}
	}
}

#[tokio::test]
async fn weights_go_from_peer_to_peer_and_outlive_their_publisher() {
	outlive(World::new().await, Place::Here).await;
}

#[tokio::test]
async fn weights_go_from_host_to_host() {
	let Some(lan) = Lan::new(HOSTS.len()).unwrap() else {
		eprintln!("skipped: it takes root, and `ip`");
		return;
	};
	let options = ["--dev", "--unsafe-rpc-external", "--rpc-cors", "all"].map(str::to_owned).to_vec();
	outlive(World::with(options).await, Place::Lan(lan)).await;
}

async fn outlive(world: World, place: Place) {
	// All that anybody is told of the others is one peer's address; that peer has nothing.
	let known = place.worker(&world, "known", "//One");
	let (_serving, address) = serve(&known, &world.log("known.log")).await;
	let apart = |base: &str, suri: &str| -> Worker {
		place.worker(&world, base, suri).with(&["--bootstrap", &address])
	};

	// The registrar publishes; a verifier who never saw a file judges.
	let publisher = apart("worker", "//Dave");
	let digits = prepared(&world).await;
	let verifier = apart("verifier", "//Bob");
	let mut verifying = verifier.service(&["verify"], &world.log("verifier.log")).unwrap();
	digits::register(&publisher, &digits, |_| ()).await.expect("version 0 is accepted");
	verifying.check_alive().unwrap();
	let shown = publisher.result(&["model", "show", &digits.model]).await.unwrap();
	let weights = digits::text(&shown, "/versions/0/weights/root").unwrap();
	let data = digits::text(&shown, "/data/root").unwrap();

	// The publisher has gone with its last command. The verifier still has both; keepers are paid to.
	let keep = |base: &str, suri: &str| {
		let keeper = apart(base, suri);
		keeper.service(&["keep", "--capacity-mib", "64"], &world.log(&format!("{base}.log"))).unwrap()
	};
	let mut keepers = [keep("keeper-1", "//Charlie"), keep("keeper-2", "//Ferdie")];
	for keeper in &mut keepers {
		until_happened(keeper, "taken", 2).await;
	}
	verifying.kill().await.unwrap();
	for keeper in &mut keepers {
		// Rounds of two deals, and one of the next round.
		until_happened(keeper, "proved", 3).await;
	}

	// A third gets them from the keepers, and so from who the chain names.
	let third = apart("third", "//Eve");
	for root in [&weights, &data] {
		let out = world.log("fetched.bin");
		let fetched = third.result(&["blobs", "get", root, "--out", &out.to_string_lossy()]).await.unwrap();
		assert_eq!(fetched["root"], **root, "{fetched}");
		let bytes = std::fs::read(&out).unwrap();
		assert_eq!(format!("0x{}", blake3::hash(&bytes).to_hex()), **root);
	}
	let listed = third.run(&["deal", "keepers"]).await.unwrap();
	assert_eq!(listed.len(), 2, "{listed:?}");
	assert!(listed.iter().all(|keeper| keeper["peer"].is_string()), "{listed:?}");
}
