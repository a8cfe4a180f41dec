//! Blob exchange between peers: QUIC and TCP, TLS, Kademlia, multicast DNS, relays.
//!
//! A [`Network`] serves the blobs of a [`Store`](oda_blobs::Store) and fetches others into it, from several peers
//! at once. What it fetches is checked group by group, 16 KiB each, against the blob's BLAKE3 root as it arrives;
//! what has been checked is on disk and is never fetched again. Peers that send wrong bytes, stall, lie, flood or
//! break off are told apart, and remembered. `README.md` describes the protocol byte by byte.
//!
//! ```
//! use oda_blobs::{BlobSource, Store};
//! use oda_network::{Identity, Network, NetworkConfig, Registered};
//! use std::sync::Arc;
//!
//! /// Whatever knows which blobs the chain knows.
//! struct Everything;
//!
//! impl Registered for Everything {
//!     fn registered(&self, _root: &[u8; 32]) -> bool {
//!         true
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! let config = NetworkConfig {
//!     listen: vec!["/ip4/127.0.0.1/tcp/0".parse()?],
//!     mdns: false,
//!     ..Default::default()
//! };
//! let store = Store::open(&one)?;
//! let blob = store.put(b"weights")?;
//! let server = Network::start(config.clone(), Identity::open(&one)?, store, Arc::new(Everything)).await?;
//!
//! let store = Store::open(&two)?;
//! let client = Network::start(config, Identity::open(&two)?, store.clone(), Arc::new(Everything)).await?;
//! for address in server.listen_addrs() {
//!     client.add_address(server.peer_id(), address).await?;
//! }
//! client.fetch_from(&blob, &[server.peer_id()], |_| {}).await?;
//! assert_eq!(store.get(&blob)?, b"weights");
//! # client.shutdown().await;
//! # Ok(())
//! # }
//! ```

#![allow(
	clippy::arithmetic_side_effects,
	clippy::indexing_slicing,
	reason = "not consensus code: counts, times and buffers of fixed length, far from the ends of their types"
)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::unwrap_used))]

mod behaviour;
pub mod bitfield;
mod book;
mod config;
mod connections;
mod download;
mod error;
mod identity;
mod limit;
mod mux;
mod network;
mod piece;
pub mod protocol;
mod providers;
mod relays;
mod serve;
mod shared;
mod swarm;
mod tls;

pub use book::{Ban, Fault, FaultRecord};
pub use config::{FLOOD_WINDOW, NetworkConfig, parse_peer};
pub use download::{FetchState, Progress, Report};
pub use error::{Answer, FetchError, NetworkError};
pub use identity::{Identity, peer_of, public_of};
pub use network::{Network, NetworkHandle, PeerInfo, Stats, Want};
pub use shared::Registered;

pub use libp2p::{Multiaddr, PeerId};
