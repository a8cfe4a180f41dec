//! Whatever is killed while requests are paid for, and whenever: nobody loses, and nothing is paid twice.

use super::{AT_PRICE, Digit, ODA, Served, Service, books::Books, http::send, is_closed, number, wealth_in};
use crate::{ends, scenario::killed::Dice};
use oda_client::View;
use oda_e2e::{Worker, node};
use oda_inference::api::InferAnswer;
use oda_primitives::{ChannelId, ModelId, inference::Payment};
use std::{
	collections::BTreeSet,
	sync::{
		Arc,
		atomic::{AtomicBool, Ordering},
	},
	time::Duration,
};

/// What the provider would answer without a promise.
const CREDIT: u128 = ODA / 50;
/// The same, as `serve` takes it.
const ON_CREDIT: [&str; 2] = ["--credit", "0.02"];
/// Requests that are answered after everything runs again.
const AFTERWARDS: usize = 5;

/// What is killed.
#[derive(Clone, Copy, Debug)]
enum Victim {
	Provider,
	User,
	Node,
}

/// A program that asks one thing after the other, and each again until it has an answer.
struct Program {
	port: u16,
	model: ModelId,
	digits: Arc<Vec<Digit>>,
	run: u64,
	/// Whether everything runs again.
	over: Arc<AtomicBool>,
}

impl Program {
	/// Asks until a while after whatever is killed has come back: all answers.
	async fn ask(self) -> Vec<InferAnswer> {
		let (mut answers, mut left) = (Vec::new(), AFTERWARDS);
		for (at, digit) in self.digits.iter().cycle().enumerate() {
			answers.push(self.answer(&format!("run-{}-request-{at}", self.run), digit).await);
			if self.over.load(Ordering::Relaxed) {
				left -= 1;
			}
			if left == 0 {
				break;
			}
		}
		answers
	}

	/// Asks the same until it is answered.
	async fn answer(&self, name: &str, digit: &Digit) -> InferAnswer {
		let asked = digit.asked(self.model);
		loop {
			match send(self.port, "POST", "/v1/infer", &[("idempotency-key", name)], &asked).await {
				Ok(reply) if reply.status == 200 => {
					let answer: InferAnswer = serde_json::from_slice(&reply.body).unwrap();
					assert_eq!(answer.outputs(), digit.output);
					return answer;
				}
				// The provider or its node is away, or has just come back.
				Ok(reply) if (500..600).contains(&reply.status) => {}
				Ok(reply) => panic!("{name}: {} {}", reply.status, reply.text()),
				// The proxy is away, or has gone on the way.
				Err(_) => {}
			}
			tokio::time::sleep(Duration::from_millis(100)).await;
		}
	}
}

/// The channels that the chain has.
async fn channels_in(view: &View) -> BTreeSet<ChannelId> {
	view.channels().await.unwrap().into_iter().map(|channel| channel.id).collect()
}

/// Everybody who takes part.
struct Paid {
	served: Served,
	proxy: Service,
	user: Worker,
	port: u16,
	digits: Arc<Vec<Digit>>,
}

impl Paid {
	async fn new() -> Self {
		let served = Served::new(&[AT_PRICE, ON_CREDIT].concat()).await;
		let (user, port) = (served.user().await, node::free_port().unwrap());
		let address = format!("127.0.0.1:{port}");
		// So much that nothing is ever topped up, and that what is reserved for a request that is cut off does not matter.
		let args = ["proxy", "--address", &address, "--day", "100000", "--total", "100000"];
		let args = [&args[..], &["--deposit", "20", "--requests", "2000"]].concat();
		let proxy = Service::new(user.clone(), &args, served.world.log("proxy.log"));
		let digits = Arc::new(served.digits(50).await);
		Self { served, proxy, user, port, digits }
	}

	/// Kills, and brings back.
	async fn kill(mut self, victim: Victim) -> Self {
		match victim {
			Victim::Provider => {
				self.served.provider.kill().await;
				self.served.provider.start();
			}
			Victim::User => {
				self.proxy.kill().await;
				self.proxy.start();
			}
			Victim::Node => self.served = self.served.with_restarted_node().await,
		}
		self
	}

	/// Has a program ask while something is killed: the channel that has paid, the price of all that was answered.
	async fn stream(self, victim: Victim, run: u64, dice: &mut Dice) -> (Self, ChannelId, u128) {
		let over = Arc::new(AtomicBool::new(false));
		let program = Program {
			port: self.port,
			model: self.served.model,
			digits: Arc::clone(&self.digits),
			run,
			over: Arc::clone(&over),
		};
		let asking = tokio::spawn(program.ask());
		dice.wait(Duration::from_secs(8)).await;
		let paid = self.kill(victim).await;
		over.store(true, Ordering::Relaxed);
		let answers = ends("a stream of requests", asking).await.unwrap();
		let channels = answers.iter().map(|answer| match answer.receipt.payment {
			Payment::Channel(channel) => channel,
			other => panic!("{other:?}"),
		});
		let channels: BTreeSet<ChannelId> = channels.collect();
		assert_eq!(channels.len(), 1, "one channel pays for all: {channels:?}");
		let requests: BTreeSet<u64> = answers.iter().map(|answer| answer.receipt.nonce).collect();
		assert_eq!(requests.len(), answers.len(), "each is a request of its own");
		let answered = answers.iter().map(|answer| answer.receipt.price).sum();
		(paid, channels.into_iter().next().unwrap(), answered)
	}

	/// Ends the channel, as both agree or by the user alone.
	async fn close(&mut self, channel: ChannelId, agreed: bool) {
		let name = channel.to_string();
		if agreed {
			let closed = self.user.run(&["channel", "close", &name]).await.unwrap();
			assert_eq!(closed[0]["how"], "closed", "{closed:?}");
			return;
		}
		let served = &mut self.served;
		served.chain.begin_close_channel(&served.user, channel).await.unwrap();
		let closed = async {
			let mut view = served.chain.finalised().await.unwrap();
			while !is_closed(&view.channel(channel).await.unwrap().unwrap()) {
				served.provider.process().check_alive().unwrap();
				view = served.chain.finalised_after(view.number()).await.unwrap();
			}
		};
		ends("a channel", closed).await;
	}

	/// A run: a channel from its opening to its end, in which something dies.
	async fn run(self, victim: Victim, run: u64, dice: &mut Dice) -> Self {
		let (user, provider) = (self.served.user.account(), self.served.providing);
		let view = self.served.chain.finalised().await.unwrap();
		let before = [wealth_in(&view, &user).await, wealth_in(&view, &provider).await];
		let (start, earlier) = (view.number(), channels_in(&view).await);
		let (mut paid, channel, answered) = self.stream(victim, run, dice).await;

		// What both sides have on disk.
		let known = paid.served.http.channel(channel).await.unwrap();
		let listed = paid.user.run(&["channel", "list"]).await.unwrap();
		let listed = listed.iter().find(|listed| listed["channel"]["id"] == channel).expect("it is listed");
		let (spent, promised) = (number(&listed["spent"]), number(&listed["promised"]));
		assert_eq!((spent, known.spent), (answered, answered), "{victim:?}: each request is paid once");
		let agreed = dice.roll(2) == 0;
		paid.close(channel, agreed).await;

		let ended = paid.served.channel(channel).await;
		assert!(is_closed(&ended), "{ended:?}");
		assert_eq!(ended.claimed, promised, "{victim:?}: the last voucher is what is paid");
		assert!(ended.claimed <= answered + CREDIT && answered <= ended.claimed + CREDIT);
		// A node that was killed has taken its connections with it.
		let books = Books::open(&paid.served.world.node.url()).await;
		let view = paid.served.chain.finalised().await.unwrap();
		let end = view.number();
		let (turnover, governed) = (books.turnover(start + 1..=end).await, books.governed(end).await);
		let after = [wealth_in(&view, &user).await, wealth_in(&view, &provider).await];
		// A proxy that starts has channels forgotten whose receipts are evidence no more.
		let tidied = earlier.difference(&channels_in(&view).await).count();
		let tidied = u32::try_from(tidied).unwrap();
		let fees = [turnover.fees_of(&user), turnover.fees_of(&provider)];
		let earned = governed.split(promised).provider;
		assert_eq!(turnover.earned(channel), [(promised, earned)]);
		assert_eq!(
			after,
			[
				(before[0].0 + 2 + tidied, before[0].1 - promised - fees[0]),
				(before[1].0 + u32::from(!agreed), before[1].1 + earned - fees[1]),
			],
			"{victim:?}, agreed: {agreed}"
		);
		paid
	}
}

#[tokio::test]
async fn nobody_loses_and_nothing_is_paid_twice_whatever_is_killed_while_requests_are_paid_for() {
	let runs = std::env::var("ODA_PAID_KILL_TEST_RUNS").map_or(5, |runs: String| runs.parse().unwrap());
	let seed = std::env::var("ODA_PAID_KILL_TEST_SEED").map_or_else(
		|_| std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
		|seed: String| seed.parse().unwrap(),
	);
	eprintln!("ODA_PAID_KILL_TEST_SEED={seed}");
	let mut dice = Dice(seed);
	let mut paid = Paid::new().await;
	for run in 0..runs {
		let victim = [Victim::Provider, Victim::User, Victim::Node][usize::try_from(run % 3).unwrap()];
		paid = paid.run(victim, run, &mut dice).await;
	}
}
