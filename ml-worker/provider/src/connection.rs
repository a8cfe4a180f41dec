//! Connections: how many there are, how long they take, and how they end.

use crate::{
	config::{Limits, Times},
	http::Peer,
	metrics::Metrics,
	pace::household,
	refused::Refused,
};
use axum::{
	Router,
	http::header::{CONNECTION, HeaderValue},
	response::IntoResponse,
};
use hyper::{
	Request,
	body::{Body, Bytes, Frame, Incoming, SizeHint},
	server::conn::http1,
	service::{Service, service_fn},
};
use hyper_util::{
	rt::{TokioIo, TokioTimer},
	service::TowerToHyperService,
};
use oda_inference::api::ProblemKind;
use std::{
	collections::HashMap,
	convert::Infallible,
	io,
	net::IpAddr,
	pin::Pin,
	sync::{
		Arc, Mutex, PoisonError,
		atomic::{AtomicBool, Ordering},
	},
	task::{Context, Poll, ready},
	time::Duration,
};
use tokio::{
	io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
	net::{TcpListener, TcpStream},
	sync::{Semaphore, watch},
	task::{JoinSet, yield_now},
	time::{Instant, Sleep, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// What a connection buffers, at most: enough for headers that are too large to be told so.
const BUFFER: usize = 128 << 10;

/// How many headers of a request are read: enough to be told so if they are too many.
const HEADERS: usize = 256;

/// Of the connections that an address may have, the part that it may have beyond them to be told that they
/// are too many.
const CROWD: usize = 4;

/// How long more is waited for on a connection that has ended: whoever still sends reads the last answer only
/// if the connection is not reset meanwhile.
const LINGER: Duration = Duration::from_secs(2);

/// What serves connections.
pub(crate) struct Acceptor {
	pub(crate) listener: TcpListener,
	pub(crate) tls: Option<TlsAcceptor>,
	pub(crate) router: Router,
	pub(crate) limits: Limits,
	pub(crate) times: Times,
	pub(crate) metrics: Metrics,
	/// Becomes true when it is to stop.
	pub(crate) stop: watch::Receiver<bool>,
}

impl Acceptor {
	/// Serves until it is to stop, and what is under way then to its end; what takes longer than is allowed is cut off.
	pub(crate) async fn serve(self) {
		let places = Arc::new(Semaphore::new(self.limits.connections));
		let of_one = self.limits.connections_of_one;
		let (households, crowds) = (Households::new(of_one), Households::new((of_one / CROWD).max(1)));
		let crowded = Router::new().fallback(crowded);
		let mut connections = JoinSet::new();
		let mut stop = self.stop.clone();
		loop {
			// Who comes when there is no place waits where the system lets them.
			let next = async {
				let place = places.clone().acquire_owned().await;
				(self.listener.accept().await, place)
			};
			let (accepted, place) = tokio::select! {
				() = stopped(&mut stop) => break,
				next = next => next,
				Some(_) = connections.join_next() => continue,
			};
			let (stream, address) = match accepted {
				Ok(accepted) => accepted,
				Err(error) => {
					// Out of files, perhaps: that passes.
					tracing::warn!(%error, "cannot take a connection");
					sleep(Duration::from_millis(100)).await;
					continue;
				}
			};
			// Of one that is too many, only what it asks is refused; of a crowd not even that.
			let admitted = households.admit(address.ip()).map(|member| (member, &self.router));
			let admitted = admitted.or_else(|| Some((crowds.admit(address.ip())?, &crowded)));
			let Some((member, router)) = admitted else { continue };
			let connection = Connection {
				tls: self.tls.clone(),
				router: TowerToHyperService::new(router.clone()),
				peer: Peer(address.ip()),
				times: self.times,
				stop: self.stop.clone(),
			};
			let open = self.metrics.connection();
			connections.spawn(async move {
				connection.serve(stream).await;
				drop((place, member, open));
			});
			// Those that have hung up meanwhile are noticed before more are counted.
			yield_now().await;
		}
		drop(self.listener);
		let all = async { while connections.join_next().await.is_some() {} };
		if timeout(self.times.stop, all).await.is_err() {
			tracing::warn!(open = connections.len(), "connections are cut off");
		}
		connections.shutdown().await;
	}
}

/// The answer to whatever is asked on a connection that is one too many; it is the last.
async fn crowded() -> impl IntoResponse {
	let refused = Refused::new(ProblemKind::TooMany, "there are too many connections of this address");
	([(CONNECTION, "close")], refused.after(1))
}

/// Waits until it is time to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
	// Whoever could say so may be gone too.
	drop(stop.wait_for(|stop| *stop).await);
}

/// One connection.
struct Connection {
	tls: Option<TlsAcceptor>,
	router: TowerToHyperService<Router>,
	peer: Peer,
	times: Times,
	stop: watch::Receiver<bool>,
}

impl Connection {
	async fn serve(self, stream: TcpStream) {
		// Answers are small, and their last packet is not to wait for an acknowledgement.
		drop(stream.set_nodelay(true));
		let stream = Patient::new(stream, self.times.write);
		let Some(acceptor) = self.tls.clone() else { return self.http(stream).await };
		match timeout(self.times.headers, acceptor.accept(stream)).await {
			Ok(Ok(stream)) => self.http(stream).await,
			Ok(Err(error)) => tracing::debug!(peer = %self.peer.0, %error, "no TLS"),
			Err(_) => tracing::debug!(peer = %self.peer.0, "the handshake took too long"),
		}
	}

	async fn http<S: AsyncRead + AsyncWrite + Unpin>(mut self, stream: S) {
		let (peer, router) = (self.peer, self.router);
		let service = service_fn(move |mut request: Request<Incoming>| {
			request.extensions_mut().insert(peer);
			let read = Arc::new(AtomicBool::new(request.body().is_end_stream()));
			let answer = router.call(request.map(|body| Asked { body, read: read.clone() }));
			async move {
				let mut answer = answer.await?;
				// Else whoever asks may ask again while the connection is being closed, and would get no
				// answer.
				if !read.load(Ordering::Relaxed) {
					answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
				}
				Ok::<_, Infallible>(answer)
			}
		});
		let mut builder = http1::Builder::new();
		builder
			.timer(TokioTimer::new())
			.header_read_timeout(self.times.headers)
			.max_buf_size(BUFFER)
			.max_headers(HEADERS);
		let mut connection = builder.serve_connection(TokioIo::new(stream), service);
		let served = tokio::select! {
			served = &mut connection => served,
			() = stopped(&mut self.stop) => {
				Pin::new(&mut connection).graceful_shutdown();
				(&mut connection).await
			}
		};
		if let Err(error) = served {
			tracing::debug!(peer = %peer.0, %error, "a connection");
		}
		let mut stream = connection.into_parts().io.into_inner();
		let linger = async {
			stream.shutdown().await?;
			let mut unwanted = vec![0; 8 << 10];
			while timeout(LINGER, stream.read(&mut unwanted)).await?? > 0 {}
			io::Result::Ok(())
		};
		drop(timeout(self.times.body, linger).await);
	}
}

/// The body of a request.
struct Asked {
	body: Incoming,
	/// Whether it was read to its end.
	read: Arc<AtomicBool>,
}

impl Body for Asked {
	type Data = Bytes;
	type Error = hyper::Error;

	fn poll_frame(
		mut self: Pin<&mut Self>,
		context: &mut Context<'_>,
	) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
		let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
		if frame.is_none() {
			self.read.store(true, Ordering::Relaxed);
		}
		Poll::Ready(frame)
	}

	fn is_end_stream(&self) -> bool {
		self.body.is_end_stream()
	}

	fn size_hint(&self) -> SizeHint {
		self.body.size_hint()
	}
}

/// How many connections each household has.
struct Households {
	most: usize,
	open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection of a household, until it is dropped.
struct Member {
	household: IpAddr,
	open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Households {
	fn new(most: usize) -> Self {
		Self { most, open: Arc::default() }
	}

	fn admit(&self, address: IpAddr) -> Option<Member> {
		let household = household(address);
		let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
		let count = open.entry(household).or_default();
		if *count >= self.most {
			return None;
		}
		*count = count.saturating_add(1);
		Some(Member { household, open: self.open.clone() })
	}
}

impl Drop for Member {
	fn drop(&mut self) {
		let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some(count) = open.get_mut(&self.household) {
			*count = count.saturating_sub(1);
			if *count == 0 {
				open.remove(&self.household);
			}
		}
	}
}

/// A stream that fails if what is written is not taken for a while: whoever asks and does not read is let go.
struct Patient<S> {
	stream: S,
	patience: Duration,
	/// When a write that waits has waited too long.
	until: Pin<Box<Sleep>>,
	waits: bool,
}

impl<S> Patient<S> {
	fn new(stream: S, patience: Duration) -> Self {
		Self { stream, patience, until: Box::pin(sleep(patience)), waits: false }
	}

	/// What becomes of a write.
	fn judge<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
		if written.is_ready() {
			self.waits = false;
			return written;
		}
		if !self.waits {
			self.waits = true;
			let until = Instant::now().checked_add(self.patience);
			self.until.as_mut().reset(until.unwrap_or_else(Instant::now));
		}
		ready!(self.until.as_mut().poll(context));
		Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
	}
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
	fn poll_read(
		mut self: Pin<&mut Self>,
		context: &mut Context<'_>,
		buffer: &mut ReadBuf<'_>,
	) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_read(context, buffer)
	}
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
	fn poll_write(
		mut self: Pin<&mut Self>,
		context: &mut Context<'_>,
		bytes: &[u8],
	) -> Poll<io::Result<usize>> {
		let written = Pin::new(&mut self.stream).poll_write(context, bytes);
		self.judge(context, written)
	}

	fn poll_write_vectored(
		mut self: Pin<&mut Self>,
		context: &mut Context<'_>,
		parts: &[io::IoSlice<'_>],
	) -> Poll<io::Result<usize>> {
		let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
		self.judge(context, written)
	}

	fn is_write_vectored(&self) -> bool {
		self.stream.is_write_vectored()
	}

	fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
		let flushed = Pin::new(&mut self.stream).poll_flush(context);
		self.judge(context, flushed)
	}

	fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
		let shut = Pin::new(&mut self.stream).poll_shutdown(context);
		self.judge(context, shut)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use tokio::io::{DuplexStream, duplex};

	/// The other side of a connection that buffers so many bytes each way, and whose requests all get the
	/// same answer.
	fn connect(buffer: usize, answer: Vec<u8>) -> DuplexStream {
		let (ours, theirs) = duplex(buffer);
		let stop = watch::Sender::new(false);
		let connection = Connection {
			tls: None,
			router: TowerToHyperService::new(Router::new().fallback(async || answer)),
			peer: Peer([192, 0, 2, 1].into()),
			times: Times::default(),
			stop: stop.subscribe(),
		};
		tokio::spawn(async move {
			connection.http(ours).await;
			drop(stop);
		});
		theirs
	}

	#[tokio::test(start_paused = true)]
	async fn an_answer_is_written_to_its_end_though_the_body_is_not_read() {
		let mut stream = connect(1_000, vec![b'x'; 100_000]);
		stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").await.unwrap();
		let mut answer = Vec::new();
		stream.read_to_end(&mut answer).await.unwrap();
		assert!(answer.len() > 100_000, "{} bytes", answer.len());
	}

	#[tokio::test(start_paused = true)]
	async fn who_sends_its_whole_body_before_it_reads_gets_its_answer() {
		let mut stream = connect(10_000, b"no".to_vec());
		stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").await.unwrap();
		for _ in 0..10 {
			sleep(Duration::from_secs(1)).await;
			stream.write_all(&[b' '; 100_000]).await.unwrap();
		}
		let mut answer = String::new();
		stream.read_to_string(&mut answer).await.unwrap();
		assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("no"), "{answer}");
	}

	#[test]
	fn a_household_has_so_many_connections_and_no_more() {
		let households = Households::new(2);
		let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
		let members = [households.admit(here), households.admit(here)];
		assert!(members.iter().all(Option::is_some) && households.admit(here).is_none());
		assert!(households.admit(there).is_some());
		drop(members);
		assert!(households.admit(here).is_some());
		assert!(households.open.lock().unwrap().is_empty(), "nobody is remembered who is gone");
	}

	#[tokio::test(start_paused = true)]
	async fn who_does_not_read_is_let_go() {
		let (stream, _reader) = duplex(4);
		let mut patient = Patient::new(stream, Duration::from_secs(30));
		let error = patient.write_all(b"more than fits").await.unwrap_err();
		assert_eq!(error.kind(), io::ErrorKind::TimedOut);
	}

	#[tokio::test(start_paused = true)]
	async fn who_reads_slowly_is_waited_for() {
		let (stream, mut reader) = duplex(4);
		let mut patient = Patient::new(stream, Duration::from_secs(30));
		let written = tokio::spawn(async move { patient.write_all(b"more than fits").await });
		let mut read = Vec::<u8>::new();
		while read.len() < 14 {
			sleep(Duration::from_secs(29)).await;
			let mut bytes = [0; 4];
			let count = reader.read(&mut bytes).await.unwrap();
			read.extend(&bytes[..count]);
		}
		written.await.unwrap().unwrap();
		assert_eq!(read, b"more than fits");
	}
}
