//! What the provider counts.

use prometheus_client::{
	encoding::EncodeLabelSet,
	metrics::{
		counter::Counter,
		family::Family,
		gauge::Gauge,
		histogram::{Histogram, exponential_buckets},
	},
	registry::Registry,
};
use std::{
	sync::atomic::{AtomicI64, AtomicU64},
	time::Duration,
};

/// Smallest units in an ODA.
const ODA: f64 = 1e12;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Answered {
	path: &'static str,
	status: u16,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Asked {
	path: &'static str,
}

type Durations = Family<Asked, Histogram, fn() -> Histogram>;

/// What the provider counts. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
	requests: Family<Answered, Counter>,
	durations: Durations,
	batches: Histogram,
	connections: Gauge,
	channels: Gauge,
	claims: Gauge<f64, AtomicU64>,
	vouchers: Counter,
	spent: Counter<f64, AtomicU64>,
	head: Gauge<i64, AtomicI64>,
}

impl Default for Metrics {
	fn default() -> Self {
		let durations: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 2.0, 17));
		Self {
			requests: Family::default(),
			durations: Family::new_with_constructor(durations),
			batches: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
			connections: Gauge::default(),
			channels: Gauge::default(),
			claims: Gauge::default(),
			vouchers: Counter::default(),
			spent: Counter::default(),
			head: Gauge::default(),
		}
	}
}

impl Metrics {
	/// Names them in a registry, with `provider` before each name.
	pub fn register(&self, registry: &mut Registry) {
		let all = registry.sub_registry_with_prefix("provider");
		all.register("requests", "Requests by path and HTTP status", self.requests.clone());
		all.register("request_seconds", "From a request's headers to its answer", self.durations.clone());
		all.register("batch_inputs", "Inputs that were evaluated together", self.batches.clone());
		all.register("connections", "Open connections", self.connections.clone());
		all.register("channels", "Channels of which something is kept", self.channels.clone());
		all.register("claims_oda", "What can be claimed now", self.claims.clone());
		all.register("vouchers", "Vouchers accepted", self.vouchers.clone());
		all.register("spent_oda", "The price of what was answered", self.spent.clone());
		all.register("final_block", "The final block that requests are judged by", self.head.clone());
	}

	pub(crate) fn request(&self, path: &'static str, status: u16, took: Duration) {
		self.requests.get_or_create(&Answered { path, status }).inc();
		self.durations.get_or_create(&Asked { path }).observe(took.as_secs_f64());
	}

	pub(crate) fn batch(&self, inputs: usize) {
		self.batches.observe(inputs as f64);
	}

	/// Counts a connection until the result is dropped.
	pub(crate) fn connection(&self) -> Connection {
		self.connections.inc();
		Connection(self.connections.clone())
	}

	pub(crate) fn channels(&self, channels: usize) {
		self.channels.set(i64::try_from(channels).unwrap_or(i64::MAX));
	}

	pub(crate) fn claims(&self, planck: u128) {
		self.claims.set(planck as f64 / ODA);
	}

	pub(crate) fn voucher(&self) {
		self.vouchers.inc();
	}

	pub(crate) fn spent(&self, planck: u128) {
		self.spent.inc_by(planck as f64 / ODA);
	}

	pub(crate) fn head(&self, number: u64) {
		self.head.set(i64::try_from(number).unwrap_or(i64::MAX));
	}
}

/// An open connection.
pub(crate) struct Connection(Gauge);

impl Drop for Connection {
	fn drop(&mut self) {
		self.0.dec();
	}
}
