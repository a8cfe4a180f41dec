//! The protocols that a peer speaks, and the transports under them.

use crate::{
	Identity, NetworkConfig, NetworkError,
	connections::Connections,
	mux::{STREAMS, WINDOW, Yamux},
	protocol::{IDENTIFY, KAD},
	providers::Providers,
	tls::Tls,
};
use libp2p::{
	PeerId, Swarm, SwarmBuilder,
	allow_block_list::{self, BlockedPeers},
	autonat, dcutr, identify,
	identity::Keypair,
	kad, mdns, noise, ping, relay,
	swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
	tcp,
};
use std::{
	sync::{Arc, atomic::AtomicBool},
	time::Duration,
};

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
	connections: Connections,
	pub(crate) blocked: allow_block_list::Behaviour<BlockedPeers>,
	pub(crate) identify: identify::Behaviour,
	pub(crate) kad: kad::Behaviour<Providers>,
	pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
	ping: ping::Behaviour,
	relay_client: relay::client::Behaviour,
	relay_server: Toggle<relay::Behaviour>,
	dcutr: dcutr::Behaviour,
	pub(crate) autonat: autonat::Behaviour,
	pub(crate) streams: libp2p_stream::Behaviour,
}

impl Behaviour {
	fn new(identity: &Identity, config: &NetworkConfig, relay_client: relay::client::Behaviour) -> Self {
		let peer = identity.peer_id();
		let mdns = config.mdns.then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), peer));
		let mdns = mdns.and_then(|mdns| {
			mdns.inspect_err(|error| {
				tracing::warn!(%error, "no multicast: peers in the local network are not found by themselves");
			})
			.ok()
		});
		Self {
			connections: Connections::new(config),
			blocked: allow_block_list::Behaviour::default(),
			identify: identify::Behaviour::new(
				identify::Config::new(IDENTIFY.into(), identity.pair().public())
					.with_push_listen_addr_updates(true),
			),
			kad: kademlia(peer, config),
			mdns: mdns.into(),
			ping: ping::Behaviour::default(),
			relay_client,
			relay_server: config.relay_server.then(|| relay::Behaviour::new(peer, relay_config())).into(),
			dcutr: dcutr::Behaviour::new(peer),
			autonat: autonat::Behaviour::new(peer, autonat::Config::default()),
			streams: libp2p_stream::Behaviour::new(),
		}
	}
}

fn kademlia(peer: PeerId, config: &NetworkConfig) -> kad::Behaviour<Providers> {
	let mut kad = kad::Config::new(KAD);
	kad.set_query_timeout(Duration::from_secs(20))
		// This peer announces by itself what is still there.
		.set_provider_publication_interval(None)
		.set_publication_interval(None)
		.set_replication_interval(None)
		.set_provider_record_ttl(Some(config.announce().saturating_mul(3)))
		// Each goes through the driver, which knows where a provider is.
		.set_record_filtering(kad::StoreInserts::FilterBoth);
	kad::Behaviour::with_config(peer, Providers::new(peer), kad)
}

fn relay_config() -> relay::Config {
	relay::Config {
		max_circuits: 64,
		max_circuits_per_peer: 8,
		max_circuit_duration: Duration::from_secs(3600),
		// Blobs are long, and direct connections are tried first: no limit but the time's.
		max_circuit_bytes: 0,
		..Default::default()
	}
}

/// `copied` is set when another process with the same key is met.
pub(crate) fn swarm(
	identity: &Identity,
	config: &NetworkConfig,
	copied: &Arc<AtomicBool>,
) -> Result<Swarm<Behaviour>, NetworkError> {
	let tls = || |key: &Keypair| Tls::new(key, copied.clone());
	let failed = |what, reason: String| NetworkError::Setup { what, reason };
	Ok(SwarmBuilder::with_existing_identity(identity.pair().clone())
		.with_tokio()
		// TLS first, which is faster where the processor knows AES; Noise for who speaks nothing else.
		.with_tcp(tcp::Config::default().nodelay(true), (tls(), noise::Config::new), || Yamux)
		.map_err(|error| failed("TCP", error.to_string()))?
		.with_quic_config(|mut quic| {
			quic.max_concurrent_stream_limit = STREAMS.into();
			quic.max_stream_data = 8 * WINDOW;
			quic.max_connection_data = 64 * WINDOW;
			quic
		})
		.with_dns()
		.map_err(|error| failed("name resolution", error.to_string()))?
		.with_relay_client((tls(), noise::Config::new), || Yamux)
		.map_err(|error| failed("the relay's client", error.to_string()))?
		.with_behaviour(|_, relay| Behaviour::new(identity, config, relay))
		.map_err(|error| failed("the protocols", error.to_string()))?
		.with_swarm_config(|swarm| {
			swarm
				.with_idle_connection_timeout(Duration::from_secs(120))
				.with_per_connection_event_buffer_size(16)
				.with_max_negotiating_inbound_streams(STREAMS.into())
		})
		.build())
}
