//! Limits on connections: for a peer, for a place that peers call from, and for all together.

use crate::{
	NetworkConfig,
	config::split,
	limit::{Share, Shares},
};
use libp2p::{
	Multiaddr, PeerId,
	core::{Endpoint, transport::PortUse},
	multiaddr::Protocol,
	swarm::{
		CloseConnection, ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm, ListenFailure,
		NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
		behaviour::ConnectionEstablished, dummy,
	},
};
use std::{
	collections::{HashMap, HashSet},
	convert::Infallible,
	net::Ipv4Addr,
	sync::Arc,
	task::{Context, Poll},
};

/// Where a connection comes from. Ids cost nothing, and addresses do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Origin {
	V4(Ipv4Addr),
	/// The first half of an address of version 6: the other half is its owner's to choose.
	V6(u64),
	/// A relay, which does not tell where its clients are.
	Relay(PeerId),
	Other,
}

impl Origin {
	fn of(local: &Multiaddr, remote: &Multiaddr) -> Self {
		if local.iter().any(|part| part == Protocol::P2pCircuit) {
			let relay = local.iter().find_map(|part| match part {
				Protocol::P2p(relay) => Some(Self::Relay(relay)),
				_ => None,
			});
			return relay.unwrap_or(Self::Other);
		}
		match remote.iter().next() {
			Some(Protocol::Ip4(address)) => Self::V4(address),
			Some(Protocol::Ip6(address)) => match address.to_ipv4_mapped() {
				Some(address) => Self::V4(address),
				None => Self::V6((address.to_bits() >> 64) as u64),
			},
			_ => Self::Other,
		}
	}
}

/// Why a connection is refused.
#[derive(Debug, thiserror::Error)]
#[error("too many connections {0}")]
struct Full(&'static str);

/// Refuses connections beyond the limits.
pub(crate) struct Connections {
	/// Most connections in all, of which a part is kept for those whom this peer calls and those it was told of.
	all: usize,
	per_peer: usize,
	/// Those who are not identified yet.
	pending: Arc<Shares<Origin>>,
	/// Those who called, but for those this peer was told of.
	incoming: Arc<Shares<Origin>>,
	/// What each connection holds of one of the two.
	held: HashMap<ConnectionId, Share<Origin>>,
	/// Connections that give way to others.
	closing: Vec<ConnectionId>,
	peers: HashMap<PeerId, HashSet<ConnectionId>>,
	established: usize,
	/// Peers that the configuration names.
	named: HashSet<PeerId>,
}

impl Connections {
	pub(crate) fn new(config: &NetworkConfig) -> Self {
		let (all, address) = (config.max_connections.into(), config.max_connections_per_address.into());
		let named = config.bootstrap.iter().chain(&config.relays);
		Self {
			all: config.max_connections as usize,
			per_peer: config.max_connections_per_peer as usize,
			pending: Shares::new(all, address),
			incoming: Shares::new(incoming(all), address),
			held: HashMap::new(),
			closing: Vec::new(),
			peers: HashMap::new(),
			established: 0,
			named: named.filter_map(|address| Some(split(address).ok()?.0)).collect(),
		}
	}

	/// Checks what holds for connections in either direction.
	fn check(&self, peer: &PeerId) -> Result<(), Full> {
		if self.peers.get(peer).is_some_and(|connections| connections.len() >= self.per_peer) {
			return Err(Full("to this peer"));
		}
		if self.established >= self.all { Err(Full("in all")) } else { Ok(()) }
	}

	fn closed(&mut self, peer: &PeerId, connection: ConnectionId) {
		self.established = self.established.saturating_sub(1);
		self.held.remove(&connection);
		if let Some(connections) = self.peers.get_mut(peer) {
			connections.remove(&connection);
			if connections.is_empty() {
				self.peers.remove(peer);
			}
		}
	}
}

/// How many of all connections may be those of peers who called.
fn incoming(all: u64) -> u64 {
	(all - all / 4).max(1)
}

impl NetworkBehaviour for Connections {
	type ConnectionHandler = dummy::ConnectionHandler;
	type ToSwarm = Infallible;

	fn handle_pending_inbound_connection(
		&mut self,
		connection: ConnectionId,
		local: &Multiaddr,
		remote: &Multiaddr,
	) -> Result<(), ConnectionDenied> {
		let share = self.pending.take(Origin::of(local, remote), 1);
		let share = share.ok_or_else(|| ConnectionDenied::new(Full("that are being made")))?;
		self.held.insert(connection, share);
		Ok(())
	}

	fn handle_established_inbound_connection(
		&mut self,
		connection: ConnectionId,
		peer: PeerId,
		local: &Multiaddr,
		remote: &Multiaddr,
	) -> Result<THandler<Self>, ConnectionDenied> {
		self.held.remove(&connection);
		self.check(&peer).map_err(ConnectionDenied::new)?;
		if !self.named.contains(&peer) {
			let share = self.incoming.claim(Origin::of(local, remote), 1);
			let share = share.ok_or_else(|| ConnectionDenied::new(Full("from there")))?;
			self.held.insert(connection, share);
			let revoked = self.held.iter().filter(|(_, share)| share.is_revoked());
			self.closing.extend(revoked.map(|(connection, _)| *connection));
		}
		Ok(dummy::ConnectionHandler)
	}

	fn handle_established_outbound_connection(
		&mut self,
		_: ConnectionId,
		peer: PeerId,
		_: &Multiaddr,
		_: Endpoint,
		_: PortUse,
	) -> Result<THandler<Self>, ConnectionDenied> {
		self.check(&peer).map_err(ConnectionDenied::new)?;
		Ok(dummy::ConnectionHandler)
	}

	fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
		match event {
			FromSwarm::ConnectionEstablished(ConnectionEstablished { peer_id, connection_id, .. }) => {
				self.established += 1;
				self.peers.entry(peer_id).or_default().insert(connection_id);
			}
			FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
				self.closed(&peer_id, connection_id);
			}
			FromSwarm::ListenFailure(ListenFailure { connection_id, .. }) => {
				self.held.remove(&connection_id);
			}
			_ => {}
		}
	}

	fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
		match event {}
	}

	fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
		while let Some(connection) = self.closing.pop() {
			self.held.remove(&connection);
			let peer = self.peers.iter().find(|(_, connections)| connections.contains(&connection));
			if let Some((peer_id, _)) = peer {
				let connection = CloseConnection::One(connection);
				return Poll::Ready(ToSwarm::CloseConnection { peer_id: *peer_id, connection });
			}
		}
		Poll::Pending
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn at(address: &str) -> Multiaddr {
		address.parse().unwrap()
	}

	#[test]
	fn connections_are_told_apart_by_where_they_come_from() {
		let here = at("/ip4/192.0.2.1/tcp/4001");
		let origin = |remote: &str| Origin::of(&here, &at(remote));
		assert_eq!(origin("/ip4/192.0.2.7/tcp/1"), origin("/ip4/192.0.2.7/udp/2/quic-v1"));
		assert_ne!(origin("/ip4/192.0.2.7/tcp/1"), origin("/ip4/192.0.2.8/tcp/1"));
		assert_eq!(origin("/ip6/::ffff:192.0.2.7/tcp/1"), origin("/ip4/192.0.2.7/tcp/1"));
		assert_eq!(origin("/ip6/2001:db8:1:2::1/tcp/1"), origin("/ip6/2001:db8:1:2:3:4:5:6/tcp/1"));
		assert_ne!(origin("/ip6/2001:db8:1:2::1/tcp/1"), origin("/ip6/2001:db8:1:3::1/tcp/1"));
		let relay = PeerId::random();
		let relayed = at(&format!("/ip4/192.0.2.9/tcp/1/p2p/{relay}/p2p-circuit"));
		let caller = at(&format!("/p2p/{}", PeerId::random()));
		assert_eq!(Origin::of(&relayed, &caller), Origin::Relay(relay));
	}

	/// What the swarm would do: it closes the connections that it is asked to.
	fn close(connections: &mut Connections) {
		let mut cx = Context::from_waker(std::task::Waker::noop());
		while let Poll::Ready(ToSwarm::CloseConnection { peer_id, .. }) = connections.poll(&mut cx) {
			connections.established -= 1;
			connections.peers.remove(&peer_id);
		}
	}

	/// A connection of a peer from an address: whether there is room for it.
	fn call(connections: &mut Connections, peer: PeerId, from: &str, next: &mut usize) -> bool {
		let (here, from) = (at("/ip4/192.0.2.1/tcp/4001"), at(from));
		*next += 1;
		let id = ConnectionId::new_unchecked(*next);
		let taken = connections.handle_pending_inbound_connection(id, &here, &from).is_ok()
			&& connections.handle_established_inbound_connection(id, peer, &here, &from).is_ok();
		if taken {
			connections.established += 1;
			connections.peers.entry(peer).or_default().insert(id);
		}
		close(connections);
		taken
	}

	/// Connections from an address, each of a peer of its own, until one is refused.
	fn fill(connections: &mut Connections, from: &str, next: &mut usize) -> usize {
		(0..).take_while(|_| call(connections, PeerId::random(), from, next)).count()
	}

	#[test]
	fn no_address_takes_the_room_of_others_whatever_ids_it_has() {
		let mut connections = Connections::new(&NetworkConfig::default());
		let mut next = 0;
		assert_eq!(fill(&mut connections, "/ip4/192.0.2.2/tcp/1", &mut next), 32);
		// A hundred addresses that take all they get leave some for one that comes after.
		for last in 0..100 {
			assert!(fill(&mut connections, &format!("/ip4/198.51.100.{last}/tcp/1"), &mut next) > 0);
		}
		assert!(fill(&mut connections, "/ip4/203.0.113.1/tcp/1", &mut next) > 0);
		assert_eq!(connections.established, 192, "a quarter is kept for others");
		assert_eq!(connections.held.len(), 192);
		let called = connections.handle_established_outbound_connection(
			ConnectionId::new_unchecked(next + 1),
			PeerId::random(),
			&at("/ip4/192.0.2.1/tcp/4001"),
			Endpoint::Dialer,
			PortUse::New,
		);
		assert!(called.is_ok());
	}

	#[test]
	fn who_is_named_finds_room_when_others_have_taken_theirs() {
		let friend = PeerId::random();
		let bootstrap = vec![at(&format!("/ip4/203.0.113.1/tcp/4001/p2p/{friend}"))];
		let config = NetworkConfig { bootstrap, max_connections: 4, ..Default::default() };
		let mut connections = Connections::new(&config);
		let mut next = 0;
		for last in 0..10 {
			fill(&mut connections, &format!("/ip4/198.51.100.{last}/tcp/1"), &mut next);
		}
		let from = "/ip4/203.0.113.9/tcp/1";
		assert!(!call(&mut connections, PeerId::random(), from, &mut next));
		assert!(call(&mut connections, friend, from, &mut next));
	}

	#[test]
	fn a_peer_has_a_few_connections_and_is_forgotten_when_it_has_none() {
		let mut connections = Connections::new(&NetworkConfig::default());
		let (peer, mut next) = (PeerId::random(), 0);
		let from = "/ip4/203.0.113.9/tcp/1";
		assert_eq!((0..9).filter(|_| call(&mut connections, peer, from, &mut next)).count(), 4);
		for number in 1..=4 {
			connections.closed(&peer, ConnectionId::new_unchecked(number));
		}
		assert!(connections.peers.is_empty() && connections.held.is_empty());
		assert_eq!(connections.established, 0);
	}
}
