//! Where accounts are kept: a folder for each channel, two files in it, each of which has one content at a time.
//!
//! A request waits for the disk twice, so what is small is written in place, and one sync of data makes it last. The file has
//! two *slots* of equal size for that: what is true lies in one of them, and what shall be true is written into the other.
//! If that is cut off, its hash does not match, and what was true before still is. What does not fit into a slot is a file of
//! its own, replaced as a whole.
//!
//! ```text
//!  slot:  BLAKE3 hash of what follows (32 bytes) │ turn (8) │ length (8) │ content
//! ```
//!
//! Of two slots whose hash matches, the one with the higher turn is true. Numbers are little-endian.

use oda_primitives::ChannelId;
use std::{
	collections::HashMap,
	fs::{self, DirBuilder, File, TryLockError},
	io,
	os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
	path::{Path, PathBuf},
	sync::{Mutex, MutexGuard, PoisonError},
	thread,
	time::Duration,
};

/// The file that says by its lock whether a process has a folder.
const LOCK: &str = "lock";

/// How often the lock is tried: whoever looks whether somebody has it has it for a moment.
const TRIES: u32 = 20;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// Bytes of a slot: room for all that a promise can be, and for most answers.
const SLOT: usize = 8 << 10;

/// Bytes of a slot before its content.
const HEAD: usize = 48;

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

	/// One half of an account; `None` if nothing was written. [`io::ErrorKind::InvalidData`]: it is not what was written.
	fn read(&self, channel: ChannelId, half: Half) -> io::Result<Option<Vec<u8>>>;

	/// Writes one half of an account.
	fn replace(&self, channel: ChannelId, half: Half, bytes: &[u8]) -> io::Result<()>;

	/// Forgets a channel.
	fn remove(&self, channel: ChannelId) -> io::Result<()>;
}

/// Where in a file its content lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
	/// The first byte of its slot.
	start: usize,
	/// Higher than that of anything that was true before.
	turn: u64,
	/// Whether the file has two slots.
	slots: bool,
}

impl Place {
	/// Where the next content goes, if it has a slot.
	fn next(self, bytes: &[u8]) -> Option<Self> {
		let start = if self.start == 0 { SLOT } else { 0 };
		let fits = self.slots && bytes.len() <= SLOT.saturating_sub(HEAD);
		fits.then_some(Self { start, turn: self.turn.saturating_add(1), slots: true })
	}

	/// Where the content of a file lies, and how long it is.
	fn find(file: &[u8]) -> Option<(Self, usize)> {
		let slots = file.len() == SLOT.saturating_mul(2);
		let starts: &[usize] = if slots { &[0, SLOT] } else { &[0] };
		let size = if slots { SLOT } else { file.len() };
		let found = starts.iter().filter_map(|&start| {
			let slot = file.get(start..start.checked_add(size)?)?;
			let (hash, rest) = slot.split_first_chunk::<32>()?;
			let (turn, after) = rest.split_first_chunk()?;
			let (length, content) = after.split_first_chunk()?;
			let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
			content.get(..length)?;
			let hashed = rest.get(..length.checked_add(16)?)?;
			let place = Self { start, turn: u64::from_le_bytes(*turn), slots };
			(blake3::hash(hashed) == *hash).then_some((place, length))
		});
		found.max_by_key(|(place, _)| place.turn)
	}
}

/// The used part of a slot.
fn slot(turn: u64, bytes: &[u8]) -> Vec<u8> {
	let mut slot = vec![0; 32];
	slot.extend(turn.to_le_bytes());
	slot.extend(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
	slot.extend_from_slice(bytes);
	let hash = blake3::hash(slot.get(32..).unwrap_or_default());
	slot.iter_mut().zip(hash.as_bytes()).for_each(|(byte, of)| *byte = *of);
	slot
}

/// A folder on disk, locked for this process unless it is only looked at.
pub(crate) struct Folder {
	path: PathBuf,
	/// Where the content of each file lies that was read or written.
	places: Mutex<HashMap<(ChannelId, Half), Place>>,
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
					let folder = Self { path: path.to_owned(), places: Mutex::default(), _lock: lock };
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
		Ok(Some(Self { path: path.to_owned(), places: Mutex::default(), _lock: lock }))
	}

	fn of(&self, channel: ChannelId) -> PathBuf {
		self.path.join(channel.to_string())
	}

	fn file(&self, channel: ChannelId, half: Half) -> PathBuf {
		self.of(channel).join(half.name())
	}

	fn places(&self) -> MutexGuard<'_, HashMap<(ChannelId, Half), Place>> {
		self.places.lock().unwrap_or_else(PoisonError::into_inner)
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

	/// Writes into a slot of a file that is there.
	fn write(&self, channel: ChannelId, half: Half, place: Place, bytes: &[u8]) -> io::Result<()> {
		let file = File::options().write(true).open(self.file(channel, half))?;
		let start = u64::try_from(place.start).unwrap_or(u64::MAX);
		let written = file.write_all_at(&slot(place.turn, bytes), start).and_then(|()| file.sync_data());
		if written.is_err() {
			// It is not to be true after a restart either.
			drop(file.write_all_at(&[0; HEAD], start));
		}
		written
	}

	/// Writes a whole file.
	fn create(&self, channel: ChannelId, half: Half, turn: u64, bytes: &[u8]) -> io::Result<Place> {
		let folder = self.of(channel);
		if !folder.is_dir() {
			private(&folder)?;
			// The name of a new folder has to last too.
			File::open(&self.path)?.sync_all()?;
		}
		let mut file = slot(turn, bytes);
		let both = SLOT.saturating_mul(2);
		let slots = file.len() <= SLOT;
		if slots {
			file.resize(both, 0);
		} else if file.len() == both {
			// The length says which of the two it is.
			file.push(0);
		}
		oda_files::replace(&self.file(channel, half), 0o600, &file[..])?;
		Ok(Place { start: 0, turn, slots })
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
		let mut bytes = match fs::read(self.file(channel, half)) {
			Ok(bytes) => bytes,
			Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
			Err(error) => return Err(error),
		};
		let (place, length) = Place::find(&bytes).ok_or(io::ErrorKind::InvalidData)?;
		self.places().insert((channel, half), place);
		bytes.drain(..place.start.saturating_add(HEAD));
		bytes.truncate(length);
		Ok(Some(bytes))
	}

	fn replace(&self, channel: ChannelId, half: Half, bytes: &[u8]) -> io::Result<()> {
		let known = self.places().get(&(channel, half)).copied();
		let place = match known.and_then(|known| known.next(bytes)) {
			Some(next) => {
				self.write(channel, half, next, bytes)?;
				next
			}
			None => {
				self.create(channel, half, known.map_or(0, |known| known.turn.saturating_add(1)), bytes)?
			}
		};
		self.places().insert((channel, half), place);
		Ok(())
	}

	fn remove(&self, channel: ChannelId) -> io::Result<()> {
		match fs::remove_dir_all(self.of(channel)) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
			_ => {}
		}
		let mut places = self.places();
		for half in Half::ALL {
			places.remove(&(channel, half));
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn folder(base: &Path) -> Folder {
		Folder::open(base).unwrap().unwrap()
	}

	fn promise(folder: &Folder) -> Option<Vec<u8>> {
		folder.read(7, Half::Promise).unwrap()
	}

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
		let owner = folder(base.path());
		owner.replace(7, Half::Promise, b"kept").unwrap();
		assert!(Folder::look(base.path()).unwrap().is_none());
		drop(owner);
		let looked = Folder::look(base.path()).unwrap().unwrap();
		assert!(Folder::open(base.path()).unwrap().is_some(), "whoever looks keeps nobody away");
		assert_eq!(promise(&looked).as_deref(), Some(&b"kept"[..]));
	}

	#[test]
	fn what_is_written_is_read_again_and_what_is_removed_is_gone() {
		let base = tempfile::tempdir().unwrap();
		let folder = folder(base.path());
		assert_eq!(promise(&folder), None);
		for content in [&b"one"[..], b"two", b"", b"three"] {
			folder.replace(7, Half::Promise, content).unwrap();
			assert_eq!(promise(&folder).as_deref(), Some(content));
		}
		assert_eq!(folder.read(7, Half::Served).unwrap(), None);
		assert_eq!(folder.channels().unwrap(), [7]);
		folder.remove(7).unwrap();
		folder.remove(7).unwrap();
		assert!(folder.channels().unwrap().is_empty());
		folder.replace(7, Half::Promise, b"anew").unwrap();
		assert_eq!(promise(&folder).as_deref(), Some(&b"anew"[..]));
	}

	#[test]
	fn a_content_of_any_length_follows_one_of_any_length() {
		let base = tempfile::tempdir().unwrap();
		let lengths = [0, SLOT - HEAD, SLOT - HEAD + 1, 2 * SLOT - HEAD, 1, 100_000];
		for (first, then) in lengths.iter().flat_map(|first| lengths.map(|then| (*first, then))) {
			let [first, then] = [vec![b'a'; first], vec![b'b'; then]];
			let before = folder(base.path());
			before.replace(7, Half::Served, &first).unwrap();
			before.replace(7, Half::Served, &then).unwrap();
			before.replace(7, Half::Served, &first).unwrap();
			drop(before);
			let after = folder(base.path());
			assert_eq!(after.read(7, Half::Served).unwrap(), Some(first));
			after.replace(7, Half::Served, &then).unwrap();
			assert_eq!(after.read(7, Half::Served).unwrap(), Some(then));
		}
	}

	#[test]
	fn what_was_half_written_leaves_what_was_there() {
		let base = tempfile::tempdir().unwrap();
		let file = base.path().join("7/promise");
		let before = folder(base.path());
		for content in ["first", "second", "third"] {
			before.replace(7, Half::Promise, content.as_bytes()).unwrap();
		}
		let whole = fs::read(&file).unwrap();
		drop(before);
		// The third lies where the first was; the second is what it falls back on.
		let used = HEAD + "third".len();
		for cut in 0..used {
			let mut torn = whole.clone();
			torn[cut..used].fill(0xff);
			fs::write(&file, torn).unwrap();
			let folder = folder(base.path());
			assert_eq!(promise(&folder).as_deref(), Some(&b"second"[..]), "cut after {cut} bytes");
			folder.replace(7, Half::Promise, b"again").unwrap();
			assert_eq!(promise(&folder).as_deref(), Some(&b"again"[..]));
		}
	}

	#[test]
	fn a_file_that_is_not_what_was_written_is_damaged() {
		let base = tempfile::tempdir().unwrap();
		let folder = folder(base.path());
		for length in [1, SLOT] {
			folder.replace(7, Half::Promise, &vec![b'a'; length]).unwrap();
			let mut bytes = fs::read(base.path().join("7/promise")).unwrap();
			bytes[HEAD] ^= 1;
			fs::write(base.path().join("7/promise"), bytes).unwrap();
			let error = folder.read(7, Half::Promise).unwrap_err();
			assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{length}");
		}
	}

	#[test]
	fn a_file_that_was_being_written_is_removed_at_the_next_start() {
		let base = tempfile::tempdir().unwrap();
		let before = folder(base.path());
		before.replace(7, Half::Promise, b"whole").unwrap();
		let half = base.path().join("7/.tmp123");
		fs::write(&half, b"ha").unwrap();
		drop(before);
		let folder = folder(base.path());
		assert!(!half.exists());
		assert_eq!(promise(&folder).as_deref(), Some(&b"whole"[..]));
	}
}
