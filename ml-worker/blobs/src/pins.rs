//! What stays when the store is cleaned up.

use crate::{BlobError, Store, outboard::OUTBOARD, partial};
use oda_primitives::BlobRef;
use std::{
	fs::{self, File},
	io,
	path::{Path, PathBuf},
};

/// Where pins lie: empty files under the names of blobs, in a folder for each holder.
const PINS: &str = "pins";

/// Where the names of blobs lie that are only passing through.
const PASSING: &str = "passing";

/// For whom a blob stays. What one unpins, another may still have pinned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
	/// Whoever owns the store.
	User,
	/// The keeper, for as long as its deals last.
	Keeper,
	/// The keeper, for a deal that it may take.
	Candidate,
}

impl Holder {
	/// All of them.
	pub const ALL: [Self; 3] = [Self::User, Self::Keeper, Self::Candidate];

	fn folder(self) -> PathBuf {
		Path::new(PINS).join(match self {
			Self::User => "user",
			Self::Keeper => "keeper",
			Self::Candidate => "candidate",
		})
	}
}

/// What [`Store::gc`] deleted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Removed {
	/// The blobs.
	pub blobs: Vec<BlobRef>,
	/// Files of blobs that were never fetched to the end or were damaged, and outboards without a blob.
	pub others: usize,
}

impl Store {
	/// Has a blob stay, whether or not it is there yet.
	pub fn pin(&self, holder: Holder, root: &[u8; 32]) -> Result<(), BlobError> {
		self.touch(&self.pin_path(holder, root))
	}

	/// Has a blob stay no longer for this holder; whether it was pinned.
	pub fn unpin(&self, holder: Holder, root: &[u8; 32]) -> Result<bool, BlobError> {
		remove(&self.pin_path(holder, root))
	}

	/// Whether anybody has pinned a blob.
	pub fn is_pinned(&self, root: &[u8; 32]) -> bool {
		Holder::ALL.iter().any(|holder| self.pin_path(*holder, root).exists())
	}

	/// All roots that a holder has pinned, in order.
	pub fn pinned(&self, holder: Holder) -> Result<Vec<[u8; 32]>, BlobError> {
		let mut roots = self.roots_in(&holder.folder())?;
		roots.sort_unstable();
		Ok(roots)
	}

	/// Takes note that nobody asked a blob to stay: a service has brought it here for as long as it needs it. Storing it
	/// from a file or a stream makes it one of the owner's.
	pub fn mark_passing(&self, root: &[u8; 32]) -> Result<(), BlobError> {
		self.touch(&self.passing_path(root))
	}

	/// Whether a blob is only [passing through](Self::mark_passing).
	pub fn is_passing(&self, root: &[u8; 32]) -> bool {
		self.passing_path(root).exists()
	}

	pub(crate) fn unmark_passing(&self, root: &[u8; 32]) -> Result<(), BlobError> {
		remove(&self.passing_path(root)).map(drop)
	}

	/// Deletes those of the blobs [passing through](Self::mark_passing) that are neither pinned nor kept.
	pub fn drop_passing(&self, keep: impl Fn(&[u8; 32]) -> bool) -> Result<Removed, BlobError> {
		let mut removed = Removed::default();
		for root in self.roots_in(Path::new(PASSING))? {
			if self.is_pinned(&root) || keep(&root) {
				continue;
			}
			if let Some(blob) = self.stat(&root)?
				&& self.remove(&root)?
			{
				removed.blobs.push(blob);
			}
			self.unmark_passing(&root)?;
		}
		Ok(removed)
	}

	/// Deletes what is neither pinned nor kept: blobs, and partial ones that nobody is fetching.
	pub fn gc(&self, keep: impl Fn(&[u8; 32]) -> bool) -> Result<Removed, BlobError> {
		let stays = |root: &[u8; 32]| self.is_pinned(root) || keep(root);
		let mut removed = Removed::default();
		for blob in self.list()? {
			if !stays(&blob.root) && self.remove(&blob.root)? {
				removed.blobs.push(blob);
			}
		}
		removed.others = partial::sweep(&self.dir().join(partial::PARTIAL), stays)?;
		removed.others += self.sweep_damaged()?;
		for root in self.roots_in(Path::new(OUTBOARD))? {
			if self.stat(&root)?.is_none() {
				self.forget_outboard(&root)?;
				removed.others += 1;
			}
		}
		Ok(removed)
	}

	fn pin_path(&self, holder: Holder, root: &[u8; 32]) -> PathBuf {
		self.dir().join(holder.folder()).join(hex::encode(root))
	}

	fn passing_path(&self, root: &[u8; 32]) -> PathBuf {
		self.dir().join(PASSING).join(hex::encode(root))
	}

	/// Makes an empty file that lasts.
	fn touch(&self, path: &Path) -> Result<(), BlobError> {
		if let Some(dir) = path.parent() {
			fs::create_dir_all(dir).map_err(BlobError::io(dir))?;
		}
		let file = File::create(path).map_err(BlobError::io(path))?;
		file.sync_all().map_err(BlobError::io(path))
	}

	/// The roots that name files in a directory of the store.
	pub(crate) fn roots_in(&self, dir: &Path) -> Result<Vec<[u8; 32]>, BlobError> {
		let dir = self.dir().join(dir);
		let entries = match fs::read_dir(&dir) {
			Ok(entries) => entries,
			Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
			Err(error) => return Err(BlobError::io(&dir)(error)),
		};
		let mut roots = Vec::new();
		for entry in entries {
			let name = entry.map_err(BlobError::io(&dir))?.file_name();
			roots.extend(name.to_str().and_then(|name| crate::parse_root(name).ok()));
		}
		Ok(roots)
	}
}

/// Deletes a file; whether it was there.
fn remove(path: &Path) -> Result<bool, BlobError> {
	match fs::remove_file(path) {
		Ok(()) => Ok(true),
		Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
		Err(error) => Err(BlobError::io(path)(error)),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_passes_through_goes_when_nothing_needs_it_and_the_owner_s_stays() {
		let base = tempfile::tempdir().unwrap();
		let store = Store::open(base.path()).unwrap();
		let [owned, passing, pinned, kept, stored_again] =
			[1u8, 2, 3, 4, 5].map(|byte| store.put(&[byte]).unwrap());
		for blob in [passing, pinned, kept, stored_again] {
			store.mark_passing(&blob.root).unwrap();
		}
		store.pin(Holder::Keeper, &pinned.root).unwrap();
		store.put(&[5]).unwrap();
		let removed = store.drop_passing(|root| *root == kept.root).unwrap();
		assert_eq!(removed.blobs, [passing]);
		let mut left = [owned, pinned, kept, stored_again];
		left.sort_unstable();
		assert_eq!(store.list().unwrap(), left);
		store.unpin(Holder::Keeper, &pinned.root).unwrap();
		assert_eq!(store.drop_passing(|root| *root == kept.root).unwrap().blobs, [pinned]);
	}
}
