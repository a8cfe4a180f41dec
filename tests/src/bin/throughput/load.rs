//! The load: transactions signed before the clock starts, and sent as fast as the node takes them.

use crate::{
	chain::{Call, Crowd, World, parallel},
	wire::{Heads, Wire},
};
use anyhow::{Context, Result};
use oda_primitives::{BlobRef, ModelId, hash};
use std::{
	sync::{
		Arc, Mutex, PoisonError,
		atomic::{AtomicUsize, Ordering},
	},
	time::{SystemTime, UNIX_EPOCH},
};
use tokio::task::JoinSet;

/// How many connections send.
pub(crate) const CONNECTIONS: usize = 4;
/// How many transactions are under way on each.
pub(crate) const UNDER_WAY: usize = 32;

/// Milliseconds since 1970, the time of the blocks.
fn now() -> u64 {
	let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
	u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// One transaction of each sender.
pub(crate) async fn presign(
	world: &World,
	crowd: &Crowd,
	call: Call,
	models: &[ModelId],
) -> Result<Vec<Vec<u8>>> {
	let at = world.wire.at(world.chain.finalised().await?.number()).await?;
	let genesis = world.chain.genesis();
	parallel(u32::try_from(crowd.senders.len())?, |number| {
		let index = number as usize;
		let sender = crowd.senders.get(index).context("no such sender")?;
		Ok(match call {
			Call::Transfer => {
				let receiver = crowd.receivers.get(index).context("no such receiver")?;
				at.presign_transfer(sender, 0, *receiver, 1)?
			}
			Call::Commit => {
				let model = models.get(index % models.len().max(1)).context("no model to commit to")?;
				let weights = BlobRef::of(&number.to_le_bytes());
				let commitment = hash::commitment(&genesis, model, &sender.account(), &weights, &[0; 32]);
				at.presign_commit(sender, 0, *model, commitment)?
			}
		})
	})
}

/// When the node said that blocks were the best or final: numbers and milliseconds since 1970.
pub(crate) struct Watched {
	pub(crate) best: Arc<Mutex<Vec<(u64, u64)>>>,
	pub(crate) finalised: Arc<Mutex<Vec<(u64, u64)>>>,
	_tasks: JoinSet<()>,
}

/// The time of the first notice of a block of at least this number.
pub(crate) fn noticed(notices: &Mutex<Vec<(u64, u64)>>, number: u64) -> Option<u64> {
	let notices = notices.lock().unwrap_or_else(PoisonError::into_inner);
	notices.iter().find(|(of, _)| *of >= number).map(|(_, at)| *at)
}

/// Notes from now on when blocks become the best and final.
pub(crate) fn watch(world: &World) -> Watched {
	let mut tasks = JoinSet::new();
	let [best, finalised] = [Heads::Best, Heads::Finalised].map(|heads| {
		let notices = Arc::new(Mutex::new(Vec::new()));
		let (wire, seen) = (world.wire.clone(), Arc::clone(&notices));
		tasks.spawn(async move {
			let note = |number| seen.lock().unwrap_or_else(PoisonError::into_inner).push((number, now()));
			if let Err(error) = wire.follow_heads(heads, note).await {
				eprintln!("the node stopped telling of blocks: {error}");
			}
		});
		notices
	});
	Watched { best, finalised, _tasks: tasks }
}

/// When the node had taken each transaction into its pool: milliseconds since 1970, in order.
pub(crate) struct Sent {
	started: u64,
	taken: Vec<u64>,
}

impl Sent {
	/// How many the node had taken at a time.
	pub(crate) fn by(&self, time: u64) -> usize {
		self.taken.partition_point(|at| *at <= time)
	}

	/// How long it took until the node had all.
	pub(crate) fn seconds(&self) -> f64 {
		let last = self.taken.last().copied().unwrap_or(self.started);
		last.saturating_sub(self.started) as f64 / 1e3
	}

	/// When the node had all.
	pub(crate) fn ended(&self) -> u64 {
		self.taken.last().copied().unwrap_or(self.started)
	}
}

/// Sends all, as fast as the node takes them.
pub(crate) async fn send(world: &mut World, all: &Arc<Vec<Vec<u8>>>) -> Result<Sent> {
	let next = Arc::new(AtomicUsize::new(0));
	let mut senders = JoinSet::new();
	let mut wires = Vec::new();
	for _ in 0..CONNECTIONS {
		wires.push(Wire::connect(&world.node.url()).await?);
	}
	let started = now();
	for _ in 0..UNDER_WAY {
		for wire in &wires {
			let (wire, all, next) = (wire.clone(), Arc::clone(all), Arc::clone(&next));
			senders.spawn(async move {
				let mut taken = Vec::new();
				while let Some(transaction) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
					wire.send(transaction).await?;
					taken.push(now());
				}
				Ok::<_, anyhow::Error>(taken)
			});
		}
	}
	let mut taken = Vec::new();
	while let Some(sender) = senders.join_next().await {
		world.node.check_alive()?;
		taken.extend(sender??);
	}
	taken.sort_unstable();
	Ok(Sent { started, taken })
}
