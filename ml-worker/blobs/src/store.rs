//! The store on disk.

use crate::{
	BlobError, BlobSource,
	incoming::{self, Incoming},
};
use oda_primitives::{BlobRef, RangeProof};
use std::{
	collections::HashMap,
	fs::{self, File},
	io::{self, Read, Seek, SeekFrom},
	ops::{ControlFlow, Range},
	os::unix::fs::MetadataExt,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, PoisonError},
};

/// Bytes read and hashed at a time.
const BUFFER: usize = 1 << 20;

/// Where unfinished files lie, beside the blobs and on the same file system.
const INCOMING: &str = "incoming";

/// Which state of which file a hash was taken of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fingerprint {
	device: u64,
	inode: u64,
	len: u64,
	changed: (i64, i64),
}

impl Fingerprint {
	fn of(file: &File) -> io::Result<Self> {
		let meta = file.metadata()?;
		Ok(Self {
			device: meta.dev(),
			inode: meta.ino(),
			len: meta.len(),
			changed: (meta.ctime(), meta.ctime_nsec()),
		})
	}
}

/// What [`Store::check`] found of one blob.
#[derive(Debug)]
pub struct Checked {
	/// The blob's name, and the length of its file.
	pub blob: BlobRef,
	/// What is wrong with it, if anything.
	pub fault: Option<BlobError>,
}

/// A blob's bytes, as a stream that was checked before its first byte was handed out.
#[derive(Debug)]
pub struct Opened {
	file: File,
	blob: BlobRef,
}

impl Opened {
	/// Which blob it is.
	pub fn blob(&self) -> BlobRef {
		self.blob
	}
}

impl Read for Opened {
	fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
		self.file.read(buffer)
	}
}

impl Seek for Opened {
	fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
		self.file.seek(to)
	}
}

/// Blobs on disk; cheap to clone, may be shared between threads.
#[derive(Clone, Debug)]
pub struct Store {
	dir: PathBuf,
	verified: Arc<Mutex<HashMap<[u8; 32], Fingerprint>>>,
}

impl Store {
	/// Opens, or creates, the store under `base`, and deletes what writers that no longer run left there.
	pub fn open(base: impl AsRef<Path>) -> Result<Self, BlobError> {
		let dir = base.as_ref().join("blobs");
		let incoming = dir.join(INCOMING);
		fs::create_dir_all(&incoming).map_err(BlobError::io(&incoming))?;
		let swept = incoming::sweep(&incoming)?;
		if swept > 0 {
			tracing::info!(swept, "deleted files that were never finished");
		}
		Ok(Self { dir, verified: Arc::default() })
	}

	/// The directory that the blobs lie in.
	pub fn dir(&self) -> &Path {
		&self.dir
	}

	/// Where a blob lies, whether or not it is there.
	pub fn path(&self, root: &[u8; 32]) -> PathBuf {
		let name = hex::encode(root);
		self.dir.join(&name[..2]).join(&name)
	}

	/// Stores bytes.
	pub fn put(&self, bytes: &[u8]) -> Result<BlobRef, BlobError> {
		self.put_reader(bytes, u64::MAX, |_| ControlFlow::Continue(()))
	}

	/// Stores a file's bytes. `progress` is told how many bytes have been read, and may stop it.
	pub fn put_file(
		&self,
		path: &Path,
		progress: impl FnMut(u64) -> ControlFlow<()>,
	) -> Result<BlobRef, BlobError> {
		let file = File::open(path).map_err(BlobError::io(path))?;
		self.put_reader(file, u64::MAX, progress)
	}

	/// Stores a stream of at most `limit` bytes. `progress` is told how many bytes have been read, and may
	/// stop it.
	pub fn put_reader(
		&self,
		reader: impl Read,
		limit: u64,
		progress: impl FnMut(u64) -> ControlFlow<()>,
	) -> Result<BlobRef, BlobError> {
		self.receive(reader, limit, None, progress)
	}

	/// Stores a stream that has to be `expected`, and otherwise nothing. No more than its length is read, and
	/// one byte.
	///
	/// # Errors
	///
	/// [`BlobError::WrongLength`], [`BlobError::WrongHash`].
	pub fn put_expected(
		&self,
		reader: impl Read,
		expected: &BlobRef,
		progress: impl FnMut(u64) -> ControlFlow<()>,
	) -> Result<(), BlobError> {
		match self.receive(reader, expected.len, Some(expected), progress) {
			Err(BlobError::TooLong { limit }) => {
				Err(BlobError::WrongLength { expected: *expected, found: limit.saturating_add(1) })
			}
			other => other.map(drop),
		}
	}

	/// Where files lie while they are written.
	pub(crate) fn incoming(&self) -> PathBuf {
		self.dir.join(INCOMING)
	}

	/// Takes note that a blob's file has been checked.
	pub(crate) fn note_verified(&self, blob: &BlobRef, file: &File) -> io::Result<()> {
		let fingerprint = Fingerprint::of(file)?;
		self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(blob.root, fingerprint);
		Ok(())
	}

	fn receive(
		&self,
		mut reader: impl Read,
		limit: u64,
		expected: Option<&BlobRef>,
		mut progress: impl FnMut(u64) -> ControlFlow<()>,
	) -> Result<BlobRef, BlobError> {
		let mut incoming = Incoming::create(&self.incoming())?;
		let mut hasher = blake3::Hasher::new();
		let mut len = 0u64;
		let mut buffer = vec![0; BUFFER];
		loop {
			let n = match reader.read(&mut buffer) {
				Ok(0) => break,
				Ok(n) => n,
				Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
				Err(error) => return Err(BlobError::Read(error)),
			};
			len += n as u64;
			if len > limit {
				return Err(BlobError::TooLong { limit });
			}
			hasher.update(&buffer[..n]);
			incoming.write(&buffer[..n])?;
			if progress(len).is_break() {
				return Err(BlobError::Cancelled);
			}
		}
		let blob = BlobRef { root: *hasher.finalize().as_bytes(), len };
		if let Some(expected) = expected {
			same(expected, &blob)?;
		}
		let target = self.path(&blob.root);
		if let Some(shard) = target.parent()
			&& !shard.is_dir()
		{
			fs::create_dir_all(shard).map_err(BlobError::io(shard))?;
			incoming::sync_dir(&self.dir)?;
		}
		// Also over a blob that is there: it may be damaged.
		incoming.publish(&target)?;
		self.unmark_passing(&blob.root)?;
		Ok(blob)
	}

	/// The blob of this root with the length of its file, if there is one. Reads nothing of it.
	pub fn stat(&self, root: &[u8; 32]) -> Result<Option<BlobRef>, BlobError> {
		let path = self.path(root);
		match fs::metadata(&path) {
			Ok(meta) => Ok(Some(BlobRef { root: *root, len: meta.len() })),
			Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
			Err(error) => Err(BlobError::io(&path)(error)),
		}
	}

	/// Opens a blob as a stream. Hashes all of it first, unless this process has done so since it was written.
	///
	/// # Errors
	///
	/// [`BlobError::NotFound`], [`BlobError::WrongLength`], [`BlobError::WrongHash`].
	pub fn open_blob(&self, blob: &BlobRef) -> Result<Opened, BlobError> {
		let (file, _) = self.file(blob)?;
		self.aside_if_damaged(&blob.root, &file, self.check_file(&file, &blob.root))?;
		Ok(Opened { file, blob: *blob })
	}

	/// Hashes all of a blob's file, unless that was done since it was written, and rewinds it.
	fn check_file(&self, mut file: &File, root: &[u8; 32]) -> Result<(), BlobError> {
		let path = self.path(root);
		let before = Fingerprint::of(file).map_err(BlobError::io(&path))?;
		if self.known(root) == Some(before) {
			return Ok(());
		}
		let mut hasher = blake3::Hasher::new();
		let mut buffer = vec![0; BUFFER];
		loop {
			match file.read(&mut buffer) {
				Ok(0) => break,
				Ok(n) => hasher.update(&buffer[..n]),
				Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
				Err(error) => return Err(BlobError::io(&path)(error)),
			};
		}
		let found = *hasher.finalize().as_bytes();
		if found != *root {
			return Err(BlobError::WrongHash {
				expected: BlobRef { root: *root, len: hasher.count() },
				found,
			});
		}
		file.rewind().map_err(BlobError::io(&path))?;
		self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(*root, before);
		Ok(())
	}

	/// All blobs that are there, in the order of their roots. Reads nothing of them.
	pub fn list(&self) -> Result<Vec<BlobRef>, BlobError> {
		let mut blobs = Vec::new();
		for shard in fs::read_dir(&self.dir).map_err(BlobError::io(&self.dir))? {
			let shard = shard.map_err(BlobError::io(&self.dir))?.path();
			if shard.file_name().is_none_or(|name| name.len() != 2) || !shard.is_dir() {
				continue;
			}
			for entry in fs::read_dir(&shard).map_err(BlobError::io(&shard))? {
				let name = entry.map_err(BlobError::io(&shard))?.file_name();
				let Some(root) = name.to_str().and_then(|name| crate::parse_root(name).ok()) else {
					continue;
				};
				blobs.extend(self.stat(&root)?);
			}
		}
		blobs.sort_unstable();
		Ok(blobs)
	}

	/// Deletes a blob, with its outboard; whether it was there.
	pub fn remove(&self, root: &[u8; 32]) -> Result<bool, BlobError> {
		let path = self.path(root);
		self.forget_verified(root);
		self.forget_outboard(root)?;
		match fs::remove_file(&path) {
			Ok(()) => Ok(true),
			Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
			Err(error) => Err(BlobError::io(&path)(error)),
		}
	}

	/// Hashes every blob again. `progress` is told of each result, and may stop it. A damaged blob is set aside.
	pub fn check(
		&self,
		mut progress: impl FnMut(&Checked) -> ControlFlow<()>,
	) -> Result<Vec<Checked>, BlobError> {
		let mut results = Vec::new();
		for blob in self.list()? {
			self.forget_verified(&blob.root);
			let fault = match self.open_blob(&blob) {
				Ok(_) => None,
				// Removed meanwhile.
				Err(BlobError::NotFound(_)) => continue,
				Err(error) => Some(error),
			};
			let checked = Checked { blob, fault };
			let go_on = progress(&checked);
			results.push(checked);
			if go_on.is_break() {
				return Err(BlobError::Cancelled);
			}
		}
		Ok(results)
	}

	pub(crate) fn forget_verified(&self, root: &[u8; 32]) {
		self.verified.lock().unwrap_or_else(PoisonError::into_inner).remove(root);
	}

	fn known(&self, root: &[u8; 32]) -> Option<Fingerprint> {
		self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(root).copied()
	}

	/// The blob's file, of the right length. One of another length is hashed, to tell whether it is damaged or the
	/// length that was stated is wrong.
	pub(crate) fn file(&self, blob: &BlobRef) -> Result<(File, PathBuf), BlobError> {
		let path = self.path(&blob.root);
		let file = match File::open(&path) {
			Ok(file) => file,
			Err(error) if error.kind() == io::ErrorKind::NotFound => {
				return Err(BlobError::NotFound(blob.root));
			}
			Err(error) => return Err(BlobError::io(&path)(error)),
		};
		let found = file.metadata().map_err(BlobError::io(&path))?.len();
		if found != blob.len {
			self.aside_if_damaged(&blob.root, &file, self.check_file(&file, &blob.root))?;
			return Err(BlobError::WrongLength { expected: *blob, found });
		}
		Ok((file, path))
	}
}

impl BlobSource for Store {
	fn has(&self, blob: &BlobRef) -> Result<bool, BlobError> {
		Ok(self.stat(&blob.root)?.is_some_and(|found| found.len == blob.len))
	}

	fn get(&self, blob: &BlobRef) -> Result<Vec<u8>, BlobError> {
		let (file, path) = self.file(blob)?;
		let read = || {
			// The file has this length, so the memory that is reserved is no more than the disk holds.
			let mut bytes = Vec::with_capacity(blob.len as usize);
			(&file).take(blob.len).read_to_end(&mut bytes).map_err(BlobError::io(&path))?;
			let found = *blake3::hash(&bytes).as_bytes();
			if found != blob.root {
				return Err(BlobError::WrongHash { expected: *blob, found });
			}
			Ok(bytes)
		};
		self.aside_if_damaged(&blob.root, &file, read())
	}

	fn prove(&self, blob: &BlobRef, range: Range<u64>) -> Result<RangeProof, BlobError> {
		let proved = self.slices(blob)?.prove(range.clone());
		match proved {
			// It was the outboard, and not the blob.
			Err(error) if error.is_damage() && self.has(blob)? => self.slices(blob)?.prove(range),
			proved => proved,
		}
	}
}

/// Whether what was found is what was expected: length first, because it says more.
fn same(expected: &BlobRef, found: &BlobRef) -> Result<(), BlobError> {
	if found.len != expected.len {
		return Err(BlobError::WrongLength { expected: *expected, found: found.len });
	}
	if found.root != expected.root {
		return Err(BlobError::WrongHash { expected: *expected, found: found.root });
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	fn store() -> (tempfile::TempDir, Store) {
		let base = tempfile::tempdir().unwrap();
		let store = Store::open(base.path()).unwrap();
		(base, store)
	}

	fn incoming(store: &Store) -> usize {
		fs::read_dir(store.dir().join(INCOMING)).unwrap().count()
	}

	/// Overwrites a blob's file behind the store's back.
	fn damage(store: &Store, blob: &BlobRef, bytes: &[u8]) {
		fs::write(store.path(&blob.root), bytes).unwrap();
	}

	#[test]
	fn what_is_put_can_be_got() {
		let (_base, store) = store();
		for bytes in [&b""[..], b"a", &vec![7; 3 * BUFFER + 5]] {
			let blob = store.put(bytes).unwrap();
			assert_eq!(blob, BlobRef::of(bytes));
			assert_eq!(store.get(&blob).unwrap(), bytes);
		}
	}

	#[test]
	fn a_blob_lies_under_its_root() {
		let (base, store) = store();
		let blob = store.put(b"weights").unwrap();
		let name = hex::encode(blob.root);
		let path = base.path().join("blobs").join(&name[..2]).join(name);
		assert_eq!(fs::read(path).unwrap(), b"weights");
	}

	#[test]
	fn an_absent_blob_is_not_found() {
		let (_base, store) = store();
		let blob = BlobRef::of(b"nowhere");
		assert!(!store.has(&blob).unwrap());
		assert!(matches!(store.get(&blob), Err(BlobError::NotFound(root)) if root == blob.root));
	}

	#[test]
	fn a_damaged_blob_is_never_returned() {
		let (_base, store) = store();
		let blob = store.put(b"right").unwrap();
		damage(&store, &blob, b"wrong");
		assert!(matches!(store.get(&blob), Err(BlobError::WrongHash { .. })));
		assert!(matches!(store.get(&blob), Err(BlobError::NotFound(_))));
		damage(&store, &blob, b"wrong");
		assert!(matches!(store.open_blob(&blob), Err(BlobError::WrongHash { .. })));
	}

	#[test]
	fn damage_after_a_first_reading_is_seen() {
		let (_base, store) = store();
		let blob = store.put(b"right").unwrap();
		store.open_blob(&blob).unwrap();
		std::thread::sleep(std::time::Duration::from_millis(20));
		damage(&store, &blob, b"wrong");
		assert!(matches!(store.open_blob(&blob), Err(BlobError::WrongHash { .. })));
	}

	#[test]
	fn a_stated_length_that_is_wrong_is_refused_before_anything_is_allocated() {
		let (_base, store) = store();
		let blob = store.put(b"right").unwrap();
		let huge = BlobRef { len: u64::MAX, ..blob };
		assert!(matches!(store.get(&huge), Err(BlobError::WrongLength { found: 5, .. })));
	}

	#[test]
	fn putting_again_heals() {
		let (_base, store) = store();
		let blob = store.put(b"right").unwrap();
		damage(&store, &blob, b"wrong");
		store.put(b"right").unwrap();
		assert_eq!(store.get(&blob).unwrap(), b"right");
	}

	#[test]
	fn a_stream_of_other_bytes_is_refused_and_leaves_nothing() {
		let (_base, store) = store();
		let expected = BlobRef::of(b"right");
		let put = |bytes: &[u8]| store.put_expected(bytes, &expected, |_| ControlFlow::Continue(()));
		assert!(matches!(put(b"wrong"), Err(BlobError::WrongHash { .. })));
		assert!(matches!(put(b"righ"), Err(BlobError::WrongLength { found: 4, .. })));
		assert!(matches!(put(b"right!"), Err(BlobError::WrongLength { found: 6, .. })));
		assert_eq!((store.list().unwrap(), incoming(&store)), (vec![], 0));
		put(b"right").unwrap();
		assert_eq!(store.list().unwrap(), [expected]);
	}

	#[test]
	fn an_endless_stream_is_cut_off() {
		let (_base, store) = store();
		let put = store.put_reader(io::repeat(1), 10_000_000, |_| ControlFlow::Continue(()));
		assert!(matches!(put, Err(BlobError::TooLong { limit: 10_000_000 })));
		assert_eq!(incoming(&store), 0);
	}

	#[test]
	fn progress_can_cancel() {
		let (_base, store) = store();
		let mut seen = Vec::new();
		let put = store.put_reader(io::repeat(1), u64::MAX, |n| {
			seen.push(n);
			if seen.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
		});
		assert!(matches!(put, Err(BlobError::Cancelled)));
		assert_eq!(seen, [1, 2, 3].map(|n| n * BUFFER as u64));
		assert_eq!(incoming(&store), 0);
	}

	#[test]
	fn a_range_outside_is_refused() {
		let (_base, store) = store();
		let blob = store.put(b"right").unwrap();
		assert_eq!(store.prove(&blob, 4..5).unwrap().unverified(), Some(&b"t"[..]));
		assert!(matches!(store.prove(&blob, 4..6), Err(BlobError::OutOfRange { .. })));
	}

	#[test]
	fn check_names_the_damaged() {
		let (_base, store) = store();
		let blobs: Vec<_> = (0..5u8).map(|i| store.put(&[i; 100]).unwrap()).collect();
		damage(&store, &blobs[3], &[9; 100]);
		let faulty: Vec<_> = store
			.check(|_| ControlFlow::Continue(()))
			.unwrap()
			.into_iter()
			.filter(|c| c.fault.is_some())
			.map(|c| c.blob)
			.collect();
		assert_eq!(faulty, [blobs[3]]);
	}

	#[test]
	fn a_removed_blob_is_gone() {
		let (_base, store) = store();
		let blob = store.put(b"right").unwrap();
		assert!(store.remove(&blob.root).unwrap());
		assert!(!store.remove(&blob.root).unwrap());
		assert!(store.list().unwrap().is_empty());
	}

	#[test]
	fn foreign_files_are_no_blobs() {
		let (_base, store) = store();
		fs::create_dir(store.dir().join("zz")).unwrap();
		fs::write(store.dir().join("zz").join("notes.txt"), b"").unwrap();
		assert!(store.list().unwrap().is_empty());
	}

	#[test]
	fn opening_again_keeps_another_writers_file() {
		let (base, store) = store();
		let put = store.put_reader(io::repeat(1).take(2 * BUFFER as u64), u64::MAX, |_| {
			Store::open(base.path()).unwrap();
			ControlFlow::Continue(())
		});
		assert_eq!(put.unwrap().len, 2 * BUFFER as u64);
	}
}
