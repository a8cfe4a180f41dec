//! Files that are replaced as a whole: whoever reads one has all of the old or all of the new, whatever dies meanwhile.

#![cfg_attr(test, allow(clippy::unwrap_used))]

use std::{
	fs::{self, File, Permissions},
	io::{self, Read},
	os::unix::fs::PermissionsExt,
	path::Path,
};
use tempfile::NamedTempFile;

/// Writes a file, and makes it last: all of it or, should that fail, what was there before. A new one has the mode
/// `new`, less what the umask takes away; one that was there keeps its own.
pub fn replace(path: &Path, new: u32, from: impl Read) -> io::Result<()> {
	let before = fs::metadata(path).ok().map(|found| found.permissions());
	// One that was there is at no time more open than it was.
	let file = written(path, if before.is_some() { 0o600 } else { new }, before, from)?;
	file.persist(path)?;
	settle(path);
	Ok(())
}

/// Writes a file that is not there yet, as [`replace`] does.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`]: it is there, and stays as it is.
pub fn create(path: &Path, mode: u32, from: impl Read) -> io::Result<()> {
	written(path, mode, None, from)?.persist_noclobber(path)?;
	settle(path);
	Ok(())
}

fn folder(path: &Path) -> &Path {
	path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file beside the one that is to be written, with all that goes into it.
fn written(
	path: &Path,
	mode: u32,
	exactly: Option<Permissions>,
	mut from: impl Read,
) -> io::Result<NamedTempFile> {
	let mut builder = tempfile::Builder::new();
	let mut file = builder.permissions(Permissions::from_mode(mode)).tempfile_in(folder(path))?;
	if let Some(exactly) = exactly {
		file.as_file().set_permissions(exactly)?;
	}
	io::copy(&mut from, &mut file)?;
	file.as_file().sync_all()?;
	Ok(file)
}

/// Makes a new name last, where the file system can.
fn settle(path: &Path) {
	drop(File::open(folder(path)).and_then(|folder| folder.sync_all()));
}

#[cfg(test)]
mod tests {
	use super::*;

	/// Fails after some bytes, as a full disk does.
	struct Broken(bool);

	impl Read for Broken {
		fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
			if std::mem::replace(&mut self.0, true) {
				return Err(io::ErrorKind::StorageFull.into());
			}
			buffer.first_mut().map_or(Ok(0), |first| {
				*first = 1;
				Ok(1)
			})
		}
	}

	fn mode(path: &Path) -> u32 {
		fs::metadata(path).unwrap().permissions().mode() & 0o777
	}

	#[test]
	fn a_file_that_was_there_keeps_its_mode_and_a_new_one_has_what_it_is_given() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("file");
		replace(&path, 0o600, &b"new"[..]).unwrap();
		assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), 0o600));
		fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
		replace(&path, 0o600, &b"newer"[..]).unwrap();
		assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"newer".to_vec(), 0o640));
	}

	#[test]
	fn what_cannot_be_written_leaves_what_was_there_and_nothing_else() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("file");
		replace(&path, 0o600, &b"before"[..]).unwrap();
		let error = replace(&path, 0o600, Broken(false)).unwrap_err();
		assert_eq!(error.kind(), io::ErrorKind::StorageFull);
		assert_eq!(fs::read(&path).unwrap(), b"before");
		assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
	}

	#[test]
	fn what_is_there_is_not_created() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("file");
		create(&path, 0o600, &b"first"[..]).unwrap();
		let error = create(&path, 0o600, &b"second"[..]).unwrap_err();
		assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
		assert_eq!(fs::read(&path).unwrap(), b"first");
	}
}
