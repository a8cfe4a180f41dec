//! Turns at a file: one task of one process at a time.

use crate::wallet::WalletError;
use std::{
	collections::HashMap,
	fs::{File, OpenOptions, TryLockError},
	os::unix::fs::OpenOptionsExt,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, PoisonError},
	time::Duration,
};
use tokio::{
	sync::{Mutex as Queue, OwnedMutexGuard},
	time::{Instant, sleep, timeout_at},
};

/// How often another process's lock is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The queues of this process, one a file.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<HashMap<PathBuf, Arc<Queue<()>>>>);

/// A turn, which ends when it is dropped.
#[derive(Debug)]
pub struct Turn {
	// The lock of the file goes first, so that the next in the queue finds it free.
	_file: File,
	_place: OwnedMutexGuard<()>,
}

impl Locks {
	/// Waits for a turn.
	///
	/// # Errors
	///
	/// [`WalletError::Busy`] if that takes longer than `patience`; the file cannot be opened.
	pub(crate) async fn take(&self, path: &Path, patience: Duration) -> Result<Turn, WalletError> {
		let until = Instant::now().checked_add(patience);
		let busy = || WalletError::Busy { path: path.to_owned() };
		let failed = |error| WalletError::File { path: path.to_owned(), error };
		let queue = {
			let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
			queues.entry(path.to_owned()).or_default().clone()
		};
		let place = match until {
			Some(until) => timeout_at(until, queue.lock_owned()).await.map_err(|_| busy())?,
			None => queue.lock_owned().await,
		};
		let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
		loop {
			match file.try_lock() {
				Ok(()) => return Ok(Turn { _file: file, _place: place }),
				Err(TryLockError::WouldBlock) if until.is_none_or(|until| Instant::now() < until) => {
					sleep(LOOK).await;
				}
				Err(TryLockError::WouldBlock) => return Err(busy()),
				Err(TryLockError::Error(error)) => return Err(failed(error)),
			}
		}
	}
}
