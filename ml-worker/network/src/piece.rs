//! Fetching one piece of a blob from one peer.

use crate::{
	bitfield::Bitfield,
	protocol::{Request, Status},
	shared::{Shared, Unreached, lock},
};
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{PeerId, Stream};
use oda_blobs::{BlobError, BlobRef, Block, Decoder, Partial};
use std::{
	ops::Range,
	sync::{
		Arc, Mutex,
		atomic::{AtomicU64, Ordering},
	},
	time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Pauses before a request that was not answered is sent again.
const CALL_AGAIN: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(200)];

/// Why a piece did not arrive, or not all of it.
#[derive(Debug)]
pub(crate) enum PieceError {
	/// No stream could be opened.
	Unreachable(Unreached),
	/// The stream ended before there was an answer.
	Unanswered,
	/// The stream ended in the middle.
	Broken,
	/// Nothing came for too long, or too little.
	Stalled,
	/// The bytes are not the blob's.
	WrongBytes,
	/// The answer is none that the protocol knows.
	Malformed,
	NotFound,
	OtherLength,
	Refused,
	Busy,
	/// The piece was taken away, for somebody faster or for a better connection.
	Cancelled,
	/// The store failed.
	Store(BlobError),
}

/// A piece that is under way.
pub(crate) struct Flight {
	pub(crate) peer: PeerId,
	pub(crate) groups: Range<u64>,
	pub(crate) started: Instant,
	/// Bytes that were verified so far.
	pub(crate) verified: AtomicU64,
	pub(crate) cancel: CancellationToken,
}

/// When a peer last sent something, shared by all its pieces: one that is slow as a whole has not stalled.
pub(crate) struct Pulse {
	start: Instant,
	last: AtomicU64,
	pub(crate) bytes: AtomicU64,
}

impl Pulse {
	pub(crate) fn new() -> Self {
		Self { start: Instant::now(), last: AtomicU64::new(0), bytes: AtomicU64::new(0) }
	}

	fn beat(&self, bytes: u64) {
		self.bytes.fetch_add(bytes, Ordering::Relaxed);
		let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
		self.last.store(now, Ordering::Relaxed);
	}

	fn quiet(&self) -> Duration {
		self.start.elapsed().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
	}
}

/// Streams to a peer on which nothing is under way: to open one takes a journey to the peer and back.
pub(crate) type Idle = Mutex<Vec<Stream>>;

/// What a peer has of a blob.
#[derive(Debug)]
pub(crate) enum Offer {
	All,
	Part(Bitfield),
}

impl Offer {
	/// The pieces that there are, if not all.
	pub(crate) fn pieces(&self) -> Option<&Bitfield> {
		match self {
			Self::All => None,
			Self::Part(pieces) => Some(pieces),
		}
	}
}

/// Asks a peer what it has of a blob.
pub(crate) async fn ask(shared: &Shared, peer: PeerId, blob: BlobRef) -> Result<Offer, PieceError> {
	let (mut stream, status) = call(shared, peer, &Request::Have(blob)).await?;
	match status {
		Status::Have => Ok(Offer::All),
		Status::NotFound => Err(PieceError::NotFound),
		Status::OtherLength => Err(PieceError::OtherLength),
		Status::Refused => Err(PieceError::Refused),
		Status::Busy => Err(PieceError::Busy),
		Status::Partly => {
			let mut bytes = vec![0; Bitfield::encoded_len(&blob)];
			match timeout(shared.config.stall(), stream.read_exact(&mut bytes)).await {
				Ok(Ok(())) => Bitfield::decode(&blob, bytes).map(Offer::Part).ok_or(PieceError::Malformed),
				Ok(Err(_)) => Err(PieceError::Broken),
				Err(_) => Err(PieceError::Stalled),
			}
		}
	}
}

/// Sends a request; the status of the answer.
async fn exchange(shared: &Shared, stream: &mut Stream, request: &Request) -> Result<Status, PieceError> {
	let answer = async {
		stream.write_all(&request.encode()).await.map_err(|_| PieceError::Unanswered)?;
		stream.flush().await.map_err(|_| PieceError::Unanswered)?;
		let mut byte = [0];
		stream.read_exact(&mut byte).await.map_err(|_| PieceError::Unanswered)?;
		Status::decode(byte[0]).ok_or(PieceError::Malformed)
	};
	timeout(shared.config.stall(), answer).await.unwrap_or(Err(PieceError::Stalled))
}

/// Sends a request over a stream that is idle, or a new one, if the peer has closed it or there is none.
async fn begin(
	shared: &Shared,
	peer: PeerId,
	idle: &Idle,
	request: &Request,
) -> Result<(Stream, Status), PieceError> {
	let kept = lock(idle).pop();
	if let Some(mut stream) = kept {
		match exchange(shared, &mut stream, request).await {
			Err(PieceError::Unanswered) => {}
			result => return result.map(|status| (stream, status)),
		}
	}
	call(shared, peer, request).await
}

/// Sends a request over a new stream, more than once: who serves drops streams that come faster than it takes them, and a
/// stream may have been opened on a connection that is being closed.
async fn call(shared: &Shared, peer: PeerId, request: &Request) -> Result<(Stream, Status), PieceError> {
	let mut pauses = CALL_AGAIN.into_iter();
	loop {
		let detour_ends = shared.detour_ends(peer);
		let attempt = async {
			let mut stream = shared.open(peer).await.map_err(PieceError::Unreachable)?;
			exchange(shared, &mut stream, request).await.map(|status| (stream, status))
		};
		let result = tokio::select! {
			result = attempt => result,
			() = detour_ends => Err(PieceError::Unanswered),
		};
		let again = match &result {
			Err(PieceError::Unanswered) => true,
			Err(PieceError::Unreachable(_)) => shared.is_connected(&peer),
			_ => false,
		};
		match pauses.next() {
			Some(pause) if again => tokio::time::sleep(pause).await,
			_ => return result,
		}
	}
}

/// Fetches groups into a partial blob: how far it came, and why no further.
pub(crate) async fn fetch(
	shared: &Shared,
	partial: &Arc<Partial>,
	flight: &Flight,
	pulse: &Pulse,
	idle: &Idle,
) -> (u64, Result<(), PieceError>) {
	let blob = partial.blob();
	let mut decoder = match Decoder::new(&blob, flight.groups.clone()) {
		Ok(decoder) => decoder,
		Err(error) => return (flight.groups.start, Err(PieceError::Store(error))),
	};
	let mut writer = Writer { partial, next: flight.groups.start, writing: None };
	let detour_ends = shared.detour_ends(flight.peer);
	let result = tokio::select! {
		() = flight.cancel.cancelled() => Err(PieceError::Cancelled),
		() = detour_ends => Err(PieceError::Cancelled),
		result = receive(shared, &mut decoder, &mut writer, flight, pulse, idle) => result,
	};
	// What was verified is kept, whatever came after it.
	let last = decoder.take();
	let written = writer.finish(last).await;
	(writer.next, written.map_err(PieceError::Store).and(result))
}

async fn receive(
	shared: &Shared,
	decoder: &mut Decoder,
	writer: &mut Writer<'_>,
	flight: &Flight,
	pulse: &Pulse,
	idle: &Idle,
) -> Result<(), PieceError> {
	let stall = shared.config.stall();
	let request = Request::Get(writer.partial.blob(), flight.groups.clone());
	let (mut stream, status) = begin(shared, flight.peer, idle, &request).await?;
	match status {
		Status::Have => {}
		Status::NotFound => return Err(PieceError::NotFound),
		Status::OtherLength => return Err(PieceError::OtherLength),
		Status::Refused => return Err(PieceError::Refused),
		Status::Busy => return Err(PieceError::Busy),
		Status::Partly => return Err(PieceError::Malformed),
	}
	let mut since = Instant::now();
	while let Some(want) = decoder.want() {
		let len = want.len() as u64;
		let mut filled = 0;
		while let Some(rest) = want.get_mut(filled..).filter(|rest| !rest.is_empty()) {
			match timeout(stall, stream.read(rest)).await {
				Ok(Ok(0) | Err(_)) => return Err(PieceError::Broken),
				Ok(Ok(n)) => filled += n,
				Err(_) if pulse.quiet() < stall => {}
				Err(_) => return Err(PieceError::Stalled),
			}
			// A drop now and then is no progress: a group has to come in time.
			if since.elapsed() > stall && pulse.quiet() > stall {
				return Err(PieceError::Stalled);
			}
		}
		shared.download.take(len).await;
		Shared::count(&shared.counters.down, len);
		let block = match decoder.filled() {
			Ok(block) => block,
			Err(_) => {
				Shared::count(&shared.counters.wasted, len);
				return Err(PieceError::WrongBytes);
			}
		};
		flight.verified.fetch_add(len, Ordering::Relaxed);
		pulse.beat(len);
		since = Instant::now();
		if let Some(block) = block {
			writer.write(block).await.map_err(PieceError::Store)?;
		}
	}
	lock(idle).push(stream);
	Ok(())
}

/// Writes blocks where blocking is allowed, one while the next is received.
struct Writer<'a> {
	partial: &'a Arc<Partial>,
	/// The first group that is not on disk.
	next: u64,
	writing: Option<JoinHandle<Result<u64, BlobError>>>,
}

impl Writer<'_> {
	/// Begins to write a block, when the one before is on disk.
	async fn write(&mut self, block: Block) -> Result<(), BlobError> {
		self.wait().await?;
		let partial = self.partial.clone();
		self.writing = Some(tokio::task::spawn_blocking(move || {
			partial.write(&block)?;
			Ok(block.groups().end)
		}));
		Ok(())
	}

	async fn wait(&mut self) -> Result<(), BlobError> {
		if let Some(writing) = &mut self.writing {
			let written = writing.await;
			self.writing = None;
			self.next = written.map_err(|_| BlobError::Cancelled)??;
		}
		Ok(())
	}

	async fn finish(&mut self, last: Option<Block>) -> Result<(), BlobError> {
		if let Some(last) = last {
			self.write(last).await?;
		}
		self.wait().await
	}
}
