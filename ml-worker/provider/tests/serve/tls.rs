use crate::world::{World, config};
use hyper_util::rt::TokioIo;
use oda_provider::{Config, Server, Tls};
use std::{path::Path, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{
	TlsConnector,
	rustls::{ClientConfig, RootCertStore, crypto::ring},
};

fn certified(folder: &Path, config: &mut Config) -> ClientConfig {
	let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
	let files = Tls { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
	std::fs::write(&files.certificate, made.serialize_pem().unwrap()).unwrap();
	std::fs::write(&files.key, made.serialize_private_key_pem()).unwrap();
	config.tls = Some(files);
	let mut roots = RootCertStore::empty();
	roots.add(made.serialize_der().unwrap().into()).unwrap();
	ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
		.with_safe_default_protocol_versions()
		.unwrap()
		.with_root_certificates(roots)
		.with_no_client_auth()
}

#[tokio::test]
async fn a_provider_with_a_certificate_serves_over_tls() {
	let folder = tempfile::tempdir().unwrap();
	let mut client = None;
	let world = World::with(|config| client = Some(certified(folder.path(), config))).await;
	let connector = TlsConnector::from(Arc::new(client.unwrap()));
	let stream = TcpStream::connect(world.address()).await.unwrap();
	let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
	let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
	tokio::spawn(connection);
	let request = crate::world::request(hyper::Method::GET, "/healthz", &[], Default::default());
	assert_eq!(sender.send_request(request).await.unwrap().status(), 204);
}

#[tokio::test]
async fn who_speaks_no_tls_gets_no_answer() {
	use tokio::io::{AsyncReadExt, AsyncWriteExt};
	let folder = tempfile::tempdir().unwrap();
	let world = World::with(|config| drop(certified(folder.path(), config))).await;
	let mut stream = TcpStream::connect(world.address()).await.unwrap();
	stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
	let mut answer = Vec::new();
	drop(stream.read_to_end(&mut answer).await);
	assert!(!answer.starts_with(b"HTTP"));
}

#[tokio::test]
async fn a_certificate_that_is_not_there_is_an_error() {
	let world = World::new().await;
	let folder = tempfile::tempdir().unwrap();
	let mut config = config(folder.path());
	let missing = folder.path().join("missing.pem");
	config.tls = Some(Tls { certificate: missing.clone(), key: missing });
	let error = Server::start(config, world.chain.clone(), world.engine.clone()).await.err();
	assert!(error.unwrap().to_string().contains("missing.pem"));
}
