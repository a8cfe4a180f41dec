//! Blobs of which a part is here.
//!
//! A sparse file and an outboard, in a directory of their own. What of it is valid is found by hashing it again,
//! so it may have been left in any state; nothing is visible under the blob's name before all of it is there.

use crate::{
	BlobError, Block, Store,
	incoming::sync_dir,
	outboard::{PairReader, Slices, outboard_len},
	ranges::Ranges,
	tree::{GROUP_LEN, PAIR_LEN, Step, Walk, bytes_of, group_count},
};
use oda_primitives::{BlobRef, MAX_BLOB_LEN};
use std::{
	fs::{self, File, OpenOptions, TryLockError},
	io,
	ops::Range,
	os::unix::fs::{FileExt, MetadataExt},
	path::{Path, PathBuf},
	sync::{Mutex, MutexGuard, PoisonError},
};

/// Where partial blobs lie.
pub(crate) const PARTIAL: &str = "partial";

/// A blob that is being fetched. One process at a time has it: it is locked until dropped.
#[derive(Debug)]
pub struct Partial {
	store: Store,
	blob: BlobRef,
	data: File,
	pairs: File,
	data_path: PathBuf,
	pairs_path: PathBuf,
	missing: Mutex<Ranges>,
	/// Writers take turns: the system lets one write to a file at a time, and has the others spin.
	turn: Mutex<()>,
}

fn open(path: &Path) -> Result<File, BlobError> {
	let mut options = OpenOptions::new();
	options.read(true).write(true).create(true).truncate(false);
	options.open(path).map_err(BlobError::io(path))
}

impl Store {
	/// Opens, or creates, what there is of a blob, and finds out by hashing which groups are there.
	///
	/// # Errors
	///
	/// [`BlobError::Busy`] if somebody else is fetching it; [`BlobError::TooLong`].
	pub fn partial(&self, blob: &BlobRef) -> Result<Partial, BlobError> {
		if blob.len > MAX_BLOB_LEN {
			return Err(BlobError::TooLong { limit: MAX_BLOB_LEN });
		}
		let dir = self.dir().join(PARTIAL);
		fs::create_dir_all(&dir).map_err(BlobError::io(&dir))?;
		// The length is part of the name: it is not known to be right, and gives the tree its shape.
		let name = format!("{}.{}", hex::encode(blob.root), blob.len);
		let data_path = dir.join(&name);
		let pairs_path = dir.join(format!("{name}.tree"));
		let data = loop {
			let data = open(&data_path)?;
			match data.try_lock() {
				Ok(()) => {}
				Err(TryLockError::WouldBlock) => return Err(BlobError::Busy(blob.root)),
				Err(TryLockError::Error(error)) => return Err(BlobError::io(&data_path)(error)),
			}
			// Who had it before may have finished or deleted it before it was locked.
			let locked = data.metadata().map_err(BlobError::io(&data_path))?;
			if fs::metadata(&data_path).is_ok_and(|named| named.ino() == locked.ino()) {
				break data;
			}
		};
		let pairs = open(&pairs_path)?;
		let fresh = data.metadata().map_err(BlobError::io(&data_path))?.len() != blob.len;
		if fresh {
			data.set_len(blob.len).map_err(BlobError::io(&data_path))?;
		}
		let missing = Mutex::new(std::iter::once(0..group_count(blob.len)).collect());
		let partial = Partial {
			store: self.clone(),
			blob: *blob,
			data,
			pairs,
			data_path,
			pairs_path,
			missing,
			turn: Mutex::default(),
		};
		if !fresh {
			partial.verify()?;
		}
		Ok(partial)
	}
}

impl Partial {
	/// Which blob it is.
	pub fn blob(&self) -> BlobRef {
		self.blob
	}

	/// The groups that are not there yet.
	pub fn missing(&self) -> Ranges {
		self.lock().clone()
	}

	/// To make slices from, of groups that [are there](Self::has).
	pub fn slices(&self) -> Result<Slices, BlobError> {
		let data = self.data.try_clone().map_err(BlobError::io(&self.data_path))?;
		let pairs = self.pairs.try_clone().map_err(BlobError::io(&self.pairs_path))?;
		Ok(Slices::partial(self.blob, data, pairs, self.data_path.clone()))
	}

	/// Whether these groups are there.
	pub fn has(&self, groups: &Range<u64>) -> bool {
		self.lock().is_disjoint(groups)
	}

	/// How many bytes are there.
	pub fn verified(&self) -> u64 {
		let missing = self.lock();
		let last = group_count(self.blob.len) - 1;
		let missing_last = missing.iter().last().is_some_and(|range| range.end > last);
		// The last group may be shorter than the others.
		let short = if missing_last { (last + 1) * GROUP_LEN - self.blob.len } else { 0 };
		self.blob.len.saturating_sub((missing.count() * GROUP_LEN).saturating_sub(short))
	}

	/// Writes groups that were checked.
	///
	/// # Errors
	///
	/// [`BlobError::DiskFull`]; [`BlobError::OtherBlob`].
	pub fn write(&self, block: &Block) -> Result<(), BlobError> {
		if block.blob != self.blob {
			return Err(BlobError::OtherBlob { expected: self.blob, found: block.blob });
		}
		let at = bytes_of(&block.groups, self.blob.len).start;
		let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
		self.data.write_all_at(&block.data[..block.len], at).map_err(BlobError::io(&self.data_path))?;
		drop(turn);
		let mut run: Vec<u8> = Vec::with_capacity(block.pairs.len() * PAIR_LEN);
		let mut pairs = block.pairs.iter().peekable();
		while let Some((first, pair)) = pairs.next() {
			run.clear();
			run.extend_from_slice(pair);
			let mut number = *first;
			while let Some((_, pair)) = pairs.next_if(|(next, _)| *next == number + 1) {
				run.extend_from_slice(pair);
				number += 1;
			}
			let at = first * PAIR_LEN as u64;
			self.pairs.write_all_at(&run, at).map_err(BlobError::io(&self.pairs_path))?;
		}
		self.lock().remove(block.groups.clone());
		Ok(())
	}

	/// Makes a blob of it, once all of it is there.
	///
	/// # Errors
	///
	/// [`BlobError::Incomplete`].
	pub fn finish(&self) -> Result<(), BlobError> {
		let missing = self.lock().count();
		if missing > 0 {
			return Err(BlobError::Incomplete { root: self.blob.root, missing });
		}
		self.data.sync_all().map_err(BlobError::io(&self.data_path))?;
		let target = self.store.path(&self.blob.root);
		if let Some(shard) = target.parent() {
			fs::create_dir_all(shard).map_err(BlobError::io(shard))?;
		}
		// The outboard first, as long as the lock keeps others from making it anew; it is but a cache.
		let outboard = self.store.outboard_path(&self.blob.root);
		if let Some(dir) = outboard.parent() {
			fs::create_dir_all(dir).map_err(BlobError::io(dir))?;
		}
		self.pairs.set_len(outboard_len(self.blob.len)).map_err(BlobError::io(&self.pairs_path))?;
		fs::rename(&self.pairs_path, &outboard).map_err(BlobError::io(&outboard))?;
		fs::rename(&self.data_path, &target).map_err(BlobError::io(&target))?;
		if let Some(shard) = target.parent() {
			sync_dir(shard)?;
		}
		sync_dir(self.store.dir())?;
		self.store.note_verified(&self.blob, &self.data).map_err(BlobError::io(&target))
	}

	/// Deletes what there is of it.
	pub fn discard(self) -> Result<(), BlobError> {
		for path in [&self.data_path, &self.pairs_path] {
			match fs::remove_file(path) {
				Err(error) if error.kind() != io::ErrorKind::NotFound => {
					return Err(BlobError::io(path)(error));
				}
				_ => {}
			}
		}
		Ok(())
	}

	fn lock(&self) -> MutexGuard<'_, Ranges> {
		self.missing.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Hashes what is there.
	fn verify(&self) -> Result<(), BlobError> {
		let mut walk = Walk::new(&self.blob, 0..group_count(self.blob.len));
		let mut pairs = PairReader::new(&self.pairs);
		let mut bytes = vec![0; GROUP_LEN as usize];
		while let Some(step) = walk.next() {
			// What does not match was popped off the walk: its whole subtree is left out.
			match step {
				Step::Pair(number) => {
					let pair = pairs.read(number).map_err(BlobError::io(&self.pairs_path))?;
					if pair == [0; PAIR_LEN] {
						walk.skip();
					} else if walk.pair(&pair).is_err() {
						tracing::debug!(path = %self.pairs_path.display(), number, "left out a node");
					}
				}
				Step::Group(group) => {
					let range = bytes_of(&(group..group + 1), self.blob.len);
					let bytes = &mut bytes[..(range.end - range.start) as usize];
					self.data.read_exact_at(bytes, range.start).map_err(BlobError::io(&self.data_path))?;
					if walk.group(bytes).is_ok() {
						self.lock().remove(group..group + 1);
					}
				}
			}
		}
		Ok(())
	}
}

/// Deletes what nobody is fetching, unless `keep` says otherwise of its root; how many files.
pub(crate) fn sweep(dir: &Path, keep: impl Fn(&[u8; 32]) -> bool) -> Result<usize, BlobError> {
	let mut swept = 0;
	let entries = match fs::read_dir(dir) {
		Ok(entries) => entries,
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
		Err(error) => return Err(BlobError::io(dir)(error)),
	};
	for entry in entries {
		let path = entry.map_err(BlobError::io(dir))?.path();
		let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
		let data = path.with_file_name(name.strip_suffix(".tree").unwrap_or(name));
		if name.split('.').next().and_then(|root| crate::parse_root(root).ok()).is_none_or(|root| keep(&root))
		{
			continue;
		}
		// The data file carries the lock, for its outboard too.
		let free = match File::open(&data) {
			Ok(file) => match file.try_lock() {
				Ok(()) => Some(file),
				Err(_) => continue,
			},
			Err(_) => None,
		};
		match fs::remove_file(&path) {
			Ok(()) => swept += 1,
			Err(error) if error.kind() == io::ErrorKind::NotFound => {}
			Err(error) => return Err(BlobError::io(&path)(error)),
		}
		drop(free);
	}
	Ok(swept)
}
