//! Outboards: the inner nodes of blobs' trees, kept beside the blobs, so that slices can be made without hashing
//! all of a blob. They are a cache: a pair is used only as far as it hashes to the root.

use crate::{
	BlobError, Store,
	incoming::Incoming,
	tree::{GROUP_LEN, PAIR_LEN, Pair, Step, Subtree, Walk, bytes_of, group_count, slice_len},
};
use oda_primitives::BlobRef;
use std::{
	fs::{self, File},
	io,
	ops::Range,
	os::unix::fs::FileExt,
	path::{Path, PathBuf},
};

/// Where outboards lie, each under its blob's name.
pub(crate) const OUTBOARD: &str = "outboard";

/// Groups whose pairs are written together when an outboard is made: 64 MiB of blob, 256 KiB of pairs.
const TOGETHER: u64 = 4096;

/// Bytes of pairs read at a time.
const PAGE: usize = 4096;

/// Bytes of the outboard of a blob of `len` bytes.
pub(crate) fn outboard_len(len: u64) -> u64 {
	(group_count(len) - 1) * PAIR_LEN as u64
}

/// Reads pairs, a page at a time.
pub(crate) struct PairReader<'a> {
	file: &'a File,
	page: [u8; PAGE],
	start: u64,
	filled: usize,
}

impl<'a> PairReader<'a> {
	pub(crate) fn new(file: &'a File) -> Self {
		Self { file, page: [0; PAGE], start: 0, filled: 0 }
	}

	/// The pair with this number; zeros, which no pair is, where the file ends before it.
	pub(crate) fn read(&mut self, number: u64) -> io::Result<Pair> {
		let at = number * PAIR_LEN as u64;
		if at < self.start || at + PAIR_LEN as u64 > self.start + self.filled as u64 {
			self.start = at;
			self.filled = 0;
			while self.filled < PAGE {
				match self.file.read_at(&mut self.page[self.filled..], at + self.filled as u64) {
					Ok(0) => break,
					Ok(n) => self.filled += n,
					Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
					Err(error) => return Err(error),
				}
			}
		}
		let mut pair = [0; PAIR_LEN];
		let offset = (at - self.start) as usize;
		if offset + PAIR_LEN <= self.filled {
			pair.copy_from_slice(&self.page[offset..offset + PAIR_LEN]);
		}
		Ok(pair)
	}
}

/// A blob's file and its outboard, to make slices from.
#[derive(Debug)]
pub struct Slices {
	blob: BlobRef,
	data: File,
	pairs: File,
	path: PathBuf,
	/// Where the blob lies, if it is whole.
	store: Option<Store>,
}

impl Slices {
	/// Of a blob that is being fetched.
	pub(crate) fn partial(blob: BlobRef, data: File, pairs: File, path: PathBuf) -> Self {
		Self { blob, data, pairs, path, store: None }
	}

	/// Does what reads; if the disk has something wrong, sees to it that it is not read again.
	pub(crate) fn healing<T>(&self, read: impl FnOnce() -> Result<T, BlobError>) -> Result<T, BlobError> {
		let done = read();
		if let (Some(store), Err(error)) = (&self.store, &done)
			&& error.is_damage()
		{
			store.inspect(&self.blob, error)?;
		}
		done
	}

	/// Which blob it is.
	pub fn blob(&self) -> BlobRef {
		self.blob
	}

	pub(crate) fn data(&self) -> &File {
		&self.data
	}

	pub(crate) fn pairs(&self) -> &File {
		&self.pairs
	}

	pub(crate) fn path(&self) -> &Path {
		&self.path
	}

	/// Writes the slice that holds `groups` to the beginning of `out`; its length, [`slice_len`]. All of it is
	/// checked against the root, so a damaged file does not leave this machine.
	///
	/// # Errors
	///
	/// [`BlobError::OutOfRange`] in groups; [`BlobError::TooLong`] for `out`; [`BlobError::Damaged`].
	pub fn encode(&self, groups: Range<u64>, out: &mut [u8]) -> Result<usize, BlobError> {
		self.healing(|| self.read_slice(groups, out))
	}

	fn read_slice(&self, groups: Range<u64>, out: &mut [u8]) -> Result<usize, BlobError> {
		let count = group_count(self.blob.len);
		if groups.is_empty() || groups.end > count {
			return Err(BlobError::OutOfRange { start: groups.start, end: groups.end, len: count });
		}
		if (out.len() as u64) < slice_len(self.blob.len, &groups) {
			return Err(BlobError::TooLong { limit: out.len() as u64 });
		}
		let mut at = 0;
		let mut walk = Walk::new(&self.blob, groups);
		let mut pairs = PairReader::new(&self.pairs);
		while let Some(step) = walk.next() {
			let checked = match step {
				Step::Pair(number) => {
					let pair = pairs.read(number).map_err(BlobError::io(&self.path))?;
					out[at..at + PAIR_LEN].copy_from_slice(&pair);
					at += PAIR_LEN;
					walk.pair(&pair)
				}
				Step::Group(group) => {
					let bytes = bytes_of(&(group..group + 1), self.blob.len);
					let end = at + (bytes.end - bytes.start) as usize;
					let leaf = &mut out[at..end];
					self.data.read_exact_at(leaf, bytes.start).map_err(BlobError::io(&self.path))?;
					at = end;
					walk.group(leaf)
				}
			};
			checked.map_err(|wrong| BlobError::Damaged { root: self.blob.root, group: wrong.group })?;
		}
		Ok(at)
	}
}

impl Store {
	/// Opens a blob to make slices from. Hashes all of it if its outboard is not there yet.
	///
	/// # Errors
	///
	/// [`BlobError::NotFound`], [`BlobError::WrongLength`], [`BlobError::WrongHash`].
	pub fn slices(&self, blob: &BlobRef) -> Result<Slices, BlobError> {
		let (data, path) = self.file(blob)?;
		let outboard = self.outboard_path(&blob.root);
		let fits = |file: &File| file.metadata().is_ok_and(|meta| meta.len() == outboard_len(blob.len));
		let pairs = match File::open(&outboard).ok().filter(fits) {
			Some(file) => file,
			None => {
				let made = self.make_outboard(blob, &data, &path, &outboard);
				self.aside_if_damaged(&blob.root, &data, made)?;
				File::open(&outboard).map_err(BlobError::io(&outboard))?
			}
		};
		Ok(Slices { blob: *blob, data, pairs, path, store: Some(self.clone()) })
	}

	/// Deletes a blob's outboard, so that it is made anew.
	pub(crate) fn forget_outboard(&self, root: &[u8; 32]) -> Result<(), BlobError> {
		let path = self.outboard_path(root);
		match fs::remove_file(&path) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BlobError::io(&path)(error)),
			_ => Ok(()),
		}
	}

	pub(crate) fn outboard_path(&self, root: &[u8; 32]) -> PathBuf {
		self.dir().join(OUTBOARD).join(hex::encode(root))
	}

	fn make_outboard(
		&self,
		blob: &BlobRef,
		data: &File,
		path: &Path,
		outboard: &Path,
	) -> Result<(), BlobError> {
		let incoming = Incoming::create(&self.incoming())?;
		let mut maker =
			Maker { data, path, incoming: &incoming, len: blob.len, group: vec![0; GROUP_LEN as usize] };
		let found = maker.subtree(Subtree::whole(blob.len))?;
		if found != blob.root {
			return Err(BlobError::WrongHash { expected: *blob, found });
		}
		if let Some(dir) = outboard.parent() {
			fs::create_dir_all(dir).map_err(BlobError::io(dir))?;
		}
		incoming.publish(outboard)
	}
}

/// Makes an outboard; recurses as deep as the tree, whose depth is the logarithm of the blob's length.
struct Maker<'a> {
	data: &'a File,
	path: &'a Path,
	incoming: &'a Incoming,
	len: u64,
	group: Vec<u8>,
}

impl Maker<'_> {
	/// Writes a subtree's pairs; its value.
	fn subtree(&mut self, subtree: Subtree) -> Result<[u8; 32], BlobError> {
		match subtree.halves() {
			Some((left, right)) if subtree.groups() > TOGETHER => {
				let pair = join(self.subtree(left)?, self.subtree(right)?);
				self.incoming.write_at(&pair, subtree.number * PAIR_LEN as u64)?;
				Ok(subtree.pair_value(&pair))
			}
			_ => {
				let mut pairs = vec![0; (subtree.groups() as usize - 1) * PAIR_LEN];
				let value = self.small(subtree, subtree.number, &mut pairs)?;
				self.incoming.write_at(&pairs, subtree.number * PAIR_LEN as u64)?;
				Ok(value)
			}
		}
	}

	/// Fills in a subtree's pairs, of which the first has the number `base`; its value.
	fn small(&mut self, subtree: Subtree, base: u64, pairs: &mut [u8]) -> Result<[u8; 32], BlobError> {
		let Some((left, right)) = subtree.halves() else {
			let bytes = bytes_of(&(subtree.start..subtree.end), self.len);
			let group = &mut self.group[..(bytes.end - bytes.start) as usize];
			self.data.read_exact_at(group, bytes.start).map_err(BlobError::io(self.path))?;
			return Ok(subtree.leaf_value(group));
		};
		let pair = join(self.small(left, base, pairs)?, self.small(right, base, pairs)?);
		let at = (subtree.number - base) as usize * PAIR_LEN;
		pairs[at..at + PAIR_LEN].copy_from_slice(&pair);
		Ok(subtree.pair_value(&pair))
	}
}

fn join(left: [u8; 32], right: [u8; 32]) -> Pair {
	let mut pair = [0; PAIR_LEN];
	pair[..32].copy_from_slice(&left);
	pair[32..].copy_from_slice(&right);
	pair
}
