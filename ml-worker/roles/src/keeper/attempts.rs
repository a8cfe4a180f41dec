//! Work in the background that is begun again for as long as it does not show on the chain.

use std::{collections::HashMap, future::Future, hash::Hash};
use tokio::task::{AbortHandle, JoinSet};

/// Blocks within which what was sent is looked for before it is sent again.
const SEND_AGAIN: u64 = 6;

/// Pieces of work, each under way at most once, and ended when this is dropped.
pub(super) struct Attempts<K> {
	begun: HashMap<K, (u64, AbortHandle)>,
	tasks: JoinSet<()>,
}

impl<K: Eq + Hash> Attempts<K> {
	pub(super) fn new() -> Self {
		Self { begun: HashMap::new(), tasks: JoinSet::new() }
	}

	/// Whether a piece of work that does not show yet may be begun at this block.
	pub(super) fn is_due(&self, key: &K, block: u64) -> bool {
		let waits =
			|(at, task): &(u64, AbortHandle)| !task.is_finished() || block < at.saturating_add(SEND_AGAIN);
		!self.begun.get(key).is_some_and(waits)
	}

	/// Begins it.
	pub(super) fn begin(&mut self, key: K, block: u64, work: impl Future<Output = ()> + Send + 'static) {
		self.begun.insert(key, (block, self.tasks.spawn(work)));
	}

	/// Says which crashed, and forgets what is no longer wanted, which goes on.
	pub(super) fn tidy(&mut self, wanted: impl Fn(&K) -> bool) {
		while let Some(ended) = self.tasks.try_join_next() {
			if let Err(error) = ended {
				tracing::error!(%error, "a piece of a keeper's work crashed");
			}
		}
		self.begun.retain(|key, _| wanted(key));
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[tokio::test]
	async fn work_is_begun_again_only_when_it_has_ended_without_effect() {
		let mut attempts = Attempts::new();
		assert!(attempts.is_due(&7, 100));
		let (end, ended) = tokio::sync::oneshot::channel::<()>();
		attempts.begin(7, 100, async { drop(ended.await) });
		assert!(attempts.is_due(&8, 100));
		assert!(!attempts.is_due(&7, 100 + SEND_AGAIN), "it is under way");
		end.send(()).unwrap();
		while !attempts.is_due(&7, 100 + SEND_AGAIN) {
			tokio::task::yield_now().await;
		}
		assert!(!attempts.is_due(&7, 99 + SEND_AGAIN), "it may be in a block that is not final");
		attempts.tidy(|_| false);
		assert!(attempts.is_due(&7, 100));
	}
}
