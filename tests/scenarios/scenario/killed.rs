//! Whatever is killed, and whenever: nothing is paid twice, and nothing burns.

use crate::{World, ends, until_happened, wealth};
use oda_client::{AccountId, Chain, Key};
use oda_e2e::{Process, Worker, digits, node};
use serde_json::Value;
use std::{
	path::PathBuf,
	sync::{
		Arc,
		atomic::{AtomicBool, Ordering},
	},
	time::Duration,
};
use tempfile::TempDir;

const ODA: u128 = 1_000_000_000_000;

/// The shortest slots that there are.
const SLOT_MILLIS: u64 = 500;

/// Numbers that look random, the same for the same seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
	/// One below `end`.
	pub(super) fn roll(&mut self, end: u64) -> u64 {
		// Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014), splitmix64.
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		(z ^ (z >> 31)) % end
	}

	pub(super) async fn wait(&mut self, longest: Duration) {
		let millis = u64::try_from(longest.as_millis()).unwrap();
		tokio::time::sleep(Duration::from_millis(self.roll(millis))).await;
	}
}

async fn connect(url: &str) -> Chain {
	Chain::connect(url, Some(Duration::from_secs(120))).await.unwrap()
}

/// Runs a command to its end, killing it so many times on the way, and starting it again; what it printed at the end.
async fn persist(worker: &Worker, args: &[&str], log: PathBuf, dice: &mut Dice, kills: u32) -> Process {
	let mut process = worker.service(args, &log).unwrap();
	for _ in 0..kills {
		dice.wait(Duration::from_secs(9)).await;
		if process.check_alive().is_err() {
			break;
		}
		process.kill().await.unwrap();
		process = worker.service(args, &log).unwrap();
	}
	let ended = process.wait().await.unwrap();
	assert!(ended.success(), "{args:?}:\n{}", process.output());
	process
}

/// Pays somebody new, is killed at any moment, and pays again: it arrives once.
async fn transfers(url: String, base: PathBuf, runs: u64, mut dice: Dice) {
	let (worker, chain) = (Worker::new(&url, &base.join("payer"), "//Eve"), connect(&url).await);
	for run in 1..=runs {
		let mut account = [0xee; 32];
		account[..8].copy_from_slice(&run.to_le_bytes());
		let (account, amount) = (AccountId(account), run.to_string());
		let (name, log) = (account.to_string(), base.join(format!("transfer-{run}.log")));
		let args = ["transfer", &name, &amount];
		let mut process = worker.service(&args, &log).unwrap();
		dice.wait(Duration::from_secs(5)).await;
		let ended = process.check_alive().is_err();
		process.kill().await.unwrap();
		let said = std::fs::read_to_string(&log).unwrap().contains("\"receipt\"");
		let arrived = async || chain.finalised().await.unwrap().account(&account).await.unwrap().free;
		// Killed between the last word of the chain and its own: nothing is left to be done, and it arrived.
		let outbox = worker.base().join("journal/outbox");
		let left = walk(&outbox) > 0;
		if !(ended || said || (!left && arrived().await > 0)) {
			worker.result(&args).await.unwrap();
		}
		assert_eq!(arrived().await, u128::from(run) * ODA, "transfer {run}");
		assert_eq!(walk(&outbox), 0, "what was seen through is gone");
	}
}

/// How many files with bytes of transactions lie under a folder.
fn walk(folder: &std::path::Path) -> usize {
	let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
	let count = |path: PathBuf| match path.is_dir() {
		true => walk(&path),
		false => usize::from(path.extension().is_none()),
	};
	entries.flatten().map(|entry| count(entry.path())).sum()
}

/// Registers models, is killed at any moment, and goes on: each is announced, paid for and committed to once.
async fn registrations(url: String, base: PathBuf, suri: &str, numbers: Vec<u64>, mut dice: Dice) {
	let worker = Worker::new(&url, &base.join("shared"), suri);
	let (chain, account) = (connect(&url).await, Key::from_uri(suri).unwrap().account());
	for number in numbers {
		let (spec, step) = (base.join(format!("model-{number}.json")), (number + 100).to_string());
		let (out, data) = (spec.to_string_lossy().into_owned(), digits::file("validation.bin"));
		let init = ["model", "init", "--template", "digits", "--min-improvement", &step, "--data", &data];
		worker.result(&[&init[..], &["--out", &out]].concat()).await.unwrap();
		let train = worker.result(&["blobs", "add", &digits::file("train.bin")]).await.unwrap();
		let train = digits::text(&train, "/root").unwrap();
		let seed = number.to_string();
		let weights =
			worker.result(&["model", "random", &out, "--data", &train, "--seed", &seed]).await.unwrap();
		let weights = digits::text(&weights, "/weights/root").unwrap();
		let before = wealth(&chain.finalised().await.unwrap(), &account).await;
		let args = ["model", "register", "--yes", &out, "--weights", &weights, "--storage", "10"];
		let log = base.join(format!("register-{number}.log"));
		let process = persist(&worker, &args, log, &mut dice, 3).await;
		assert!(process.output().contains("\"accepted\":true"), "{}", process.output());
		let view = chain.finalised().await.unwrap();
		// Ten for storage, one or two for the verifiers, and fees: what is paid twice, or burns, is more than that.
		let spent = before - wealth(&view, &account).await;
		assert!((10 * ODA..15 * ODA).contains(&spent), "model {number} took {spent}");
		assert!(view.announcements(&account).await.unwrap().is_empty());
		let account = view.account(&account).await.unwrap();
		let bonds = account.holds.iter().filter(|hold| hold.reason.contains("Bond"));
		assert_eq!(bonds.map(|hold| hold.amount).sum::<u128>(), 0, "{:?}", account.holds);
	}
}

/// Lies about a model's weights, again and again: each lie is overturned, whatever happens to the verifier.
async fn lies(url: String, base: PathBuf, model: String, runs: u64) {
	let (charlie, chain) = (Key::from_uri("//Charlie").unwrap(), connect(&url).await);
	for run in 0..runs {
		// Whoever lies twice is suspended.
		let suri = format!("//Charlie//{run}");
		let account = Key::from_uri(&suri).unwrap().account();
		chain.transfer(&charlie, account, 200 * ODA).await.unwrap();
		let liar = Worker::new(&url, &base.join("shared"), &suri);
		let lie = liar.rogue(&model, &["lie"]).await.unwrap();
		let submission = lie["submission"].as_u64().unwrap_or_else(|| panic!("{lie}"));
		assert!(lie["block"].is_u64(), "lie {run}: {lie}");
		let over = async {
			let mut view = chain.finalised().await.unwrap();
			while view.submission(submission).await.unwrap().is_some() {
				view = chain.finalised_after(view.number()).await.unwrap();
			}
		};
		ends("a lie", over).await;
	}
}

/// Kills the verifier again and again, has the node killed or frozen now and then, and brings both back.
async fn mischief(
	mut node: node::Node,
	verifier: Worker,
	log: PathBuf,
	over: Arc<AtomicBool>,
	mut dice: Dice,
) -> (node::Node, Process) {
	let verify = || verifier.service(&["verify"], &log).unwrap();
	let mut verifying = verify();
	for round in 1u32.. {
		dice.wait(Duration::from_secs(6)).await;
		if over.load(Ordering::Relaxed) {
			break;
		}
		verifying.check_alive().unwrap();
		verifying.kill().await.unwrap();
		verifying = verify();
		match round % 8 {
			3 => node.freeze(Duration::from_secs(3)).await.unwrap(),
			7 => node = node.crash_and_restart(Duration::from_secs(1)).await.unwrap(),
			_ => {}
		}
	}
	(node, verifying)
}

#[tokio::test]
async fn nothing_is_paid_twice_and_nothing_burns_whatever_is_killed_and_when() {
	let runs = std::env::var("ODA_KILL_TEST_RUNS").map_or(20, |runs: String| runs.parse().unwrap());
	let seed = std::env::var("ODA_KILL_TEST_SEED").map_or_else(
		|_| std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
		|seed: String| seed.parse().unwrap(),
	);
	eprintln!("ODA_KILL_TEST_SEED={seed}");
	let World { node, base } = patient().await;
	let (url, folder) = (node.url(), base.path().to_owned());
	let chain = connect(&url).await;
	let verifier = Worker::new(&url, &folder.join("shared"), "//Bob");
	let bob = Key::from_uri("//Bob").unwrap().account();
	let before = wealth(&chain.finalised().await.unwrap(), &bob).await;

	// A model to lie about, while nothing dies yet.
	let mut quiet = verifier.service(&["verify"], &folder.join("quiet.log")).unwrap();
	until_happened(&mut quiet, "verifying", 1).await;
	let registrar = Worker::new(&url, &folder.join("shared"), "//Dave");
	let digits = digits::prepare(&registrar).await.unwrap();
	digits::register(&registrar, &digits, |_| ()).await.expect("version 0 is accepted");
	quiet.kill().await.unwrap();

	let dice = |number| Dice(seed.wrapping_mul(31).wrapping_add(number));
	let over = Arc::new(AtomicBool::new(false));
	let log = folder.join("verifier.log");
	let mischief = tokio::spawn(mischief(node, verifier, log, Arc::clone(&over), dice(0)));
	let (paid, lied) = (runs / 2, runs / 5);
	let models = runs - paid - lied;
	let odd = (1..=models).filter(|number| number % 2 == 1).collect();
	let even = (1..=models).filter(|number| number % 2 == 0).collect();
	tokio::join!(
		transfers(url.clone(), folder.clone(), paid, dice(1)),
		registrations(url.clone(), folder.clone(), "//Dave", odd, dice(2)),
		registrations(url.clone(), folder.clone(), "//Ferdie", even, dice(3)),
		lies(url.clone(), folder.clone(), digits.model.clone(), lied),
	);
	over.store(true, Ordering::Relaxed);
	let (_node, verifying) = mischief.await.unwrap();

	// One submission each, and no other.
	let view = chain.finalised().await.unwrap();
	let begun = view.next_submission().await.unwrap();
	assert_eq!(begun, 1 + models + lied, "{}", verifying.output());
	assert!(view.submissions().await.unwrap().is_empty());
	let registered = view.model(oda_blobs::parse_root(&digits.model).unwrap()).await.unwrap().unwrap();
	assert_eq!(registered.head, Some(0), "no lie became the head");
	// Its bond stands, it was paid, and no commitment to evidence is left behind.
	let verifiers = view.verifiers().await.unwrap();
	assert_eq!(verifiers.iter().map(|verifier| verifier.account).collect::<Vec<_>>(), [bob]);
	let after = wealth(&view, &bob).await;
	let tasks = u128::from(1 + models + lied);
	// Four fifths of an ODA for each task that it answered as it ended, less what a commitment costs; and nothing was taken
	// from it.
	assert!(after > before + tasks * ODA * 7 / 10, "{before} became {after} in {tasks} tasks");
	let holds = view.account(&bob).await.unwrap().holds;
	assert!(!holds.iter().any(|hold| hold.reason.contains("Challenge")), "{holds:?}");
}

/// A chain with short slots, and windows that leave time for whoever has to come back.
async fn patient() -> World {
	let base = TempDir::new().unwrap();
	let spec = node::specification(base.path(), "dev", SLOT_MILLIS, |genesis: &mut Value| {
		let windows = [
			("attestBase", 50),
			("open", 50),
			("challenge", 30),
			("challengeLifetime", 80),
			("demand", 100),
			("verifierPatience", 200),
		];
		node::set_windows(genesis, &windows)
	});
	let options = ["--chain", &spec.unwrap(), "--validator", "--alice", "--force-authoring"];
	let options = options.map(str::to_owned).to_vec();
	World { node: node::Node::start_with(base.path(), options).await.unwrap(), base }
}
