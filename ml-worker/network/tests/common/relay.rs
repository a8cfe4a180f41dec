//! A relay with few places.

use futures::StreamExt;
use libp2p::{
	Multiaddr, SwarmBuilder, identify,
	identity::Keypair,
	noise, relay,
	swarm::{NetworkBehaviour, SwarmEvent},
	tcp, yamux,
};
use std::sync::{
	Arc,
	atomic::{AtomicUsize, Ordering},
};

#[derive(NetworkBehaviour)]
struct Behaviour {
	relay: relay::Behaviour,
	identify: identify::Behaviour,
}

/// A relay, for as long as it is not dropped.
pub struct Relay {
	/// Where it is, with its id.
	pub address: Multiaddr,
	/// How often it has refused a place.
	pub refused: Arc<AtomicUsize>,
	task: tokio::task::JoinHandle<()>,
}

impl Drop for Relay {
	fn drop(&mut self) {
		self.task.abort();
	}
}

impl Relay {
	/// A relay that has places for so many peers.
	pub async fn start(places: usize) -> Self {
		let key = Keypair::generate_ed25519();
		let (id, public) = (key.public().to_peer_id(), key.public());
		let config = relay::Config { max_reservations: places, ..Default::default() };
		let mut swarm = SwarmBuilder::with_existing_identity(key)
			.with_tokio()
			.with_tcp(
				tcp::Config::default(),
				(libp2p::tls::Config::new, noise::Config::new),
				yamux::Config::default,
			)
			.unwrap()
			.with_behaviour(|_| Behaviour {
				relay: relay::Behaviour::new(id, config),
				identify: identify::Behaviour::new(identify::Config::new("/oda/1".into(), public)),
			})
			.unwrap()
			.build();
		swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
		let address = loop {
			if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
				break address;
			}
		};
		swarm.add_external_address(address.clone());
		let refused = Arc::new(AtomicUsize::new(0));
		let count = refused.clone();
		let task = tokio::spawn(async move {
			loop {
				let event = swarm.select_next_some().await;
				if let SwarmEvent::Behaviour(BehaviourEvent::Relay(relay::Event::ReservationReqDenied {
					..
				})) = event
				{
					count.fetch_add(1, Ordering::Relaxed);
				}
			}
		});
		Self { address: address.with_p2p(id).unwrap(), refused, task }
	}
}
