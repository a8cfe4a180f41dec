//! Peers that speak the protocol by themselves, and not as they should.

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{
	Multiaddr, PeerId, Stream, SwarmBuilder, identity::Keypair, noise, swarm::SwarmEvent,
	swarm::dial_opts::DialOpts, tcp, yamux,
};
use oda_blobs::{BlobRef, Slices, Store, slice_len};
use oda_network::protocol::{BLOBS, REQUEST_LEN, Request, Status};
use std::{
	ops::Range,
	sync::{
		Arc, Mutex,
		atomic::{AtomicUsize, Ordering},
	},
	time::Duration,
};
use tokio::sync::mpsc;

/// How a stranger behaves when it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
	/// As it should, at so many KiB a second for each request.
	Honest(u64),
	/// Sends everything right but one bit.
	Forges,
	/// Begins, and then sends nothing more.
	Stalls,
	/// Says that it has the blob, and then that it has not.
	Lies,
	/// Says that it has the blob, and then, whenever it is asked for some of it, that it is busy.
	Busy,
	/// Says that it has not the blob.
	Lacks,
	/// Breaks off in the middle.
	Breaks,
	/// Answers with a byte that means nothing.
	Babbles,
}

/// A stranger, for as long as it is not dropped.
pub struct Stranger {
	pub id: PeerId,
	pub address: Multiaddr,
	/// All ranges that it was asked for.
	pub asked: Arc<Mutex<Vec<Range<u64>>>>,
	/// How often it was asked what it has.
	pub haves: Arc<AtomicUsize>,
	pub control: libp2p_stream::Control,
	dials: mpsc::UnboundedSender<(PeerId, Multiaddr)>,
	task: tokio::task::JoinHandle<()>,
}

impl Drop for Stranger {
	fn drop(&mut self) {
		self.task.abort();
	}
}

impl Stranger {
	pub async fn start(manner: Manner, store: &Store, blob: &BlobRef) -> Self {
		Self::with_key(Keypair::generate_ed25519(), manner, store, blob).await
	}

	/// As [`start`](Self::start), under an id that others may have too.
	pub async fn with_key(key: Keypair, manner: Manner, store: &Store, blob: &BlobRef) -> Self {
		let id = key.public().to_peer_id();
		let mut swarm = SwarmBuilder::with_existing_identity(key)
			.with_tokio()
			.with_tcp(
				tcp::Config::default().nodelay(true),
				(libp2p::tls::Config::new, noise::Config::new),
				yamux::Config::default,
			)
			.unwrap()
			.with_behaviour(|_| libp2p_stream::Behaviour::new())
			.unwrap()
			.with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
			.build();
		swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
		let address = loop {
			if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
				break address;
			}
		};
		let mut control = swarm.behaviour().new_control();
		let mut incoming = control.accept(BLOBS).unwrap();
		let asked = Arc::new(Mutex::new(Vec::new()));
		let haves = Arc::<AtomicUsize>::default();
		let (dials, mut dialled) = mpsc::unbounded_channel::<(PeerId, Multiaddr)>();
		let (hang_up, mut hung_up) = mpsc::unbounded_channel();
		let (slices, log) = (Arc::new(store.slices(blob).unwrap()), asked.clone());
		let counter = haves.clone();
		let task = tokio::spawn(async move {
			loop {
				tokio::select! {
					_ = swarm.select_next_some() => {}
					Some((peer, address)) = dialled.recv() => {
						// It may have called first.
						let _ = swarm.dial(DialOpts::peer_id(peer).addresses(vec![address]).build());
					}
					Some(peer) = hung_up.recv() => {
						let _ = swarm.disconnect_peer_id(peer);
					}
					Some((peer, stream)) = incoming.next() => {
						let (slices, log, hang_up) = (slices.clone(), log.clone(), hang_up.clone());
						let haves = counter.clone();
						tokio::spawn(async move {
							if answer(manner, stream, &slices, &log, &haves).await.is_ok() && manner == Manner::Breaks {
								let _ = hang_up.send(peer);
							}
						});
					}
				}
			}
		});
		Self { id, address, asked, haves, control, dials, task }
	}

	pub fn dial(&self, peer: PeerId, address: Multiaddr) {
		self.dials.send((peer, address)).unwrap();
	}

	/// Asks as fast as it can, on several streams at once, until the other has had enough.
	pub async fn flood(&self, peer: PeerId, bytes: [u8; REQUEST_LEN]) {
		let floods = (0..16).map(|_| {
			let mut control = self.control.clone();
			async move {
				let once = async {
					let mut stream = control.open_stream(peer, BLOBS).await.ok()?;
					stream.write_all(&bytes).await.ok()?;
					stream.flush().await.ok()?;
					let mut status = [0];
					stream.read_exact(&mut status).await.ok()
				};
				drop(tokio::time::timeout(Duration::from_millis(500), once).await);
			}
		});
		let floods: Vec<_> = floods.collect();
		futures::future::join_all(floods).await;
	}
}

async fn answer(
	manner: Manner,
	mut stream: Stream,
	slices: &Slices,
	log: &Mutex<Vec<Range<u64>>>,
	haves: &AtomicUsize,
) -> std::io::Result<()> {
	let mut bytes = [0; REQUEST_LEN];
	stream.read_exact(&mut bytes).await?;
	let groups = match Request::decode(&bytes) {
		Some(Request::Get(_, groups)) => groups,
		_ => {
			haves.fetch_add(1, Ordering::Relaxed);
			let status = if manner == Manner::Lacks { Status::NotFound } else { Status::Have };
			stream.write_all(&[status as u8]).await?;
			stream.close().await?;
			return std::future::pending().await;
		}
	};
	log.lock().unwrap().push(groups.clone());
	let mut out = vec![Status::Have as u8];
	out.resize(1 + slice_len(slices.blob().len, &groups) as usize, 0);
	slices.encode(groups.clone(), &mut out[1..]).unwrap();
	match manner {
		Manner::Honest(rate) => {
			for chunk in out.chunks(16 << 10) {
				stream.write_all(chunk).await?;
				stream.flush().await?;
				tokio::time::sleep(Duration::from_millis((16 * 1000) / rate)).await;
			}
		}
		Manner::Forges => {
			let at = out.len() / 2 + 12_345 % (out.len() / 2);
			out[at] ^= 4;
			stream.write_all(&out).await?;
		}
		Manner::Stalls => {
			stream.write_all(&out[..100_000.min(out.len() / 2)]).await?;
			stream.flush().await?;
			tokio::time::sleep(Duration::from_secs(600)).await;
		}
		Manner::Busy => stream.write_all(&[Status::Busy as u8]).await?,
		Manner::Lies | Manner::Lacks => stream.write_all(&[Status::NotFound as u8]).await?,
		Manner::Breaks => {
			let all = slice_len(slices.blob().len, &groups) as usize;
			stream.write_all(&out[..all / 3]).await?;
			stream.flush().await?;
			tokio::time::sleep(Duration::from_millis(50)).await;
			return Ok(());
		}
		Manner::Babbles => stream.write_all(&[77]).await?,
	}
	stream.close().await
}
