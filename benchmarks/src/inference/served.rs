//! Inference that is paid for, beside inference that is not, by the same engine over loopback.

use super::{
	client::{Connection, Sent},
	serve::Process,
	statistics::{median, quantile, share},
	world::{Network, User, voucher_key},
};
use anyhow::{Context, Result, bail, ensure};
use axum::body::Bytes;
use serde_json::Value;
use std::{
	fs::{self, File},
	io::Write,
	net::Ipv4Addr,
	os::unix::fs::FileExt,
	path::Path,
	time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How many ask at a time.
pub(crate) const CLIENTS: [usize; 2] = [1, 16];

/// How long one of the two is asked in a round.
const PHASE: Duration = Duration::from_millis(1_500);

/// How many ticks of processor time a second has, as Linux tells them to programs.
const TICKS: f64 = 100.0;

/// What was measured of one of the two.
#[derive(Clone, Copy, Default)]
pub(crate) struct Phase {
	/// Milliseconds from a request to its answer, which half of them do not exceed.
	pub(crate) p50: f64,
	/// And 99 of 100.
	pub(crate) p99: f64,
	/// Answers a second.
	pub(crate) rate: f64,
	/// Milliseconds of the server's processor time for an answer.
	pub(crate) processor: f64,
}

/// A number of clients.
pub(crate) struct Compared {
	pub(crate) clients: usize,
	pub(crate) paid: Phase,
	pub(crate) bare: Phase,
	/// Which part is payment's: of half of the answers' time, of the time between two answers, and of the processor's. Medians
	/// of all rounds.
	pub(crate) shares: [f64; 3],
}

/// Measures a network with the ledger in a folder.
pub(crate) async fn measure(
	network: Network,
	folder: &Path,
	rounds: usize,
) -> Result<(Vec<Compared>, String)> {
	let ledger = tempfile::tempdir_in(folder)?;
	let most = CLIENTS.into_iter().max().unwrap_or(1);
	let server = Process::start(network, ledger.path(), u64::try_from(most)?, true)?;
	let loaded = network.load()?;
	let (question, price) = (Bytes::from(loaded.question(1)?), loaded.price(1)?);
	let key = voucher_key()?;
	let mut users: Vec<User> =
		(0..).zip(0..most).map(|(channel, _)| User::new(channel, key.clone())).collect();
	same_answers(&server, &question, users.first_mut().context("there is a user")?, price).await?;
	let mut all = Vec::new();
	for clients in CLIENTS {
		let (mut paid, mut bare) = (Vec::new(), Vec::new());
		// The first round warms up.
		for round in 0..=rounds {
			let order = if round % 2 == 0 { [true, false] } else { [false, true] };
			for pays in order {
				let group;
				(group, users) = phase(&server, users, clients, pays.then_some(price), &question).await?;
				if round > 0 {
					if pays { paid.push(group) } else { bare.push(group) }
				}
			}
		}
		eprintln!("{network:?}, {clients} clients, {}: done", folder.display());
		all.push(compared(clients, &paid, &bare));
	}
	Ok((all, server.started.backend.clone()))
}

/// The medians of all rounds.
fn compared(clients: usize, paid: &[Phase], bare: &[Phase]) -> Compared {
	let all = |phases: &[Phase]| {
		let of = |part: fn(&Phase) -> f64| median(&phases.iter().map(part).collect::<Vec<_>>());
		Phase {
			p50: of(|phase| phase.p50),
			p99: of(|phase| phase.p99),
			rate: of(|phase| phase.rate),
			processor: of(|phase| phase.processor),
		}
	};
	let shares = |part: fn(&Phase) -> f64| {
		let shares = paid.iter().zip(bare).map(|(paid, bare)| share(part(paid), part(bare)));
		median(&shares.collect::<Vec<_>>())
	};
	let shares =
		[shares(|phase| phase.p50), shares(|phase| 1.0 / phase.rate), shares(|phase| phase.processor)];
	Compared { clients, paid: all(paid), bare: all(bare), shares }
}

/// Fails unless both give the same answers.
async fn same_answers(server: &Process, question: &Bytes, user: &mut User, price: u128) -> Result<()> {
	let mut answers = Vec::new();
	for (address, payment) in [(server.started.paid, Some(user.pay(price))), (server.started.bare, None)] {
		let mut connection = Connection::open(address, Ipv4Addr::LOCALHOST).await?;
		let json = asked(&mut connection, payment.as_deref(), question).await?;
		let json: Value = serde_json::from_slice(&json)?;
		answers.push(json.get("answers").cloned().context("there are answers")?);
	}
	let same = answers.windows(2).all(|pair| pair.first() == pair.last());
	ensure!(same, "who pays gets other answers than who does not");
	Ok(())
}

async fn asked(connection: &mut Connection, payment: Option<&str>, question: &Bytes) -> Result<Bytes> {
	match connection.ask(payment, question.clone()).await? {
		Sent::Answered(answered) => {
			ensure!(answered.status == 200, "{}", String::from_utf8_lossy(&answered.body));
			Ok(answered.body)
		}
		Sent::TooLate => bail!("the connection was closed"),
		Sent::Unanswered(error) => Err(error.into()),
	}
}

/// A user with its connection.
struct Client {
	connection: Connection,
	user: User,
}

impl Client {
	/// Milliseconds from a request to its answer. Its voucher is signed before.
	async fn ask(&mut self, price: Option<u128>, question: &Bytes) -> Result<f64> {
		let payment = price.map(|price| self.user.pay(price));
		let begun = Instant::now();
		asked(&mut self.connection, payment.as_deref(), question).await?;
		Ok(begun.elapsed().as_secs_f64() * 1e3)
	}

	/// Asks one after the other for a while.
	async fn ask_on(mut self, price: Option<u128>, question: Bytes) -> Result<(User, Vec<f64>)> {
		let (begun, mut times) = (Instant::now(), Vec::new());
		while begun.elapsed() < PHASE {
			times.push(self.ask(price, &question).await?);
		}
		Ok((self.user, times))
	}
}

/// So many clients ask for a while.
async fn phase(
	server: &Process,
	mut users: Vec<User>,
	clients: usize,
	price: Option<u128>,
	question: &Bytes,
) -> Result<(Phase, Vec<User>)> {
	let address = if price.is_some() { server.started.paid } else { server.started.bare };
	let rest = users.split_off(clients);
	let mut ready = Vec::new();
	for user in users {
		let connection = Connection::open(address, Ipv4Addr::LOCALHOST).await?;
		let mut client = Client { connection, user };
		client.ask(price, question).await?;
		ready.push(client);
	}
	let (before, begun) = (processor(server.id())?, Instant::now());
	let mut tasks: JoinSet<_> =
		ready.into_iter().map(|client| client.ask_on(price, question.clone())).collect();
	let (mut users, mut times) = (rest, Vec::new());
	while let Some(done) = tasks.join_next().await {
		let (user, own) = done??;
		users.push(user);
		times.extend(own);
	}
	let seconds = begun.elapsed().as_secs_f64();
	let processor = processor(server.id())? - before;
	let count = times.len() as f64;
	let phase = Phase {
		p50: quantile(&times, 0.5),
		p99: quantile(&times, 0.99),
		rate: count / seconds,
		processor: processor * 1e3 / count,
	};
	Ok((phase, users))
}

/// Seconds that a process has spent on processors.
fn processor(id: u32) -> Result<f64> {
	processor_of(&fs::read_to_string(format!("/proc/{id}/stat"))?).context("Linux says what a process takes")
}

fn processor_of(stat: &str) -> Option<f64> {
	// After the name in brackets, which may be anything, the twelfth and thirteenth: in the program and for it.
	let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
	let (user, system) = (fields.next()?.parse::<f64>().ok()?, fields.next()?.parse::<f64>().ok()?);
	Some((user + system) / TICKS)
}

/// Milliseconds that writing 4 KiB in place and having it on the disk takes in a folder, and making a new file of them last as one
/// that is replaced: medians.
pub(crate) fn disk(folder: &Path) -> Result<[f64; 2]> {
	const WRITES: usize = 200;
	let base = tempfile::tempdir_in(folder)?;
	let bytes = [1; 4_096];
	let path = base.path().join("file");
	let mut file = File::create(&path)?;
	file.write_all(&bytes.repeat(2))?;
	file.sync_all()?;
	let milliseconds = |write: &mut dyn FnMut(u64) -> Result<()>| {
		let times = (0..WRITES).map(|of| {
			let begun = Instant::now();
			write(u64::try_from(of)?)?;
			anyhow::Ok(begun.elapsed().as_secs_f64() * 1e3)
		});
		anyhow::Ok(median(&times.collect::<Result<Vec<_>>>()?))
	};
	let place = milliseconds(&mut |of| {
		file.write_all_at(&bytes, of % 2 * 4_096)?;
		Ok(file.sync_data()?)
	})?;
	let replaced = milliseconds(&mut |_| {
		let next = base.path().join("next");
		let mut file = File::create(&next)?;
		file.write_all(&bytes)?;
		file.sync_all()?;
		fs::rename(&next, &path)?;
		Ok(File::open(base.path())?.sync_all()?)
	})?;
	Ok([place, replaced])
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn processor_time_is_read_after_a_name_of_any_kind() {
		let stat = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0";
		assert_eq!(processor_of(stat), Some(3.0));
		assert_eq!(processor_of("7 (a) S 1"), None);
	}

	#[test]
	fn a_comparison_is_the_median_of_its_rounds() {
		let phase = |p50: f64| Phase { p50, p99: p50 * 2.0, rate: 1_000.0 / p50, processor: p50 / 2.0 };
		let (paid, bare) = ([4.0, 2.0, 10.0].map(phase), [3.0, 2.0, 5.0].map(phase));
		let compared = compared(3, &paid, &bare);
		assert_eq!((compared.clients, compared.paid.p50, compared.bare.p99), (3, 4.0, 6.0));
		assert_eq!(compared.shares[0], 0.25);
		for part in compared.shares {
			assert!((part - 0.25).abs() < 1e-9, "{part}");
		}
	}
}
