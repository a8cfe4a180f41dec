//! Peers on loopback.

#![allow(
	dead_code,
	unreachable_pub,
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "tests, of which each uses a part"
)]

pub mod raw;
pub mod relay;
pub mod stranger;

use oda_blobs::{BlobRef, Store};
use oda_network::{Identity, Multiaddr, Network, NetworkConfig, PeerId, Registered};
use std::{path::Path, sync::Arc, time::Duration};

pub struct All;

impl Registered for All {
	fn registered(&self, _: &[u8; 32]) -> bool {
		true
	}
}

pub struct Nothing;

impl Registered for Nothing {
	fn registered(&self, _: &[u8; 32]) -> bool {
		false
	}
}

/// Quick to give up, without multicast, on loopback only.
pub fn config() -> NetworkConfig {
	NetworkConfig {
		listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
		mdns: false,
		stall_seconds: 3,
		search_seconds: 2,
		..Default::default()
	}
}

/// A peer with a directory of its own.
pub struct Peer {
	pub base: tempfile::TempDir,
	pub store: Store,
	pub network: Network,
}

impl Peer {
	pub async fn start() -> Self {
		Self::with(config()).await
	}

	pub async fn with(config: NetworkConfig) -> Self {
		Self::at(tempfile::tempdir().unwrap(), config, Arc::new(All)).await
	}

	pub async fn at(base: tempfile::TempDir, config: NetworkConfig, registered: Arc<dyn Registered>) -> Self {
		let network = start(base.path(), config, registered).await;
		Self { store: network.store().clone(), base, network }
	}

	pub fn id(&self) -> PeerId {
		self.network.peer_id()
	}

	/// Its addresses, with its id at the end.
	pub fn addresses(&self) -> Vec<Multiaddr> {
		let id = self.id();
		self.network.listen_addrs().into_iter().map(|a| a.with_p2p(id).unwrap()).collect()
	}

	/// Tells this peer where another one is.
	pub async fn meet(&self, other: &Peer) {
		for address in other.network.listen_addrs() {
			self.network.add_address(other.id(), address).await.unwrap();
		}
	}
}

pub async fn start(base: &Path, config: NetworkConfig, registered: Arc<dyn Registered>) -> Network {
	let store = Store::open(base).unwrap();
	Network::start(config, Identity::open(base).unwrap(), store, registered).await.unwrap()
}

/// Bytes that look like nothing, the same for the same length.
pub fn bytes(len: usize) -> Vec<u8> {
	let mut state = len as u64 | 1;
	let mut bytes = Vec::with_capacity(len + 8);
	while bytes.len() < len {
		state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		bytes.extend_from_slice(&(state ^ state >> 29).to_le_bytes());
	}
	bytes.truncate(len);
	bytes
}

pub fn put(peer: &Peer, len: usize) -> BlobRef {
	peer.store.put(&bytes(len)).unwrap()
}

/// Looks between which [`PAUSE`] passes: minutes, which only a test that hangs takes.
pub const PATIENCE: u32 = 30_000;
pub const PAUSE: Duration = Duration::from_millis(10);

/// Waits until something is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
	for _ in 0..PATIENCE {
		if so() {
			return;
		}
		tokio::time::sleep(PAUSE).await;
	}
	panic!("never: {what}");
}
