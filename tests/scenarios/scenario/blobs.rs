//! Weights and data go from peer to peer, and stay when their publisher has gone.

use crate::{World, prepared, serve, until_happened, until_printed};
use oda_e2e::{
	Worker, digits,
	lan::{Host, Lan},
	skipped,
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
				let node = format!("ws://{}:{}", lan.gateway(), world.node.port());
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
		skipped("weights_go_from_host_to_host", "it takes root, and `ip`");
		return;
	};
	outlive(open_world().await, Place::Lan(lan)).await;
}

/// A chain whose node can be reached from other hosts.
async fn open_world() -> World {
	let options = ["--dev", "--unsafe-rpc-external", "--rpc-cors", "all"];
	World::with(options.map(str::to_owned).to_vec()).await
}

const BETWEEN_ROUTERS: &str = "a_blob_goes_from_behind_one_router_to_behind_another";

#[tokio::test]
async fn a_blob_goes_from_behind_one_router_to_behind_another() {
	let Some(mut lan) = Lan::new(1).unwrap() else {
		skipped(BETWEEN_ROUTERS, "it takes root, and `ip`");
		return;
	};
	let (Some(home), Some(other)) = (lan.behind_router(1).unwrap(), lan.behind_router(2).unwrap()) else {
		skipped(BETWEEN_ROUTERS, "it takes `nft`");
		return;
	};
	let world = open_world().await;
	let node = format!("ws://{}:{}", lan.gateway(), world.node.port());
	let on = |host: &Host, base: &str, options: &[&str]| {
		let worker = Worker::new(&node, &world.base.path().join(base), "//Dave").on(host);
		worker.with(&["--allow-unregistered", "--log", "info,oda_network=debug"]).with(options)
	};
	// All of it would take a minute through the relay.
	let public = &lan.hosts()[0];
	public.throttle(2_500).unwrap();
	let listen = format!("/ip4/{}/tcp/4001", public.address);
	let relay = on(public, "relay", &["--relay-server", "--listen", &listen]);
	let (mut relaying, address) = serve(&relay, &world.log("relay.log")).await;

	let publisher = on(&home, "home", &["--relay", &address]);
	let bytes: Vec<u8> = (0..20_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
	let (file, out) = (world.log("blob.bin"), world.log("fetched.bin"));
	std::fs::write(&file, &bytes).unwrap();
	let added = publisher.result(&["blobs", "add", &file.to_string_lossy()]).await.unwrap();
	let (root, len) = (digits::text(&added, "/root").unwrap(), bytes.len().to_string());
	let mut serving = publisher.service(&["blobs", "serve"], &world.log("home.log")).unwrap();
	until_happened(&mut serving, "serving", 1).await;

	let reader = on(&other, "other", &["--bootstrap", &address]);
	let get = ["blobs", "get", &root, "--len", &len, "--out", &out.to_string_lossy()];
	reader.result(&get).await.unwrap();
	assert!(std::fs::read(&out).unwrap() == bytes);
	// The relay brought them together; then each called the other, and its router let the answer in.
	until_printed(&mut relaying, "relaying").await;
	let relayed = public.sent().unwrap();
	assert!(relayed < bytes.len() as u64 / 2, "the relay sent {relayed} bytes");
	for peer in reader.run(&["blobs", "peers"]).await.unwrap() {
		assert_eq!(peer["faults"], serde_json::json!([]), "{peer}");
	}
}

async fn outlive(world: World, place: Place) {
	// All that anybody is told of the others is one peer's address; that peer has nothing.
	let known = place.worker(&world, "known", "//One");
	let (_serving, address) = serve(&known, &world.log("known.log")).await;
	let apart = |base: &str, suri: &str| -> Worker {
		place.worker(&world, base, suri).with(&["--bootstrap", &address])
	};

	// The registrar publishes; a verifier who never saw a file verifiers.
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
		keeper
			.service(&["keeper", "run", "--capacity-mib", "64"], &world.log(&format!("{base}.log")))
			.unwrap()
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
	let listed = third.run(&["keeper", "list"]).await.unwrap();
	assert_eq!(listed.len(), 2, "{listed:?}");
	assert!(listed.iter().all(|keeper| keeper["peer"].is_string()), "{listed:?}");
}
