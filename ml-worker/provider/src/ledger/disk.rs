//! Where accounts are kept: a folder for each channel, two files in it, each replaced as a whole.

use oda_primitives::ChannelId;
use std::{
	fs::{self, DirBuilder, File, TryLockError},
	io,
	os::unix::fs::{DirBuilderExt, OpenOptionsExt},
	path::{Path, PathBuf},
	thread,
	time::Duration,
};

/// The file that says by its lock whether a process has a folder.
const LOCK: &str = "lock";

/// How often the lock is tried: whoever looks whether somebody has it has it for a moment.
const TRIES: u32 = 20;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// The two halves of an account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Half {
	/// What the user has promised.
	Promise,
	/// What the provider has answered.
	Served,
}

impl Half {
	const ALL: [Self; 2] = [Self::Promise, Self::Served];

	fn name(self) -> &'static str {
		match self {
			Self::Promise => "promise",
			Self::Served => "served",
		}
	}
}

/// What the ledger needs of a disk. Each change is on the disk when it returns, all of it or nothing.
pub(crate) trait Disk: Send + Sync {
	/// The channels of which something is kept.
	fn channels(&self) -> io::Result<Vec<ChannelId>>;

	/// One half of an account; `None` if nothing was written.
	fn read(&self, channel: ChannelId, half: Half) -> io::Result<Option<Vec<u8>>>;

	/// Writes one half of an account.
	fn replace(&self, channel: ChannelId, half: Half, bytes: &[u8]) -> io::Result<()>;

	/// Forgets a channel.
	fn remove(&self, channel: ChannelId) -> io::Result<()>;
}

/// A folder on disk, locked for this process unless it is only looked at.
pub(crate) struct Folder {
	path: PathBuf,
	_lock: File,
}

impl Folder {
	/// Opens a folder, or makes it; `None` if another process has it.
	pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
		private(path)?;
		let lock =
			File::options().write(true).create(true).truncate(false).mode(0o600).open(path.join(LOCK))?;
		for _ in 0..TRIES {
			match lock.try_lock() {
				Ok(()) => {
					let folder = Self { path: path.to_owned(), _lock: lock };
					folder.tidy()?;
					return Ok(Some(folder));
				}
				Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
				Err(TryLockError::Error(error)) => return Err(error),
			}
		}
		Ok(None)
	}

	/// A folder to be read, and not changed; `None` if there is none, or if a process has it. One may take it at any time.
	pub(crate) fn look(path: &Path) -> io::Result<Option<Self>> {
		let lock = match File::open(path.join(LOCK)) {
			Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
			opened => opened?,
		};
		match lock.try_lock_shared() {
			Ok(()) => lock.unlock()?,
			Err(TryLockError::WouldBlock) => return Ok(None),
			Err(TryLockError::Error(error)) => return Err(error),
		}
		Ok(Some(Self { path: path.to_owned(), _lock: lock }))
	}

	fn of(&self, channel: ChannelId) -> PathBuf {
		self.path.join(channel.to_string())
	}

	/// Removes what was being written when the process died.
	fn tidy(&self) -> io::Result<()> {
		for channel in self.channels()? {
			for entry in fs::read_dir(self.of(channel))? {
				let entry = entry?;
				if Half::ALL.iter().all(|half| entry.file_name() != half.name()) {
					fs::remove_file(entry.path())?;
				}
			}
		}
		Ok(())
	}
}

/// A folder that its owner alone can read: it holds what people have asked.
fn private(path: &Path) -> io::Result<()> {
	DirBuilder::new().recursive(true).mode(0o700).create(path)
}

impl Disk for Folder {
	fn channels(&self) -> io::Result<Vec<ChannelId>> {
		let mut found = Vec::new();
		for entry in fs::read_dir(&self.path)? {
			if let Some(channel) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
				found.push(channel);
			}
		}
		Ok(found)
	}

	fn read(&self, channel: ChannelId, half: Half) -> io::Result<Option<Vec<u8>>> {
		match fs::read(self.of(channel).join(half.name())) {
			Ok(bytes) => Ok(Some(bytes)),
			Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
			Err(error) => Err(error),
		}
	}

	fn replace(&self, channel: ChannelId, half: Half, bytes: &[u8]) -> io::Result<()> {
		let folder = self.of(channel);
		if !folder.is_dir() {
			private(&folder)?;
			// The name of a new folder has to last too.
			File::open(&self.path)?.sync_all()?;
		}
		oda_files::replace(&folder.join(half.name()), 0o600, bytes)
	}

	fn remove(&self, channel: ChannelId) -> io::Result<()> {
		match fs::remove_dir_all(self.of(channel)) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
			_ => Ok(()),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_folder_belongs_to_one_process_at_a_time() {
		let base = tempfile::tempdir().unwrap();
		let first = Folder::open(base.path()).unwrap();
		assert!(first.is_some() && Folder::open(base.path()).unwrap().is_none());
		drop(first);
		assert!(Folder::open(base.path()).unwrap().is_some());
	}

	#[test]
	fn a_folder_is_looked_at_while_no_process_has_it() {
		let base = tempfile::tempdir().unwrap();
		assert!(Folder::look(base.path()).unwrap().is_none(), "there is none");
		let owner = Folder::open(base.path()).unwrap().unwrap();
		owner.replace(7, Half::Promise, b"kept").unwrap();
		assert!(Folder::look(base.path()).unwrap().is_none());
		drop(owner);
		let looked = Folder::look(base.path()).unwrap().unwrap();
		assert!(Folder::open(base.path()).unwrap().is_some(), "whoever looks keeps nobody away");
		assert_eq!(looked.read(7, Half::Promise).unwrap().as_deref(), Some(&b"kept"[..]));
	}

	#[test]
	fn what_is_written_is_read_again_and_what_is_removed_is_gone() {
		let base = tempfile::tempdir().unwrap();
		let folder = Folder::open(base.path()).unwrap().unwrap();
		assert_eq!(folder.read(7, Half::Promise).unwrap(), None);
		folder.replace(7, Half::Promise, b"one").unwrap();
		folder.replace(7, Half::Promise, b"two").unwrap();
		assert_eq!(folder.read(7, Half::Promise).unwrap().as_deref(), Some(&b"two"[..]));
		assert_eq!(folder.read(7, Half::Served).unwrap(), None);
		assert_eq!(folder.channels().unwrap(), [7]);
		folder.remove(7).unwrap();
		folder.remove(7).unwrap();
		assert!(folder.channels().unwrap().is_empty());
	}

	#[test]
	fn what_was_half_written_is_removed_at_the_next_start() {
		let base = tempfile::tempdir().unwrap();
		let folder = Folder::open(base.path()).unwrap().unwrap();
		folder.replace(7, Half::Promise, b"whole").unwrap();
		let half = base.path().join("7/.tmp123");
		fs::write(&half, b"ha").unwrap();
		drop(folder);
		let folder = Folder::open(base.path()).unwrap().unwrap();
		assert!(!half.exists());
		assert_eq!(folder.read(7, Half::Promise).unwrap().as_deref(), Some(&b"whole"[..]));
	}
}
