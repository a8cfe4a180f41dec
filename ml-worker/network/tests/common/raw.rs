//! A peer that speaks to the multiplexer frame by frame, and not as it should. It never reads.

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use libp2p::{
	Multiaddr, PeerId, Transport,
	core::{
		Endpoint,
		muxing::{StreamMuxer, StreamMuxerEvent},
		transport::{DialOpts, PortUse},
		upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo, Version},
	},
	identity::Keypair,
	tcp,
};
use std::{
	convert::Infallible,
	future::Ready,
	io,
	pin::Pin,
	task::{Context, Poll},
	time::Duration,
};

/// Kinds of frames.
pub const DATA: u8 = 0;
pub const WINDOW: u8 = 1;
pub const PING: u8 = 2;

/// Flags of frames.
pub const SYN: u16 = 1;
pub const RST: u16 = 8;

/// How long a write that does not go on is waited for: then the other end reads no more.
const STUCK: Duration = Duration::from_secs(3);

/// A frame without its payload.
pub fn frame(kind: u8, flags: u16, stream: u32, length: u32) -> Vec<u8> {
	let mut bytes = vec![0, kind];
	bytes.extend_from_slice(&flags.to_be_bytes());
	bytes.extend_from_slice(&stream.to_be_bytes());
	bytes.extend_from_slice(&length.to_be_bytes());
	bytes
}

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// A secure connection on which yamux was agreed.
pub struct Bare(Box<dyn Socket>);

impl AsyncRead for Bare {
	fn poll_read(
		mut self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		bytes: &mut [u8],
	) -> Poll<io::Result<usize>> {
		Pin::new(&mut self.0).poll_read(cx, bytes)
	}
}

impl AsyncWrite for Bare {
	fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
		Pin::new(&mut self.0).poll_write(cx, bytes)
	}

	fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.0).poll_flush(cx)
	}

	fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.0).poll_close(cx)
	}
}

/// What a transport takes for a multiplexer, to give it back.
impl StreamMuxer for Bare {
	type Substream = Self;
	type Error = io::Error;

	fn poll_inbound(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Self>> {
		Poll::Pending
	}

	fn poll_outbound(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Self>> {
		Poll::Pending
	}

	fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
		Poll::Ready(Ok(()))
	}

	fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
		Poll::Pending
	}
}

/// Agrees on yamux, and speaks it by hand.
#[derive(Clone)]
struct ByHand;

impl UpgradeInfo for ByHand {
	type Info = &'static str;
	type InfoIter = std::iter::Once<Self::Info>;

	fn protocol_info(&self) -> Self::InfoIter {
		std::iter::once("/yamux/1.0.0")
	}
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> InboundConnectionUpgrade<C> for ByHand {
	type Output = Bare;
	type Error = Infallible;
	type Future = Ready<Result<Bare, Infallible>>;

	fn upgrade_inbound(self, socket: C, _: Self::Info) -> Self::Future {
		std::future::ready(Ok(Bare(Box::new(socket))))
	}
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<C> for ByHand {
	type Output = Bare;
	type Error = Infallible;
	type Future = Ready<Result<Bare, Infallible>>;

	fn upgrade_outbound(self, socket: C, _: Self::Info) -> Self::Future {
		std::future::ready(Ok(Bare(Box::new(socket))))
	}
}

/// How a flood ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
	/// The connection was closed.
	Cut,
	/// The other end read no more.
	Stuck,
	/// All of it was taken.
	Taken,
}

/// A hostile peer with one connection.
pub struct Raw {
	pub id: PeerId,
	socket: Bare,
}

impl Raw {
	pub async fn call(address: Multiaddr) -> Self {
		let key = Keypair::generate_ed25519();
		let mut transport = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
			.upgrade(Version::V1)
			.authenticate(libp2p::tls::Config::new(&key).unwrap())
			.multiplex(ByHand);
		let how = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
		let (_, socket) = transport.dial(address, how).unwrap().await.unwrap();
		Self { id: key.public().to_peer_id(), socket }
	}

	/// Sends the same bytes so many times.
	pub async fn flood(&mut self, bytes: &[u8], times: usize) -> End {
		// As many at once as make a large write.
		let together = (64 << 10) / bytes.len() + 1;
		let many = bytes.repeat(together);
		for _ in 0..times.div_ceil(together) {
			let end = self.send(&many).await;
			if end != End::Taken {
				return end;
			}
		}
		End::Taken
	}

	pub async fn send(&mut self, bytes: &[u8]) -> End {
		let written = async {
			self.socket.write_all(bytes).await?;
			self.socket.flush().await
		};
		match tokio::time::timeout(STUCK, written).await {
			Ok(Ok(())) => End::Taken,
			Ok(Err(_)) => End::Cut,
			Err(_) => End::Stuck,
		}
	}
}
