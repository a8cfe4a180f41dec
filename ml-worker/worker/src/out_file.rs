//! Files that a command was asked to write.

use anyhow::Context as _;
use std::{
	fs,
	io::{self, Read},
	path::Path,
};

/// Writes a file: all of it or, should that fail, what was there before. Everybody may read a new one; who may read
/// one that was there stays the same. What is no ordinary file, a pipe or a terminal, is written to.
///
/// # Errors
///
/// With the path: its folder does not exist or cannot be written, or the disk is full.
pub fn write(path: &Path, from: impl Read) -> anyhow::Result<()> {
	replace(path, from).with_context(|| path.display().to_string())
}

fn replace(path: &Path, mut from: impl Read) -> io::Result<()> {
	if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
		io::copy(&mut from, &mut fs::OpenOptions::new().write(true).open(path)?)?;
		return Ok(());
	}
	// Through a link to what it names.
	let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
	oda_files::replace(&path, 0o644, from)
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::os::unix::fs::PermissionsExt;

	/// Fails after some bytes, as a full disk does.
	struct Broken(bool);

	impl Read for Broken {
		fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
			if std::mem::replace(&mut self.0, true) {
				return Err(io::ErrorKind::StorageFull.into());
			}
			buffer[0] = 1;
			Ok(1)
		}
	}

	#[test]
	fn a_file_is_written_and_everybody_may_read_it() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("file");
		write(&path, &b"some bytes"[..]).unwrap();
		assert_eq!(fs::read(&path).unwrap(), b"some bytes");
		assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
	}

	#[test]
	fn who_may_read_a_file_stays_the_same() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("file");
		for mode in [0o600, 0o664] {
			fs::write(&path, b"before").unwrap();
			fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
			write(&path, &b"after"[..]).unwrap();
			assert_eq!(fs::read(&path).unwrap(), b"after");
			assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
		}
	}

	#[test]
	fn what_was_there_stays_if_writing_fails() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("file");
		write(&path, &b"before"[..]).unwrap();
		let error = write(&path, Broken(false)).unwrap_err();
		assert!(format!("{error:#}").starts_with(&path.display().to_string()), "{error:#}");
		assert_eq!(fs::read(&path).unwrap(), b"before");
		assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something else is left");
	}

	#[test]
	fn a_link_stays_one() {
		let folder = tempfile::tempdir().unwrap();
		let (file, link) = (folder.path().join("file"), folder.path().join("link"));
		write(&file, &b"before"[..]).unwrap();
		std::os::unix::fs::symlink(&file, &link).unwrap();
		write(&link, &b"after"[..]).unwrap();
		assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
		assert_eq!(fs::read(&file).unwrap(), b"after");
	}

	#[test]
	fn a_device_is_written_to() {
		write(Path::new("/dev/null"), &b"nothing"[..]).unwrap();
		assert!(!fs::metadata("/dev/null").unwrap().is_file());
	}
}
