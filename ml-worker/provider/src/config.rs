//! How a provider serves.

use crate::{Batching, claims::Policy};
use oda_client::Key;
use oda_primitives::Tick;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// How a provider serves.
#[derive(Clone, Debug)]
pub struct Config {
	/// Where it listens. Port 0 stands for any that is free.
	pub listen: SocketAddr,
	/// The certificate and its key; without, it serves plain HTTP, for a proxy that has them.
	pub tls: Option<Tls>,
	/// The folder of the ledger.
	pub folder: PathBuf,
	/// The key that signs receipts and closings: the one that the offer names.
	pub key: Key,
	/// By how much the price of what was answered may exceed what was promised, in planck. 0: nobody owes anything.
	pub credit: u128,
	/// When vouchers are claimed, and how long before a channel's end it is not served any more.
	pub claims: Policy,
	/// Ticks for which a receipt is evidence beyond what its channel asks for: it may take a while until it is read.
	pub receipt_slack: Tick,
	/// How requests are evaluated together.
	pub batching: Batching,
	/// How much is taken at once.
	pub limits: Limits,
	/// How long things may take.
	pub times: Times,
}

impl Config {
	/// The defaults, with plain HTTP, no credit, and claims of 1 ODA or more.
	pub fn new(listen: SocketAddr, folder: PathBuf, key: Key) -> Self {
		Self {
			listen,
			tls: None,
			folder,
			key,
			credit: 0,
			claims: Policy { threshold: 1_000_000_000_000, margin: 600 },
			receipt_slack: 20,
			batching: Batching::default(),
			limits: Limits::default(),
			times: Times::default(),
		}
	}
}

/// A certificate and its key, as PEM files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tls {
	/// The certificate, and those that lead to one that everybody knows.
	pub certificate: PathBuf,
	/// The private key.
	pub key: PathBuf,
}

/// How much is taken at once. What is beyond gets an error of its own, and takes no memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
	/// Maximum number of bytes of a request that asks a model.
	pub body: usize,
	/// Maximum number of bytes of all such requests together, from their first byte to the end of their evaluation.
	pub bodies: usize,
	/// Maximum number of connections.
	pub connections: usize,
	/// Maximum number of connections of one address; of IPv6, of the 64 bits before the host's. A quarter as
	/// many more are told that they are too many; any others are closed at once.
	pub connections_of_one: usize,
	/// How fast the requests of one address may come.
	pub address: Rate,
	/// How fast the paid requests of one channel may come.
	pub channel: Rate,
}

impl Default for Limits {
	fn default() -> Self {
		Self {
			body: 8 << 20,
			bodies: 256 << 20,
			connections: 1_024,
			connections_of_one: 64,
			address: Rate { second: 100, burst: 200 },
			channel: Rate { second: 100, burst: 200 },
		}
	}
}

/// How fast requests may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
	/// Requests a second; 0: no limit.
	pub second: u32,
	/// Requests at once, after a pause.
	pub burst: u32,
}

/// How long things may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
	/// Between a connection's start, or the end of its last answer, and the end of the next request's headers. Also for the
	/// handshake of TLS.
	pub headers: Duration,
	/// Between the headers of a request and the end of its body, also of one that is not wanted any more.
	pub body: Duration,
	/// Without a byte of an answer being taken.
	pub write: Duration,
	/// From a request to its answer. Whoever waited in vain asks again with the same voucher; the work goes on.
	pub answer: Duration,
	/// Between two looks for a new final block.
	pub poll: Duration,
	/// For an answer of the node.
	pub node: Duration,
	/// Maximum age of the last final block: beyond, nothing is served, because channels may have ended since.
	pub age: Duration,
	/// For requests under way, when the server is stopped.
	pub stop: Duration,
}

impl Default for Times {
	fn default() -> Self {
		let seconds = Duration::from_secs;
		Self {
			headers: seconds(15),
			body: seconds(30),
			write: seconds(30),
			answer: seconds(60),
			poll: seconds(1),
			node: seconds(5),
			age: seconds(120),
			stop: seconds(60),
		}
	}
}
