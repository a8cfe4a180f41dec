//! Takes slices in as they arrive, checking every group before the next is asked for. Does no input or output.

use crate::{
	BlobError,
	pool::{BUFFER_LEN, Buffer},
	tree::{GROUP_LEN, PAIR_LEN, Pair, Step, Walk, WrongBytes, bytes_of, group_count},
};
use oda_primitives::BlobRef;
use std::ops::Range;

/// Groups that are handed out together, to be written.
const BLOCK_GROUPS: u64 = BUFFER_LEN as u64 / GROUP_LEN;

/// Groups of a blob that were checked against its root, and the pairs on the way to them. Only a [`Decoder`]
/// makes one.
#[derive(Debug)]
pub struct Block {
	pub(crate) blob: BlobRef,
	pub(crate) groups: Range<u64>,
	pub(crate) data: Buffer,
	pub(crate) len: usize,
	pub(crate) pairs: Vec<(u64, Pair)>,
}

impl Block {
	fn new(blob: BlobRef, start: u64) -> Self {
		Self { blob, groups: start..start, data: Buffer::new(), len: 0, pairs: Vec::new() }
	}

	/// Which groups it holds.
	pub fn groups(&self) -> Range<u64> {
		self.groups.clone()
	}

	/// How many bytes they are.
	pub fn byte_len(&self) -> usize {
		self.len
	}
}

/// A slice that is being received.
///
/// Fill what [`want`](Self::want) returns, then call [`filled`](Self::filled), until there is nothing wanted.
pub struct Decoder {
	walk: Walk,
	pair: Pair,
	block: Block,
}

impl Decoder {
	/// A slice that holds `groups` of `blob`.
	///
	/// # Errors
	///
	/// [`BlobError::OutOfRange`], in groups.
	pub fn new(blob: &BlobRef, groups: Range<u64>) -> Result<Self, BlobError> {
		let count = group_count(blob.len);
		if groups.is_empty() || groups.end > count {
			return Err(BlobError::OutOfRange { start: groups.start, end: groups.end, len: count });
		}
		let block = Block::new(*blob, groups.start);
		Ok(Self { walk: Walk::new(blob, groups), pair: [0; PAIR_LEN], block })
	}

	/// Where the next bytes belong; `None` at the slice's end.
	pub fn want(&mut self) -> Option<&mut [u8]> {
		match self.walk.next()? {
			Step::Pair(_) => Some(&mut self.pair),
			Step::Group(group) => {
				let bytes = bytes_of(&(group..group + 1), self.block.blob.len);
				let end = self.block.len + (bytes.end - bytes.start) as usize;
				Some(&mut self.block.data[self.block.len..end])
			}
		}
	}

	/// What was wanted has been filled in. Returns a block when it is full, or the slice ends.
	///
	/// # Errors
	///
	/// [`WrongBytes`]: the sender sent something else than the blob. What was checked before is still there for
	/// [`take`](Self::take).
	pub fn filled(&mut self) -> Result<Option<Block>, WrongBytes> {
		match self.walk.next() {
			None => return Ok(None),
			Some(Step::Pair(number)) => {
				self.walk.pair(&self.pair)?;
				self.block.pairs.push((number, self.pair));
			}
			Some(Step::Group(group)) => {
				let bytes = bytes_of(&(group..group + 1), self.block.blob.len);
				let end = self.block.len + (bytes.end - bytes.start) as usize;
				self.walk.group(&self.block.data[self.block.len..end])?;
				self.block.len = end;
				self.block.groups.end = group + 1;
			}
		}
		let groups = &self.block.groups;
		let full = groups.end - groups.start == BLOCK_GROUPS || self.walk.next().is_none();
		Ok(if full { self.take() } else { None })
	}

	/// What was checked and not handed out yet.
	pub fn take(&mut self) -> Option<Block> {
		if self.block.groups.is_empty() {
			return None;
		}
		let (blob, end) = (self.block.blob, self.block.groups.end);
		Some(std::mem::replace(&mut self.block, Block::new(blob, end)))
	}
}
