//! Fetching one blob from several peers at once.

use crate::{
	Answer, Fault, FetchError,
	bitfield::{Bitfield, PIECE, rarest},
	piece::{self, Flight, Idle, Offer, PieceError, Pulse},
	shared::{Command, Shared, lock},
};
use libp2p::PeerId;
use oda_blobs::{BlobError, BlobRef, BlobSource, GROUP_LEN, Partial, Ranges, group_count};
use std::{
	collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
	hash::{DefaultHasher, Hash, Hasher},
	ops::Range,
	sync::{
		Arc, OnceLock,
		atomic::{AtomicU64, Ordering},
	},
	time::{Duration, Instant},
};
use tokio::{
	sync::{broadcast, mpsc, watch},
	task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// How often rates are measured, and what stands still is looked after.
const TICK: Duration = Duration::from_millis(200);

/// Between two looks at the table of providers, at first and at most.
const LOOKUP: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// For so long may what a peer is asked for keep it busy, but for two pieces: what waits there, nobody else sends.
const AHEAD: Duration = Duration::from_millis(500);

/// How long a peer that was at fault is left alone, at first and at most, as all of the following.
const FAILED: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(300));

/// How long one that could not be reached is.
const MISSED: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(60));

/// How long one that has not what it said it had, or is busy, is.
const SPENT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// How long one that has not got the blob is, if it has to be called.
const LACKS: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(30));

/// How long one that has not got the blob is, if it is connected: it may get it any moment.
const SOON: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// Least time from one question to the same peer to the next, for each peer that is connected: a hundred questions a
/// second in all.
const APART: Duration = Duration::from_millis(10);

/// How often a peer that is fetching the blob itself is asked what it has by now.
const REVISIT: Duration = Duration::from_secs(1);

/// Most peers that are asked at once whether they have the blob: of those that are connected, and of those to be called.
const ASKING: (usize, usize) = (256, 16);

/// Most peers of which it is remembered what they said.
const HEARD: usize = 4096;

/// Most peers of which a failed download tells what they said.
const TOLD: usize = 256;

/// So many times in a row may a source be busy before others get its place.
const BUSY: u32 = 6;

/// How often the slowest source makes room, when there are as many as may be and others to be asked.
const ROTATE: Duration = Duration::from_secs(5);

/// Pause before a blob is looked for again that nobody was willing to give, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Most failures that are remembered.
const FAILURES: usize = 1024;

/// How much longer than it has to a search lasts at most, while peers turn up that have not been asked yet.
const TURNS_UP: Duration = Duration::from_secs(60);

/// Most providers of one look-up.
const PROVIDERS: usize = 64;

/// So many times may a peer break off in the middle before it is at fault.
const BREAKS: u32 = 3;

/// So many times in a row may a peer not answer before it is left alone.
const SILENCES: u32 = 20;

/// Shortest and longest pause after a peer was busy.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// How often it is tried whether another process has finished with the blob.
const LOCKED: Duration = Duration::from_millis(200);

/// How far a blob has come.
#[derive(Clone, PartialEq, Debug)]
pub struct Progress {
	/// Bytes that are on disk and verified.
	pub verified: u64,
	/// Bytes of the blob.
	pub len: u64,
	/// Peers that it comes from at the moment.
	pub sources: usize,
	/// Bytes a second, over the last seconds.
	pub rate: f64,
	/// What is going on.
	pub doing: FetchState,
}

/// What is going on with a blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FetchState {
	/// Looking for somebody who has it.
	Searching,
	/// It is coming.
	Fetching,
	/// All were asked, and nobody has it. Goes on looking.
	NoSource,
	/// Another process is fetching it; waiting for it.
	Elsewhere,
}

/// How a blob was fetched.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
	/// Which blob.
	pub blob: BlobRef,
	/// Bytes that were here, verified, when this began.
	pub resumed: u64,
	/// Bytes from each peer, with the hashes between them.
	pub sources: Vec<(PeerId, u64)>,
	/// Peers that were at fault while it was fetched.
	pub faults: Vec<(PeerId, Fault)>,
	/// How long it took.
	pub time: Duration,
}

/// What those who wait for a download are told.
#[derive(Clone)]
pub(crate) struct State {
	pub(crate) progress: Progress,
	/// Peers that answered so far.
	pub(crate) asked: usize,
	/// What came of asking whom, when nobody has it.
	pub(crate) said: Arc<[(PeerId, Answer)]>,
	pub(crate) result: Option<Result<Report, FetchError>>,
}

/// A download that all who want the blob share; it ends when the last of them is gone.
pub(crate) struct Download {
	pub(crate) state: watch::Receiver<State>,
	/// Peers that may have it.
	pub(crate) hints: mpsc::UnboundedSender<PeerId>,
	/// What is here, once that is known.
	pub(crate) partial: Arc<OnceLock<Arc<Partial>>>,
	task: JoinHandle<()>,
}

impl Drop for Download {
	fn drop(&mut self) {
		self.task.abort();
	}
}

impl Download {
	/// The download of `blob`: the one under way, or a new one.
	pub(crate) fn of(shared: &Arc<Shared>, blob: BlobRef) -> Arc<Self> {
		let mut downloads = lock(&shared.downloads);
		if let Some(download) = downloads.get(&blob).and_then(std::sync::Weak::upgrade)
			&& !download.task.is_finished()
		{
			return download;
		}
		downloads.retain(|_, download| download.strong_count() > 0);
		let progress =
			Progress { verified: 0, len: blob.len, sources: 0, rate: 0.0, doing: FetchState::Searching };
		let (sender, state) =
			watch::channel(State { progress, asked: 0, said: Arc::default(), result: None });
		let (hints, hinted) = mpsc::unbounded_channel();
		let (owned, partial) = (shared.clone(), Arc::<OnceLock<_>>::default());
		let (opened, ended) = (partial.clone(), shared.clone());
		let task = tokio::spawn(async move {
			let end = owned.end.clone();
			let result = tokio::select! {
				() = end.cancelled() => Err(FetchError::ShutDown),
				result = download(owned, blob, &sender, hinted, &opened) => result,
			};
			if result.is_ok() {
				lock(&ended.failures).0.remove(&blob);
			}
			sender.send_modify(|state| state.result = Some(result));
		});
		let download = Arc::new(Self { state, hints, partial, task });
		downloads.insert(blob, Arc::downgrade(&download));
		download
	}
}

/// Blobs that nobody was willing to give, so that they are not looked for at once again.
#[derive(Default)]
pub(crate) struct Failures(HashMap<BlobRef, Failure>);

struct Failure {
	error: FetchError,
	times: u32,
	until: Instant,
}

impl Failures {
	/// How a blob failed, and until when it is not tried again; `None` if it may be, as when there are others than those
	/// who were asked.
	pub(crate) fn of(
		&self,
		blob: &BlobRef,
		mut others: impl Iterator<Item = PeerId>,
	) -> Option<(Instant, FetchError)> {
		let failure = self.0.get(blob).filter(|failure| Instant::now() < failure.until)?;
		let FetchError::NoSource { said, .. } = &failure.error else { return None };
		let asked = |peer: PeerId| said.iter().any(|(known, _)| *known == peer);
		others.all(asked).then(|| (failure.until, failure.error.clone()))
	}

	/// Forgets what a peer had a part in: it has connected anew, and may answer otherwise.
	pub(crate) fn connected(&mut self, peer: &PeerId) {
		self.0.retain(|_, failure| match &failure.error {
			FetchError::NoSource { said, .. } => said.iter().all(|(known, _)| known != peer),
			_ => true,
		});
	}

	/// Forgets all.
	pub(crate) fn clear(&mut self) {
		self.0.clear();
	}

	/// Takes note of a failure, if all who answered will answer the same for some time.
	pub(crate) fn note(&mut self, blob: &BlobRef, error: &FetchError) {
		let now = Instant::now();
		let FetchError::NoSource { said, .. } = error else { return };
		let mut words = said.iter().filter(|(_, answer)| answer.is_word()).peekable();
		if words.peek().is_none() || !words.all(|(_, answer)| answer.is_lasting()) {
			self.0.remove(blob);
			return;
		}
		if self.0.len() >= FAILURES && !self.0.contains_key(blob) {
			let oldest = self.0.iter().min_by_key(|(_, failure)| failure.until).map(|(blob, _)| *blob);
			oldest.map(|oldest| self.0.remove(&oldest));
		}
		let known = self.0.get(blob);
		// Others who wanted it were told the same a moment ago.
		if known.is_some_and(|known| now < known.until) {
			return;
		}
		let times = known.map_or(0, |known| known.times) + 1;
		self.0.insert(*blob, Failure { error: error.clone(), times, until: now + growing(AGAIN, times) });
	}
}

/// A pause that doubles each time, counted from 1.
fn growing((first, most): (Duration, Duration), times: u32) -> Duration {
	first.saturating_mul(1 << times.saturating_sub(1).min(16)).min(most)
}

fn store_error(root: [u8; 32]) -> impl Fn(BlobError) -> FetchError {
	move |source| FetchError::Store { root, source: Arc::new(source) }
}

/// Runs something where blocking is allowed.
async fn blocking<T: Send + 'static>(
	root: [u8; 32],
	work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, FetchError> {
	let done = tokio::task::spawn_blocking(work).await;
	done.unwrap_or(Err(BlobError::Cancelled)).map_err(store_error(root))
}

async fn download(
	shared: Arc<Shared>,
	blob: BlobRef,
	state: &watch::Sender<State>,
	hints: mpsc::UnboundedReceiver<PeerId>,
	opened: &OnceLock<Arc<Partial>>,
) -> Result<Report, FetchError> {
	let started = Instant::now();
	let here = |resumed| Report { blob, resumed, sources: vec![], faults: vec![], time: started.elapsed() };
	let partial = loop {
		let store = shared.store.clone();
		let found = blocking(blob.root, move || {
			if store.has(&blob)? {
				return Ok(None);
			}
			match store.partial(&blob) {
				// Finished by somebody else between the two.
				Ok(partial) if store.has(&blob)? => partial.discard().map(|()| None),
				Ok(partial) => Ok(Some(Ok(partial))),
				Err(BlobError::Busy(_)) => Ok(Some(Err(()))),
				Err(error) => Err(error),
			}
		});
		match found.await? {
			None => return Ok(here(blob.len)),
			Some(Ok(partial)) => break Arc::new(partial),
			Some(Err(())) => {
				state.send_modify(|state| state.progress.doing = FetchState::Elsewhere);
				tokio::time::sleep(LOCKED).await;
			}
		}
	};
	// Others may have from now on what is here.
	let partial = opened.get_or_init(|| partial).clone();
	let resumed = partial.verified();
	let mut fetch = Fetch::new(&shared, partial.clone());
	fetch.run(state, hints).await?;
	let finished = partial.clone();
	blocking(blob.root, move || finished.finish()).await?;
	drop(shared.command(Command::Provide(blob.root)).await);
	Ok(Report { sources: fetch.delivered(), faults: fetch.faults, ..here(resumed) })
}

/// Somebody who says that it has the blob, or pieces of it.
struct Source {
	offer: Offer,
	pulse: Arc<Pulse>,
	idle: Arc<Idle>,
	/// Bytes at the last measurement, and bytes a second.
	measured: u64,
	rate: f64,
	/// Most pieces under way, and how many are.
	depth: usize,
	flying: usize,
	/// Not to be asked before.
	ready: Instant,
	pause: Duration,
	breaks: u32,
	broke: Option<Instant>,
	silences: u32,
	/// How often in a row it was busy.
	busy: u32,
	/// Since when it is one.
	since: Instant,
}

/// What came of asking a peer, and when it may be asked again.
struct Heard {
	/// `None` if nothing is to be held against it.
	answer: Option<Answer>,
	times: u32,
	until: Instant,
}

struct Fetch<'a> {
	shared: &'a Arc<Shared>,
	blob: BlobRef,
	partial: Arc<Partial>,
	/// Groups that are neither here nor under way.
	todo: Ranges,
	sources: HashMap<PeerId, Source>,
	flights: HashMap<u64, Arc<Flight>>,
	next_flight: u64,
	pieces: JoinSet<(u64, u64, Result<(), PieceError>)>,
	/// The group from which on the next to ask for is looked for.
	from: u64,
	/// This peer's own: who fetch the same blob do not begin with the same piece, nor go on with the same, so that they
	/// have something for each other.
	salt: u64,
	asks: JoinSet<(PeerId, Result<Offer, PieceError>)>,
	/// Those to ask that are connected, and those to be called first.
	near: VecDeque<PeerId>,
	far: VecDeque<PeerId>,
	/// Those to be asked or being asked; `true`: being asked though they have to be called.
	asking: HashMap<PeerId, bool>,
	heard: HashMap<PeerId, Heard>,
	revisits: VecDeque<(Instant, PeerId)>,
	rotated: Instant,
	gone: HashMap<PeerId, u64>,
	faults: Vec<(PeerId, Fault)>,
	rate: f64,
	doing: FetchState,
}

impl<'a> Fetch<'a> {
	fn new(shared: &'a Arc<Shared>, partial: Arc<Partial>) -> Self {
		let mut salt = DefaultHasher::new();
		(shared.me, partial.blob().root).hash(&mut salt);
		let salt = salt.finish();
		Self {
			shared,
			blob: partial.blob(),
			from: salt % group_count(partial.blob().len) / PIECE * PIECE,
			salt,
			todo: partial.missing(),
			partial,
			sources: HashMap::new(),
			flights: HashMap::new(),
			next_flight: 0,
			pieces: JoinSet::new(),
			asks: JoinSet::new(),
			near: VecDeque::new(),
			far: VecDeque::new(),
			asking: HashMap::new(),
			heard: HashMap::new(),
			revisits: VecDeque::new(),
			rotated: Instant::now(),
			gone: HashMap::new(),
			faults: Vec::new(),
			rate: 0.0,
			doing: FetchState::Searching,
		}
	}

	/// Until all of it is here.
	async fn run(
		&mut self,
		state: &watch::Sender<State>,
		mut hints: mpsc::UnboundedReceiver<PeerId>,
	) -> Result<(), FetchError> {
		let mut arrivals = self.shared.arrivals.subscribe();
		let mut again = self.shared.again.subscribe();
		let mut providers: Option<mpsc::Receiver<PeerId>> = None;
		let (mut next_lookup, mut pause, mut looked) = (Instant::now(), LOOKUP.0, false);
		let (mut searching, mut before) = (Instant::now(), self.partial.verified());
		let mut tick = tokio::time::interval(TICK);
		tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
		while !self.todo.is_empty() || !self.flights.is_empty() {
			self.ask_some();
			self.assign();
			let ready = self.next_ready();
			tokio::select! {
				() = tokio::time::sleep_until(ready.into()), if !self.todo.is_empty() => {}
				Some(done) = self.pieces.join_next() => {
					if let Ok((flight, next, result)) = done {
						self.landed(flight, next, result)?;
					}
				}
				Some(asked) = self.asks.join_next() => {
					if let Ok((peer, result)) = asked {
						self.answered(peer, result);
					}
				}
				peer = next_of(&mut providers) => match peer {
					Some(peer) => self.consider(peer),
					None => (providers, looked) = (None, true),
				},
				Some(peer) = hints.recv() => {
					self.consider_anew(peer);
					// Somebody who is named comes before those that anybody may have announced.
					if let Some(named) = self.far.pop_back_if(|last| *last == peer) {
						self.far.push_front(named);
					}
				}
				peer = arrivals.recv() => match peer {
					Ok(peer) => self.consider_anew(peer),
					// All that are connected are considered at each tick.
					Err(broadcast::error::RecvError::Lagged(_)) => {}
					Err(broadcast::error::RecvError::Closed) => return Err(FetchError::ShutDown),
				},
				Ok(()) = again.changed() => {
					let heard: Vec<_> = self.heard.keys().copied().collect();
					heard.into_iter().for_each(|peer| self.consider_anew(peer));
				}
				_ = tick.tick() => {
					let now = Instant::now();
					self.measure();
					self.reassign(now);
					self.revisit(now);
					self.rotate(now);
					let connected: Vec<_> = lock(&self.shared.connected).keys().copied().collect();
					connected.into_iter().for_each(|peer| self.consider(peer));
					if !self.sources.is_empty() {
						self.doing = FetchState::Fetching;
					}
					// Who says that it has the blob and sends nothing is no progress.
					let verified = self.partial.verified();
					if verified > before {
						(searching, before) = (now, verified);
					}
					let quiet = now.duration_since(searching);
					let search = Duration::from_secs(self.shared.config.search_seconds);
					let settled = quiet >= search;
					let heard = self.all_heard() || quiet >= search + TURNS_UP;
					if self.sources.is_empty() && self.flights.is_empty() {
						self.doing = match self.doing {
							FetchState::NoSource => FetchState::NoSource,
							_ if settled && looked && heard => FetchState::NoSource,
							_ => FetchState::Searching,
						};
					}
					let few = self.wants_sources() && self.far.len() < PROVIDERS;
					if now >= next_lookup && providers.is_none() && few {
						let (sender, receiver) = mpsc::channel(PROVIDERS);
						self.shared.command(Command::Providers(self.blob.root, sender)).await?;
						providers = Some(receiver);
						next_lookup = now + pause;
						// Often while it is urgent, seldom when it has been in vain.
						pause = if settled { (pause * 2).min(LOOKUP.1) } else { LOOKUP.0 };
					}
					self.publish(state);
				}
			}
		}
		self.publish(state);
		Ok(())
	}

	fn publish(&self, state: &watch::Sender<State>) {
		let flying: HashSet<_> = self.flights.values().map(|flight| flight.peer).collect();
		let said = if self.doing == FetchState::NoSource { self.said() } else { Vec::new() };
		state.send_modify(|state| {
			state.progress = Progress {
				verified: self.partial.verified(),
				len: self.blob.len,
				sources: flying.len(),
				rate: self.rate,
				doing: self.doing,
			};
			state.asked = self.heard.values().filter(|heard| heard.is_word()).count();
			state.said = said.into();
		});
	}

	/// What came of asking whom, those who answered first; and which bootstrap peers cannot be reached.
	fn said(&self) -> Vec<(PeerId, Answer)> {
		let heard = self.heard.iter().filter_map(|(peer, heard)| Some((*peer, heard.answer.clone()?)));
		let mut said: Vec<_> = heard.collect();
		let missed = lock(&self.shared.missed).clone();
		let new = missed.into_iter().filter(|(peer, _)| !self.heard.contains_key(peer));
		said.extend(new.map(|(peer, why)| (peer, why.into())));
		said.sort_by_key(|(peer, answer)| (!answer.is_word(), *peer));
		said.truncate(TOLD);
		said
	}

	/// Whether everybody who was found has been asked.
	fn all_heard(&self) -> bool {
		self.asking.keys().all(|peer| self.heard.contains_key(peer))
	}

	fn wants_sources(&self) -> bool {
		self.sources.len() < self.shared.config.max_sources
	}

	/// Puts a peer on the list of those to ask, if it is to be asked now.
	fn consider(&mut self, peer: PeerId) {
		let now = Instant::now();
		let left = self.heard.get(&peer).is_some_and(|heard| now < heard.until);
		let known = self.sources.contains_key(&peer) || self.asking.contains_key(&peer);
		if peer != self.shared.me && !left && !known && !lock(&self.shared.book).is_banned(&peer) {
			self.asking.insert(peer, false);
			let near = self.shared.is_connected(&peer);
			if near { &mut self.near } else { &mut self.far }.push_back(peer);
		}
	}

	/// As [`consider`](Self::consider), for one that was named or has just connected: whatever it said before, unless it
	/// was at fault.
	fn consider_anew(&mut self, peer: PeerId) {
		if let Some(heard) = self.heard.get_mut(&peer)
			&& !matches!(heard.answer, Some(Answer::Failed(_)))
		{
			heard.until = Instant::now();
		}
		// It need not wait for those that do not answer when they are called.
		if self.shared.is_connected(&peer)
			&& let Some(at) = self.far.iter().position(|waiting| *waiting == peer)
		{
			self.far.remove(at);
			self.near.push_back(peer);
		}
		self.consider(peer);
	}

	fn ask_some(&mut self) {
		let calling = self.asking.values().filter(|calling| **calling).count();
		let (mut near, mut far) = (self.asks.len().saturating_sub(calling), calling);
		while near < ASKING.0 && self.wants_sources() {
			let Some(peer) = self.near.pop_front() else { break };
			self.ask(peer, false);
			near += 1;
		}
		while far < ASKING.1 && self.wants_sources() {
			let Some(peer) = self.far.pop_front() else { break };
			self.ask(peer, true);
			far += 1;
		}
	}

	fn ask(&mut self, peer: PeerId, calling: bool) {
		self.asking.insert(peer, calling);
		let (shared, blob) = (self.shared.clone(), self.blob);
		self.asks.spawn(async move { (peer, piece::ask(&shared, peer, blob).await) });
	}

	fn answered(&mut self, peer: PeerId, result: Result<Offer, PieceError>) {
		self.asking.remove(&peer);
		let error = match result {
			Ok(offer) if !lock(&self.shared.book).is_banned(&peer) => {
				let all = offer.pieces().is_none();
				// Once, however it came to be asked.
				self.revisits.retain(|(_, known)| *known != peer);
				if !all {
					self.revisits.push_back((Instant::now() + REVISIT, peer));
				}
				match self.sources.entry(peer) {
					Entry::Occupied(mut known) => known.get_mut().offer = offer,
					Entry::Vacant(new) => {
						tracing::debug!(%peer, blob = hex::encode(self.blob.root), all, "a source");
						new.insert(Source::new(offer));
					}
				}
				return;
			}
			// Banned meanwhile.
			Ok(_) => return,
			Err(error) => error,
		};
		tracing::debug!(%peer, ?error, "no source");
		let (answer, pauses) = match error {
			PieceError::NotFound => {
				(Answer::NotFound, if self.shared.is_connected(&peer) { SOON } else { LACKS })
			}
			PieceError::OtherLength => (Answer::OtherLength, (SOON.0, LACKS.1)),
			PieceError::Refused => (Answer::Refused, (SOON.0, LACKS.1)),
			PieceError::Busy => (Answer::Busy, (SOON.0, SPENT.1)),
			PieceError::Unreachable(why) => (why.into(), MISSED),
			PieceError::Malformed => {
				self.fault(peer, Fault::Malformed);
				(Answer::Failed(Fault::Malformed), FAILED)
			}
			_ => (Answer::NoAnswer, MISSED),
		};
		self.leave(peer, Some(answer), pauses);
	}

	/// Leaves a peer alone for a while, the longer the more often it has said the same.
	fn leave(&mut self, peer: PeerId, answer: Option<Answer>, pauses: (Duration, Duration)) {
		let now = Instant::now();
		if self.heard.len() >= HEARD {
			self.heard.retain(|_, heard| now < heard.until);
		}
		if self.heard.len() >= HEARD {
			return;
		}
		let same = |heard: &&Heard| match (&heard.answer, &answer) {
			// In other words, perhaps.
			(Some(Answer::Unreachable(_)), Some(Answer::Unreachable(_))) => true,
			(before, now) => before == now,
		};
		let times = self.heard.get(&peer).filter(same).map_or(0, |heard| heard.times) + 1;
		let apart = APART * u32::try_from(lock(&self.shared.connected).len()).unwrap_or(u32::MAX);
		let until = now + growing(pauses, times).max(apart);
		self.heard.insert(peer, Heard { answer, times, until });
	}

	/// Lets others try when there are as many sources as may be: the slowest makes room.
	fn rotate(&mut self, now: Instant) {
		let waiting = !self.near.is_empty() || !self.far.is_empty();
		if self.wants_sources() || !waiting || now.duration_since(self.rotated) < ROTATE {
			return;
		}
		let tried = self.sources.iter().filter(|(_, source)| now.duration_since(source.since) >= ROTATE);
		let slowest = tried.min_by(|(_, a), (_, b)| a.rate.total_cmp(&b.rate)).map(|(peer, _)| *peer);
		if let Some(slowest) = slowest {
			self.rotated = now;
			self.drop_source(slowest);
			self.leave(slowest, None, SPENT);
		}
	}

	/// When somebody may be asked again that may not at the moment.
	fn next_ready(&self) -> Instant {
		let now = Instant::now();
		let waiting = self.sources.values().map(|source| source.ready).filter(|ready| *ready > now);
		waiting.min().unwrap_or(now + TICK)
	}

	/// Gives work to those who can take more, the fastest first.
	fn assign(&mut self) {
		let now = Instant::now();
		let best = self.sources.values().map(|source| source.rate).fold(0.0, f64::max);
		let mut spent = HashSet::new();
		while !self.todo.is_empty() {
			let left = (self.todo.count() * GROUP_LEN) as f64;
			let piece = (PIECE * GROUP_LEN) as f64;
			// Who would need longer for a piece than the fastest for all that is left does not help.
			let helps =
				|source: &Source| source.rate <= 0.0 || piece / source.rate <= left.max(piece) / best * 2.0;
			let free = self
				.sources
				.iter()
				.filter(|(peer, source)| source.can_take(now) && !spent.contains(*peer) && helps(source));
			let Some((peer, source)) = free.max_by(|(_, a), (_, b)| {
				let share = |source: &Source| source.rate / (source.flying + 1) as f64;
				share(a).total_cmp(&share(b))
			}) else {
				return;
			};
			let peer = *peer;
			let Some(groups) = self.next_of(source) else {
				spent.insert(peer);
				continue;
			};
			let Some(source) = self.sources.get_mut(&peer) else { return };
			self.todo.remove(groups.clone());
			self.from = groups.end;
			source.flying += 1;
			let flight = Arc::new(Flight {
				peer,
				groups,
				started: now,
				verified: AtomicU64::new(0),
				cancel: CancellationToken::new(),
			});
			let id = self.next_flight;
			self.next_flight += 1;
			self.flights.insert(id, flight.clone());
			let (shared, partial) = (self.shared.clone(), self.partial.clone());
			let (pulse, idle) = (source.pulse.clone(), source.idle.clone());
			self.pieces.spawn(async move {
				let (next, result) = piece::fetch(&shared, &partial, &flight, &pulse, &idle).await;
				(id, next, result)
			});
		}
	}

	/// What to ask somebody for.
	fn next_of(&self, source: &Source) -> Option<Range<u64>> {
		let others: Vec<&Bitfield> =
			self.sources.values().filter_map(|source| source.offer.pieces()).collect();
		rarest(&self.todo, self.from, source.offer.pieces(), &others, self.salt)
	}

	/// Asks those again who are fetching the blob too. Who has nothing to offer at the moment is no source.
	fn revisit(&mut self, now: Instant) {
		let spent = |source: &Source| source.flying == 0 && self.next_of(source).is_none();
		let spent: Vec<_> = match self.todo.is_empty() {
			true => Vec::new(),
			false => self.sources.iter().filter(|(_, source)| spent(source)).map(|(peer, _)| *peer).collect(),
		};
		for peer in spent {
			self.drop_source(peer);
			self.leave(peer, None, (REVISIT, REVISIT));
		}
		while let Some((_, peer)) = self.revisits.pop_front_if(|(due, _)| *due <= now) {
			if !self.sources.contains_key(&peer) {
				self.consider(peer);
			} else if !self.asking.contains_key(&peer) {
				self.ask(peer, false);
			}
		}
	}

	/// A piece has come to its end, one way or the other.
	fn landed(&mut self, id: u64, next: u64, result: Result<(), PieceError>) -> Result<(), FetchError> {
		let Some(flight) = self.flights.remove(&id) else { return Ok(()) };
		let peer = flight.peer;
		self.todo.insert(next..flight.groups.end);
		let depth = self.shared.config.pipeline;
		let now = Instant::now();
		let Some(source) = self.sources.get_mut(&peer) else {
			// Dropped meanwhile; but what the store says counts.
			return match result {
				Err(PieceError::Store(error)) => Err(store_error(self.blob.root)(error)),
				_ => Ok(()),
			};
		};
		source.flying = source.flying.saturating_sub(1);
		let error = match result {
			Ok(()) => {
				source.depth = (source.depth + 1).min(depth);
				source.pause = PAUSE.0;
				(source.silences, source.busy) = (0, 0);
				self.heard.remove(&peer);
				lock(&self.shared.book).served(peer);
				return Ok(());
			}
			Err(error) => error,
		};
		tracing::debug!(%peer, ?error, groups = ?flight.groups, next, "a piece did not arrive");
		let (answer, pauses) = match error {
			PieceError::Store(error) => return Err(store_error(self.blob.root)(error)),
			PieceError::Cancelled => return Ok(()),
			PieceError::Busy => {
				source.step_back(now);
				source.busy += 1;
				if source.busy < BUSY {
					return Ok(());
				}
				(Answer::Busy, SPENT)
			}
			PieceError::Unanswered => {
				source.step_back(now);
				source.silences += 1;
				if source.silences < SILENCES {
					return Ok(());
				}
				(Answer::Failed(Fault::Disconnected), FAILED)
			}
			PieceError::Broken => {
				// All pieces of a connection break off together: that is once.
				if source.broke.is_none_or(|last| flight.started > last) {
					source.breaks += 1;
				}
				source.broke = Some(now);
				source.step_back(now);
				if source.breaks < BREAKS {
					return Ok(());
				}
				(Answer::Failed(Fault::Disconnected), FAILED)
			}
			PieceError::Unreachable(why) => (why.into(), MISSED),
			PieceError::Refused => (Answer::Refused, SPENT),
			// Who fetches it too may have given up, a disk may be damaged, a blob deleted.
			PieceError::NotFound | PieceError::OtherLength => (Answer::Withdrew, SPENT),
			PieceError::Stalled => (Answer::Failed(Fault::Stalled), FAILED),
			PieceError::WrongBytes => (Answer::Failed(Fault::WrongBytes), FAILED),
			PieceError::Malformed => (Answer::Failed(Fault::Malformed), FAILED),
		};
		self.drop_source(peer);
		if let Answer::Failed(fault) = answer {
			self.fault(peer, fault);
		}
		self.leave(peer, Some(answer), pauses);
		Ok(())
	}

	fn fault(&mut self, peer: PeerId, fault: Fault) {
		self.faults.push((peer, fault));
		self.shared.fault(peer, fault, Some(&self.blob.root));
	}

	fn drop_source(&mut self, peer: PeerId) {
		if let Some(source) = self.sources.remove(&peer) {
			let bytes = source.pulse.bytes.load(Ordering::Relaxed);
			if bytes > 0 {
				*self.gone.entry(peer).or_default() += bytes;
			}
		}
		self.flights.values().filter(|flight| flight.peer == peer).for_each(|flight| flight.cancel.cancel());
	}

	fn measure(&mut self) {
		let mut total = 0.0;
		for source in self.sources.values_mut() {
			let bytes = source.pulse.bytes.load(Ordering::Relaxed);
			let now = (bytes - source.measured) as f64 / TICK.as_secs_f64();
			source.measured = bytes;
			// Who was not asked for anything is not slow.
			if source.flying == 0 && now == 0.0 {
				continue;
			}
			source.rate = if source.rate > 0.0 { source.rate * 0.7 + now * 0.3 } else { now };
			total += source.rate;
		}
		self.rate = total;
		// Who was banned elsewhere, for instance for flooding, is no source here either.
		let banned: Vec<_> = {
			let book = lock(&self.shared.book);
			self.sources.keys().filter(|peer| book.is_banned(peer)).copied().collect()
		};
		banned.into_iter().for_each(|peer| self.drop_source(peer));
	}

	/// At the end, takes pieces away from the slow, if somebody much faster has nothing to do.
	fn reassign(&mut self, now: Instant) {
		if !self.todo.is_empty() {
			return;
		}
		for flight in self.flights.values() {
			let piece: Ranges = std::iter::once(flight.groups.clone()).collect();
			let idle = |source: &&Source| {
				source.flying == 0
					&& now >= source.ready
					&& rarest(&piece, 0, source.offer.pieces(), &[], self.salt).is_some()
			};
			let Some(fast) = self.sources.values().filter(idle).map(|source| source.rate).reduce(f64::max)
			else {
				continue;
			};
			let slow = self.sources.get(&flight.peer).map_or(0.0, |s| s.rate / s.flying.max(1) as f64);
			let old = now.duration_since(flight.started) > Duration::from_secs(1);
			if old && slow * 4.0 < fast.max(1.0) {
				flight.cancel.cancel();
			}
		}
	}

	fn delivered(&self) -> Vec<(PeerId, u64)> {
		let mut all = self.gone.clone();
		for (peer, source) in &self.sources {
			*all.entry(*peer).or_default() += source.pulse.bytes.load(Ordering::Relaxed);
		}
		all.retain(|_, bytes| *bytes > 0);
		all.into_iter().collect()
	}
}

impl Heard {
	fn is_word(&self) -> bool {
		self.answer.as_ref().is_some_and(Answer::is_word)
	}
}

impl Source {
	fn new(offer: Offer) -> Self {
		Self {
			offer,
			pulse: Arc::new(Pulse::new()),
			idle: Arc::default(),
			measured: 0,
			rate: 0.0,
			depth: 2,
			flying: 0,
			ready: Instant::now(),
			pause: PAUSE.0,
			breaks: 0,
			broke: None,
			silences: 0,
			busy: 0,
			since: Instant::now(),
		}
	}

	/// Whether it can be asked for another piece.
	fn can_take(&self, now: Instant) -> bool {
		let waiting = (self.flying.saturating_sub(1) as u64 * PIECE * GROUP_LEN) as f64;
		self.flying < self.depth && now >= self.ready && waiting <= self.rate * AHEAD.as_secs_f64()
	}

	/// Asks for less at a time, and later.
	fn step_back(&mut self, now: Instant) {
		self.depth = (self.depth - 1).max(1);
		self.ready = now + self.pause;
		self.pause = (self.pause * 2).min(PAUSE.1);
	}
}

/// The next of a look-up that may not be under way.
async fn next_of(providers: &mut Option<mpsc::Receiver<PeerId>>) -> Option<PeerId> {
	match providers {
		Some(receiver) => receiver.recv().await,
		None => std::future::pending().await,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_a_peer_refused_is_asked_for_again_once_it_has_connected_anew() {
		let (blob, peer, other) = (BlobRef::of(b"blob"), PeerId::random(), PeerId::random());
		let said = vec![(peer, Answer::Refused)];
		let error = FetchError::NoSource { blob, peers: 1, verified: 0, said };
		let mut failures = Failures::default();
		failures.note(&blob, &error);
		failures.connected(&other);
		assert!(failures.of(&blob, [peer].into_iter()).is_some());
		failures.connected(&peer);
		assert!(failures.of(&blob, [peer].into_iter()).is_none());
	}
}
