//! The task that owns the connections.

use crate::{
	Fault,
	behaviour::{Behaviour, BehaviourEvent},
	book::ADDRESSES,
	config::split,
	mux::Breach,
	protocol::KAD,
	relays::Places,
	shared::{Command, Shared, Unreached, lock},
};
use futures::StreamExt;
use libp2p::{
	Multiaddr, PeerId, Swarm, autonat,
	core::Endpoint,
	identify, kad,
	kad::{GetProvidersOk, QueryId, QueryResult, RecordKey as Key, store::RecordStore},
	mdns,
	multiaddr::Protocol,
	ping, relay,
	swarm::{ConnectionError, ConnectionId, DialError, NetworkBehaviour, SwarmEvent, dial_opts::DialOpts},
};
use oda_blobs::BlobRef;
use std::{
	collections::{HashMap, HashSet, VecDeque},
	sync::{Arc, atomic::Ordering},
	time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// How often bans, bootstrap peers and what is to be written are looked after.
const TICK: Duration = Duration::from_secs(1);

/// Blobs that are announced in a tick: an announcement goes to some twenty peers.
const ANNOUNCED: usize = 50;

/// How often a bootstrap peer that is away is called again.
const REDIAL: Duration = Duration::from_secs(15);

/// How often it is looked which blobs have come and gone, and which announcements of others have expired.
const LISTING: Duration = Duration::from_secs(10);

/// Most providers whose addresses are remembered from look-ups.
const FOUND: usize = 1024;

/// Calls to addresses that are said to be this peer's, to find out who is there.
const OWN_CALLS: u32 = 3;

pub(crate) struct Driver {
	swarm: Swarm<Behaviour>,
	shared: Arc<Shared>,
	commands: mpsc::Receiver<Command>,
	connecting: HashMap<PeerId, Vec<oneshot::Sender<Result<(), Unreached>>>>,
	/// Peers that the settings name, and which peer is at the address instead.
	mistaken: HashMap<PeerId, PeerId>,
	/// Where providers are that look-ups found. Hearsay: it is not written down.
	found: HashMap<PeerId, Vec<Multiaddr>>,
	queries: HashMap<QueryId, mpsc::Sender<PeerId>>,
	/// Announced before, or to be so now.
	provided: HashSet<[u8; 32]>,
	to_announce: VecDeque<[u8; 32]>,
	next_listing: Instant,
	/// When everything is announced again.
	next_announcement: Instant,
	/// How many peers were known when everything was last announced.
	audience: usize,
	listing: Option<tokio::task::JoinHandle<Option<Vec<BlobRef>>>>,
	saving: Option<tokio::task::JoinHandle<()>>,
	next_redial: Instant,
	places: Places,
	/// Whether it was said that another process runs under this peer's id.
	copied: bool,
	/// Calls that are left to find out whether an address of this peer's own id is its own.
	own_calls: u32,
	/// The connections to each peer, and whether they go through a relay.
	paths: HashMap<PeerId, Vec<(ConnectionId, bool)>>,
}

impl Driver {
	pub(crate) fn new(
		swarm: Swarm<Behaviour>,
		shared: Arc<Shared>,
		commands: mpsc::Receiver<Command>,
	) -> Self {
		let now = Instant::now();
		Self {
			swarm,
			shared,
			commands,
			connecting: HashMap::new(),
			mistaken: HashMap::new(),
			found: HashMap::new(),
			queries: HashMap::new(),
			provided: HashSet::new(),
			to_announce: VecDeque::new(),
			next_listing: now,
			next_announcement: now,
			audience: 0,
			listing: None,
			saving: None,
			next_redial: now,
			places: Places::default(),
			copied: false,
			own_calls: OWN_CALLS,
			paths: HashMap::new(),
		}
	}

	/// Runs until the network ends, then says farewell and writes what is known of peers.
	pub(crate) async fn run(mut self) {
		let banned = lock(&self.shared.book).banned();
		banned.into_iter().for_each(|peer| self.swarm.behaviour_mut().blocked.block_peer(peer));
		let known: Vec<_> = {
			let book = lock(&self.shared.book);
			book.all()
				.flat_map(|(peer, addresses, ..)| addresses.iter().map(move |a| (peer, a.clone())))
				.collect()
		};
		for (peer, address) in known {
			self.swarm.behaviour_mut().kad.add_address(&peer, address);
		}
		let mut tick = tokio::time::interval(TICK);
		tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
		let end = self.shared.end.clone();
		loop {
			tokio::select! {
				() = end.cancelled() => break,
				event = self.swarm.select_next_some() => self.event(event),
				command = self.commands.recv() => match command {
					Some(command) => self.command(command),
					None => break,
				},
				_ = tick.tick() => self.tick().await,
			}
		}
		self.commands.close();
		// What was told before the end is not forgotten.
		while let Ok(command) = self.commands.try_recv() {
			if let Command::Learn(peer, address) = command {
				self.learn(peer, address, true);
			}
		}
		let connected: Vec<_> = self.swarm.connected_peers().copied().collect();
		for peer in connected {
			let _ = self.swarm.disconnect_peer_id(peer);
		}
		// Connections close in good order only while they are driven.
		let closing = async {
			while self.swarm.connected_peers().next().is_some() {
				self.swarm.select_next_some().await;
			}
		};
		drop(tokio::time::timeout(Duration::from_millis(500), closing).await);
		if let Some(saving) = self.saving.take() {
			drop(saving.await);
		}
		if let Some(saving) = self.save(true) {
			drop(saving.await);
		}
	}

	fn save(&self, at_the_end: bool) -> Option<tokio::task::JoinHandle<()>> {
		let (path, bytes) = lock(&self.shared.book).changes(at_the_end)?;
		Some(tokio::task::spawn_blocking(move || {
			if let Err(error) = oda_files::replace(&path, 0o600, &bytes[..]) {
				tracing::warn!(path = %path.display(), %error, "could not write what is known of peers");
			}
		}))
	}

	async fn tick(&mut self) {
		let (released, banned) = {
			let mut book = lock(&self.shared.book);
			(book.released(), book.banned())
		};
		released.into_iter().for_each(|peer| self.swarm.behaviour_mut().blocked.unblock_peer(peer));
		for peer in banned {
			if self.swarm.is_connected(&peer) {
				self.swarm.behaviour_mut().blocked.block_peer(peer);
			}
		}
		if self.saving.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
			self.saving = self.save(false);
		}
		let now = Instant::now();
		if now >= self.next_redial {
			self.next_redial = now + REDIAL;
			self.call_bootstrap();
		}
		self.reserve(now);
		if !self.copied && self.shared.copied.load(Ordering::Relaxed) {
			self.copied = true;
			tracing::warn!(
				peer = %self.shared.me,
				"another process runs under this peer's id: others reach either of them by chance; give each a base path of \
				 its own, or remove network/key from one of the two"
			);
		}
		self.announce(now).await;
	}

	/// Calls the bootstrap peers and relays that are not connected.
	fn call_bootstrap(&mut self) {
		for address in self.shared.config.bootstrap.iter().chain(&self.shared.config.relays) {
			let Ok((peer, address)) = split(address) else { continue };
			let dial = if peer == self.shared.me {
				// Another process may be there, with a copy of the key.
				if self.own_calls == 0 || lock(&self.shared.listening).contains(&address) {
					continue;
				}
				self.own_calls -= 1;
				DialOpts::unknown_peer_id().address(address).build()
			} else if self.swarm.is_connected(&peer) {
				continue;
			} else {
				self.swarm.behaviour_mut().kad.add_address(&peer, address.clone());
				DialOpts::peer_id(peer).addresses(vec![address]).build()
			};
			if let Err(error) = self.swarm.dial(dial) {
				tracing::debug!(%peer, %error, "not called");
			}
		}
	}

	/// Asks relays for a place.
	fn reserve(&mut self, now: Instant) {
		for relay in &self.shared.config.relays {
			if let Ok((peer, _)) = split(relay)
				&& self.places.due(&peer, now)
				&& self.swarm.is_connected(&peer)
			{
				match self.swarm.listen_on(relay.clone().with(Protocol::P2pCircuit)) {
					Ok(listener) => self.places.asked(peer, listener, now),
					Err(error) => tracing::debug!(%relay, %error, "not asked for a place"),
				}
			}
		}
	}

	/// Announces what is here, a few blobs at a time, and withdraws what is here no longer or not registered any more.
	async fn announce(&mut self, now: Instant) {
		if !self.can_be_called() {
			return;
		}
		if now >= self.next_listing && self.listing.is_none() {
			self.next_listing = now + LISTING;
			self.swarm.behaviour_mut().kad.store_mut().expire(now);
			let shared = self.shared.clone();
			self.listing = Some(tokio::task::spawn_blocking(move || match shared.store.list() {
				Ok(mut blobs) => {
					blobs.retain(|blob| shared.allowed(&blob.root));
					Some(blobs)
				}
				Err(error) => {
					tracing::warn!(%error, "could not list the blobs to be announced");
					None
				}
			}));
		}
		if let Some(listing) = self.listing.take_if(|listing| listing.is_finished())
			&& let Ok(Some(blobs)) = listing.await
		{
			let here: HashSet<_> = blobs.iter().map(|blob| blob.root).collect();
			for root in self.provided.difference(&here) {
				self.swarm.behaviour_mut().kad.stop_providing(&Key::new(root));
			}
			let audience = self.audience();
			// What nobody heard was not announced; and most know nothing of it when they have become twice as many.
			let grown = audience > 0 && (self.audience == 0 || audience >= 2 * self.audience);
			if now >= self.next_announcement || grown {
				self.next_announcement = now + self.shared.config.announce();
				self.audience = audience;
				self.to_announce = here.iter().copied().collect();
			} else {
				self.to_announce.retain(|root| here.contains(root));
				self.to_announce.extend(here.difference(&self.provided));
			}
			self.provided = here;
		}
		for _ in 0..ANNOUNCED {
			let Some(root) = self.to_announce.pop_front() else { break };
			self.provide(&root);
		}
	}

	/// How many peers are in the table of Kademlia.
	fn audience(&mut self) -> usize {
		self.swarm.behaviour_mut().kad.kbuckets().map(|bucket| bucket.num_entries()).sum()
	}

	/// Whether there is any use in announcing something.
	fn can_be_called(&self) -> bool {
		!self.shared.config.listen.is_empty() || !self.shared.config.relays.is_empty()
	}

	fn provide(&mut self, root: &[u8; 32]) {
		if !self.can_be_called() {
			return;
		}
		if let Err(error) = self.swarm.behaviour_mut().kad.start_providing(Key::new(root)) {
			tracing::warn!(blob = hex::encode(root), %error, "not announced");
		}
	}

	fn command(&mut self, command: Command) {
		match command {
			Command::Connect(peer, sender) => self.connect(peer, sender),
			Command::Disconnect(peer) => drop(self.swarm.disconnect_peer_id(peer)),
			Command::Block(peer) => self.swarm.behaviour_mut().blocked.block_peer(peer),
			Command::Unblock(peer) => self.swarm.behaviour_mut().blocked.unblock_peer(peer),
			Command::Learn(peer, address) => self.learn(peer, address, true),
			Command::Provide(root) => {
				self.provided.insert(root);
				self.provide(&root);
			}
			Command::Withdraw(root) => {
				self.provided.remove(&root);
				self.swarm.behaviour_mut().kad.stop_providing(&Key::new(&root));
			}
			Command::Providers(root, sender) => {
				let query = self.swarm.behaviour_mut().kad.get_providers(Key::new(&root));
				self.queries.insert(query, sender);
			}
		}
	}

	fn connect(&mut self, peer: PeerId, sender: oneshot::Sender<Result<(), Unreached>>) {
		if self.swarm.is_connected(&peer) {
			drop(sender.send(Ok(())));
			return;
		}
		let waiting = self.connecting.entry(peer).or_default();
		waiting.retain(|sender| !sender.is_closed());
		waiting.push(sender);
		if waiting.len() > 1 {
			return;
		}
		let mut addresses = lock(&self.shared.book).addresses(&peer);
		let found = self.found.get(&peer).into_iter().flatten();
		let found: Vec<_> = found.filter(|address| !addresses.contains(address)).cloned().collect();
		addresses.extend(found);
		let dial = DialOpts::peer_id(peer).addresses(addresses).extend_addresses_through_behaviour().build();
		match self.swarm.dial(dial) {
			// Already being called: the event will tell.
			Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {}
			Err(error) => self.connected(peer, Err(Unreached::from(&error))),
		}
	}

	/// Takes note that a peer could not be called; of one that the settings name, it is said once if the id is wrong.
	fn missed(&mut self, peer: PeerId, error: &DialError) {
		let why = Unreached::from(error);
		let config = &self.shared.config;
		let named = |address: &&Multiaddr| split(address).is_ok_and(|(known, _)| known == peer);
		if let Some(address) = config.bootstrap.iter().chain(&config.relays).find(named) {
			lock(&self.shared.missed).insert(peer, why.clone());
			tracing::debug!(%address, ?why, "not reached");
			if let Unreached::OtherPeer(obtained) = why
				&& self.mistaken.insert(peer, obtained) != Some(obtained)
			{
				tracing::warn!(
					%address,
					expected = %peer,
					%obtained,
					"another peer is at this address than the settings say"
				);
			}
		}
		self.connected(peer, Err(why));
	}

	/// Takes note of where the providers are that a look-up found; after it has ended, nothing would tell.
	fn found(&mut self, peer: PeerId) {
		let kad = &mut self.swarm.behaviour_mut().kad;
		let calls = kad.handle_pending_outbound_connection(
			ConnectionId::new_unchecked(0),
			Some(peer),
			&[],
			Endpoint::Dialer,
		);
		let Ok(mut addresses) = calls else { return };
		addresses.truncate(ADDRESSES);
		if self.found.len() >= FOUND {
			self.found.clear();
		}
		if !addresses.is_empty() {
			self.found.insert(peer, addresses);
		}
	}

	/// Keeps an announcement of another peer for all who ask.
	fn announced(&mut self, mut record: kad::ProviderRecord) {
		// Who is behind a router often tells no address; those it is known at are better than none.
		record.addresses.extend(lock(&self.shared.book).addresses(&record.provider));
		let mut seen = HashSet::new();
		record.addresses.retain(|address| seen.insert(address.clone()));
		let peer = record.provider;
		if let Err(error) = self.swarm.behaviour_mut().kad.store_mut().add_provider(record) {
			tracing::debug!(%peer, %error, "an announcement is not kept");
		}
	}

	/// Tells those who wait for a connection.
	fn connected(&mut self, peer: PeerId, result: Result<(), Unreached>) {
		for sender in self.connecting.remove(&peer).unwrap_or_default() {
			drop(sender.send(result.clone()));
		}
	}

	/// Closes the connections through relays to a peer, once a direct one has shown that it works: streams would go over
	/// either.
	fn straighten(&mut self, peer: PeerId, works: ConnectionId) {
		let Some(paths) = self.paths.get_mut(&peer) else { return };
		if !paths.contains(&(works, false)) {
			return;
		}
		for (detour, _) in paths.extract_if(.., |(_, relayed)| *relayed) {
			tracing::debug!(%peer, "connected directly, no longer through a relay");
			let _ = self.shared.detours.send(peer);
			self.swarm.close_connection(detour);
		}
	}

	/// Notes what a peer did that its connection was ended for.
	fn breach(&self, peer: PeerId, breach: Breach) {
		tracing::debug!(%peer, %breach, "a connection was ended");
		match breach {
			Breach::Flood => self.shared.fault(peer, Fault::Flooding, None),
			Breach::Credit | Breach::Length => self.shared.fault(peer, Fault::Malformed, None),
			// It may have some streams too many only, or its line may be dead.
			Breach::Protocol | Breach::Deaf => {}
		}
	}

	/// Takes note of a peer's address.
	fn learn(&mut self, peer: PeerId, mut address: Multiaddr, serves: bool) {
		if peer == self.shared.me {
			return;
		}
		// Through a relay, the peer's own id comes last too; it is added again when it is called.
		if let Some(Protocol::P2p(last)) = address.iter().last() {
			if last != peer {
				return;
			}
			address.pop();
		}
		lock(&self.shared.book).learn(peer, address.clone());
		if serves {
			self.swarm.behaviour_mut().kad.add_address(&peer, address);
		}
	}

	fn event(&mut self, event: SwarmEvent<BehaviourEvent>) {
		match event {
			SwarmEvent::Behaviour(event) => self.behaviour(event),
			SwarmEvent::ConnectionEstablished {
				peer_id, connection_id, endpoint, num_established, ..
			} => {
				let address = endpoint.get_remote_address().clone();
				lock(&self.shared.connected).entry(peer_id).or_default().push(address.clone());
				if endpoint.is_dialer() {
					self.learn(peer_id, address, false);
				}
				lock(&self.shared.missed).remove(&peer_id);
				self.connected(peer_id, Ok(()));
				self.paths.entry(peer_id).or_default().push((connection_id, endpoint.is_relayed()));
				self.reserve(Instant::now());
				if num_established.get() == 1 {
					tracing::debug!(peer = %peer_id, "connected");
					lock(&self.shared.failures).connected(&peer_id);
					drop(self.shared.arrivals.send(peer_id));
				}
			}
			SwarmEvent::ConnectionClosed {
				peer_id, connection_id, endpoint, num_established, cause, ..
			} => {
				if let Some(ConnectionError::IO(error)) = &cause
					&& let Some(breach) = Breach::of(error)
				{
					self.breach(peer_id, breach);
				}
				if let Some(paths) = self.paths.get_mut(&peer_id) {
					paths.retain(|(connection, _)| *connection != connection_id);
				}
				let mut connected = lock(&self.shared.connected);
				if num_established == 0 {
					connected.remove(&peer_id);
					self.paths.remove(&peer_id);
				} else if let Some(addresses) = connected.get_mut(&peer_id) {
					let address = endpoint.get_remote_address();
					if let Some(at) = addresses.iter().position(|known| known == address) {
						addresses.remove(at);
					}
				}
			}
			SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. }
				if !self.swarm.is_connected(&peer) =>
			{
				self.missed(peer, &error);
			}
			SwarmEvent::NewListenAddr { address, listener_id } => {
				tracing::debug!(%address, "listening");
				self.places.given(listener_id);
				// Somebody who relays has to say where; what is listened on is the best guess.
				if self.shared.config.relay_server && self.shared.config.external.is_empty() {
					self.swarm.add_external_address(address.clone());
				}
				lock(&self.shared.listening).push(address);
			}
			SwarmEvent::ExpiredListenAddr { address, .. } => {
				lock(&self.shared.listening).retain(|known| *known != address);
			}
			SwarmEvent::ListenerClosed { addresses, reason, listener_id } => {
				lock(&self.shared.listening).retain(|known| !addresses.contains(known));
				match (self.places.lost(listener_id, Instant::now()), reason) {
					(Some((relay, again, true)), Err(error)) => {
						tracing::warn!(%relay, %error, ?again, "no place at a relay; it will be asked again");
					}
					(None, Err(error)) => tracing::warn!(?addresses, %error, "listening no longer"),
					(place, reason) => tracing::debug!(?addresses, ?place, ?reason, "listening no longer"),
				}
			}
			SwarmEvent::NewExternalAddrOfPeer { peer_id, address } => self.learn(peer_id, address, false),
			_ => {}
		}
	}

	fn behaviour(&mut self, event: BehaviourEvent) {
		match event {
			BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
				let serves = info.protocols.contains(&KAD);
				info.listen_addrs
					.into_iter()
					.take(16)
					.for_each(|address| self.learn(peer_id, address, serves));
				let addresses = lock(&self.shared.book).addresses(&peer_id);
				self.swarm.behaviour_mut().kad.store_mut().locate(&peer_id, addresses);
			}
			BehaviourEvent::Ping(ping::Event { peer, connection, result: Ok(_) }) => {
				self.straighten(peer, connection);
			}
			BehaviourEvent::RelayServer(relay::Event::CircuitReqAccepted { src_peer_id, dst_peer_id }) => {
				tracing::debug!(from = %src_peer_id, to = %dst_peer_id, "relaying");
			}
			BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
				for (peer, address) in found {
					self.learn(peer, address, true);
					if !self.swarm.is_connected(&peer)
						&& let Err(error) = self.swarm.dial(peer)
					{
						tracing::debug!(%peer, %error, "not called");
					}
				}
			}
			BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed { id, result, step, .. }) => {
				if let QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders { providers, .. })) =
					result && let Some(sender) = self.queries.get(&id).cloned()
				{
					for peer in providers {
						self.found(peer);
						// Full: more than anybody can use.
						let _ = sender.try_send(peer);
					}
				}
				if step.last {
					self.queries.remove(&id);
				}
			}
			BehaviourEvent::Kad(kad::Event::InboundRequest {
				request: kad::InboundRequest::AddProvider { record: Some(record) },
			}) => self.announced(record),
			BehaviourEvent::Kad(kad::Event::RoutingUpdated { is_new_peer: true, .. })
				if self.audience == 0 =>
			{
				// The first of all, who is to hear at once of what is here.
				self.next_listing = Instant::now();
			}
			BehaviourEvent::Autonat(autonat::Event::StatusChanged { new, .. }) => {
				tracing::debug!(status = ?new, "whether this peer can be reached");
				let mode = match new {
					autonat::NatStatus::Private => kad::Mode::Client,
					_ => kad::Mode::Server,
				};
				self.swarm.behaviour_mut().kad.set_mode(Some(mode));
			}
			_ => {}
		}
	}
}

impl From<&DialError> for Unreached {
	fn from(error: &DialError) -> Self {
		match error {
			DialError::WrongPeerId { obtained, .. } => Self::OtherPeer(*obtained),
			DialError::NoAddresses => Self::Failed("no address is known".to_owned()),
			error => Self::Failed(error.to_string()),
		}
	}
}
