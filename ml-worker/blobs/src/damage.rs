//! What happens to a blob that is not what its name says, or cannot be read: it is set aside, and its place is free for
//! another copy. It is moved, not deleted: sectors that cannot be read are not written to again, and somebody may want
//! to look at it.

use crate::{BlobError, Store};
use oda_primitives::BlobRef;
use std::{
	fs::{self, File},
	io,
	os::unix::fs::MetadataExt,
	path::{Path, PathBuf},
};

/// Where damaged blobs lie, under their names; of each the last.
const DAMAGED: &str = "damaged";

impl Store {
	/// Sets a blob aside if reading it has shown that it is damaged; what it has shown.
	pub(crate) fn aside_if_damaged<T>(
		&self,
		root: &[u8; 32],
		file: &File,
		read: Result<T, BlobError>,
	) -> Result<T, BlobError> {
		if let Err(error) = &read
			&& error.is_damage()
		{
			self.set_aside(root, file, error)?;
		}
		read
	}

	/// Finds out whether it is the blob or only its outboard that `error` was met in, and puts that out of the way.
	pub(crate) fn inspect(&self, blob: &BlobRef, error: &BlobError) -> Result<(), BlobError> {
		self.forget_verified(&blob.root);
		match self.open_blob(blob) {
			Ok(_) => {
				tracing::warn!(blob = hex::encode(blob.root), %error, "an outboard is damaged, and made anew");
				self.forget_outboard(&blob.root)
			}
			// Set aside, or gone.
			Err(_) => Ok(()),
		}
	}

	fn set_aside(&self, root: &[u8; 32], file: &File, error: &BlobError) -> Result<(), BlobError> {
		let (from, to) = (self.path(root), self.damaged(root));
		// Somebody else may have met it before, and another copy be in its place.
		let read = file.metadata().map_err(BlobError::io(&from))?;
		if !fs::metadata(&from).is_ok_and(|there| (there.dev(), there.ino()) == (read.dev(), read.ino())) {
			return Ok(());
		}
		self.forget_verified(root);
		self.forget_outboard(root)?;
		if let Some(dir) = to.parent() {
			fs::create_dir_all(dir).map_err(BlobError::io(dir))?;
		}
		if to.is_dir() {
			fs::remove_dir_all(&to).map_err(BlobError::io(&to))?;
		}
		match fs::rename(&from, &to) {
			Ok(()) => {
				let (blob, aside) = (hex::encode(root), to.display());
				tracing::error!(blob, %error, %aside, "a blob is damaged; it is set aside, and fetched again when it is needed");
				Ok(())
			}
			// Somebody else met it too.
			Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
			Err(error) => Err(BlobError::io(&from)(error)),
		}
	}

	/// Deletes what was set aside; how many blobs.
	pub(crate) fn sweep_damaged(&self) -> Result<usize, BlobError> {
		let roots = self.roots_in(Path::new(DAMAGED))?;
		for root in &roots {
			let path = self.damaged(root);
			let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
			match removed {
				Err(error) if error.kind() != io::ErrorKind::NotFound => {
					return Err(BlobError::io(&path)(error));
				}
				_ => {}
			}
		}
		Ok(roots.len())
	}

	fn damaged(&self, root: &[u8; 32]) -> PathBuf {
		self.dir().join(DAMAGED).join(hex::encode(root))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::BlobSource;

	/// A store with a blob of several groups and its outboard; the blob's bytes.
	fn case() -> (tempfile::TempDir, Store, BlobRef, Vec<u8>) {
		let base = tempfile::tempdir().unwrap();
		let store = Store::open(base.path()).unwrap();
		let bytes: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect();
		let blob = store.put(&bytes).unwrap();
		store.slices(&blob).unwrap();
		(base, store, blob, bytes)
	}

	/// Changes one byte, behind the store's back.
	fn flip(path: &Path, at: usize) {
		let mut bytes = fs::read(path).unwrap();
		bytes[at] ^= 1;
		fs::write(path, bytes).unwrap();
	}

	/// What every way of reading does with a blob of which one byte is wrong.
	fn read_in_every_way(store: &Store, blob: &BlobRef) -> [Option<BlobError>; 5] {
		let mut out = vec![0; 200_000];
		let damaged = |flip: &dyn Fn(), read: &mut dyn FnMut() -> Option<BlobError>| {
			flip();
			let error = read();
			assert!(!store.has(blob).unwrap() && store.stat(&blob.root).unwrap().is_none(), "{error:?}");
			assert!(store.damaged(&blob.root).is_file());
			let bytes: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect();
			store.put(&bytes).unwrap();
			store.slices(blob).unwrap();
			error
		};
		let flip = || flip(&store.path(&blob.root), 70_000);
		[
			damaged(&flip, &mut || store.get(blob).err()),
			damaged(&flip, &mut || store.open_blob(blob).err()),
			damaged(&flip, &mut || store.slices(blob).unwrap().prove(70_000..70_001).err()),
			damaged(&flip, &mut || store.slices(blob).unwrap().encode(4..5, &mut out).err()),
			damaged(
				&|| {
					flip();
					store.forget_outboard(&blob.root).unwrap();
				},
				&mut || store.slices(blob).err(),
			),
		]
	}

	#[test]
	fn a_blob_with_a_wrong_byte_is_set_aside_whoever_reads_it() {
		let (_base, store, blob, bytes) = case();
		let errors = read_in_every_way(&store, &blob);
		assert!(errors.iter().all(|error| error.as_ref().is_some_and(BlobError::is_absent)), "{errors:?}");
		assert_eq!(store.get(&blob).unwrap(), bytes);
	}

	#[test]
	fn a_damaged_outboard_is_made_anew_and_the_blob_stays() {
		let (_base, store, blob, _) = case();
		flip(&store.outboard_path(&blob.root), 40);
		let slices = store.slices(&blob).unwrap();
		assert!(slices.prove(0..1_000).unwrap_err().is_damage());
		assert!(store.has(&blob).unwrap());
		assert!(store.slices(&blob).unwrap().prove(0..1_000).is_ok());
	}

	#[test]
	fn a_blob_whose_outboard_is_gone_and_which_is_damaged_is_set_aside() {
		let (_base, store, blob, _) = case();
		store.forget_outboard(&blob.root).unwrap();
		flip(&store.path(&blob.root), 99_999);
		assert!(store.prove(&blob, 0..10).unwrap_err().is_absent());
		assert!(!store.has(&blob).unwrap());
	}

	#[test]
	fn a_truncated_blob_is_set_aside() {
		let (_base, store, blob, bytes) = case();
		fs::write(store.path(&blob.root), &bytes[..50_000]).unwrap();
		assert!(store.get(&blob).unwrap_err().is_absent());
		assert_eq!(store.stat(&blob.root).unwrap(), None);
	}

	#[test]
	fn what_cannot_be_read_is_set_aside() {
		let (_base, store, blob, bytes) = case();
		// Opens, and fails when it is read.
		fs::remove_file(store.path(&blob.root)).unwrap();
		fs::create_dir(store.path(&blob.root)).unwrap();
		assert!(store.get(&blob).unwrap_err().is_absent());
		assert_eq!(store.stat(&blob.root).unwrap(), None);
		store.put(&bytes).unwrap();
		assert_eq!(store.get(&blob).unwrap(), bytes);
	}

	#[test]
	fn a_copy_that_came_while_the_damaged_one_was_read_stays() {
		let (_base, store, blob, bytes) = case();
		flip(&store.path(&blob.root), 3);
		let damaged = File::open(store.path(&blob.root)).unwrap();
		let error = store.get(&blob).unwrap_err();
		store.put(&bytes).unwrap();
		store.aside_if_damaged::<()>(&blob.root, &damaged, Err(error)).unwrap_err();
		assert_eq!(store.get(&blob).unwrap(), bytes);
	}

	#[test]
	fn a_wrong_length_in_a_reference_sets_nothing_aside() {
		let (_base, store, blob, _) = case();
		let wrong = BlobRef { len: blob.len - 1, ..blob };
		for error in [store.get(&wrong).unwrap_err(), store.open_blob(&wrong).unwrap_err()] {
			assert!(matches!(error, BlobError::WrongLength { .. }) && !error.is_absent(), "{error}");
		}
		assert!(store.get(&blob).is_ok());
	}

	#[test]
	fn what_was_set_aside_is_deleted_with_the_rest() {
		let (_base, store, blob, _) = case();
		flip(&store.path(&blob.root), 3);
		assert!(store.get(&blob).is_err());
		assert_eq!(store.gc(|_| true).unwrap().others, 1);
		assert!(!store.damaged(&blob.root).exists());
	}
}
