//! TLS as libp2p specifies it, for connections over TCP: with the cipher that this processor is fastest with, and
//! records and system calls that are as large as what there is to send.
//!
//! Certificates are libp2p's, and so is how they and the signatures made with them are checked.

use futures::{
	AsyncRead, AsyncWrite, FutureExt,
	future::BoxFuture,
	io::{BufReader, BufWriter},
};
use futures_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use libp2p::{
	PeerId,
	core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo},
	identity::Keypair,
	tls::{UpgradeError, certificate},
};
use rustls::{
	CertificateError, ClientConfig, CommonState, DigitallySignedStruct, DistinguishedName, Error,
	ServerConfig, SignatureScheme, SupportedCipherSuite,
	client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
	crypto::ring::{
		cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256},
		default_provider,
		sign::any_supported_type,
	},
	pki_types::{CertificateDer, ServerName, UnixTime},
	server::danger::{ClientCertVerified, ClientCertVerifier},
	sign::{CertifiedKey, SingleCertAndKey},
};
use std::{
	io,
	net::Ipv4Addr,
	pin::Pin,
	sync::{
		Arc,
		atomic::{AtomicBool, Ordering},
	},
	task::{Context, Poll},
};

/// Bytes that are read from the system at once: TLS would ask for 4 KiB.
const READ: usize = 128 << 10;

/// Bytes that are collected before they are encrypted and sent.
const WRITE: usize = 128 << 10;

/// Makes connections secure.
#[derive(Clone)]
pub(crate) struct Tls {
	server: Arc<ServerConfig>,
	client: Arc<ClientConfig>,
}

/// Ciphers in the order in which they are offered; who is called takes the first it knows.
fn ciphers() -> Vec<SupportedCipherSuite> {
	#[cfg(target_arch = "x86_64")]
	let aes = std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
	#[cfg(target_arch = "aarch64")]
	let aes = std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull");
	#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
	let aes = false;
	let mut ciphers =
		vec![TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256];
	if !aes {
		ciphers.reverse();
	}
	ciphers
}

impl Tls {
	/// `copied` is set when another process with the same key is at the other end.
	pub(crate) fn new(
		identity: &Keypair,
		copied: Arc<AtomicBool>,
	) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
		let (certificate, key) = certificate::generate(identity)?;
		let me = identity.public().to_peer_id();
		let verifier = Arc::new(Verifier { me, own: certificate.clone(), copied });
		let key = any_supported_type(&key)?;
		let certified = Arc::new(SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key)));
		let mut provider = default_provider();
		provider.cipher_suites = ciphers();
		let provider = Arc::new(provider);
		let mut client = ClientConfig::builder_with_provider(provider.clone())
			.with_protocol_versions(&[&rustls::version::TLS13])?
			.dangerous()
			.with_custom_certificate_verifier(verifier.clone())
			.with_client_cert_resolver(certified.clone());
		let mut server = ServerConfig::builder_with_provider(provider)
			.with_protocol_versions(&[&rustls::version::TLS13])?
			.with_client_cert_verifier(verifier)
			.with_cert_resolver(certified);
		client.alpn_protocols = vec![b"libp2p".to_vec()];
		server.alpn_protocols = vec![b"libp2p".to_vec()];
		Ok(Self { server: Arc::new(server), client: Arc::new(client) })
	}
}

impl UpgradeInfo for Tls {
	type Info = &'static str;
	type InfoIter = std::iter::Once<Self::Info>;

	fn protocol_info(&self) -> Self::InfoIter {
		std::iter::once("/tls/1.0.0")
	}
}

type Secured<C> = (PeerId, Corked<TlsStream<BufReader<C>>>);

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> InboundConnectionUpgrade<C> for Tls {
	type Output = Secured<C>;
	type Error = UpgradeError;
	type Future = BoxFuture<'static, Result<Self::Output, Self::Error>>;

	fn upgrade_inbound(self, socket: C, _: Self::Info) -> Self::Future {
		let socket = BufReader::with_capacity(READ, socket);
		let accepted = TlsAcceptor::from(self.server).accept(socket);
		async move {
			let mut stream = accepted.await.map_err(UpgradeError::ServerUpgrade)?;
			stream.get_mut().1.set_buffer_limit(Some(WRITE));
			Ok((peer(stream.get_ref().1, UpgradeError::ServerUpgrade)?, Corked::new(stream.into())))
		}
		.boxed()
	}
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<C> for Tls {
	type Output = Secured<C>;
	type Error = UpgradeError;
	type Future = BoxFuture<'static, Result<Self::Output, Self::Error>>;

	fn upgrade_outbound(self, socket: C, _: Self::Info) -> Self::Future {
		let socket = BufReader::with_capacity(READ, socket);
		// This address stands for no name: none is sent.
		let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::UNSPECIFIED));
		let connected = TlsConnector::from(self.client).connect(name, socket);
		async move {
			let mut stream = connected.await.map_err(UpgradeError::ClientUpgrade)?;
			stream.get_mut().1.set_buffer_limit(Some(WRITE));
			Ok((peer(stream.get_ref().1, UpgradeError::ClientUpgrade)?, Corked::new(stream.into())))
		}
		.boxed()
	}
}

/// Who is at the other end.
fn peer(state: &CommonState, failed: fn(io::Error) -> UpgradeError) -> Result<PeerId, UpgradeError> {
	match state.peer_certificates() {
		Some([certificate]) => Ok(certificate::parse(certificate)?.peer_id()),
		_ => Err(failed(io::Error::other("not one certificate"))),
	}
}

/// Checks the certificate of who is at the other end. Whose it is, is compared with whom was to be called later.
#[derive(Debug)]
struct Verifier {
	me: PeerId,
	/// This process's own certificate: each process makes one.
	own: CertificateDer<'static>,
	copied: Arc<AtomicBool>,
}

/// Checks a certificate by itself.
fn check(certificate: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Result<(), Error> {
	if !intermediates.is_empty() {
		return Err(Error::General("more than one certificate".to_owned()));
	}
	certificate::parse(certificate).map(drop).map_err(|_| CertificateError::BadEncoding.into())
}

fn tls12<T>() -> Result<T, Error> {
	Err(Error::General("TLS 1.2".to_owned()))
}

impl Verifier {
	/// Checks that the other end has the certificate's key.
	fn signature(
		&self,
		message: &[u8],
		certificate: &CertificateDer<'_>,
		signed: &DigitallySignedStruct,
	) -> Result<HandshakeSignatureValid, Error> {
		let parsed =
			certificate::parse(certificate).map_err(|_| Error::from(CertificateError::BadEncoding))?;
		parsed
			.verify_signature(signed.scheme, message, signed.signature())
			.map_err(|_| CertificateError::BadSignature)?;
		// A peer may call itself, by an address that was another's once; then the certificate is its own.
		if parsed.peer_id() == self.me && *certificate != self.own {
			self.copied.store(true, Ordering::Relaxed);
		}
		Ok(HandshakeSignatureValid::assertion())
	}
}

impl ServerCertVerifier for Verifier {
	fn verify_server_cert(
		&self,
		certificate: &CertificateDer<'_>,
		intermediates: &[CertificateDer<'_>],
		_: &ServerName<'_>,
		_: &[u8],
		_: UnixTime,
	) -> Result<ServerCertVerified, Error> {
		check(certificate, intermediates).map(|()| ServerCertVerified::assertion())
	}

	fn verify_tls12_signature(
		&self,
		_: &[u8],
		_: &CertificateDer<'_>,
		_: &DigitallySignedStruct,
	) -> Result<HandshakeSignatureValid, Error> {
		tls12()
	}

	fn verify_tls13_signature(
		&self,
		message: &[u8],
		certificate: &CertificateDer<'_>,
		signed: &DigitallySignedStruct,
	) -> Result<HandshakeSignatureValid, Error> {
		self.signature(message, certificate, signed)
	}

	fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
		default_provider().signature_verification_algorithms.supported_schemes()
	}
}

impl ClientCertVerifier for Verifier {
	fn root_hint_subjects(&self) -> &[DistinguishedName] {
		&[]
	}

	fn verify_client_cert(
		&self,
		certificate: &CertificateDer<'_>,
		intermediates: &[CertificateDer<'_>],
		_: UnixTime,
	) -> Result<ClientCertVerified, Error> {
		check(certificate, intermediates).map(|()| ClientCertVerified::assertion())
	}

	fn verify_tls12_signature(
		&self,
		_: &[u8],
		_: &CertificateDer<'_>,
		_: &DigitallySignedStruct,
	) -> Result<HandshakeSignatureValid, Error> {
		tls12()
	}

	fn verify_tls13_signature(
		&self,
		message: &[u8],
		certificate: &CertificateDer<'_>,
		signed: &DigitallySignedStruct,
	) -> Result<HandshakeSignatureValid, Error> {
		self.signature(message, certificate, signed)
	}

	fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
		default_provider().signature_verification_algorithms.supported_schemes()
	}
}

/// Collects what is written: flushing waits until the writer has nothing more to write at the moment.
///
/// The multiplexer flushes after every frame of 16 KiB; without this, each would be records and a system call of
/// its own, and wake the other end.
pub(crate) struct Corked<T> {
	inner: BufWriter<T>,
	/// Whether something was written since it was last flushed.
	fresh: bool,
}

impl<T: AsyncWrite> Corked<T> {
	fn new(inner: T) -> Self {
		Self { inner: BufWriter::with_capacity(WRITE, inner), fresh: false }
	}
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Corked<T> {
	fn poll_read(
		mut self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		bytes: &mut [u8],
	) -> Poll<io::Result<usize>> {
		Pin::new(&mut self.inner).poll_read(cx, bytes)
	}
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Corked<T> {
	fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
		self.fresh = true;
		Pin::new(&mut self.inner).poll_write(cx, bytes)
	}

	fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		if std::mem::take(&mut self.fresh) {
			cx.waker().wake_by_ref();
			return Poll::Pending;
		}
		Pin::new(&mut self.inner).poll_flush(cx)
	}

	fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.inner).poll_close(cx)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn flushing_waits_for_the_last_write() {
		let mut corked = Corked::new(Vec::new());
		let mut cx = Context::from_waker(std::task::Waker::noop());
		for _ in 0..3 {
			assert!(Pin::new(&mut corked).poll_write(&mut cx, &[7; 1000]).is_ready());
			assert!(Pin::new(&mut corked).poll_flush(&mut cx).is_pending());
		}
		assert_eq!(corked.inner.get_ref().len(), 0);
		assert!(Pin::new(&mut corked).poll_flush(&mut cx).is_ready());
		assert_eq!(corked.inner.get_ref().len(), 3000);
	}

	#[test]
	fn what_is_collected_is_bounded() {
		let mut corked = Corked::new(Vec::new());
		let mut cx = Context::from_waker(std::task::Waker::noop());
		for _ in 0..100 {
			assert!(Pin::new(&mut corked).poll_write(&mut cx, &[7; 16 << 10]).is_ready());
		}
		assert!(corked.inner.get_ref().len() >= (100 << 14) - WRITE);
	}
}
