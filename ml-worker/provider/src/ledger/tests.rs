use super::*;
use oda_inference::api::{Signature, SignedVoucher};
use oda_primitives::Voucher;
use proptest::prelude::*;
use std::{collections::BTreeMap, fs};
use tokio::runtime::Builder;

const GENESIS: [u8; 32] = [7; 32];
const CHANNEL: ChannelId = 7;
const DEPOSIT: u128 = 2_000;

fn standing(credit: u128) -> Standing {
	Standing { deposit: DEPOSIT, claimed: 0, tick: 10, credit }
}

fn signed(nonce: u64, amount: u128) -> SignedVoucher {
	let voucher = Voucher { channel: CHANNEL, version: 0, amount, nonce };
	SignedVoucher { voucher, signature: Signature::Sr25519([0; 64]) }
}

fn asked(body: u8) -> Asked {
	Asked { key: None, digest: [body; 32] }
}

/// Accepts a voucher of 100 planck a request and answers with some bytes.
async fn serve(held: &Held, nonce: u64, answer: &[u8]) {
	let (voucher, asked) = (signed(nonce, u128::from(nonce) * 100), asked(1));
	let request = Request { voucher: &voucher, asked: &asked, price: 100 };
	let Step::Serve(promise) = held.account().ask(&request, &standing(0)).unwrap() else { panic!("not new") };
	held.promise(*promise).await.unwrap();
	let served = held.account().finished(100, 50).unwrap();
	let answer = answer.to_vec();
	held.serve(served, move || Ok(answer)).await.unwrap();
}

#[tokio::test]
async fn an_account_is_read_as_it_was_written() {
	let base = tempfile::tempdir().unwrap();
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	let held = ledger.hold(CHANNEL, 0).unwrap().unwrap();
	serve(&held, 1, b"line one\nline two").await;
	let before = held.account();
	drop((held, ledger));

	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	let after = ledger.account(CHANNEL).unwrap().unwrap();
	assert_eq!(before, after);
	let answered = after.served.last.clone().unwrap();
	let answer = ledger.answer(CHANNEL, &answered).await.unwrap();
	assert_eq!(answer.as_deref(), Some(&b"line one\nline two"[..]));
}

#[tokio::test]
async fn what_was_claimed_before_an_account_began_outlives_the_process() {
	let base = tempfile::tempdir().unwrap();
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	let held = ledger.hold(CHANNEL, 400).unwrap().unwrap();
	held.promise(held.account().promise.clone()).await.unwrap();
	drop((held, ledger));
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	assert_eq!(ledger.account(CHANNEL).unwrap().unwrap().spent(), 400);
}

#[tokio::test]
async fn another_chain_has_other_accounts() {
	let base = tempfile::tempdir().unwrap();
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	serve(&ledger.hold(CHANNEL, 0).unwrap().unwrap(), 1, b"answer").await;
	let other = Ledger::open(base.path(), &[8; 32]).unwrap();
	assert_eq!(other.account(CHANNEL).unwrap(), None);
}

#[tokio::test]
async fn what_was_promised_can_be_read_while_nobody_uses_the_ledger() {
	let base = tempfile::tempdir().unwrap();
	let promises = || Ledger::promises(base.path(), &GENESIS).unwrap();
	assert_eq!(promises(), None);
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	for channel in [CHANNEL, 8] {
		serve(&ledger.hold(channel, 0).unwrap().unwrap(), 1, b"answer").await;
	}
	let promise = ledger.account(8).unwrap().unwrap().promise.clone();
	assert_eq!(promises(), None);
	drop(ledger);
	fs::write(base.path().join(hex::encode(GENESIS)).join("7/promise"), b"{}").unwrap();
	assert_eq!(promises(), Some(Promises { made: vec![(8, promise)], damaged: vec![CHANNEL] }));
}

#[tokio::test]
async fn a_channel_is_held_by_one_at_a_time() {
	let base = tempfile::tempdir().unwrap();
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	let held = ledger.hold(CHANNEL, 0).unwrap().unwrap();
	assert!(ledger.hold(CHANNEL, 0).unwrap().is_none());
	assert!(ledger.hold(8, 0).unwrap().is_some(), "another channel goes on");
	assert!(!ledger.forget(CHANNEL).await.unwrap(), "nothing is forgotten that is worked on");
	drop(held);
	assert!(ledger.hold(CHANNEL, 0).unwrap().is_some());
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_is_made_all_the_same() {
	let base = tempfile::tempdir().unwrap();
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	let held = ledger.hold(CHANNEL, 0).unwrap().unwrap();
	let promise = Promise { last: Some(signed(1, 100)), ..Promise::default() };
	let mut change = Box::pin(held.promise(promise.clone()));
	drop(futures::poll!(&mut change));
	drop(change);
	drop(held);
	let held = loop {
		match ledger.hold(CHANNEL, 0).unwrap() {
			Some(held) => break held,
			None => tokio::task::yield_now().await,
		}
	};
	assert_eq!(held.account().promise, promise);
}

#[tokio::test]
async fn an_answer_that_was_replaced_is_not_given_for_another() {
	let base = tempfile::tempdir().unwrap();
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	let held = ledger.hold(CHANNEL, 0).unwrap().unwrap();
	serve(&held, 1, b"first").await;
	let first = held.account().served.last.clone().unwrap();
	serve(&held, 2, b"second").await;
	assert_eq!(ledger.answer(CHANNEL, &first).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_forgotten_is_gone_from_the_disk() {
	let base = tempfile::tempdir().unwrap();
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	serve(&ledger.hold(CHANNEL, 0).unwrap().unwrap(), 1, b"answer").await;
	let folder = base.path().join(hex::encode(GENESIS)).join(CHANNEL.to_string());
	assert!(folder.is_dir());
	assert!(ledger.forget(CHANNEL).await.unwrap());
	assert!(!folder.exists() && ledger.channels().is_empty());
}

#[tokio::test]
async fn a_damaged_channel_is_refused_and_the_others_go_on() {
	let base = tempfile::tempdir().unwrap();
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	for channel in [CHANNEL, 8] {
		serve(&ledger.hold(channel, 0).unwrap().unwrap(), 1, b"answer").await;
	}
	drop(ledger);
	fs::write(base.path().join(hex::encode(GENESIS)).join("7/promise"), b"{}").unwrap();
	let ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	assert!(matches!(ledger.account(CHANNEL), Err(LedgerError::Damaged(CHANNEL))));
	assert!(matches!(ledger.hold(CHANNEL, 0), Err(LedgerError::Damaged(CHANNEL))));
	assert!(ledger.account(8).unwrap().is_some());
}

#[test]
fn another_process_cannot_use_the_ledger() {
	let base = tempfile::tempdir().unwrap();
	let _ledger = Ledger::open(base.path(), &GENESIS).unwrap();
	assert!(matches!(Ledger::open(base.path(), &GENESIS), Err(LedgerError::Locked(_))));
}

/// A disk in memory that fails when it is told to.
#[derive(Default)]
pub(crate) struct Memory {
	files: Mutex<BTreeMap<(ChannelId, Half), Vec<u8>>>,
	/// What the next write does.
	next: Mutex<Fate>,
}

/// What becomes of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Fate {
	/// It is done.
	#[default]
	Done,
	/// The disk is full.
	Full,
	/// The process dies before it.
	DiedBefore,
	/// The process dies after it.
	DiedAfter,
}

impl Disk for Memory {
	fn channels(&self) -> io::Result<Vec<ChannelId>> {
		let mut channels: Vec<_> = lock(&self.files).keys().map(|(channel, _)| *channel).collect();
		channels.dedup();
		Ok(channels)
	}

	fn read(&self, channel: ChannelId, half: Half) -> io::Result<Option<Vec<u8>>> {
		Ok(lock(&self.files).get(&(channel, half)).cloned())
	}

	fn replace(&self, channel: ChannelId, half: Half, bytes: &[u8]) -> io::Result<()> {
		let fate = std::mem::take(&mut *lock(&self.next));
		if matches!(fate, Fate::Done | Fate::DiedAfter) {
			lock(&self.files).insert((channel, half), bytes.to_vec());
		}
		match fate {
			Fate::Done => Ok(()),
			Fate::Full => Err(io::ErrorKind::StorageFull.into()),
			// Nobody is there to read it.
			Fate::DiedBefore | Fate::DiedAfter => Err(io::Error::other("died")),
		}
	}

	fn remove(&self, channel: ChannelId) -> io::Result<()> {
		lock(&self.files).retain(|(found, _), _| *found != channel);
		Ok(())
	}
}

#[tokio::test]
async fn a_full_disk_is_said_and_changes_nothing() {
	let disk = Arc::new(Memory::default());
	let ledger = Ledger::on(disk.clone()).unwrap();
	let held = ledger.hold(CHANNEL, 0).unwrap().unwrap();
	serve(&held, 1, b"answer").await;
	let (account, files) = (held.account(), lock(&disk.files).clone());
	for half in [Half::Promise, Half::Served] {
		*lock(&disk.next) = Fate::Full;
		let failed = match half {
			Half::Promise => held.promise(Promise::default()).await,
			Half::Served => held.serve(Served::default(), || Ok(Vec::new())).await.map(drop),
		};
		assert!(matches!(failed, Err(LedgerError::Full)), "{failed:?}");
		assert_eq!((held.account(), lock(&disk.files).clone()), (account.clone(), files.clone()));
	}
}

/// Something that happens to a channel.
#[derive(Clone, Debug)]
enum Event {
	/// A request with a nonce and an amount relative to what the user knows, and what becomes of its two writes.
	Ask { nonce: i8, amount: i16, body: u8, key: Option<u8>, price: u8, promise: Fate, serve: Fate },
	/// The engine fails on it after its promise was written.
	Fail { amount: i16, body: u8, price: u8 },
	/// The process dies while nothing is under way.
	Die,
}

fn fate() -> impl Strategy<Value = Fate> {
	prop_oneof![
		6 => Just(Fate::Done),
		1 => Just(Fate::Full),
		1 => Just(Fate::DiedBefore),
		1 => Just(Fate::DiedAfter),
	]
}

fn event() -> impl Strategy<Value = Event> {
	let ask = (-2i8..3, -60i16..200, 0u8..3, proptest::option::of(0u8..3), 0u8..100, fate(), fate());
	prop_oneof![
		8 => ask.prop_map(|(nonce, amount, body, key, price, promise, serve)| {
			Event::Ask { nonce, amount, body, key, price, promise, serve }
		}),
		1 => (0i16..200, 0u8..3, 0u8..100)
			.prop_map(|(amount, body, price)| Event::Fail { amount, body, price }),
		1 => Just(Event::Die),
	]
}

/// A provider that dies and starts again, and what the world outside has seen of it.
struct World {
	disk: Arc<Memory>,
	ledger: Ledger,
	credit: u128,
	/// Every answer that was delivered, by the nonce of the voucher that paid for it.
	delivered: BTreeMap<u64, (u128, Vec<u8>)>,
	/// The prices of answers that are on disk and were not delivered.
	undelivered: BTreeMap<u64, u128>,
	/// The highest voucher that the provider has said it has.
	highest: Voucher,
	answers: u32,
}

impl World {
	fn new(credit: u128) -> Self {
		let disk = Arc::new(Memory::default());
		let ledger = Ledger::on(disk.clone()).unwrap();
		let (delivered, undelivered) = (BTreeMap::new(), BTreeMap::new());
		let highest = signed(0, 0).voucher;
		Self { disk, ledger, credit, delivered, undelivered, highest, answers: 0 }
	}

	fn die(&mut self) {
		self.ledger = Ledger::on(self.disk.clone()).unwrap();
	}

	fn account(&self) -> Arc<Account> {
		let new = || Arc::new(Account::new(CHANNEL, 0));
		self.ledger.account(CHANNEL).unwrap().unwrap_or_else(new)
	}

	async fn happen(&mut self, event: &Event) {
		match event {
			Event::Die => self.die(),
			Event::Fail { amount, body, price } => {
				let asked = Asked { key: None, digest: [*body; 32] };
				self.ask(1, *amount, &asked, *price, Fate::Done, None).await;
			}
			Event::Ask { nonce, amount, body, key, price, promise, serve } => {
				let key = key.map(|key| key.to_string());
				let asked = Asked { key, digest: [*body; 32] };
				self.ask(*nonce, *amount, &asked, *price, *promise, Some(*serve)).await;
			}
		}
	}

	async fn ask(
		&mut self,
		nonce: i8,
		amount: i16,
		asked: &Asked,
		price: u8,
		promise: Fate,
		serve: Option<Fate>,
	) {
		let before = self.account();
		let known = before.last().copied().unwrap_or(self.highest);
		let voucher = signed(
			known.nonce.saturating_add_signed(nonce.into()),
			known.amount.saturating_add_signed(amount.into()),
		);
		let price = u128::from(price);
		let request = Request { voucher: &voucher, asked, price };
		let held = self.ledger.hold(CHANNEL, 0).unwrap().unwrap();
		match held.account().ask(&request, &standing(self.credit)) {
			Err(_) => {
				assert_eq!(self.account(), before, "a refusal changes nothing");
				return;
			}
			Ok(Step::Replay) => {
				let answered = before.served.last.clone().unwrap();
				let answer = self.ledger.answer(CHANNEL, &answered).await.unwrap().unwrap();
				let nonce = answered.voucher.nonce;
				if let Some(price) = self.undelivered.remove(&nonce) {
					self.delivered.insert(nonce, (price, answer));
				} else {
					assert_eq!(self.delivered.get(&nonce).map(|(_, bytes)| bytes), Some(&answer));
				}
				return;
			}
			Ok(Step::Resume) => {}
			Ok(Step::Serve(next)) => {
				*lock(&self.disk.next) = promise;
				match (held.promise(*next).await, promise) {
					(Ok(()), _) => {}
					(Err(LedgerError::Full), _) => {
						assert_eq!(self.account(), before, "a full disk changes nothing");
						return;
					}
					(Err(_), _) => {
						drop(held);
						return self.die();
					}
				}
			}
		}
		self.highest = voucher.voucher;
		let Some(serve) = serve else { return };
		self.answers += 1;
		let answer = self.answers.to_string().into_bytes();
		let served = held.account().finished(price, 50).unwrap();
		*lock(&self.disk.next) = serve;
		match (held.serve(served, move || Ok(answer)).await, serve) {
			(Ok(answer), _) => {
				assert!(
					self.delivered.insert(voucher.voucher.nonce, (price, answer)).is_none(),
					"paid twice"
				);
			}
			(Err(LedgerError::Full), _) => {}
			(Err(_), Fate::DiedAfter) => {
				self.undelivered.insert(voucher.voucher.nonce, price);
				drop(held);
				self.die();
			}
			(Err(_), _) => {
				drop(held);
				self.die();
			}
		}
	}

	fn check(&self) {
		let account = self.account();
		let amount = account.last().map_or(0, |last| last.amount);
		let delivered: u128 = self.delivered.values().map(|(price, _)| price).sum();
		let undelivered: u128 = self.undelivered.values().sum();
		assert!(delivered <= amount + self.credit, "the provider gives no more than its credit ahead");
		assert!(account.spent() <= amount + self.credit && account.spent() <= DEPOSIT);
		assert_eq!(account.spent(), delivered + undelivered, "each answer is charged once");
		let last = account.last().copied().unwrap_or(signed(0, 0).voucher);
		assert!(
			last.amount >= self.highest.amount && last.nonce >= self.highest.nonce,
			"no voucher is forgotten"
		);
		let on_disk = load(self.disk.as_ref(), CHANNEL).unwrap();
		assert_eq!(*account, on_disk, "what is seen is on disk");
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(512))]

	#[test]
	fn whatever_dies_nobody_loses_more_than_the_credit(
		credit in prop_oneof![Just(0u128), 0u128..100],
		events in proptest::collection::vec(event(), 1..40),
	) {
		let runtime = Builder::new_current_thread().build().unwrap();
		runtime.block_on(async {
			let mut world = World::new(credit);
			for event in &events {
				world.happen(event).await;
				world.check();
			}
		});
	}
}
