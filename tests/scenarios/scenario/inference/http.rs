//! HTTP, as a program has it that knows nothing of channels.

use std::io::{self, ErrorKind};
use tokio::{
	io::{AsyncReadExt, AsyncWriteExt},
	net::TcpStream,
};

/// An answer that came whole.
pub(super) struct Reply {
	pub(super) status: u16,
	pub(super) body: Vec<u8>,
}

impl Reply {
	/// The body, for people.
	pub(super) fn text(&self) -> String {
		String::from_utf8_lossy(&self.body).into_owned()
	}
}

/// Sends a request to a port of this machine.
pub(super) async fn send(
	port: u16,
	method: &str,
	path: &str,
	headers: &[(&str, &str)],
	body: &str,
) -> io::Result<Reply> {
	let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
	let mut request = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n");
	if !body.is_empty() {
		request += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
	}
	for (name, value) in headers {
		request += &format!("{name}: {value}\r\n");
	}
	stream.write_all(format!("{request}\r\n{body}").as_bytes()).await?;
	let mut came = Vec::new();
	stream.read_to_end(&mut came).await?;
	// Whoever answers may be killed on the way.
	read(came).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

/// Reads an answer that says how long it is; `None` if it is not whole.
fn read(mut came: Vec<u8>) -> Option<Reply> {
	let end = came.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
	let body = came.split_off(end + 4);
	let head = String::from_utf8(came).ok()?.to_ascii_lowercase();
	let status = head.split(' ').nth(1)?.parse().ok()?;
	let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
	(length.trim().parse() == Ok(body.len())).then_some(Reply { status, body })
}
