//! What the worker counts, for whoever runs it: Prometheus reads it from the [`Endpoint`].
//!
//! `docs/operations.md` lists the metrics, and says which to be woken up by.

mod endpoint;

pub use endpoint::Endpoint;

use oda_client::{
	Account, AccountId, Duty, Observer, Replica, StakeChange, StakePool, StakeRole, ValidatorStatus,
	VerifierStatus,
};
use oda_engine::Engine;
use oda_network::{Fault, Stats};
use oda_primitives::{SubmissionId, Verdict};
use prometheus_client::{
	encoding::{
		EncodeLabelSet,
		text::{encode_eof, encode_registry},
	},
	metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
	registry::{Metric, Registry},
};
use std::{
	collections::HashSet,
	hash::Hash,
	sync::{
		Mutex, PoisonError,
		atomic::{AtomicU64, Ordering},
	},
	time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A number that may have a fraction.
type Float = Gauge<f64, AtomicU64>;

/// Upper bounds, in seconds, that evaluations are sorted by: the longest is the default of their time limit.
const EVALUATION_SECONDS: [f64; 14] =
	[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];

/// What there is to count. All of it starts at zero, so that the first time is seen as an increase.
const ROLES: [&str; 7] = ["verifier", "watcher", "keeper", "trainer", "validator", "provider", "demands"];
const VERDICTS: [&str; 3] = ["valid", "wrong", "unavailable"];
const RESULTS: [&str; 2] = ["right", "wrong"];
const CHALLENGES: [&str; 5] = ["overturned", "failed", "over", "commitment_expired", "refused"];
const SUBMISSIONS: [&str; 9] = [
	"accepted",
	"overturned",
	"withheld",
	"expired",
	"outdated",
	"withdrawn",
	"forfeited",
	"refused",
	"ended",
];
const PROOFS: [&str; 2] = ["proved", "missed"];
const CHANNELS: [&str; 4] = ["redeemed", "closing", "finished", "removed"];
const REQUESTS: [&str; 2] = ["served", "turned_away"];
const FAULTS: [Fault; 5] =
	[Fault::WrongBytes, Fault::Stalled, Fault::Flooding, Fault::Disconnected, Fault::Malformed];

/// Smallest units in an ODA.
const ODA: f64 = 1e12;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Build {
	version: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Backend {
	backend: &'static str,
	device: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Role {
	role: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Answered {
	verdict: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Checked {
	result: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Step {
	step: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Found {
	fault: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Outcome {
	outcome: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Owner {
	account: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Money {
	account: String,
	state: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Candidate {
	account: String,
	role: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Stake {
	account: String,
	role: &'static str,
	state: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Session {
	account: String,
	session: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Keys {
	account: String,
	place: &'static str,
}

/// Amounts that only grow.
type Sum = Counter<f64, AtomicU64>;

/// How candidates stand.
#[derive(Debug)]
struct Standings {
	stake: Family<Stake, Float>,
	slashed: Family<Candidate, Sum>,
	rewarded: Family<Candidate, Sum>,
	absences: Family<Candidate, Gauge>,
	drawn: Family<Owner, Gauge>,
	elected: Family<Session, Gauge>,
	keys: Family<Keys, Gauge>,
	heard: Family<Owner, Gauge>,
	offences: Family<Owner, Gauge>,
}

impl Standings {
	fn register(registry: &mut Registry) -> Self {
		Self {
			stake: add(
				registry,
				"stake_oda",
				"What is behind a candidate: own, delegated, leaving, reserved, and what of it counts",
				Family::default(),
			),
			slashed: add(
				registry,
				"stake_slashed_oda",
				"What a candidate's pool has lost",
				Family::default(),
			),
			rewarded: add(
				registry,
				"stake_rewarded_oda",
				"What a candidate and its pool have earned, commission included",
				Family::default(),
			),
			absences: add(
				registry,
				"absences",
				"Tasks, or sessions, in a row in which a candidate was absent",
				Family::default(),
			),
			drawn: add(
				registry,
				"verifier_drawn",
				"1 if a verifier is awake and has the stake to be drawn, else 0",
				Family::default(),
			),
			elected: add(
				registry,
				"validator_elected",
				"1 if a validator is elected for the session that runs, or for the next, else 0",
				Family::default(),
			),
			keys: add(
				registry,
				"validator_keys",
				"1 if a validator's session keys are registered, and their secrets on the node, else 0",
				Family::default(),
			),
			heard: add(
				registry,
				"validator_heard",
				"1 if a validator has made a block or sent its heartbeat in this session, else 0",
				Family::default(),
			),
			offences: add(
				registry,
				"validator_offences",
				"Offences of a validator that wait to be applied",
				Family::default(),
			),
		}
	}
}

/// The metrics of one process. They are counted whether or not anybody reads them.
#[derive(Debug)]
pub struct Metrics {
	registry: Registry,
	/// Those of what a role brings, for as long as the process lives or until it is started again.
	brought: Mutex<Option<Registry>>,
	async_tasks: Gauge,
	engine: Family<Backend, Gauge>,
	mismatches: Counter,
	findings_lost: Counter,
	/// Which answers `findings_lost` has counted, by the number of the submission and how often was asked.
	lost: Mutex<HashSet<(SubmissionId, u32)>>,
	node_connected: Gauge,
	node_connections: Counter,
	finalised_block: Gauge,
	finalised_at: Float,
	tasks: Family<Owner, Gauge>,
	answers: Family<Answered, Counter>,
	checks: Family<Checked, Counter>,
	/// Which submissions `checks` has counted: eight bytes each, for as long as the process lives.
	checked: Mutex<HashSet<SubmissionId>>,
	challenge_commitments: Counter,
	challenges: Family<Outcome, Counter>,
	submissions: Family<Outcome, Counter>,
	evaluations: Histogram,
	evaluations_failed: Counter,
	records: Counter,
	blobs_awaited: Gauge,
	store_blobs: Float,
	store_bytes: Float,
	proofs: Family<Checked, Counter>,
	deals: Family<Owner, Gauge>,
	stakes: Family<Owner, Float>,
	channels: Family<Step, Counter>,
	standings: Standings,
	network: Traffic,
	balances: Family<Money, Float>,
	errors: Family<Role, Counter>,
	restarts: Family<Role, Counter>,
}

impl Default for Metrics {
	fn default() -> Self {
		Self::new()
	}
}

/// What the network of peers counts by itself, as it was when last read.
#[derive(Debug)]
struct Traffic {
	sent: Counter,
	received: Counter,
	wasted: Counter,
	requests: Family<Checked, Counter>,
	peers: Gauge,
	downloads: Gauge,
	faults: Family<Found, Gauge>,
}

impl Traffic {
	fn register(registry: &mut Registry) -> Self {
		let traffic = Self {
			sent: add(registry, "sent_bytes", "Bytes of blobs sent to peers", Counter::default()),
			received: add(
				registry,
				"received_bytes",
				"Bytes of blobs received from peers, wrong ones included",
				Counter::default(),
			),
			wasted: add(
				registry,
				"wasted_bytes",
				"Bytes received from peers that were wrong",
				Counter::default(),
			),
			requests: add(registry, "requests", "Peers' requests for slices, by answer", Family::default()),
			peers: add(registry, "peers", "Peers connected", Gauge::default()),
			downloads: add(registry, "downloads", "Blobs being fetched", Gauge::default()),
			faults: add(
				registry,
				"faults",
				"Faults of peers on record, which restarts do not forget",
				Family::default(),
			),
		};
		start_at_zero(&traffic.requests, REQUESTS.map(|result| Checked { result }));
		traffic.set_faults([]);
		traffic
	}

	fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
		let mut counts = FAULTS.map(|fault| (fault, 0));
		for fault in faults {
			for (_, count) in counts.iter_mut().filter(|(of, _)| *of == fault) {
				*count += 1;
			}
		}
		for (fault, count) in counts {
			self.faults.get_or_create(&Found { fault: name(fault) }).set(count);
		}
	}
}

/// Registers a metric. The library adds the prefix, `_total` to a counter's name, and a full stop to the help.
fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
	registry.register(name, help, metric.clone());
	metric
}

fn start_at_zero<L: Clone + Eq + Hash>(counters: &Family<L, Counter>, labels: impl IntoIterator<Item = L>) {
	for labels in labels {
		counters.get_or_create(&labels).inc_by(0);
	}
}

impl Metrics {
	/// All of them, at zero.
	pub fn new() -> Self {
		let mut all = Registry::default();
		let start = Float::default();
		start.set(now());
		add(&mut all, "process_start_time_seconds", "When the process started, in Unix time", start);
		let oda = all.sub_registry_with_prefix("oda_worker");
		let build = Family::<Build, Gauge>::default();
		build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
		add(oda, "build_info", "The worker's version; always 1", build);
		let metrics = Self {
			async_tasks: add(
				oda,
				"async_tasks",
				"Asynchronous tasks that the process has, not to be mixed up with tasks of verifiers",
				Gauge::default(),
			),
			engine: add(
				oda,
				"engine_info",
				"What evaluates, once it has been needed; always 1",
				Family::default(),
			),
			mismatches: add(
				oda,
				"engine_mismatches",
				"Times that what evaluates gave other bits than the reference, which evaluates from then on",
				Counter::default(),
			),
			findings_lost: add(
				oda,
				"findings_lost",
				"Answers that were committed to and that this worker cannot open",
				Counter::default(),
			),
			lost: Mutex::default(),
			node_connected: add(
				oda,
				"node_connected",
				"1 from a connection to the node until a request fails, else 0",
				Gauge::default(),
			),
			node_connections: add(
				oda,
				"node_connections",
				"Connections made to the node; all but the first are reconnections",
				Counter::default(),
			),
			finalised_block: add(
				oda,
				"finalised_block",
				"The last final block that the node told of",
				Gauge::default(),
			),
			finalised_at: add(
				oda,
				"finalised_block_timestamp_seconds",
				"When the last final block was first seen, in Unix time; the process's start before any was",
				Float::default(),
			),
			tasks: add(
				oda,
				"tasks_open",
				"Open tasks that wait for this verifier's answer",
				Family::default(),
			),
			answers: add(oda, "answers", "Answers opened, by verdict", Family::default()),
			checks: add(
				oda,
				"submissions_checked",
				"Submissions that the watcher recomputed, by what it found",
				Family::default(),
			),
			checked: Mutex::default(),
			challenge_commitments: add(
				oda,
				"challenge_commitments",
				"Commitments to evidence put on the chain",
				Counter::default(),
			),
			challenges: add(oda, "challenges", "Challenges that ended, by outcome", Family::default()),
			submissions: add(oda, "submissions", "Own submissions that ended, by outcome", Family::default()),
			evaluations: add(
				oda,
				"evaluation_duration_seconds",
				"Time that evaluating all records of a model took",
				Histogram::new(EVALUATION_SECONDS),
			),
			evaluations_failed: add(
				oda,
				"evaluations_failed",
				"Evaluations that gave no scores, other than for want of a blob",
				Counter::default(),
			),
			records: add(oda, "records_evaluated", "Records evaluated", Counter::default()),
			blobs_awaited: add(
				oda,
				"blobs_awaited",
				"Evaluations that wait for weights or data that are not in the store",
				Gauge::default(),
			),
			store_blobs: add(oda, "store_blobs", "Blobs in the store", Float::default()),
			store_bytes: add(oda, "store_bytes", "Bytes of the blobs in the store", Float::default()),
			proofs: add(
				oda,
				"storage_proofs",
				"Storage challenges that ended, by what came of them",
				Family::default(),
			),
			deals: add(oda, "storage_deals", "Deals of which a keeper has a replica", Family::default()),
			stakes: add(
				oda,
				"storage_stake_oda",
				"What a keeper's replicas have at stake after losses",
				Family::default(),
			),
			channels: add(
				oda,
				"channels",
				"Times that a payment channel was redeemed by its provider, or brought on its way to its end by its user",
				Family::default(),
			),
			standings: Standings::register(oda),
			network: Traffic::register(oda.sub_registry_with_prefix("network")),
			balances: add(
				oda,
				"account_balance_oda",
				"Money of the account that a role acts as, free and on hold",
				Family::default(),
			),
			errors: add(
				oda,
				"errors",
				"Pieces of a role's work that failed, and are begun again",
				Family::default(),
			),
			restarts: add(
				oda,
				"role_restarts",
				"How often a role failed and was started again",
				Family::default(),
			),
			registry: all,
			brought: Mutex::default(),
		};
		metrics.finalised_at.set(now());
		start_at_zero(&metrics.errors, ROLES.map(|role| Role { role }));
		start_at_zero(&metrics.restarts, ROLES.map(|role| Role { role }));
		start_at_zero(&metrics.answers, VERDICTS.map(|verdict| Answered { verdict }));
		start_at_zero(&metrics.proofs, PROOFS.map(|result| Checked { result }));
		start_at_zero(&metrics.channels, CHANNELS.map(|step| Step { step }));
		start_at_zero(&metrics.checks, RESULTS.map(|result| Checked { result }));
		let outcome = |outcome: &str| Outcome { outcome: outcome.to_owned() };
		start_at_zero(&metrics.challenges, CHALLENGES.map(outcome));
		start_at_zero(&metrics.submissions, SUBMISSIONS.map(outcome));
		metrics
	}

	/// All metrics as text, in the OpenMetrics format.
	pub fn text(&self) -> Result<String, std::fmt::Error> {
		let mut text = String::new();
		encode_registry(&mut text, &self.registry)?;
		if let Some(brought) = &*self.brought.lock().unwrap_or_else(PoisonError::into_inner) {
			encode_registry(&mut text, brought)?;
		}
		encode_eof(&mut text)?;
		Ok(text)
	}

	/// Adds the metrics of a provider's server, in place of those of one before it.
	pub(crate) fn serve(&self, register: impl FnOnce(&mut Registry)) {
		let mut registry = Registry::with_prefix("oda_worker");
		register(&mut registry);
		*self.brought.lock().unwrap_or_else(PoisonError::into_inner) = Some(registry);
	}

	/// What evaluates has been chosen.
	pub(crate) fn engine(&self, engine: &Engine) {
		let (backend, device) = match engine.backend() {
			oda_engine::Backend::Libtorch(device) => ("libtorch", format!("{device:?}").to_lowercase()),
			oda_engine::Backend::Cpu(kernel) => (kernel.name(), "cpu".to_owned()),
		};
		self.engine.clear();
		self.engine.get_or_create(&Backend { backend, device }).set(1);
	}

	/// What evaluated until now gave other bits than the reference, which evaluates from now on.
	pub(crate) fn distrusted(&self, reference: &Engine) {
		self.mismatches.inc();
		self.engine(reference);
	}

	/// What was committed to cannot be opened; whether that is new.
	pub(crate) fn finding_lost(&self, submission: SubmissionId, asked: u32) -> bool {
		let new = self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert((submission, asked));
		if new {
			self.findings_lost.inc();
		}
		new
	}

	/// Where a verifier says how many open tasks wait for its answer: none once that is dropped.
	pub(crate) fn open_tasks(&self, account: String) -> OpenTasks {
		OpenTasks(self.tasks.get_or_create(&Owner { account }).clone())
	}

	/// Where a keeper says what it keeps: nothing once that is dropped.
	pub(crate) fn kept(&self, account: String) -> Kept {
		let owner = Owner { account };
		Kept {
			deals: self.deals.get_or_create(&owner).clone(),
			stake: self.stakes.get_or_create(&owner).clone(),
		}
	}

	/// What is behind a candidate.
	pub(crate) fn staked(&self, account: &AccountId, role: StakeRole, pool: Option<&StakePool>) {
		let (account, role) = (account.to_string(), role.name());
		let amount = |of: fn(&StakePool) -> u128| pool.map_or(0, of);
		for (state, amount) in [
			("own", amount(|pool| pool.own)),
			("delegated", amount(|pool| pool.delegated)),
			("leaving", amount(|pool| pool.leaving)),
			("reserved", amount(|pool| pool.reserved)),
			("counted", amount(|pool| pool.counted)),
		] {
			let labels = Stake { account: account.clone(), role, state };
			self.standings.stake.get_or_create(&labels).set(amount as f64 / ODA);
		}
		let candidate = Candidate { account, role };
		for sums in [&self.standings.slashed, &self.standings.rewarded] {
			sums.get_or_create(&candidate).inc_by(0.0);
		}
	}

	/// Something happened to a candidate's pool.
	pub(crate) fn stake_changed(&self, account: &AccountId, role: StakeRole, change: &StakeChange) {
		let candidate = Candidate { account: account.to_string(), role: role.name() };
		let (sums, amount) = match change {
			StakeChange::Rewarded { amount, commission } => {
				(&self.standings.rewarded, amount.saturating_add(*commission))
			}
			StakeChange::Slashed { amount } => (&self.standings.slashed, *amount),
			StakeChange::PutIn { .. } | StakeChange::TakenOut { .. } => return,
		};
		sums.get_or_create(&candidate).inc_by(amount as f64 / ODA);
	}

	/// How a verifier stands.
	pub(crate) fn verifier(&self, account: &AccountId, status: Option<&VerifierStatus>) {
		let account = account.to_string();
		let drawn = status.is_some_and(|status| status.duty == Duty::Awake && status.weight > 0);
		self.standings.drawn.get_or_create(&Owner { account: account.clone() }).set(drawn.into());
		let absences = status.map_or(0, |status| status.absences);
		let candidate = Candidate { account, role: StakeRole::Verifier.name() };
		self.standings.absences.get_or_create(&candidate).set(whole(absences));
	}

	/// How a validator stands, and whether the node has the secrets of its keys, if it says so.
	pub(crate) fn validator(&self, status: &ValidatorStatus, on_node: Option<bool>) {
		let account = status.account.to_string();
		let standings = &self.standings;
		for (session, elected) in [("now", status.elected), ("next", status.elected_next)] {
			let labels = Session { account: account.clone(), session };
			standings.elected.get_or_create(&labels).set(elected.is_some().into());
		}
		for (place, has) in [("chain", Some(status.keys.is_some())), ("node", on_node)] {
			let labels = Keys { account: account.clone(), place };
			match has {
				Some(has) => drop(standings.keys.get_or_create(&labels).set(has.into())),
				None => drop(standings.keys.remove(&labels)),
			}
		}
		let owner = Owner { account: account.clone() };
		standings.heard.get_or_create(&owner).set((status.heartbeat || status.blocks > 0).into());
		standings.offences.get_or_create(&owner).set(whole(status.offences.len()));
		let candidate = Candidate { account, role: StakeRole::Validator.name() };
		standings.absences.get_or_create(&candidate).set(whole(status.absences));
	}

	/// A storage challenge has ended.
	pub(crate) fn stored(&self, proved: bool) {
		let result = if proved { "proved" } else { "missed" };
		self.proofs.get_or_create(&Checked { result }).inc();
	}

	/// So many payment channels went this step, one of [`CHANNELS`].
	pub(crate) fn channels(&self, step: &'static str, count: usize) {
		self.channels.get_or_create(&Step { step }).inc_by(count as u64);
	}

	/// What the network has counted, and the faults of peers that it knows.
	fn network(&self, stats: &Stats, faults: impl IntoIterator<Item = Fault>) {
		let Traffic { sent, received, wasted, requests, peers, downloads, .. } = &self.network;
		let set = |counter: &Counter, count| counter.inner().store(count, Ordering::Relaxed);
		set(sent, stats.bytes_up);
		set(received, stats.bytes_down);
		set(wasted, stats.bytes_wasted);
		set(&requests.get_or_create(&Checked { result: "served" }), stats.served);
		set(&requests.get_or_create(&Checked { result: "turned_away" }), stats.turned_away);
		peers.set(whole(stats.peers));
		downloads.set(whole(stats.downloads));
		self.network.set_faults(faults);
	}

	/// A verdict is on the chain.
	pub(crate) fn answered(&self, verdict: Verdict) {
		let verdict = match verdict {
			Verdict::Valid => "valid",
			Verdict::Wrong(_) => "wrong",
			Verdict::Unavailable => "unavailable",
		};
		self.answers.get_or_create(&Answered { verdict }).inc();
	}

	/// A watcher has recomputed a submission. One that it comes back to, because its challenge failed, is not counted
	/// again.
	pub(crate) fn checked(&self, submission: SubmissionId, right: bool) {
		if !self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert(submission) {
			return;
		}
		let result = if right { "right" } else { "wrong" };
		self.checks.get_or_create(&Checked { result }).inc();
	}

	/// A commitment to evidence is on the chain.
	pub(crate) fn committed_challenge(&self) {
		self.challenge_commitments.inc();
	}

	/// A challenge has ended.
	pub(crate) fn challenged(&self, outcome: &str) {
		self.challenges.get_or_create(&Outcome { outcome: outcome.to_owned() }).inc();
	}

	/// A submission of this worker's has ended.
	pub(crate) fn submitted(&self, outcome: &str) {
		self.submissions.get_or_create(&Outcome { outcome: outcome.to_owned() }).inc();
	}

	/// All records of a model have been evaluated.
	pub(crate) fn evaluated(&self, took: Duration) {
		self.evaluations.observe(took.as_secs_f64());
	}

	/// An evaluation gave no scores.
	pub(crate) fn evaluation_failed(&self) {
		self.evaluations_failed.inc();
	}

	/// So many more records have been evaluated.
	pub(crate) fn records(&self, more: usize) {
		self.records.inc_by(more as u64);
	}

	/// Something waits for a blob until what is returned is dropped.
	pub(crate) fn awaiting_blob(&self) -> AwaitingBlob {
		self.blobs_awaited.inc();
		AwaitingBlob(self.blobs_awaited.clone())
	}

	/// How many asynchronous tasks there are.
	fn async_tasks(&self, alive: usize) {
		self.async_tasks.set(whole(alive));
	}

	/// How many blobs lie in the store, and their bytes; nothing if that is not known.
	fn store(&self, found: Option<(usize, u64)>) {
		let (blobs, bytes) =
			found.map_or((f64::NAN, f64::NAN), |(blobs, bytes)| (blobs as f64, bytes as f64));
		self.store_blobs.set(blobs);
		self.store_bytes.set(bytes);
	}

	/// What a role's account has.
	pub(crate) fn balance(&self, account: &Account) {
		for (state, amount) in [("free", account.free), ("held", account.held)] {
			let labels = Money { account: account.account.to_string(), state };
			self.balances.get_or_create(&labels).set(amount as f64 / ODA);
		}
	}

	/// A piece of a role's work failed.
	pub(crate) fn failed(&self, role: &'static str) {
		self.errors.get_or_create(&Role { role }).inc();
	}

	/// A role failed, and is started again.
	pub(crate) fn restarted(&self, role: &'static str) {
		self.restarts.get_or_create(&Role { role }).inc();
	}
}

impl Observer for Metrics {
	fn connected(&self) {
		self.node_connected.set(1);
		self.node_connections.inc();
	}

	fn disconnected(&self) {
		self.node_connected.set(0);
	}

	fn finalised(&self, number: u64) {
		let number = whole(number);
		// Several roles follow the chain, and none is asked to be the first.
		if self.finalised_block.inner().fetch_max(number, Ordering::Relaxed) < number {
			self.finalised_at.set(now());
		}
	}
}

/// How many open tasks wait for a verifier's answer.
#[derive(Debug)]
pub(crate) struct OpenTasks(Gauge);

impl OpenTasks {
	pub(crate) fn set(&self, open: usize) {
		self.0.set(whole(open));
	}
}

impl Drop for OpenTasks {
	fn drop(&mut self) {
		self.0.set(0);
	}
}

/// What a keeper keeps.
#[derive(Debug)]
pub(crate) struct Kept {
	deals: Gauge,
	stake: Float,
}

impl Kept {
	pub(crate) fn set<'a>(&self, replicas: impl IntoIterator<Item = &'a Replica>) {
		let (mut count, mut stake) = (0usize, 0);
		for replica in replicas {
			count += 1;
			stake += replica.left;
		}
		self.deals.set(whole(count));
		self.stake.set(stake as f64 / ODA);
	}
}

impl Drop for Kept {
	fn drop(&mut self) {
		self.set([]);
	}
}

/// Something that waits for a blob.
#[derive(Debug)]
pub(crate) struct AwaitingBlob(Gauge);

impl Drop for AwaitingBlob {
	fn drop(&mut self) {
		self.0.dec();
	}
}

/// A fault as its label has it.
fn name(fault: Fault) -> &'static str {
	match fault {
		Fault::WrongBytes => "wrong_bytes",
		Fault::Stalled => "stalled",
		Fault::Flooding => "flooding",
		Fault::Disconnected => "disconnected",
		Fault::Malformed => "malformed",
	}
}

/// A number as gauges hold it.
fn whole(number: impl TryInto<i64>) -> i64 {
	number.try_into().unwrap_or(i64::MAX)
}

/// Seconds of Unix time.
fn now() -> f64 {
	SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn has(metrics: &Metrics, line: &str) {
		let text = metrics.text().unwrap();
		assert!(text.lines().any(|l| l == line), "no line {line:?} in\n{text}");
	}

	#[test]
	fn alerts_and_pages_name_metrics_that_there_are() {
		let metrics = Metrics::new();
		let account = AccountId([1; 32]);
		metrics.engine(&Engine::reference(1));
		metrics.open_tasks(account.to_string()).set(1);
		metrics.kept(account.to_string()).set([]);
		metrics.balance(&Account { account, nonce: 0, free: 0, held: 0, holds: Vec::new() });
		metrics.staked(&account, StakeRole::Verifier, None);
		metrics.verifier(&account, None);
		let status = ValidatorStatus {
			account,
			pool: None,
			keys: None,
			session: 1,
			elected: None,
			elected_next: None,
			place: None,
			disabled: false,
			blocks: 0,
			heartbeat: false,
			absences: 0,
			barred_until: None,
			offences: Vec::new(),
		};
		metrics.validator(&status, Some(false));
		metrics.serve(|registry| oda_provider::Metrics::default().register(registry));
		let text = metrics.text().unwrap();
		assert_eq!(text.matches("# EOF").count(), 1);
		let pages =
			[include_str!("../../../../docker/alerts.yml"), include_str!("../../../../docs/operations.md")];
		let mut named = 0;
		for page in pages {
			for word in page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
				if word.starts_with("oda_worker_") {
					assert!(text.contains(&format!("\n{word}")), "there is no metric {word}");
					named += 1;
				}
			}
		}
		assert!(named > 50, "{named}");
	}

	#[test]
	fn a_connection_is_counted_once() {
		let metrics = Metrics::new();
		has(&metrics, "oda_worker_node_connected 0");
		metrics.connected();
		metrics.disconnected();
		has(&metrics, "oda_worker_node_connected 0");
		metrics.connected();
		has(&metrics, "oda_worker_node_connected 1");
		has(&metrics, "oda_worker_node_connections_total 2");
	}

	#[test]
	fn only_a_new_block_is_progress() {
		let metrics = Metrics::new();
		metrics.finalised(7);
		// A time that no clock says, to see when it is written over.
		metrics.finalised_at.set(-1.0);
		metrics.finalised(7);
		metrics.finalised(6);
		has(&metrics, "oda_worker_finalised_block 7");
		assert_eq!(metrics.finalised_at.get(), -1.0);
		metrics.finalised(8);
		assert_ne!(metrics.finalised_at.get(), -1.0);
	}

	#[test]
	fn waiting_for_a_blob_ends() {
		let metrics = Metrics::new();
		let waiting = metrics.awaiting_blob();
		has(&metrics, "oda_worker_blobs_awaited 1");
		drop(waiting);
		has(&metrics, "oda_worker_blobs_awaited 0");
	}

	#[test]
	fn no_task_is_open_for_a_verifier_that_ended() {
		let metrics = Metrics::new();
		let open = metrics.open_tasks("it".to_owned());
		open.set(2);
		has(&metrics, "oda_worker_tasks_open{account=\"it\"} 2");
		drop(open);
		has(&metrics, "oda_worker_tasks_open{account=\"it\"} 0");
	}

	#[test]
	fn nothing_is_kept_by_a_keeper_that_ended() {
		let metrics = Metrics::new();
		has(&metrics, "oda_worker_storage_proofs_total{result=\"missed\"} 0");
		let replica = Replica {
			keeper: oda_client::AccountId([1; 32]),
			price: 1,
			left: 1_500_000_000_000,
			first: 1,
			proved: None,
			until: 9,
			leaves_after: None,
		};
		let kept = metrics.kept("it".to_owned());
		kept.set([&replica, &replica]);
		metrics.stored(true);
		has(&metrics, "oda_worker_storage_deals{account=\"it\"} 2");
		has(&metrics, "oda_worker_storage_stake_oda{account=\"it\"} 3.0");
		has(&metrics, "oda_worker_storage_proofs_total{result=\"proved\"} 1");
		drop(kept);
		has(&metrics, "oda_worker_storage_deals{account=\"it\"} 0");
		has(&metrics, "oda_worker_storage_stake_oda{account=\"it\"} 0.0");
	}

	#[test]
	fn the_network_s_own_counts_are_shown() {
		let metrics = Metrics::new();
		has(&metrics, "oda_worker_network_requests_total{result=\"turned_away\"} 0");
		has(&metrics, "oda_worker_network_faults{fault=\"flooding\"} 0");
		let stats = Stats {
			bytes_up: 1,
			bytes_down: 2,
			bytes_wasted: 3,
			served: 4,
			turned_away: 5,
			peers: 6,
			downloads: 7,
		};
		// Read twice, counted once.
		metrics.network(&stats, []);
		metrics.network(&stats, [Fault::Stalled, Fault::WrongBytes, Fault::Stalled]);
		for line in [
			"sent_bytes_total 1",
			"received_bytes_total 2",
			"wasted_bytes_total 3",
			"requests_total{result=\"served\"} 4",
			"requests_total{result=\"turned_away\"} 5",
			"peers 6",
			"downloads 7",
			"faults{fault=\"stalled\"} 2",
			"faults{fault=\"wrong_bytes\"} 1",
			"faults{fault=\"flooding\"} 0",
		] {
			has(&metrics, &format!("oda_worker_network_{line}"));
		}
	}

	#[test]
	fn a_submission_is_checked_once() {
		let metrics = Metrics::new();
		metrics.checked(1, false);
		metrics.checked(1, false);
		metrics.checked(2, true);
		has(&metrics, "oda_worker_submissions_checked_total{result=\"wrong\"} 1");
		has(&metrics, "oda_worker_submissions_checked_total{result=\"right\"} 1");
	}

	#[test]
	fn a_store_that_cannot_be_listed_has_no_size() {
		let metrics = Metrics::new();
		metrics.store(Some((1, 7)));
		has(&metrics, "oda_worker_store_bytes 7.0");
		metrics.store(None);
		has(&metrics, "oda_worker_store_blobs NaN");
		has(&metrics, "oda_worker_store_bytes NaN");
	}

	#[test]
	fn labels_say_which() {
		let metrics = Metrics::new();
		metrics.answered(Verdict::Wrong(3));
		metrics.challenged("overturned");
		metrics.failed("verifier");
		metrics.engine(&Engine::reference(1));
		metrics.evaluated(Duration::from_secs(2));
		has(&metrics, "oda_worker_answers_total{verdict=\"wrong\"} 1");
		has(&metrics, "oda_worker_answers_total{verdict=\"valid\"} 0");
		has(&metrics, "oda_worker_challenges_total{outcome=\"overturned\"} 1");
		has(&metrics, "oda_worker_errors_total{role=\"verifier\"} 1");
		has(&metrics, "oda_worker_engine_info{backend=\"reference\",device=\"cpu\"} 1");
		has(&metrics, "oda_worker_evaluation_duration_seconds_bucket{le=\"2.5\"} 1");
	}
}
