//! Yamux over a secure connection: many streams over one, each with a window of its own.
//!
//! The `yamux` crate answers one frame before it reads the next, so that what it holds is bounded. It trusts the other end
//! in what is left, and [`Gate`], between it and the connection, does not: see [`Breach`].

use crate::limit::Bucket;
use futures::{AsyncRead, AsyncWrite, future::Ready, ready, task::AtomicWaker};
use libp2p::core::{
	muxing::{StreamMuxer, StreamMuxerEvent},
	upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo},
};
use std::{
	collections::VecDeque,
	convert::Infallible,
	io,
	pin::Pin,
	sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
	task::{Context, Poll, Waker},
	time::Duration,
};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use yamux::{Connection, ConnectionError, DEFAULT_CREDIT, Mode};

/// Bytes that a stream may be ahead of its reader: what the specification gives a stream to begin with, and no more.
pub(crate) const WINDOW: u32 = DEFAULT_CREDIT;

/// Most streams of a connection: with [`WINDOW`], what a peer can make this one hold.
pub(crate) const STREAMS: u16 = 64;

/// Most streams of a connection that this end opens: the other end does the same. The last third of [`STREAMS`] is for
/// those that one end is done with and the other still has.
const OPENED: usize = STREAMS as usize / 3;

/// How long a stream counts that this end is done with: the other end may take so long to notice. If it counted no more at
/// once, who opens one after the other would exceed the limit at either end.
const LINGER: Duration = Duration::from_secs(1);

/// Frames a second, on average, with less than [`SMALL`] bytes in them; twice as many at once.
///
/// A stream that carries a request takes some six. Who is sent data answers every 128 KiB with one: 16,384 of them are for
/// 2 GiB a second.
const SMALL_FRAMES: u32 = 1 << 14;

/// Bytes from which on a frame is worth its header, and the memory that goes with it.
const SMALL: u32 = 1 << 10;

/// How long a peer may take nothing of what is sent to it.
const STALL: Duration = Duration::from_secs(30);

/// Bytes of a frame's header.
const HEADER: usize = 12;

/// What a peer does that no multiplexer does that keeps to the protocol, or to what is reasonable. Its connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Breach {
	/// Each frame costs time, an answer or a buffer, whatever is in it: a window of single bytes takes 64 times its size.
	#[error("too many small frames")]
	Flood,
	/// A stream is opened with more credit than can be counted: `yamux` adds it to its own without looking.
	#[error("more credit than there can be")]
	Credit,
	/// A frame is longer than the window of any stream; memory for it would be taken before it is here.
	#[error("a frame longer than any window")]
	Length,
	/// `yamux` told the peer that it has broken the protocol, or has too many streams, and would go on.
	#[error("a breach of the multiplexer's protocol")]
	Protocol,
	/// The peer reads nothing of what is sent to it.
	#[error("nothing was read for too long")]
	Deaf,
}

impl Breach {
	/// Why a connection ended, if it was for a breach.
	pub(crate) fn of(mut error: &io::Error) -> Option<Self> {
		// Each layer of transports puts it into an error of input and output once more.
		loop {
			let inner = error.get_ref()?;
			match inner.downcast_ref() {
				Some(MuxError::Breach(breach)) => return Some(*breach),
				Some(MuxError::Yamux(_)) => return None,
				None => error = inner.downcast_ref()?,
			}
		}
	}
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MuxError {
	#[error(transparent)]
	Breach(Breach),
	#[error(transparent)]
	Yamux(ConnectionError),
}

/// Agrees on yamux.
#[derive(Clone, Copy)]
pub(crate) struct Yamux;

impl UpgradeInfo for Yamux {
	type Info = &'static str;
	type InfoIter = std::iter::Once<Self::Info>;

	fn protocol_info(&self) -> Self::InfoIter {
		std::iter::once("/yamux/1.0.0")
	}
}

impl<C: AsyncRead + AsyncWrite + Unpin> InboundConnectionUpgrade<C> for Yamux {
	type Output = Muxer<C>;
	type Error = Infallible;
	type Future = Ready<Result<Muxer<C>, Infallible>>;

	fn upgrade_inbound(self, socket: C, _: Self::Info) -> Self::Future {
		futures::future::ready(Ok(Muxer::new(socket, Mode::Server)))
	}
}

impl<C: AsyncRead + AsyncWrite + Unpin> OutboundConnectionUpgrade<C> for Yamux {
	type Output = Muxer<C>;
	type Error = Infallible;
	type Future = Ready<Result<Muxer<C>, Infallible>>;

	fn upgrade_outbound(self, socket: C, _: Self::Info) -> Self::Future {
		futures::future::ready(Ok(Muxer::new(socket, Mode::Client)))
	}
}

/// The streams of a connection.
pub(crate) struct Muxer<C> {
	connection: Connection<Gate<C>>,
	/// Streams that were opened by the other end and not yet taken; `yamux` counts them.
	arrived: VecDeque<Stream>,
	/// Who waits for one.
	waiting: Option<Waker>,
	opened: Arc<Opened>,
	/// When the next of the streams that this end is done with counts no more.
	next: Option<Pin<Box<Sleep>>>,
	breach: Arc<OnceLock<Breach>>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
	fn new(socket: C, mode: Mode) -> Self {
		let mut config = yamux::Config::default();
		config
			.set_max_num_streams(STREAMS.into())
			// None to share out: windows do not grow. Those that do take long to, and have no bound of use here.
			.set_max_connection_receive_window(Some(usize::from(STREAMS) * WINDOW as usize))
			.set_read_after_close(false);
		let breach = Arc::default();
		Self {
			connection: Connection::new(Gate::new(socket, STALL, Arc::clone(&breach)), config, mode),
			arrived: VecDeque::new(),
			waiting: None,
			opened: Arc::default(),
			next: None,
			breach,
		}
	}

	fn error(&self, error: ConnectionError) -> MuxError {
		self.breach.get().map_or(MuxError::Yamux(error), |breach| MuxError::Breach(*breach))
	}
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
	type Substream = Stream;
	type Error = MuxError;

	fn poll_inbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, MuxError>> {
		if let Some(stream) = self.arrived.pop_front() {
			return Poll::Ready(Ok(stream));
		}
		self.waiting = Some(cx.waker().clone());
		Poll::Pending
	}

	fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, MuxError>> {
		// Before it is looked: one may end in between.
		self.opened.ending.register(cx.waker());
		while let Some(free_at) = self.opened.full() {
			let Some(free_at) = free_at else { return Poll::Pending };
			let next = self.next.insert(Box::pin(sleep_until(free_at)));
			ready!(next.as_mut().poll(cx));
		}
		let stream = ready!(self.connection.poll_new_outbound(cx)).map_err(|error| self.error(error))?;
		self.opened.streams().live += 1;
		Poll::Ready(Ok(Stream { stream, opened: Some(self.opened.clone()) }))
	}

	fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MuxError>> {
		self.connection.poll_close(cx).map_err(|error| self.error(error))
	}

	fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, MuxError>> {
		match ready!(self.connection.poll_next_inbound(cx)) {
			Some(Ok(stream)) => {
				self.arrived.push_back(Stream { stream, opened: None });
				if let Some(waker) = self.waiting.take() {
					waker.wake();
				}
				// Others get their turn before the next.
				cx.waker().wake_by_ref();
				Poll::Pending
			}
			Some(Err(error)) => Poll::Ready(Err(self.error(error))),
			None => Poll::Ready(Err(self.error(ConnectionError::Closed))),
		}
	}
}

/// The streams that this end has opened.
#[derive(Default)]
struct Opened {
	streams: Mutex<Counted>,
	/// Who waits until this end is done with one.
	ending: AtomicWaker,
}

#[derive(Default)]
struct Counted {
	live: usize,
	/// Until when those count that this end is done with, the first one first.
	ending: VecDeque<Instant>,
}

impl Opened {
	fn streams(&self) -> MutexGuard<'_, Counted> {
		self.streams.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Whether there are as many as there may be; and if so, when the next counts no more, if that is known.
	fn full(&self) -> Option<Option<Instant>> {
		let mut streams = self.streams();
		let now = Instant::now();
		while streams.ending.front().is_some_and(|until| *until <= now) {
			streams.ending.pop_front();
		}
		let full = streams.live + streams.ending.len() >= OPENED;
		full.then(|| streams.ending.front().copied())
	}
}

/// A stream of a connection.
pub(crate) struct Stream {
	stream: yamux::Stream,
	/// Where it is counted, if this end opened it.
	opened: Option<Arc<Opened>>,
}

impl Drop for Stream {
	fn drop(&mut self) {
		if let Some(opened) = &self.opened {
			let mut streams = opened.streams();
			streams.live -= 1;
			streams.ending.push_back(Instant::now() + LINGER);
			drop(streams);
			opened.ending.wake();
		}
	}
}

impl AsyncRead for Stream {
	fn poll_read(
		mut self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		bytes: &mut [u8],
	) -> Poll<io::Result<usize>> {
		Pin::new(&mut self.stream).poll_read(cx, bytes)
	}
}

impl AsyncWrite for Stream {
	fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
		Pin::new(&mut self.stream).poll_write(cx, bytes)
	}

	fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_flush(cx)
	}

	fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_close(cx)
	}
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
	Data,
	Window,
	GoAway,
	/// A ping, or a kind that there is not, which `yamux` refuses.
	Other,
}

/// What a frame says of itself.
#[derive(Clone, Copy)]
struct Header {
	kind: Kind,
	/// Whether it opens a stream.
	opens: bool,
	/// Bytes that follow, credit that is given, or why the other goes away.
	value: u32,
}

impl Header {
	fn parse(bytes: &[u8; HEADER]) -> Self {
		let [_, kind, _, flags, _, _, _, _, value @ ..] = *bytes;
		let kind = match kind {
			0 => Kind::Data,
			1 => Kind::Window,
			3 => Kind::GoAway,
			_ => Kind::Other,
		};
		Self { kind, opens: flags & 1 != 0, value: u32::from_be_bytes(value) }
	}
}

/// Finds the headers of the frames in one direction.
#[derive(Default)]
struct Frames {
	header: [u8; HEADER],
	filled: usize,
	/// Bytes of a frame that are still to come.
	body: usize,
}

impl Frames {
	/// Tells `seen` of each header that is complete with these bytes.
	fn pass(
		&mut self,
		mut bytes: &[u8],
		mut seen: impl FnMut(Header) -> Result<(), Breach>,
	) -> Result<(), Breach> {
		while !bytes.is_empty() {
			if self.body > 0 {
				let (_, rest) = bytes.split_at(self.body.min(bytes.len()));
				self.body -= bytes.len() - rest.len();
				bytes = rest;
				continue;
			}
			let (part, rest) = bytes.split_at((HEADER - self.filled).min(bytes.len()));
			self.header[self.filled..self.filled + part.len()].copy_from_slice(part);
			self.filled += part.len();
			bytes = rest;
			if self.filled == HEADER {
				self.filled = 0;
				let header = Header::parse(&self.header);
				if header.kind == Kind::Data {
					self.body = header.value as usize;
				}
				seen(header)?;
			}
		}
		Ok(())
	}
}

/// A connection of whose frames each is looked at before `yamux` sees it.
struct Gate<C> {
	socket: C,
	inbound: Frames,
	outbound: Frames,
	small: Bucket,
	stall: Duration,
	/// Runs while the peer takes nothing.
	stalled: Option<Pin<Box<Sleep>>>,
	/// Why it is closed.
	breach: Arc<OnceLock<Breach>>,
}

impl<C> Gate<C> {
	fn new(socket: C, stall: Duration, breach: Arc<OnceLock<Breach>>) -> Self {
		let small = Bucket::new(SMALL_FRAMES);
		Self {
			socket,
			inbound: Frames::default(),
			outbound: Frames::default(),
			small,
			stall,
			stalled: None,
			breach,
		}
	}

	/// Fails if the gate is closed.
	fn open(&self) -> io::Result<()> {
		self.breach.get().map_or(Ok(()), |breach| Err(io::Error::other(*breach)))
	}

	/// Closes the gate, if that is due.
	fn judge(&self, judgement: Result<(), Breach>) -> io::Result<()> {
		if let Err(breach) = judgement {
			// The first counts.
			let _ = self.breach.set(breach);
		}
		self.open()
	}
}

impl<C: AsyncRead + Unpin> AsyncRead for Gate<C> {
	fn poll_read(
		mut self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		bytes: &mut [u8],
	) -> Poll<io::Result<usize>> {
		self.open()?;
		let read = ready!(Pin::new(&mut self.socket).poll_read(cx, bytes))?;
		let Self { inbound, small, .. } = &mut *self;
		let judgement = inbound.pass(&bytes[..read], |header| match header.kind {
			Kind::Data if header.value > WINDOW => Err(Breach::Length),
			Kind::Data if header.value >= SMALL => Ok(()),
			Kind::Window if header.opens && header.value > u32::MAX - DEFAULT_CREDIT => Err(Breach::Credit),
			_ if small.take(SMALL_FRAMES, Instant::now().into_std()) => Ok(()),
			_ => Err(Breach::Flood),
		});
		self.judge(judgement)?;
		Poll::Ready(Ok(read))
	}
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Gate<C> {
	fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
		self.open()?;
		let Poll::Ready(written) = Pin::new(&mut self.socket).poll_write(cx, bytes)? else {
			let stall = self.stall;
			ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(stall))).as_mut().poll(cx));
			return Poll::Ready(self.judge(Err(Breach::Deaf)).map(|()| 0));
		};
		self.stalled = None;
		let judgement = self.outbound.pass(&bytes[..written], |header| match header.kind {
			// 0: this end leaves in good order.
			Kind::GoAway if header.value != 0 => Err(Breach::Protocol),
			_ => Ok(()),
		});
		self.judge(judgement)?;
		Poll::Ready(Ok(written))
	}

	fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		self.open()?;
		Pin::new(&mut self.socket).poll_flush(cx)
	}

	fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.socket).poll_close(cx)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use futures::{AsyncReadExt, AsyncWriteExt, io::Cursor};
	use std::future::poll_fn;

	fn frame(kind: u8, flags: u8, value: u32) -> Vec<u8> {
		let [a, b, c, d] = value.to_be_bytes();
		vec![0, kind, 0, flags, 0, 0, 0, 1, a, b, c, d]
	}

	fn gate<C>(socket: C) -> Gate<C> {
		Gate::new(socket, Duration::from_millis(1), Arc::default())
	}

	/// What comes through a gate, in reads of so many bytes, and why it was closed.
	async fn through(bytes: &[u8], at_once: usize) -> (usize, Option<Breach>) {
		let mut gate = gate(Cursor::new(bytes));
		let (mut total, mut buffer) = (0, vec![0; at_once]);
		loop {
			match gate.read(&mut buffer).await {
				Ok(0) => return (total, None),
				Ok(read) => total += read,
				Err(_) => return (total, gate.breach.get().copied()),
			}
		}
	}

	#[tokio::test]
	async fn frames_are_found_however_they_are_read() {
		let honest = [
			frame(1, 1, 0),
			frame(0, 0, 5),
			vec![1, 1, 1, 1, 3],
			frame(2, 1, u32::MAX),
			frame(1, 0, u32::MAX),
			frame(0, 4, 0),
		]
		.concat();
		let hostile = [honest.clone(), frame(1, 1, u32::MAX)].concat();
		for at_once in [1, 7, 12, 1000] {
			assert_eq!(through(&honest, at_once).await, (honest.len(), None));
			let (passed, breach) = through(&hostile, at_once).await;
			assert_eq!(breach, Some(Breach::Credit));
			assert!(passed < hostile.len(), "the last header does not pass");
		}
	}

	#[tokio::test]
	async fn credit_that_cannot_be_counted_does_not_pass() {
		let most = u32::MAX - DEFAULT_CREDIT;
		assert_eq!(through(&frame(1, 1, most), 12).await, (12, None));
		assert_eq!(through(&frame(1, 1, most + 1), 12).await, (0, Some(Breach::Credit)));
	}

	#[tokio::test]
	async fn a_frame_longer_than_a_window_does_not_pass() {
		let longest = [frame(0, 0, WINDOW), vec![0; WINDOW as usize]].concat();
		assert_eq!(through(&longest, 1 << 16).await, (longest.len(), None));
		assert_eq!(through(&frame(0, 0, WINDOW + 1), 12).await, (0, Some(Breach::Length)));
	}

	#[tokio::test]
	async fn small_frames_pass_at_their_rate_and_full_ones_at_any() {
		let many = 20 * SMALL_FRAMES as usize;
		for small in [frame(2, 1, 7), frame(1, 0, 1), [frame(0, 0, 1), vec![7]].concat()] {
			assert_eq!(through(&small.repeat(many), 1 << 16).await.1, Some(Breach::Flood));
		}
		let full = [frame(0, 0, SMALL), vec![7; SMALL as usize]].concat();
		let full = full.repeat(many / 4);
		assert_eq!(through(&full, 1 << 16).await, (full.len(), None));
	}

	#[tokio::test]
	async fn who_was_told_to_go_is_heard_no_more() {
		let mut leaving = gate(Cursor::new(frame(2, 1, 7)));
		leaving.write_all(&frame(3, 0, 0)).await.unwrap();
		let mut bytes = frame(2, 1, 7);
		bytes.extend(frame(2, 1, 8));
		let mut gate = gate(Cursor::new(bytes));
		let mut header = [0; HEADER];
		gate.read_exact(&mut header).await.unwrap();
		assert!(gate.write_all(&frame(3, 0, 1)).await.is_err());
		assert!(gate.read_exact(&mut header).await.is_err());
		assert_eq!(gate.breach.get(), Some(&Breach::Protocol));
	}

	/// Takes nothing, ever.
	struct Full;

	impl AsyncWrite for Full {
		fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
			Poll::Pending
		}

		fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
			Poll::Pending
		}

		fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
			Poll::Pending
		}
	}

	#[tokio::test]
	async fn who_reads_nothing_is_given_up() {
		let mut gate = gate(Full);
		assert!(gate.write_all(&frame(2, 1, 7)).await.is_err());
		assert_eq!(gate.breach.get(), Some(&Breach::Deaf));
		assert!(gate.flush().await.is_err(), "it stays closed");
	}

	/// Both ends of a connection, as the transports drive them.
	async fn opened(wanted: usize) -> (Vec<Stream>, Vec<Stream>) {
		let (one, other) = tokio::io::duplex(1 << 16);
		let mut one = Muxer::new(compat(one), Mode::Client);
		let mut other = Muxer::new(compat(other), Mode::Server);
		let (mut ours, mut theirs) = (Vec::new(), Vec::new());
		let mut idle = 0;
		poll_fn(|cx| {
			while ours.len() < wanted {
				let Poll::Ready(stream) = Pin::new(&mut one).poll_outbound(cx) else { break };
				let mut stream = stream.unwrap();
				// The first bytes open it at the other end.
				assert!(Pin::new(&mut stream).poll_write(cx, b"open").is_ready());
				ours.push(stream);
			}
			assert!(Pin::new(&mut one).poll(cx).is_pending());
			assert!(Pin::new(&mut other).poll(cx).is_pending());
			let before = theirs.len();
			while let Poll::Ready(stream) = Pin::new(&mut other).poll_inbound(cx) {
				theirs.push(stream.unwrap());
			}
			idle = if theirs.len() == before { idle + 1 } else { 0 };
			if idle > 100 {
				return Poll::Ready(());
			}
			cx.waker().wake_by_ref();
			Poll::Pending
		})
		.await;
		(ours, theirs)
	}

	fn compat(io: tokio::io::DuplexStream) -> tokio_util::compat::Compat<tokio::io::DuplexStream> {
		tokio_util::compat::TokioAsyncReadCompatExt::compat(io)
	}

	#[tokio::test]
	async fn an_end_opens_a_third_of_the_streams_and_waits_with_more() {
		let (ours, theirs) = opened(10).await;
		assert_eq!((ours.len(), theirs.len()), (10, 10));
		let (ours, theirs) = opened(STREAMS.into()).await;
		assert_eq!((ours.len(), theirs.len()), (OPENED, OPENED));
	}

	/// The other end is slow: it is not done with any stream for as long as this one opens others.
	#[tokio::test(start_paused = true)]
	async fn who_is_done_with_streams_at_once_is_not_cut_by_who_is_not_yet() {
		let (one, other) = tokio::io::duplex(1 << 16);
		let (mut one, mut other) =
			(Muxer::new(compat(one), Mode::Client), Muxer::new(compat(other), Mode::Server));
		let began = Instant::now();
		let (mut count, mut theirs) = (0, VecDeque::new());
		let mut ticks = tokio::time::interval(LINGER / 10);
		poll_fn(|cx| {
			while ticks.poll_tick(cx).is_ready() {}
			while count < 4 * OPENED
				&& let Poll::Ready(stream) = Pin::new(&mut one).poll_outbound(cx)
			{
				assert!(Pin::new(&mut stream.unwrap()).poll_write(cx, b"open").is_ready());
				count += 1;
			}
			assert!(Pin::new(&mut one).poll(cx).is_pending());
			assert!(Pin::new(&mut other).poll(cx).is_pending());
			while let Poll::Ready(stream) = Pin::new(&mut other).poll_inbound(cx) {
				theirs.push_back((Instant::now(), stream.unwrap()));
			}
			// Slower than this one thinks, by half.
			while theirs.front().is_some_and(|(since, _)| since.elapsed() > LINGER * 3 / 2) {
				theirs.pop_front();
			}
			if count == 4 * OPENED && theirs.is_empty() { Poll::Ready(()) } else { Poll::Pending }
		})
		.await;
		assert_eq!(began.elapsed().as_secs(), 4);
	}

	#[test]
	fn a_breach_is_found_within_layers_of_errors() {
		let breach = || io::Error::other(MuxError::Breach(Breach::Flood));
		assert_eq!(Breach::of(&breach()), Some(Breach::Flood));
		assert_eq!(Breach::of(&io::Error::other(io::Error::other(breach()))), Some(Breach::Flood));
		assert_eq!(Breach::of(&io::Error::other(MuxError::Yamux(ConnectionError::Closed))), None);
		assert_eq!(Breach::of(&io::ErrorKind::BrokenPipe.into()), None);
		assert_eq!(Breach::of(&io::Error::other("else")), None);
	}
}
