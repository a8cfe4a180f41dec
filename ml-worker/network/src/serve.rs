//! Answering other peers.

use crate::{
	Fault,
	bitfield::Bitfield,
	config::FLOOD_WINDOW,
	limit::{Bucket, Share, Shares},
	protocol::{REQUEST_LEN, Request, Status},
	shared::{Shared, lock},
};
use futures::{
	AsyncReadExt, AsyncWriteExt, FutureExt, StreamExt,
	future::{BoxFuture, Shared as SharedFuture},
};
use libp2p::{PeerId, Stream};
use oda_blobs::{BlobError, BlobRef, BlobSource, Slices, group_count, slice_len};
use std::{
	collections::HashMap,
	sync::{Arc, Mutex},
	time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

/// How long a peer may take to send its request, the first on a stream or the next.
const ASK: Duration = Duration::from_secs(10);

/// How long a request waits for a blob's outboard to be made.
const WAIT: Duration = Duration::from_secs(1);

/// How long a peer may take to read 256 KiB.
const READ: Duration = Duration::from_secs(30);

/// Bytes written between two looks at the limit.
const CHUNK: usize = 256 << 10;

/// Most streams of all peers that are looked after at once. Beyond that, one of the peer that has most is closed.
const STREAMS: u64 = 1024;

/// Most streams of one peer, over all its connections.
const STREAMS_PER_PEER: u64 = 64;

/// Peers of whom it is remembered what they asked for, before those who ask no more are forgotten.
const REMEMBERED: usize = 1024;

/// Blobs whose files are kept open.
const OPEN: usize = 64;

/// How long files stay open that nobody asks for: a blob that was deleted takes room on disk as long as they are.
const KEEP: Duration = Duration::from_secs(10);

/// Malformed requests in [`FLOOD_WINDOW`] from which on a peer is taken to flood.
const GARBAGE: u32 = 3;

/// Slices whose memory is kept: that of so many requests is under way most of the time.
const SPARE: usize = 8;

type Opening = SharedFuture<BoxFuture<'static, Result<Arc<Slices>, Arc<BlobError>>>>;

/// What is under way for one peer.
struct Load {
	active: u32,
	bucket: Bucket,
	window: Instant,
	turned_away: u32,
	garbage: u32,
}

/// How a request fared with the limits.
enum Admission {
	/// With the memory for what is sent.
	Admitted(Share<PeerId>),
	/// There is no memory now.
	Full,
	TurnedAway,
	Flooding,
}

pub(crate) struct Server {
	shared: Arc<Shared>,
	loads: Mutex<HashMap<PeerId, Load>>,
	open: Mutex<HashMap<BlobRef, (Instant, Opening)>>,
	streams: Arc<Shares<PeerId>>,
	memory: Arc<Shares<PeerId>>,
	/// Memory that was used before, so that it need not be cleared again.
	spare: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Server {
	pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
		let memory = Shares::new(shared.config.queued, shared.config.queued_per_peer);
		Arc::new(Self {
			shared,
			loads: Mutex::default(),
			open: Mutex::default(),
			streams: Shares::new(STREAMS, STREAMS_PER_PEER),
			memory,
			spare: Arc::default(),
		})
	}

	/// Answers until the network ends.
	pub(crate) async fn run(self: Arc<Self>, mut incoming: libp2p_stream::IncomingStreams) {
		let end = self.shared.end.clone();
		let mut streams = JoinSet::new();
		let mut looks = tokio::time::interval(KEEP);
		loop {
			tokio::select! {
				() = end.cancelled() => break,
				_ = looks.tick() => lock(&self.open).retain(|_, (used, _)| used.elapsed() < KEEP),
				next = incoming.next() => match next {
					Some((peer, stream)) => if let Some(share) = self.streams.claim(peer, 1) {
						let server = self.clone();
						streams.spawn(async move {
							tokio::select! {
								() = server.answer(peer, stream) => {}
								() = share.revoked() => {}
							}
						});
					},
					None => break,
				},
				Some(_) = streams.join_next() => {}
			}
		}
	}

	/// Answers the requests on a stream, one after the other.
	async fn answer(&self, peer: PeerId, mut stream: Stream) {
		let mut bytes = [0; REQUEST_LEN];
		// In the end nobody wants anything more, or the connection is gone.
		while let Ok(Ok(())) = timeout(ASK, stream.read_exact(&mut bytes)).await {
			let Some(request) = Request::decode(&bytes) else {
				self.garbage(peer);
				return;
			};
			if let Err(error) = self.answer_one(peer, &mut stream, &request).await {
				tracing::debug!(%peer, %error, "could not answer");
				return;
			}
		}
	}

	async fn answer_one(&self, peer: PeerId, stream: &mut Stream, request: &Request) -> std::io::Result<()> {
		let bytes = match request {
			Request::Have(blob) => Bitfield::encoded_len(blob) as u64 + 1,
			Request::Get(blob, groups) => slice_len(blob.len, groups).saturating_add(1),
		};
		match self.admit(peer, bytes) {
			Admission::Admitted(memory) => {
				let answered = tokio::select! {
					answered = self.respond(stream, request, bytes) => answered,
					() = self.shared.detour_ends(peer) => Err(std::io::ErrorKind::ConnectionAborted.into()),
					() = memory.revoked() => Err(std::io::Error::other("others want to be served too")),
				};
				self.release(peer);
				answered
			}
			Admission::Full | Admission::TurnedAway => {
				Shared::count(&self.shared.counters.turned_away, 1);
				say(stream, Status::Busy).await
			}
			Admission::Flooding => {
				self.shared.fault(peer, Fault::Flooding, None);
				Err(std::io::Error::other("flooding"))
			}
		}
	}

	async fn respond(&self, stream: &mut Stream, request: &Request, bytes: u64) -> std::io::Result<()> {
		let blob = request.blob();
		if !self.shared.allowed(&blob.root) {
			return say(stream, Status::Refused).await;
		}
		// In this order: a download that has ended in between has left all of it in the store.
		let download = self.shared.downloading(&blob);
		let whole = self.shared.store.has(&blob).unwrap_or(false);
		if !whole && download.is_none() {
			let other = self.shared.store.stat(&blob.root).is_ok_and(|here| here.is_some());
			return say(stream, if other { Status::OtherLength } else { Status::NotFound }).await;
		}
		// The download itself is for those who want the blob to keep alive.
		let partial = download.and_then(|download| download.partial.get().cloned());
		let Request::Get(_, groups) = request else {
			if whole {
				return say(stream, Status::Have).await;
			}
			// All of it is missing before it was looked at what is here.
			let all = || std::iter::once(0..group_count(blob.len)).collect();
			let pieces = Bitfield::without(&blob, &partial.map_or_else(all, |partial| partial.missing()));
			return send(stream, &[&[Status::Partly as u8], pieces.encode()].concat()).await;
		};
		let opening = match partial.filter(|partial| partial.has(groups)) {
			_ if whole => self.open(blob),
			Some(partial) => {
				let slices = partial.slices().map(Arc::new).map_err(Arc::new);
				futures::future::ready(slices).boxed().shared()
			}
			None => return say(stream, Status::NotFound).await,
		};
		let Ok(slices) = timeout(WAIT, opening).await else {
			return say(stream, Status::Busy).await;
		};
		let slices = match slices {
			Ok(slices) => slices,
			Err(error) => {
				tracing::warn!(%error, "a blob cannot be served");
				// It may be mended meanwhile.
				lock(&self.open).remove(&blob);
				return say(stream, Status::NotFound).await;
			}
		};
		let (groups, spare) = (groups.clone(), self.spare.clone());
		let encoded = tokio::task::spawn_blocking(move || {
			let len = usize::try_from(bytes).unwrap_or(usize::MAX);
			let mut out = lock(&spare).pop().unwrap_or_default();
			if out.len() < len {
				out.resize(len, 0);
			}
			out[0] = Status::Have as u8;
			slices.encode(groups, &mut out[1..]).map(|_| out)
		});
		let out = match encoded.await {
			Ok(Ok(out)) => out,
			Ok(Err(error)) => {
				tracing::warn!(%error, "a blob cannot be served");
				lock(&self.open).remove(&blob);
				return say(stream, Status::NotFound).await;
			}
			Err(_) => return say(stream, Status::Busy).await,
		};
		let len = usize::try_from(bytes).unwrap_or(usize::MAX);
		for chunk in out[..len.min(out.len())].chunks(CHUNK) {
			self.shared.upload.take(chunk.len() as u64).await;
			timeout(READ, stream.write_all(chunk)).await??;
			Shared::count(&self.shared.counters.up, chunk.len() as u64);
		}
		timeout(READ, stream.flush()).await??;
		let mut spare = lock(&self.spare);
		if spare.len() < SPARE {
			spare.push(out);
		}
		drop(spare);
		Shared::count(&self.shared.counters.served, 1);
		Ok(())
	}

	/// A blob's files; made ready by whoever asks first, for all.
	fn open(&self, blob: BlobRef) -> Opening {
		let mut open = lock(&self.open);
		if let Some((used, opening)) = open.get_mut(&blob) {
			*used = Instant::now();
			return opening.clone();
		}
		if open.len() >= OPEN
			&& let Some(oldest) = open.iter().min_by_key(|(_, (used, _))| *used).map(|(blob, _)| *blob)
		{
			open.remove(&oldest);
		}
		let store = self.shared.store.clone();
		let task = tokio::task::spawn_blocking(move || store.slices(&blob).map(Arc::new).map_err(Arc::new));
		let opening = async move { task.await.unwrap_or_else(|_| Err(Arc::new(BlobError::Cancelled))) };
		let opening = opening.boxed().shared();
		open.insert(blob, (Instant::now(), opening.clone()));
		opening
	}

	fn admit(&self, peer: PeerId, bytes: u64) -> Admission {
		let config = &self.shared.config;
		let now = Instant::now();
		let mut loads = lock(&self.loads);
		let load = loads.entry(peer).or_insert_with(|| Load::new(config.requests_per_second, now));
		if load.active < config.requests_per_peer && load.bucket.take(config.requests_per_second, now) {
			let Some(memory) = self.memory.claim(peer, bytes) else { return Admission::Full };
			load.active += 1;
			return Admission::Admitted(memory);
		}
		load.turn(now);
		load.turned_away += 1;
		if load.turned_away >= config.flood { Admission::Flooding } else { Admission::TurnedAway }
	}

	fn release(&self, peer: PeerId) {
		let mut loads = lock(&self.loads);
		if let Some(load) = loads.get_mut(&peer) {
			load.active = load.active.saturating_sub(1);
		}
		if loads.len() > REMEMBERED {
			let now = Instant::now();
			loads.retain(|_, load| load.active > 0 || now.duration_since(load.bucket.used()) < FLOOD_WINDOW);
		}
	}

	fn garbage(&self, peer: PeerId) {
		let count = {
			let now = Instant::now();
			let mut loads = lock(&self.loads);
			let rate = self.shared.config.requests_per_second;
			let load = loads.entry(peer).or_insert_with(|| Load::new(rate, now));
			load.turn(now);
			load.garbage += 1;
			load.garbage
		};
		match count {
			1 => self.shared.fault(peer, Fault::Malformed, None),
			GARBAGE => self.shared.fault(peer, Fault::Flooding, None),
			_ => {}
		}
	}
}

impl Load {
	fn new(rate: u32, now: Instant) -> Self {
		Self { active: 0, bucket: Bucket::new(rate), window: now, turned_away: 0, garbage: 0 }
	}

	/// Starts counting anew when a window has passed.
	fn turn(&mut self, now: Instant) {
		if now.duration_since(self.window) > FLOOD_WINDOW {
			self.window = now;
			self.turned_away = 0;
			self.garbage = 0;
		}
	}
}

/// Sends a status and nothing else.
async fn say(stream: &mut Stream, status: Status) -> std::io::Result<()> {
	send(stream, &[status as u8]).await
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> std::io::Result<()> {
	timeout(ASK, stream.write_all(bytes)).await??;
	timeout(ASK, stream.flush()).await?
}
