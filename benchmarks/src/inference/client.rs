//! A client of the server, as plain as can be.

use anyhow::{Context, Result};
use axum::{
	body::Bytes,
	http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use oda_inference::api::{INFER_PATH, JSON, PAYMENT};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpSocket;

/// A connection that is kept open.
pub(crate) struct Connection {
	sender: SendRequest<Full<Bytes>>,
	/// Requests that it has sent.
	pub(crate) asked: u64,
}

/// An answer, whatever it says.
pub(crate) struct Answered {
	pub(crate) status: StatusCode,
	pub(crate) headers: HeaderMap,
	pub(crate) body: Bytes,
}

/// What became of a request.
pub(crate) enum Sent {
	/// It was answered.
	Answered(Answered),
	/// The connection had ended before: the other side has not seen the request.
	TooLate,
	/// The connection ended, or failed, without an answer.
	Unanswered(hyper::Error),
}

impl Connection {
	/// Connects from an address of this machine.
	pub(crate) async fn open(to: SocketAddr, from: Ipv4Addr) -> Result<Self> {
		let socket = TcpSocket::new_v4()?;
		socket.bind(SocketAddr::new(from.into(), 0))?;
		socket.set_nodelay(true)?;
		let stream = socket.connect(to).await.context("connecting")?;
		let (sender, connection) = handshake(TokioIo::new(stream)).await?;
		// What ends it is seen by who sends.
		drop(tokio::spawn(connection));
		Ok(Self { sender, asked: 0 })
	}

	/// Asks the model, and pays with this header, if there is one.
	pub(crate) async fn ask(&mut self, payment: Option<&str>, body: Bytes) -> Result<Sent> {
		let mut request = Request::post(INFER_PATH).header(header::HOST, "localhost");
		request = request.header(header::CONTENT_TYPE, JSON);
		if let Some(payment) = payment {
			request = request.header(PAYMENT, payment);
		}
		let request = request.body(Full::new(body))?;
		if self.sender.ready().await.is_err() {
			return Ok(Sent::TooLate);
		}
		self.asked += 1;
		let response = match self.sender.send_request(request).await {
			Ok(response) => response,
			Err(error) if error.is_canceled() => return Ok(Sent::TooLate),
			Err(error) => return Ok(Sent::Unanswered(error)),
		};
		let (parts, body) = response.into_parts();
		Ok(match body.collect().await {
			Ok(body) => {
				let body = body.to_bytes();
				Sent::Answered(Answered { status: parts.status, headers: parts.headers, body })
			}
			Err(error) => Sent::Unanswered(error),
		})
	}
}
