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

/// For whom a blob stays. What one unpins, another may still have pinned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
	/// Whoever owns the store.
	User,
	/// The keeper, for as long as its deals last.
	Keeper,
}

impl Holder {
	/// All of them.
	pub const ALL: [Self; 2] = [Self::User, Self::Keeper];

	fn folder(self) -> PathBuf {
		Path::new(PINS).join(match self {
			Self::User => "user",
			Self::Keeper => "keeper",
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
		let path = self.pin_path(holder, root);
		if let Some(dir) = path.parent() {
			fs::create_dir_all(dir).map_err(BlobError::io(dir))?;
		}
		let file = File::create(&path).map_err(BlobError::io(&path))?;
		file.sync_all().map_err(BlobError::io(&path))
	}

	/// Has a blob stay no longer for this holder; whether it was pinned.
	pub fn unpin(&self, holder: Holder, root: &[u8; 32]) -> Result<bool, BlobError> {
		let path = self.pin_path(holder, root);
		match fs::remove_file(&path) {
			Ok(()) => Ok(true),
			Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
			Err(error) => Err(BlobError::io(&path)(error)),
		}
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
