//! Work in the background: each piece of it under way at most once, begun again for as long as it is wanted, and ended
//! when this is dropped. A piece that fails ends nothing else.

use crate::{context::Context, evaluation::EvaluationError};
use oda_client::ChainError;
use std::{collections::HashMap, fmt::Debug, future::Future, hash::Hash};
use tokio::task::{Id, JoinError, JoinSet};

/// The longest pause of a piece that keeps failing, in blocks.
const LONGEST_PAUSE: u64 = 16;

/// When a piece that ended well is begun again, if it is still wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Again {
	/// Not at all.
	Never,
	/// So many blocks after its end was noticed: what it sent may have got lost.
	After(u64),
}

#[derive(Debug)]
struct Piece {
	under_way: Option<Id>,
	/// From which block on it may be begun again; never, if none.
	next: Option<u64>,
	failures: u32,
}

/// Pieces of a role's work.
pub(crate) struct Background<K> {
	context: Context,
	role: &'static str,
	pieces: HashMap<K, Piece>,
	names: HashMap<Id, K>,
	tasks: JoinSet<anyhow::Result<Again>>,
}

impl<K: Clone + Eq + Hash + Debug> Background<K> {
	pub(crate) fn new(context: &Context, role: &'static str) -> Self {
		let (pieces, names) = (HashMap::new(), HashMap::new());
		Self { context: context.clone(), role, pieces, names, tasks: JoinSet::new() }
	}

	/// Takes note of what has ended, and forgets what is no longer wanted; what is under way goes on.
	pub(crate) fn look(&mut self, block: u64, wanted: impl Fn(&K) -> bool) {
		while let Some(ended) = self.tasks.try_join_next_with_id() {
			drop(self.note(block, ended));
		}
		self.pieces.retain(|key, piece| piece.under_way.is_some() || wanted(key));
	}

	/// Whether a piece may be begun at this block.
	pub(crate) fn is_due(&self, key: &K, block: u64) -> bool {
		let waits = |piece: &Piece| piece.under_way.is_some() || piece.next.is_none_or(|next| block < next);
		!self.pieces.get(key).is_some_and(waits)
	}

	/// Begins a piece, if it is due. It says itself when it is begun again.
	pub(crate) fn begin(
		&mut self,
		key: K,
		block: u64,
		work: impl Future<Output = anyhow::Result<Again>> + Send + 'static,
	) {
		if !self.is_due(&key, block) {
			return;
		}
		let id = self.tasks.spawn(work).id();
		let failures = self.pieces.get(&key).map_or(0, |piece| piece.failures);
		self.names.insert(id, key.clone());
		self.pieces.insert(key, Piece { under_way: Some(id), next: None, failures });
	}

	/// Waits for all that is under way; the last error, if there was one.
	pub(crate) async fn finish(&mut self) -> anyhow::Result<()> {
		let mut result = Ok(());
		while let Some(ended) = self.tasks.join_next_with_id().await {
			if let Some(error) = self.note(u64::MAX, ended) {
				result = Err(error);
			}
		}
		result
	}

	/// Takes note of an end; why it failed, if it did.
	fn note(
		&mut self,
		block: u64,
		ended: Result<(Id, anyhow::Result<Again>), JoinError>,
	) -> Option<anyhow::Error> {
		let (id, done) = match ended {
			Ok(ended) => ended,
			Err(error) => (error.id(), Err(anyhow::Error::new(error).context("it crashed"))),
		};
		let key = self.names.remove(&id)?;
		let piece = self.pieces.get_mut(&key)?;
		piece.under_way = None;
		let error = match done {
			Ok(again) => {
				piece.failures = 0;
				piece.next = match again {
					Again::Never => None,
					Again::After(blocks) => Some(block.saturating_add(blocks)),
				};
				return None;
			}
			Err(error) => error,
		};
		piece.failures = piece.failures.saturating_add(1);
		let pause = 1u64.checked_shl(piece.failures.saturating_sub(1)).unwrap_or(LONGEST_PAUSE);
		piece.next = (!is_final(&error)).then(|| block.saturating_add(pause.min(LONGEST_PAUSE)));
		self.context.metrics().failed(self.role);
		let again = if piece.next.is_some() { "it is tried again" } else { "it is not tried again" };
		tracing::error!(role = self.role, what = ?key, error = format!("{error:#}"), "failed; {again}");
		Some(error)
	}
}

/// Whether trying again would fail in the same way.
pub(crate) fn is_final(error: &anyhow::Error) -> bool {
	error.chain().any(|cause| {
		cause.downcast_ref::<EvaluationError>().is_some_and(EvaluationError::is_final)
			|| cause.downcast_ref().is_some_and(ChainError::is_final)
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::context::tests::offline;
	use std::time::Duration;

	async fn look(work: &mut Background<u32>, block: u64) {
		// Lets what has ended be noticed.
		tokio::time::sleep(Duration::from_millis(1)).await;
		work.look(block, |_| true);
	}

	#[tokio::test(start_paused = true)]
	async fn work_is_begun_again_only_when_it_has_ended_without_effect() {
		let (_base, context) = offline();
		let mut work = Background::new(&context, "keeper");
		let (end, ended) = tokio::sync::oneshot::channel::<()>();
		work.begin(7, 100, async {
			ended.await?;
			Ok(Again::After(6))
		});
		assert!(work.is_due(&8, 100));
		look(&mut work, 106).await;
		assert!(!work.is_due(&7, 106), "it is under way");
		end.send(()).unwrap();
		look(&mut work, 105).await;
		assert!(!work.is_due(&7, 110) && work.is_due(&7, 111));
	}

	#[tokio::test(start_paused = true)]
	async fn what_is_done_once_is_not_begun_again() {
		let (_base, context) = offline();
		let mut work = Background::new(&context, "verifier");
		work.begin(7, 100, async { Ok(Again::Never) });
		look(&mut work, 101).await;
		assert!(!work.is_due(&7, 10_000));
	}

	#[tokio::test(start_paused = true)]
	async fn what_fails_is_begun_again_after_a_growing_pause() {
		let (_base, context) = offline();
		let mut work = Background::new(&context, "verifier");
		let mut begun_at = vec![];
		for block in 100..140 {
			if work.is_due(&7, block) {
				begun_at.push(block);
				work.begin(7, block, async { anyhow::bail!("not yet") });
			}
			look(&mut work, block).await;
		}
		assert_eq!(begun_at, [100, 101, 103, 107, 115, 131]);
	}

	#[tokio::test(start_paused = true)]
	async fn what_failed_for_good_is_not_begun_again() {
		let (_base, context) = offline();
		let mut work = Background::new(&context, "verifier");
		work.begin(7, 100, async { Err(EvaluationError::TooLarge { len: 2, limit: 1 }.into()) });
		look(&mut work, 101).await;
		assert!(!work.is_due(&7, 10_000));
	}

	#[tokio::test(start_paused = true)]
	async fn a_piece_that_crashes_is_begun_again_and_ends_nothing_else() {
		let (_base, context) = offline();
		let mut work = Background::new(&context, "verifier");
		work.begin(7, 100, async { panic!("a fault of this program") });
		work.begin(8, 100, std::future::pending());
		look(&mut work, 100).await;
		assert!(work.is_due(&7, 101) && !work.is_due(&8, 101));
	}

	#[tokio::test(start_paused = true)]
	async fn what_is_no_longer_wanted_is_forgotten_once_it_has_ended() {
		let (_base, context) = offline();
		let mut work = Background::new(&context, "keeper");
		work.begin(7, 100, async { Ok(Again::Never) });
		work.begin(8, 100, std::future::pending());
		tokio::time::sleep(Duration::from_millis(1)).await;
		work.look(101, |_| false);
		assert!(work.is_due(&7, 101) && !work.is_due(&8, 101));
	}
}
