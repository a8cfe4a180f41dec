//! What it is compared with: one process sends a file through TLS 1.3 over TCP, another hashes what arrives with
//! BLAKE3, writes it to a file and syncs it.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{
	fs::File,
	io::{Read, Write},
	net::{TcpListener, TcpStream},
	sync::Arc,
};

const BUFFER: usize = 256 << 10;

/// Prints the port, and sends the file to whoever comes, until it is killed.
pub(crate) fn send(file: &str, certificate: &str, key: &str) {
	let certificate = CertificateDer::from_pem_file(certificate).unwrap();
	let key = PrivateKeyDer::from_pem_file(key).unwrap();
	let server =
		rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
			.with_safe_default_protocol_versions()
			.unwrap()
			.with_no_client_auth()
			.with_single_cert(vec![certificate], key)
			.unwrap();
	let server = Arc::new(server);
	let listener = TcpListener::bind("127.0.0.1:0").unwrap();
	println!("{}", listener.local_addr().unwrap().port());
	loop {
		let socket = listener.accept().unwrap().0;
		let connection = rustls::ServerConnection::new(server.clone()).unwrap();
		let mut stream = rustls::StreamOwned::new(connection, socket);
		let mut source = File::open(file).unwrap();
		let mut buffer = vec![0; BUFFER];
		loop {
			match source.read(&mut buffer).unwrap() {
				0 => break,
				n => stream.write_all(&buffer[..n]).unwrap(),
			}
		}
		stream.conn.send_close_notify();
		stream.flush().unwrap();
	}
}

/// Receives to a new file and prints its hash.
pub(crate) fn receive(file: &str, certificate: &str, port: &str) {
	let mut roots = rustls::RootCertStore::empty();
	roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
	let client =
		rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
			.with_safe_default_protocol_versions()
			.unwrap()
			.with_root_certificates(roots)
			.with_no_client_auth();
	let connection =
		rustls::ClientConnection::new(Arc::new(client), "localhost".try_into().unwrap()).unwrap();
	let socket = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
	let mut stream = rustls::StreamOwned::new(connection, socket);
	let mut file = File::create(file).unwrap();
	let mut hasher = blake3::Hasher::new();
	let mut buffer = vec![0; BUFFER];
	loop {
		let mut filled = 0;
		while filled < buffer.len() {
			match stream.read(&mut buffer[filled..]).unwrap() {
				0 => break,
				n => filled += n,
			}
		}
		if filled == 0 {
			break;
		}
		hasher.update(&buffer[..filled]);
		file.write_all(&buffer[..filled]).unwrap();
	}
	file.sync_all().unwrap();
	println!("{}", hasher.finalize());
}
