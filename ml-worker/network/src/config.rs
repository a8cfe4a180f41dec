//! Settings.

use crate::{NetworkError, protocol::MAX_GROUPS};
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use oda_blobs::slice_len;
use serde::Deserialize;
use std::time::Duration;

/// Settings of the network: the section `[network]` of the worker's configuration. All have a default.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
	/// Addresses to listen on. Port 0 has the system choose one.
	pub listen: Vec<Multiaddr>,
	/// Addresses that others reach this peer at, where that is not one it listens on.
	pub external: Vec<Multiaddr>,
	/// Peers to start from, each address ending with `/p2p/` and the peer's id.
	pub bootstrap: Vec<Multiaddr>,
	/// Relays to be reached through, by a peer that cannot be reached itself.
	pub relays: Vec<Multiaddr>,
	/// Whether to relay for others.
	pub relay_server: bool,
	/// Whether to find peers in the local network by multicast DNS.
	pub mdns: bool,
	/// Whether blobs that the chain does not know are served and fetched too.
	pub allow_unregistered: bool,
	/// Most connections, all peers together. A quarter is kept for those whom this peer calls, and for the peers
	/// in `bootstrap` and `relays`.
	pub max_connections: u32,
	/// Most connections that come from one IPv4 address, one IPv6 network (/64) or through one relay. When as many have
	/// come in as may, one from the place that has most gives way to one from a place that has less.
	pub max_connections_per_address: u32,
	/// Most connections to one peer.
	pub max_connections_per_peer: u32,
	/// Bytes a second sent to all peers; 0: no limit.
	pub upload_limit: u64,
	/// Bytes a second received from all peers; 0: no limit.
	pub download_limit: u64,
	/// Most peers that one blob is fetched from at once.
	pub max_sources: usize,
	/// Most requests under way to one peer.
	pub pipeline: usize,
	/// Most requests of one peer that are answered at once.
	pub requests_per_peer: u32,
	/// Requests a second of one peer that are answered, on average.
	pub requests_per_second: u32,
	/// Most bytes that wait to be sent to one peer.
	pub queued_per_peer: u64,
	/// Most bytes that wait to be sent to all peers. Beyond that, the peer that most wait for is kept from some of them.
	pub queued: u64,
	/// Requests turned away within [`FLOOD_WINDOW`] from which on a peer is taken to flood.
	pub flood: u32,
	/// Seconds in which a peer that sends a blob has to send a group of 16 KiB.
	pub stall_seconds: u64,
	/// Seconds that a search lasts, at least, before it is said that nobody has a blob.
	pub search_seconds: u64,
	/// Minutes between two announcements of the blobs that are here.
	pub announce_minutes: u64,
	/// Minutes that a peer is banned for that floods or breaks the protocol. Who sends wrong bytes is banned
	/// until it is unbanned.
	pub ban_minutes: u64,
}

/// Over how long requests that are turned away are counted.
pub const FLOOD_WINDOW: Duration = Duration::from_secs(4);

impl Default for NetworkConfig {
	fn default() -> Self {
		let any = |address: &str| address.parse().ok();
		Self {
			listen: [
				"/ip4/0.0.0.0/tcp/0",
				"/ip4/0.0.0.0/udp/0/quic-v1",
				"/ip6/::/tcp/0",
				"/ip6/::/udp/0/quic-v1",
			]
			.into_iter()
			.filter_map(any)
			.collect(),
			external: Vec::new(),
			bootstrap: Vec::new(),
			relays: Vec::new(),
			relay_server: false,
			mdns: true,
			allow_unregistered: false,
			max_connections: 256,
			max_connections_per_address: 32,
			max_connections_per_peer: 4,
			upload_limit: 0,
			download_limit: 0,
			max_sources: 16,
			pipeline: 6,
			requests_per_peer: 32,
			requests_per_second: 1500,
			queued_per_peer: 32 << 20,
			queued: 128 << 20,
			flood: 3000,
			stall_seconds: 8,
			search_seconds: 5,
			announce_minutes: 20,
			ban_minutes: 60,
		}
	}
}

impl NetworkConfig {
	/// Refuses settings with which nothing would work.
	pub(crate) fn check(&self) -> Result<(), NetworkError> {
		// The longest response there is has to fit.
		let response = slice_len(1 << 48, &(0..u64::from(MAX_GROUPS)));
		for (name, good) in [
			("max_connections", self.max_connections > 0),
			("max_connections_per_address", self.max_connections_per_address > 0),
			("max_connections_per_peer", self.max_connections_per_peer > 0),
			("max_sources", self.max_sources > 0),
			("pipeline", self.pipeline > 0),
			("requests_per_peer", self.requests_per_peer > 0),
			("requests_per_second", self.requests_per_second > 0),
			("queued_per_peer", self.queued_per_peer >= response),
			("queued", self.queued >= response && self.queued < 1 << 40),
			("stall_seconds", self.stall_seconds > 0),
			("announce_minutes", self.announce_minutes > 0),
		] {
			if !good {
				return Err(NetworkError::BadSetting(name));
			}
		}
		for address in self.bootstrap.iter().chain(&self.relays) {
			split(address)?;
		}
		Ok(())
	}

	pub(crate) fn stall(&self) -> Duration {
		Duration::from_secs(self.stall_seconds)
	}

	pub(crate) fn announce(&self) -> Duration {
		Duration::from_secs(self.announce_minutes.saturating_mul(60))
	}
}

/// Parses an address that ends with a peer's id.
pub fn parse_peer(text: &str) -> Result<(PeerId, Multiaddr), NetworkError> {
	let address = text
		.parse::<Multiaddr>()
		.map_err(|error| NetworkError::NotAnAddress { text: text.to_owned(), reason: error.to_string() })?;
	split(&address)
}

/// An address that ends with a peer's id, cut in two.
pub(crate) fn split(address: &Multiaddr) -> Result<(PeerId, Multiaddr), NetworkError> {
	let mut rest = address.clone();
	match rest.pop() {
		Some(Protocol::P2p(peer)) => Ok((peer, rest)),
		_ => Err(NetworkError::NoPeerId(address.to_string())),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_defaults_are_good_and_unknown_fields_are_refused() {
		NetworkConfig::default().check().unwrap();
		assert_eq!(NetworkConfig::default().listen.len(), 4);
		assert_eq!(toml::from_str::<NetworkConfig>("").unwrap(), NetworkConfig::default());
		let set: NetworkConfig =
			toml::from_str("listen = [\"/ip4/127.0.0.1/tcp/4001\"]\nmdns = false").unwrap();
		assert_eq!((set.listen.len(), set.mdns), (1, false));
		assert!(toml::from_str::<NetworkConfig>("mnds = false").is_err());
		assert!(toml::from_str::<NetworkConfig>("listen = [\"localhost\"]").is_err());
	}

	#[test]
	fn settings_with_which_nothing_works_are_refused() {
		let none = NetworkConfig { pipeline: 0, ..Default::default() };
		assert!(matches!(none.check(), Err(NetworkError::BadSetting("pipeline"))));
		let short = NetworkConfig { queued: 1 << 20, ..Default::default() };
		assert!(matches!(short.check(), Err(NetworkError::BadSetting("queued"))));
		let anonymous = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
		let anonymous = NetworkConfig { bootstrap: vec![anonymous], ..Default::default() };
		assert!(matches!(anonymous.check(), Err(NetworkError::NoPeerId(_))));
	}
}
