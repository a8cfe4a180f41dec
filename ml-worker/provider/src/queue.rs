//! Requests that come together are evaluated together.
//!
//! Each version of a model has a *lane*, a task that gathers what waits and evaluates it in one batch: as much as fits, after
//! waiting a little for more. Only a few batches run at a time, and while one runs the next fills, so batches grow
//! with the load. The number of requests that wait is bounded; whoever comes then is told to come back. A request takes its
//! [`Place`] before anything is promised, so that nobody is refused after that.

use crate::{
	engine::{Engine, RunError},
	metrics::Metrics,
};
use oda_primitives::{ModelId, VersionId};
use std::{
	collections::HashMap,
	panic::{AssertUnwindSafe, catch_unwind},
	sync::{Arc, Mutex, PoisonError},
	time::Duration,
};
use tokio::{
	sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
	task::spawn_blocking,
	time::{Instant, timeout_at},
};

/// What a lane evaluates: a version of a model.
pub type Key = (ModelId, VersionId);

/// How requests are gathered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Batching {
	/// Maximum number of inputs in one batch, unless one request alone has more.
	pub inputs: usize,
	/// Maximum time that a request waits for others.
	pub wait: Duration,
	/// Maximum number of requests that wait or are being evaluated.
	pub requests: usize,
	/// Maximum number of batches that are evaluated at a time.
	pub batches: usize,
}

impl Default for Batching {
	fn default() -> Self {
		Self { inputs: 256, wait: Duration::from_millis(2), requests: 1_024, batches: 1 }
	}
}

/// The output of each input.
pub type Outputs = Result<Vec<Vec<u8>>, RunError>;

struct Job {
	inputs: Arc<Vec<Vec<u8>>>,
	reply: oneshot::Sender<Outputs>,
	_place: OwnedSemaphorePermit,
}

/// Requests that wait to be evaluated together.
pub struct Queue {
	engine: Arc<dyn Engine>,
	batching: Batching,
	places: Arc<Semaphore>,
	running: Arc<Semaphore>,
	/// A lane ends when its sender is dropped and all that waits is done.
	lanes: Mutex<HashMap<Key, mpsc::UnboundedSender<Job>>>,
	metrics: Metrics,
}

/// Room for one request in a [`Queue`].
pub struct Place(OwnedSemaphorePermit);

impl Queue {
	/// An empty one; batches are counted in the metrics.
	pub fn new(engine: Arc<dyn Engine>, batching: Batching, metrics: Metrics) -> Self {
		let places = Arc::new(Semaphore::new(batching.requests));
		let running = Arc::new(Semaphore::new(batching.batches.max(1)));
		Self { engine, batching, places, running, lanes: Mutex::default(), metrics }
	}

	/// Takes room for a request; `None` if there is none.
	pub fn place(&self) -> Option<Place> {
		self.places.clone().try_acquire_owned().ok().map(Place)
	}

	/// Evaluates inputs, together with others.
	///
	/// # Errors
	///
	/// The engine, or a panic in it.
	pub async fn run(&self, key: Key, place: Place, inputs: Arc<Vec<Vec<u8>>>) -> Outputs {
		let (reply, outputs) = oneshot::channel();
		// Only this lane drops its end, and only after everything in it is answered.
		let sent = self.lane(key).send(Job { inputs, reply, _place: place.0 });
		sent.map_err(|_| RunError::Panicked)?;
		outputs.await.unwrap_or(Err(RunError::Panicked))
	}

	/// Ends the lanes of what is not served any more, once they are empty.
	pub(crate) fn retain(&self, mut keep: impl FnMut(&Key) -> bool) {
		self.lanes.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| keep(key));
	}

	fn lane(&self, key: Key) -> mpsc::UnboundedSender<Job> {
		let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
		let open = || {
			// Bounded by the places.
			let (sender, jobs) = mpsc::unbounded_channel();
			let lane = Lane {
				key,
				jobs,
				next: None,
				engine: self.engine.clone(),
				batching: self.batching,
				running: self.running.clone(),
				metrics: self.metrics.clone(),
			};
			tokio::spawn(lane.serve());
			sender
		};
		lanes.entry(key).or_insert_with(open).clone()
	}
}

struct Lane {
	key: Key,
	jobs: mpsc::UnboundedReceiver<Job>,
	/// What did not fit into the batch before.
	next: Option<Job>,
	engine: Arc<dyn Engine>,
	batching: Batching,
	running: Arc<Semaphore>,
	metrics: Metrics,
}

impl Lane {
	async fn serve(mut self) {
		loop {
			let first = match self.next.take() {
				Some(job) => job,
				None => match self.jobs.recv().await {
					Some(job) => job,
					None => return,
				},
			};
			let mut batch = Batch::of(first);
			let now = Instant::now();
			let until = now.checked_add(self.batching.wait).unwrap_or(now);
			while self.next.is_none() && batch.inputs < self.batching.inputs {
				match timeout_at(until, self.jobs.recv()).await {
					Ok(Some(job)) => self.add(&mut batch, job),
					_ => break,
				}
			}
			// It is never closed.
			let Ok(turn) = self.running.clone().acquire_owned().await else { return };
			while self.next.is_none() && batch.inputs < self.batching.inputs {
				let Ok(job) = self.jobs.try_recv() else { break };
				self.add(&mut batch, job);
			}
			self.metrics.batch(batch.inputs);
			let (engine, key) = (self.engine.clone(), self.key);
			let done = spawn_blocking(move || {
				batch.run(engine.as_ref(), &key);
				drop(turn);
			});
			// What panics is caught inside. The turn says when the next batch may run.
			drop(done);
		}
	}

	fn add(&mut self, batch: &mut Batch, job: Job) {
		if batch.inputs.saturating_add(job.inputs.len()) > self.batching.inputs {
			self.next = Some(job);
		} else {
			batch.inputs = batch.inputs.saturating_add(job.inputs.len());
			batch.jobs.push(job);
		}
	}
}

struct Batch {
	jobs: Vec<Job>,
	inputs: usize,
}

impl Batch {
	fn of(job: Job) -> Self {
		Self { inputs: job.inputs.len(), jobs: vec![job] }
	}

	fn run(self, engine: &dyn Engine, key: &Key) {
		let all: Vec<&[u8]> = self.jobs.iter().flat_map(|job| job.inputs.iter().map(Vec::as_slice)).collect();
		match evaluate(engine, key, &all) {
			Ok(outputs) => {
				let mut outputs = outputs.into_iter();
				for job in self.jobs {
					let own = outputs.by_ref().take(job.inputs.len()).collect();
					drop(job.reply.send(Ok(own)));
				}
			}
			// One of them may be what it fails on: the others are not to suffer.
			Err(error) if self.jobs.len() > 1 => {
				tracing::warn!(%error, requests = self.jobs.len(), "a batch is evaluated again, one request at a time");
				for job in self.jobs {
					let inputs: Vec<&[u8]> = job.inputs.iter().map(Vec::as_slice).collect();
					let own = evaluate(engine, key, &inputs);
					drop(job.reply.send(own));
				}
			}
			Err(error) => {
				tracing::error!(%error, "an evaluation failed; it costs nothing");
				for job in self.jobs {
					drop(job.reply.send(Err(error.clone())));
				}
			}
		}
	}
}

fn evaluate(engine: &dyn Engine, (model, version): &Key, inputs: &[&[u8]]) -> Outputs {
	// It keeps nothing that a panic could leave half done, or it says so by failing again.
	let outputs = catch_unwind(AssertUnwindSafe(|| engine.run(model, *version, inputs)));
	let outputs = outputs.unwrap_or(Err(RunError::Panicked))?;
	if outputs.len() == inputs.len() { Ok(outputs) } else { Err(RunError::Inconsistent) }
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::sync::{Condvar, MutexGuard};

	fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
		mutex.lock().unwrap()
	}

	/// Gives back its inputs, once the gate is open. An input of 255 makes it panic, one of 254 fail.
	#[derive(Default)]
	struct Echo {
		open: Mutex<bool>,
		opened: Condvar,
		batches: Mutex<Vec<usize>>,
	}

	impl Echo {
		fn open() -> Arc<Self> {
			Arc::new(Self { open: Mutex::new(true), ..Self::default() })
		}

		fn let_through(&self) {
			*lock(&self.open) = true;
			self.opened.notify_all();
		}
	}

	impl Engine for Echo {
		fn is_ready(&self, _: &ModelId, _: VersionId) -> bool {
			true
		}

		fn run(&self, _: &ModelId, _: VersionId, inputs: &[&[u8]]) -> Outputs {
			lock(&self.batches).push(inputs.len());
			drop(self.opened.wait_while(lock(&self.open), |open| !*open).unwrap());
			assert!(!inputs.contains(&&[255][..]));
			if inputs.contains(&&[254][..]) {
				return Err(RunError::Failed("so it is told".to_owned()));
			}
			Ok(inputs.iter().map(|input| input.to_vec()).collect())
		}
	}

	fn queue(engine: &Arc<Echo>, batching: Batching) -> Arc<Queue> {
		Arc::new(Queue::new(engine.clone(), batching, Metrics::default()))
	}

	const KEY: Key = ([1; 32], 0);

	/// Asks with these inputs of a byte each.
	async fn ask(queue: Arc<Queue>, inputs: &[u8]) -> Outputs {
		let place = queue.place().unwrap();
		queue.run(KEY, place, Arc::new(inputs.iter().map(|byte| vec![*byte]).collect())).await
	}

	fn bytes(outputs: Outputs) -> Vec<u8> {
		outputs.unwrap().concat()
	}

	#[tokio::test]
	async fn everybody_gets_the_outputs_of_the_own_inputs() {
		let queue = queue(&Echo::open(), Batching::default());
		let asked: Vec<_> = (0..50u8)
			.map(|i| tokio::spawn(async_ask(queue.clone(), vec![i; 1 + usize::from(i % 3)])))
			.collect();
		for (i, asked) in asked.into_iter().enumerate() {
			assert_eq!(bytes(asked.await.unwrap()), vec![i as u8; 1 + i % 3]);
		}
	}

	async fn async_ask(queue: Arc<Queue>, inputs: Vec<u8>) -> Outputs {
		ask(queue, &inputs).await
	}

	#[tokio::test]
	async fn what_waits_while_a_batch_runs_is_one_batch() {
		let engine = Arc::new(Echo::default());
		let queue = queue(&engine, Batching { inputs: 4, ..Batching::default() });
		let first = tokio::spawn(async_ask(queue.clone(), vec![0]));
		while lock(&engine.batches).is_empty() {
			tokio::time::sleep(Duration::from_millis(1)).await;
		}
		let others: Vec<_> = (1..=6).map(|i| tokio::spawn(async_ask(queue.clone(), vec![i]))).collect();
		// All are in the lane before the gate opens.
		while queue.places.available_permits() > Batching::default().requests - 7 {
			tokio::task::yield_now().await;
		}
		engine.let_through();
		assert_eq!(bytes(first.await.unwrap()), [0]);
		for (i, other) in others.into_iter().enumerate() {
			assert_eq!(bytes(other.await.unwrap()), [i as u8 + 1]);
		}
		let batches = lock(&engine.batches).clone();
		assert_eq!((batches[0], batches[1], batches.iter().sum::<usize>()), (1, 4, 7));
	}

	#[tokio::test]
	async fn a_request_of_more_inputs_than_a_batch_is_a_batch() {
		let engine = Echo::open();
		let queue = queue(&engine, Batching { inputs: 2, ..Batching::default() });
		assert_eq!(bytes(ask(queue, &[1, 2, 3]).await), [1, 2, 3]);
		assert_eq!(*lock(&engine.batches), [3]);
	}

	#[tokio::test]
	async fn there_is_room_for_so_many_requests_and_no_more() {
		let queue = queue(&Echo::open(), Batching { requests: 2, ..Batching::default() });
		let places = [queue.place(), queue.place()];
		assert!(places.iter().all(Option::is_some) && queue.place().is_none());
		drop(places);
		assert!(queue.place().is_some());
	}

	#[tokio::test]
	async fn a_panic_is_contained_and_hurts_nobody_else() {
		let engine = Arc::new(Echo::default());
		let queue = queue(&engine, Batching::default());
		let bad = tokio::spawn(async_ask(queue.clone(), vec![255]));
		let good = tokio::spawn(async_ask(queue.clone(), vec![1]));
		let failing = tokio::spawn(async_ask(queue.clone(), vec![254]));
		engine.let_through();
		assert_eq!(bad.await.unwrap(), Err(RunError::Panicked));
		assert_eq!(bytes(good.await.unwrap()), [1]);
		assert!(matches!(failing.await.unwrap(), Err(RunError::Failed(_))));
		assert_eq!(bytes(ask(queue, &[2]).await), [2], "and it goes on");
	}

	#[tokio::test]
	async fn a_lane_that_is_not_kept_finishes_what_it_has() {
		let engine = Arc::new(Echo::default());
		let queue = queue(&engine, Batching::default());
		let asked = tokio::spawn(async_ask(queue.clone(), vec![1]));
		while lock(&engine.batches).is_empty() {
			tokio::time::sleep(Duration::from_millis(1)).await;
		}
		queue.retain(|_| false);
		engine.let_through();
		assert_eq!(bytes(asked.await.unwrap()), [1]);
		assert_eq!(bytes(ask(queue, &[2]).await), [2], "a new lane");
	}
}
