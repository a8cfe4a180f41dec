//! What was sent and is not seen through, beside the journal: a file for each transaction.

use oda_client::{Outbox, Place};
use std::{
	fs::{self, File, TryLockError},
	io,
	os::unix::fs::MetadataExt,
	path::{Path, PathBuf},
	time::Duration,
};

/// How many transactions of one content may be under way at once.
const PLACES: usize = 64;

/// After how long bytes that were left are deleted: far longer than a transaction is valid, or somebody takes to repeat
/// a command.
const STALE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Files under a folder, each with a lock beside it that says whether somebody is at it.
pub(crate) struct Files {
	dir: PathBuf,
}

impl Files {
	pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
		fs::create_dir_all(&dir)?;
		let files = Self { dir };
		files.sweep(STALE)?;
		Ok(files)
	}
}

impl Outbox for Files {
	fn open(&self, content: [u8; 32]) -> io::Result<Box<dyn Place>> {
		let content = hex::encode(content);
		// What was left comes first: it is to be seen through before another like it is sent.
		for path in self.kept(&content)? {
			if let Some(lock) = lock(&path)? {
				return Ok(Box::new(FilePlace { path, _lock: lock }));
			}
		}
		for number in 0..PLACES {
			let path = self.dir.join(format!("{content}-{number}"));
			if let Some(lock) = lock(&path)? {
				return Ok(Box::new(FilePlace { path, _lock: lock }));
			}
		}
		Err(io::Error::other("too many transactions of the same content are under way"))
	}
}

impl Files {
	/// Deletes what nobody has come back for: no block can have it any more, unless one did.
	fn sweep(&self, age: Duration) -> io::Result<()> {
		for path in self.kept("")? {
			// Another process may be done with it meanwhile.
			let Ok(modified) = fs::metadata(&path).and_then(|found| found.modified()) else { continue };
			if modified.elapsed().is_ok_and(|since| since >= age)
				&& let Some(lock) = lock(&path)?
			{
				FilePlace { path, _lock: lock }.clear()?;
			}
		}
		Ok(())
	}

	/// The places of this content that something is kept in.
	fn kept(&self, content: &str) -> io::Result<Vec<PathBuf>> {
		let mut kept = Vec::new();
		for entry in fs::read_dir(&self.dir)? {
			let path = entry?.path();
			let name = path.file_name().unwrap_or_default().to_string_lossy();
			if name.starts_with(content) && path.extension().is_none() {
				kept.push(path);
			}
		}
		kept.sort();
		Ok(kept)
	}
}

/// The lock of a place, unless somebody has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
	let path = path.with_extension("lock");
	loop {
		let file = File::options().write(true).create(true).truncate(false).open(&path)?;
		match file.try_lock() {
			Ok(()) => {}
			Err(TryLockError::WouldBlock) => return Ok(None),
			Err(TryLockError::Error(error)) => return Err(error),
		}
		// Who had it before may have deleted it.
		let locked = file.metadata()?.ino();
		if fs::metadata(&path).is_ok_and(|named| named.ino() == locked) {
			return Ok(Some(file));
		}
	}
}

struct FilePlace {
	path: PathBuf,
	/// Held for as long as somebody is at it.
	_lock: File,
}

impl Drop for FilePlace {
	fn drop(&mut self) {
		// Should that fail, an empty file stays.
		drop(fs::remove_file(self.path.with_extension("lock")));
	}
}

impl Place for FilePlace {
	fn left(&self) -> io::Result<Option<Vec<u8>>> {
		match fs::read(&self.path) {
			Ok(bytes) => Ok(Some(bytes)),
			Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
			Err(error) => Err(error),
		}
	}

	fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
		oda_files::replace(&self.path, 0o600, bytes)
	}

	fn clear(&mut self) -> io::Result<()> {
		match fs::remove_file(&self.path) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
			_ => Ok(()),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn outbox() -> (tempfile::TempDir, Files) {
		let base = tempfile::tempdir().unwrap();
		let files = Files::open(base.path().join("outbox")).unwrap();
		(base, files)
	}

	#[test]
	fn what_was_left_is_found_by_the_next() {
		let (_base, outbox) = outbox();
		let mut place = outbox.open([1; 32]).unwrap();
		place.keep(b"bytes").unwrap();
		drop(place);
		assert_eq!(outbox.open([2; 32]).unwrap().left().unwrap(), None);
		let mut place = outbox.open([1; 32]).unwrap();
		assert_eq!(place.left().unwrap().unwrap(), b"bytes");
		place.clear().unwrap();
		drop(place);
		assert_eq!(outbox.open([1; 32]).unwrap().left().unwrap(), None);
	}

	#[test]
	fn a_place_is_had_by_one_and_what_is_under_way_is_nobody_else_s() {
		let (_base, outbox) = outbox();
		let mut first = outbox.open([1; 32]).unwrap();
		first.keep(b"first").unwrap();
		let mut second = outbox.open([1; 32]).unwrap();
		assert_eq!(second.left().unwrap(), None);
		second.keep(b"second").unwrap();
		drop(second);
		assert_eq!(outbox.open([1; 32]).unwrap().left().unwrap().unwrap(), b"second");
		drop(first);
		assert_eq!(outbox.open([1; 32]).unwrap().left().unwrap().unwrap(), b"first");
	}

	#[test]
	fn what_nobody_came_back_for_is_deleted_and_what_is_under_way_is_not() {
		let (_base, outbox) = outbox();
		let mut left = outbox.open([1; 32]).unwrap();
		left.keep(b"left").unwrap();
		drop(left);
		let mut held = outbox.open([2; 32]).unwrap();
		held.keep(b"held").unwrap();
		outbox.sweep(STALE).unwrap();
		assert_eq!(outbox.kept("").unwrap().len(), 2);
		outbox.sweep(Duration::ZERO).unwrap();
		assert_eq!(outbox.kept("").unwrap().len(), 1);
		assert_eq!(held.left().unwrap().unwrap(), b"held");
	}

	#[test]
	fn nothing_stays_of_what_was_seen_through() {
		let (_base, outbox) = outbox();
		let mut place = outbox.open([1; 32]).unwrap();
		place.keep(b"bytes").unwrap();
		place.clear().unwrap();
		drop(place);
		assert_eq!(fs::read_dir(&outbox.dir).unwrap().count(), 0);
	}
}
