//! A provider that is asked for far more than it can do.
//!
//! Sixteen addresses keep nearly as many connections open as one may have, and each comes again a fifth of a second after it was
//! refused, whatever it was told. What is measured is the memory of the server's process, and whether each request gets an
//! answer that says what to do.

use super::{
	client::{Answered, Connection, Sent},
	serve::Process,
	statistics::{growth, median},
	world::{Network, User, voucher_key},
};
use anyhow::{Context, Result};
use axum::{
	body::Bytes,
	http::header::{CONTENT_TYPE, RETRY_AFTER},
};
use oda_inference::api::{PROBLEM_JSON, Problem};
use std::{
	collections::BTreeMap,
	fmt::Display,
	fs,
	net::Ipv4Addr,
	path::Path,
	sync::Arc,
	time::{Duration, Instant},
};
use tokio::{
	task::JoinSet,
	time::{sleep, timeout},
};

/// Addresses that ask.
const ADDRESSES: u8 = 16;

/// How long one that was refused waits.
const PAUSE: Duration = Duration::from_millis(200);

/// How long an answer is waited for: half as long again as the server may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long the server waits for a request's headers.
const HEADERS: Duration = Duration::from_secs(15);

/// Channels of one that leaves.
const LEAVERS_CHANNELS: usize = 64;

/// Inputs of the larger requests: as many as may be asked at once.
const MANY: usize = 64;

/// Bytes of the largest body that is taken.
const LARGEST: usize = 8 << 20;

/// What somebody does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
	/// Pays for one input.
	One,
	/// Pays for as many as may be asked at once.
	Many,
	/// Pays for one input, in the largest body that is taken.
	Large,
	/// Pays for many, and hangs up before it has the answer.
	Leaves,
	/// Does not pay.
	Unpaid,
	/// Sends no JSON.
	Garbage,
}

impl Kind {
	/// How many connections of an address do this: together nearly the 64 that it may have.
	const ALL: [(Self, u64); 6] = [
		(Self::One, 32),
		(Self::Many, 10),
		(Self::Large, 4),
		(Self::Leaves, 6),
		(Self::Unpaid, 6),
		(Self::Garbage, 2),
	];

	pub(crate) fn name(self) -> &'static str {
		match self {
			Self::One => "pay for one input",
			Self::Many => "pay for 64 inputs",
			Self::Large => "pay for one input in a body of 8 MiB",
			Self::Leaves => "pay for 64 inputs and hang up",
			Self::Unpaid => "do not pay",
			Self::Garbage => "send what is no JSON",
		}
	}
}

/// What became of requests.
#[derive(Default)]
pub(crate) struct Tally {
	/// Answers by who asked and their status.
	pub(crate) answers: BTreeMap<(Kind, u16), u64>,
	/// Refusals that are not as they should be: without a problem's body, or without the time to come again.
	pub(crate) improper: BTreeMap<String, u64>,
	/// Connections that ended, or stood still, without an answer to what was asked.
	pub(crate) unanswered: BTreeMap<String, u64>,
	/// Connections that could not be made.
	pub(crate) unconnected: BTreeMap<String, u64>,
	/// Requests whose sender hung up.
	pub(crate) left: u64,
}

impl Tally {
	fn note(&mut self, kind: Kind, answered: &Answered) {
		*self.answers.entry((kind, answered.status.as_u16())).or_default() += 1;
		if let Err(fault) = proper(answered) {
			*self.improper.entry(format!("{kind:?}: {}: {fault}", answered.status)).or_default() += 1;
		}
	}

	fn add(&mut self, other: Self) {
		add(&mut self.answers, other.answers);
		add(&mut self.improper, other.improper);
		add(&mut self.unanswered, other.unanswered);
		add(&mut self.unconnected, other.unconnected);
		self.left += other.left;
	}

	/// Notes a request without an answer: the how manieth of its connection, and how long after it was sent.
	fn unanswered(&mut self, kind: Kind, why: impl Display, asked: u64, after: Duration) {
		let which = if asked > 1 { "a later request" } else { "the first request" };
		let when = match after {
			_ if after < Duration::from_secs(1) => "within a second",
			_ if after < HEADERS => "within 15 s",
			_ => "after 15 s or more",
		};
		let fault = format!("{kind:?}: {why}, {which} of its connection, {when}");
		*self.unanswered.entry(fault).or_default() += 1;
	}

	/// Answers of this status, whoever asked.
	pub(crate) fn of_status(&self, status: u16) -> u64 {
		self.answers.iter().filter(|((_, of), _)| *of == status).map(|(_, count)| count).sum()
	}
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, others: BTreeMap<K, u64>) {
	for (key, count) in others {
		*counts.entry(key).or_default() += count;
	}
}

/// Whether an answer is as it should be; what is wrong.
fn proper(Answered { status, headers, body }: &Answered) -> Result<(), String> {
	if status.is_success() {
		return Ok(());
	}
	if headers.get(CONTENT_TYPE).is_none_or(|media| media != PROBLEM_JSON) {
		return Err("its media type is not a problem's".to_owned());
	}
	let problem: Problem = serde_json::from_slice(body).map_err(|error| error.to_string())?;
	if problem.known().is_none_or(|kind| kind.status() != *status) || problem.status != *status {
		return Err(format!("it says {problem:?}"));
	}
	let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
	if matches!(status.as_u16(), 429 | 503) && after.is_none_or(|seconds| seconds == 0) {
		return Err("it does not say when to come again".to_owned());
	}
	Ok(())
}

/// What everybody shares.
struct Load {
	server: Process,
	one: Bytes,
	many: Bytes,
	large: Bytes,
	/// The prices of one input and of many.
	prices: [u128; 2],
	until: Instant,
}

/// Somebody, on a connection of its own.
struct Caller {
	kind: Kind,
	from: Ipv4Addr,
	/// In turn.
	users: Vec<User>,
	turn: usize,
	tally: Tally,
}

impl Caller {
	async fn call(mut self, load: Arc<Load>) -> Tally {
		let mut connection = None;
		while Instant::now() < load.until {
			let Some(open) = &mut connection else {
				match Connection::open(load.server.started.paid, self.from).await {
					Ok(open) => connection = Some(open),
					Err(error) => {
						*self.tally.unconnected.entry(format!("{error:#}")).or_default() += 1;
						sleep(PAUSE).await;
					}
				}
				continue;
			};
			if !self.ask(&load, open).await {
				connection = None;
			}
		}
		self.tally
	}

	/// Asks once. Says whether the connection is good for more.
	async fn ask(&mut self, load: &Load, open: &mut Connection) -> bool {
		let [one, many] = load.prices;
		let (body, price) = match self.kind {
			Kind::One => (load.one.clone(), Some(one)),
			Kind::Many | Kind::Leaves => (load.many.clone(), Some(many)),
			Kind::Large => (load.large.clone(), Some(one)),
			Kind::Unpaid => (load.one.clone(), None),
			Kind::Garbage => (Bytes::from_static(b"{\"model\":"), None),
		};
		self.turn = (self.turn + 1).checked_rem(self.users.len()).unwrap_or(0);
		let user = self.users.get_mut(self.turn);
		let payment = price.zip(user).map(|(price, user)| user.pay(price));
		let patience = if self.kind == Kind::Leaves { PAUSE } else { PATIENCE };
		let begun = Instant::now();
		let sent = timeout(patience, open.ask(payment.as_deref(), body)).await;
		let why = match sent {
			Ok(Ok(Sent::Answered(answered))) => {
				self.tally.note(self.kind, &answered);
				if !answered.status.is_success() {
					sleep(PAUSE).await;
				}
				return true;
			}
			Ok(Ok(Sent::TooLate)) => return false,
			Err(_) if self.kind == Kind::Leaves => {
				self.tally.left += 1;
				return false;
			}
			Ok(Ok(Sent::Unanswered(error))) => format!("{error:?}"),
			Ok(Err(error)) => format!("{error:#}"),
			Err(_) => format!("nothing for {PATIENCE:?}"),
		};
		self.tally.unanswered(self.kind, why, open.asked, begun.elapsed());
		false
	}
}

/// Memory of the server's process, and what became of the requests.
pub(crate) struct Overload {
	pub(crate) tally: Tally,
	/// MiB after so many seconds.
	pub(crate) memory: Vec<(f64, f64)>,
	/// MiB before the load.
	pub(crate) before: f64,
	/// The most that there was, as Linux kept it.
	pub(crate) peak: f64,
	pub(crate) minutes: u64,
	pub(crate) callers: usize,
}

impl Overload {
	/// The median of each minute.
	pub(crate) fn by_minute(&self) -> Vec<f64> {
		let minute = |of: u64| {
			let (from, to) = (60.0 * of as f64, 60.0 * (of as f64 + 1.0));
			let own = self.memory.iter().filter(|(at, _)| (from..to).contains(at));
			median(&own.map(|(_, memory)| *memory).collect::<Vec<_>>())
		};
		(0..self.minutes).map(minute).collect()
	}

	/// The medians of the minutes after the warm-up: the last two thirds.
	fn warm(&self) -> Vec<f64> {
		let minutes = self.by_minute();
		minutes.get(minutes.len().div_ceil(3)..).unwrap_or_default().to_vec()
	}

	/// MiB after the warm-up.
	pub(crate) fn plateau(&self) -> f64 {
		median(&self.warm())
	}

	/// MiB by which it grew in a minute after the warm-up, and the standard error of that; `None` after too
	/// short a time.
	pub(crate) fn growth(&self) -> Option<[f64; 2]> {
		growth(&self.warm())
	}
}

/// Overloads a provider of ResNet-20 for so long.
pub(crate) async fn measure(folder: &Path, minutes: u64) -> Result<Overload> {
	let ledger = tempfile::tempdir_in(folder)?;
	let of_address: u64 = Kind::ALL.iter().map(|(_, count)| count).sum();
	let callers = usize::try_from(of_address * u64::from(ADDRESSES))?;
	let channels = u64::try_from(callers * LEAVERS_CHANNELS)?;
	let server = Process::start(Network::Resnet20, ledger.path(), channels, false)?;
	let id = server.id();
	let before = memory(id)?.0;
	let network = Network::Resnet20.load()?;
	let one = network.question(1)?;
	let mut large = one.clone();
	// What follows the JSON is white space.
	large.resize(LARGEST, b' ');
	let length = Duration::from_secs(60 * minutes);
	let load = Arc::new(Load {
		server,
		one: one.into(),
		many: network.question(MANY)?.into(),
		large: large.into(),
		prices: [network.price(1)?, network.price(u32::try_from(MANY)?)?],
		until: Instant::now() + length,
	});
	let mut tasks = JoinSet::new();
	let (mut numbers, key) = (0..channels, voucher_key()?);
	for address in 0..ADDRESSES {
		for (kind, count) in Kind::ALL {
			for _ in 0..count {
				let channels = if kind == Kind::Leaves { LEAVERS_CHANNELS } else { 1 };
				let own = numbers.by_ref().take(channels);
				let users = own.map(|channel| User::new(channel, key.clone())).collect();
				let from = Ipv4Addr::new(127, 0, 1, address + 1);
				let caller = Caller { kind, from, users, turn: 0, tally: Tally::default() };
				tasks.spawn(caller.call(load.clone()));
			}
		}
	}
	let (begun, mut samples) = (Instant::now(), Vec::new());
	while begun.elapsed() < length {
		sleep(Duration::from_secs(1)).await;
		samples.push((begun.elapsed().as_secs_f64(), memory(id)?.0));
		if samples.len() % 60 == 0 {
			eprintln!("{} of {minutes} minutes: {:.0} MiB", samples.len() / 60, memory(id)?.0);
		}
	}
	let mut tally = Tally::default();
	while let Some(own) = tasks.join_next().await {
		tally.add(own?);
	}
	Ok(Overload { tally, memory: samples, before, peak: memory(id)?.1, minutes, callers })
}

/// MiB that a process has in memory, and the most that it ever had.
fn memory(id: u32) -> Result<(f64, f64)> {
	let status = fs::read_to_string(format!("/proc/{id}/status"))?;
	memory_of(&status).context("Linux says what a process takes")
}

fn memory_of(status: &str) -> Option<(f64, f64)> {
	let of = |name: &str| {
		let line = status.lines().find_map(|line| line.strip_prefix(name))?;
		line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1_024.0)
	};
	Some((of("VmRSS:")?, of("VmHWM:")?))
}

#[cfg(test)]
mod tests {
	use super::*;
	use axum::http::{HeaderMap, HeaderValue, StatusCode};
	use oda_inference::api::ProblemKind;

	fn refusal(kind: ProblemKind) -> Answered {
		let body = serde_json::to_vec(&Problem::new(kind, "why")).expect("JSON").into();
		let mut headers = HeaderMap::new();
		headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
		Answered { status: StatusCode::from_u16(kind.status()).expect("a status"), headers, body }
	}

	#[test]
	fn a_refusal_has_a_problems_body_and_says_when_to_come_again() {
		assert_eq!(proper(&refusal(ProblemKind::PaymentRequired)), Ok(()));
		let mut busy = refusal(ProblemKind::TooMany);
		assert!(proper(&busy).is_err());
		busy.headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
		assert_eq!(proper(&busy), Ok(()));
		busy.status = StatusCode::SERVICE_UNAVAILABLE;
		assert!(proper(&busy).is_err(), "another status than the problem's");
		let mut plain = refusal(ProblemKind::PaymentRequired);
		plain.headers.clear();
		assert!(proper(&plain).is_err());
	}

	#[test]
	fn memory_is_read_as_linux_tells_it() {
		let status = "Name:\tx\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n";
		assert_eq!(memory_of(status), Some((2.0, 4.0)));
		assert_eq!(memory_of("Name:\tx\n"), None);
	}

	#[test]
	fn memory_is_judged_after_the_warm_up() {
		let memory = (0..600u32).map(|at| (f64::from(at), if at < 240 { f64::from(at) } else { 300.0 }));
		let overload = Overload {
			tally: Tally::default(),
			memory: memory.collect(),
			before: 0.0,
			peak: 300.0,
			minutes: 10,
			callers: 1,
		};
		assert_eq!((overload.plateau(), overload.growth()), (300.0, Some([0.0; 2])));
		let minutes = overload.by_minute();
		assert_eq!((minutes.len(), minutes[0], minutes[9]), (10, 29.5, 300.0));
	}
}
