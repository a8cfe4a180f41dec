//! Files that are being written.
//!
//! Each is locked by its writer for as long as it is written; the system drops the lock when the writer's
//! process ends, however it ends. So a file that nobody has locked was left behind, and may be deleted.

use crate::BlobError;
use std::{
	fs::{self, File, OpenOptions, TryLockError},
	io::{self, Write},
	os::unix::fs::{FileExt, MetadataExt},
	path::{Path, PathBuf},
	sync::atomic::{AtomicU64, Ordering},
	time::{SystemTime, UNIX_EPOCH},
};

/// A file that is being written under a name of its own; deleted when dropped, unless it was moved.
pub(crate) struct Incoming {
	path: PathBuf,
	file: File,
	moved: bool,
}

impl Incoming {
	/// Creates one in `dir`.
	pub(crate) fn create(dir: &Path) -> Result<Self, BlobError> {
		static COUNTER: AtomicU64 = AtomicU64::new(0);
		loop {
			let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos());
			let count = COUNTER.fetch_add(1, Ordering::Relaxed);
			let path = dir.join(format!("{}-{time:x}-{count}", std::process::id()));
			let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
				Ok(file) => file,
				Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
				Err(error) => return Err(BlobError::io(&path)(error)),
			};
			file.lock().map_err(BlobError::io(&path))?;
			// Somebody may have swept it before it was locked: then it has no name any more.
			if file.metadata().map_err(BlobError::io(&path))?.nlink() > 0 {
				return Ok(Self { path, file, moved: false });
			}
		}
	}

	/// Appends.
	pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
		self.file.write_all(bytes).map_err(BlobError::io(&self.path))
	}

	/// Writes at a place.
	pub(crate) fn write_at(&self, bytes: &[u8], at: u64) -> Result<(), BlobError> {
		self.file.write_all_at(bytes, at).map_err(BlobError::io(&self.path))
	}

	/// Makes the content last, then gives the file its final name, over whatever has it.
	pub(crate) fn publish(mut self, target: &Path) -> Result<(), BlobError> {
		self.file.sync_all().map_err(BlobError::io(&self.path))?;
		fs::rename(&self.path, target).map_err(BlobError::io(target))?;
		self.moved = true;
		target.parent().map_or(Ok(()), sync_dir)
	}
}

impl Drop for Incoming {
	fn drop(&mut self) {
		if !self.moved
			&& let Err(error) = fs::remove_file(&self.path)
		{
			tracing::warn!(path = %self.path.display(), %error, "could not delete an unfinished file");
		}
	}
}

/// Makes a directory's entries last.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), BlobError> {
	File::open(dir).and_then(|dir| dir.sync_all()).map_err(BlobError::io(dir))
}

/// Deletes what writers that no longer run left in `dir`; how many files.
pub(crate) fn sweep(dir: &Path) -> Result<usize, BlobError> {
	let mut swept = 0;
	for entry in fs::read_dir(dir).map_err(BlobError::io(dir))? {
		let path = entry.map_err(BlobError::io(dir))?.path();
		// Gone meanwhile: its writer has finished.
		let Ok(file) = File::open(&path) else { continue };
		match file.try_lock() {
			Ok(()) => match fs::remove_file(&path) {
				Ok(()) => swept += 1,
				Err(error) if error.kind() == io::ErrorKind::NotFound => {}
				Err(error) => return Err(BlobError::io(&path)(error)),
			},
			Err(TryLockError::WouldBlock) => {}
			Err(TryLockError::Error(error)) => return Err(BlobError::io(&path)(error)),
		}
	}
	Ok(swept)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn an_unlocked_file_is_swept() {
		let dir = tempfile::tempdir().unwrap();
		fs::write(dir.path().join("1-2-3"), b"left").unwrap();
		assert_eq!(sweep(dir.path()).unwrap(), 1);
		assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
	}

	#[test]
	fn a_file_that_is_being_written_is_not_swept() {
		let dir = tempfile::tempdir().unwrap();
		let mut file = Incoming::create(dir.path()).unwrap();
		file.write(b"half").unwrap();
		assert_eq!(sweep(dir.path()).unwrap(), 0);
		let target = dir.path().join("whole");
		file.publish(&target).unwrap();
		assert_eq!(fs::read(target).unwrap(), b"half");
	}

	#[test]
	fn a_dropped_file_is_deleted() {
		let dir = tempfile::tempdir().unwrap();
		drop(Incoming::create(dir.path()).unwrap());
		assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
	}
}
