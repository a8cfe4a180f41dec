//! Slices, partial blobs, pins, and what is left when blobs are cleaned up.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	reason = "tests"
)]

use oda_blobs::{
	BlobError, BlobRef, BlobSource, Block, Decoder, GROUP_LEN, Holder, Partial, Store, WrongBytes,
	group_count, slice_len,
};
use std::{fs, ops::Range, os::unix::fs::FileExt};

const LENGTHS: [u64; 9] = [0, 1, 16_384, 16_385, 49_152, 163_840, 1_000_001, 1 << 20, 5_000_000];

fn bytes(len: u64) -> Vec<u8> {
	let mut state = len | 1;
	let mut next = || {
		state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		(state >> 56) as u8
	};
	(0..len).map(|_| next()).collect()
}

fn store() -> (tempfile::TempDir, Store) {
	let base = tempfile::tempdir().unwrap();
	let store = Store::open(base.path()).unwrap();
	(base, store)
}

fn slice(store: &Store, blob: &BlobRef, groups: Range<u64>) -> Vec<u8> {
	let mut slice = vec![0; slice_len(blob.len, &groups) as usize];
	store.slices(blob).unwrap().encode(groups, &mut slice).unwrap();
	slice
}

/// Feeds a slice to a decoder: the blocks, and what was wrong.
fn decode(blob: &BlobRef, groups: Range<u64>, slice: &[u8]) -> (Vec<Block>, Result<(), WrongBytes>) {
	let mut decoder = Decoder::new(blob, groups).unwrap();
	let (mut blocks, mut at) = (Vec::new(), 0);
	while let Some(want) = decoder.want() {
		let end = at + want.len();
		want.copy_from_slice(&slice[at..end]);
		at = end;
		match decoder.filled() {
			Ok(block) => blocks.extend(block),
			Err(wrong) => {
				blocks.extend(decoder.take());
				return (blocks, Err(wrong));
			}
		}
	}
	assert_eq!(at, slice.len());
	(blocks, Ok(()))
}

fn fill(partial: &Partial, from: &Store, groups: Range<u64>) {
	let blob = partial.blob();
	let (blocks, result) = decode(&blob, groups.clone(), &slice(from, &blob, groups));
	result.unwrap();
	blocks.iter().for_each(|block| partial.write(block).unwrap());
}

/// The reference: `bao-tree`.
#[test]
fn slices_are_encoded_as_bao_tree_does() {
	use bao_tree::{
		BaoTree, BlockSize, ChunkNum, ChunkRanges,
		io::{outboard::PreOrderMemOutboard, sync::encode_ranges_validated},
	};
	let (_base, store) = store();
	for len in LENGTHS {
		let bytes = bytes(len);
		let blob = store.put(&bytes).unwrap();
		let outboard = PreOrderMemOutboard::create(&bytes, BlockSize::from_chunk_log(4));
		assert_eq!(outboard.root.as_bytes(), &blob.root);
		assert_eq!(outboard.tree, BaoTree::new(len, BlockSize::from_chunk_log(4)));
		let count = group_count(len);
		for groups in [0..count, 0..1, count - 1..count, count / 3..count / 3 + 1, count / 2..count] {
			let ranges = ChunkRanges::from(ChunkNum(groups.start * 16)..ChunkNum(groups.end * 16));
			let mut expected = Vec::new();
			encode_ranges_validated(&bytes[..], &outboard, &ranges, &mut expected).unwrap();
			let slice = slice(&store, &blob, groups.clone());
			assert_eq!(slice.len() as u64, slice_len(len, &groups));
			assert!(slice == expected, "{len} {groups:?}");
		}
	}
}

#[test]
fn a_blob_is_put_together_from_slices_in_any_order() {
	for len in LENGTHS {
		let ((_a, from), (_b, to)) = (store(), store());
		let blob = from.put(&bytes(len)).unwrap();
		let partial = to.partial(&blob).unwrap();
		let count = group_count(len);
		for part in [3, 1, 0, 2] {
			let groups = count * part / 4..count * (part + 1) / 4;
			if !groups.is_empty() {
				fill(&partial, &from, groups);
			}
		}
		assert_eq!(partial.verified(), len);
		partial.finish().unwrap();
		assert_eq!(to.get(&blob).unwrap(), bytes(len));
		assert_eq!(slice(&to, &blob, 0..count), slice(&from, &blob, 0..count));
	}
}

#[test]
fn a_wrong_byte_is_noticed_in_its_group() {
	let (_base, store) = store();
	let blob = store.put(&bytes(1_000_001)).unwrap();
	let good = slice(&store, &blob, 10..40);
	for at in (0..good.len()).step_by(4999) {
		let mut bad = good.clone();
		bad[at] ^= 1;
		let (blocks, result) = decode(&blob, 10..40, &bad);
		let group = result.unwrap_err().group;
		let valid: u64 = blocks.iter().map(|block| block.byte_len() as u64).sum();
		assert_eq!(valid, (group - 10) * GROUP_LEN, "what came before is kept");
		assert!(at as u64 >= valid && (at as u64) < valid + GROUP_LEN + 64 * 64);
	}
}

#[test]
fn an_incomplete_blob_is_not_visible_and_goes_on_where_it_was() {
	let ((_a, from), (_b, to)) = (store(), store());
	let blob = from.put(&bytes(5_000_000)).unwrap();
	let partial = to.partial(&blob).unwrap();
	fill(&partial, &from, 7..100);
	fill(&partial, &from, 200..231);
	assert!(
		matches!(partial.finish(), Err(BlobError::Incomplete { missing, .. }) if missing == group_count(blob.len) - 124)
	);
	assert!(!to.has(&blob).unwrap() && to.list().unwrap().is_empty());
	assert!(matches!(to.partial(&blob), Err(BlobError::Busy(root)) if root == blob.root));
	drop(partial);
	let partial = to.partial(&blob).unwrap();
	assert!(partial.missing().iter().eq([0..7, 100..200, 231..group_count(blob.len)]));
	assert_eq!(partial.verified(), 124 * GROUP_LEN);
	fill(&partial, &from, 231..group_count(blob.len));
	assert_eq!(partial.verified(), blob.len - 107 * GROUP_LEN);
}

#[test]
fn damage_to_a_partial_blob_is_found() {
	let ((_a, from), (_b, to)) = (store(), store());
	let blob = from.put(&bytes(5_000_000)).unwrap();
	let partial = to.partial(&blob).unwrap();
	fill(&partial, &from, 0..200);
	drop(partial);
	let path = to.dir().join("partial").join(format!("{}.{}", hex::encode(blob.root), blob.len));
	let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
	file.write_all_at(b"damage", 50 * GROUP_LEN + 17).unwrap();
	assert!(to.partial(&blob).unwrap().missing().iter().eq([50..51, 200..group_count(blob.len)]));
	fs::write(path.with_extension(format!("{}.tree", blob.len)), vec![7; 100_000]).unwrap();
	assert_eq!(to.partial(&blob).unwrap().verified(), 0);
}

#[test]
fn a_wrong_length_is_never_complete() {
	let ((_a, from), (_b, to)) = (store(), store());
	let blob = from.put(&bytes(100_000)).unwrap();
	let whole = slice(&from, &blob, 0..7);
	for len in [0, 99_999, 100_001, 114_689, 1 << 40] {
		let other = BlobRef { len, ..blob };
		let partial = to.partial(&other).unwrap();
		let groups = 0..group_count(len).min(7);
		let (blocks, result) = decode(&other, groups, &[&whole[..], &[0; 1 << 17]].concat());
		assert!(result.is_err());
		blocks.iter().for_each(|block| partial.write(block).unwrap());
		assert!(matches!(partial.finish(), Err(BlobError::Incomplete { .. })));
		partial.discard().unwrap();
	}
	let huge = BlobRef { len: u64::MAX, ..blob };
	assert!(matches!(to.partial(&huge), Err(BlobError::TooLong { .. })));
}

#[test]
fn a_damaged_file_or_outboard_makes_no_slice() {
	let (_base, store) = store();
	let blob = store.put(&bytes(1_000_001)).unwrap();
	slice(&store, &blob, 0..2);
	let outboard = store.dir().join("outboard").join(hex::encode(blob.root));
	let good = fs::read(&outboard).unwrap();
	fs::write(&outboard, vec![1; good.len()]).unwrap();
	let mut out = vec![0; 1 << 20];
	let encoded = store.slices(&blob).unwrap().encode(0..2, &mut out);
	assert!(matches!(encoded, Err(BlobError::Damaged { .. })));
	slice(&store, &blob, 0..2);
	assert_eq!(fs::read(&outboard).unwrap(), good);
	let file = fs::OpenOptions::new().write(true).open(store.path(&blob.root)).unwrap();
	file.write_all_at(b"damage", 20_000).unwrap();
	let encoded = store.slices(&blob).unwrap().encode(0..2, &mut out);
	assert!(matches!(encoded, Err(BlobError::Damaged { group: 1, .. })));
	assert!(matches!(store.slices(&blob), Err(BlobError::NotFound(_))));
	assert!(!outboard.exists());
}

#[test]
fn a_range_outside_makes_no_slice() {
	let (_base, store) = store();
	let blob = store.put(b"short").unwrap();
	let slices = store.slices(&blob).unwrap();
	assert!(matches!(slices.encode(0..1, &mut [0; 4]), Err(BlobError::TooLong { limit: 4 })));
	for groups in [0..0, 0..2, 1..2, u64::MAX - 1..u64::MAX] {
		assert!(matches!(slices.encode(groups.clone(), &mut [0; 100]), Err(BlobError::OutOfRange { .. })));
		assert!(matches!(Decoder::new(&blob, groups), Err(BlobError::OutOfRange { .. })));
	}
}

#[test]
fn what_is_neither_pinned_nor_kept_is_cleaned_up() {
	let (base, store) = store();
	let blobs: Vec<_> = (1..5u64).map(|n| store.put(&bytes(n * 40_000)).unwrap()).collect();
	blobs.iter().for_each(|blob| drop(slice(&store, blob, 0..1)));
	let unfinished: Vec<_> = (1..4u64).map(|n| BlobRef::of(&bytes(n * 77_777))).collect();
	unfinished.iter().for_each(|blob| drop(store.partial(blob).unwrap()));
	let live = store.partial(&unfinished[0]).unwrap();
	store.pin(Holder::User, &blobs[0].root).unwrap();
	store.pin(Holder::Keeper, &blobs[1].root).unwrap();
	assert!(store.unpin(Holder::Keeper, &blobs[1].root).unwrap());
	assert!(!store.unpin(Holder::Keeper, &blobs[1].root).unwrap());
	let store = Store::open(base.path()).unwrap();
	assert_eq!(store.pinned(Holder::User).unwrap(), [blobs[0].root]);
	assert!(store.pinned(Holder::Keeper).unwrap().is_empty());
	let keep = |root: &[u8; 32]| *root == blobs[2].root || *root == unfinished[1].root;
	let mut removed = store.gc(keep).unwrap();
	removed.blobs.sort_by_key(|blob| blob.len);
	assert_eq!(removed.blobs, [blobs[1], blobs[3]]);
	assert_eq!(removed.others, 2, "the data and the outboard of one unfinished blob");
	let mut left = store.list().unwrap();
	left.sort_by_key(|blob| blob.len);
	assert_eq!(left, [blobs[0], blobs[2]]);
	assert_eq!(fs::read_dir(store.dir().join("outboard")).unwrap().count(), 2);
	drop(live);
	assert_eq!(store.gc(keep).unwrap().others, 2);
	assert!(store.check(|_| std::ops::ControlFlow::Continue(())).unwrap().iter().all(|c| c.fault.is_none()));
}

#[test]
fn what_one_holder_unpins_stays_for_the_other() {
	let (base, store) = store();
	let [shared, kept] = [1, 2].map(|len| store.put(&bytes(len)).unwrap());
	store.pin(Holder::User, &shared.root).unwrap();
	store.pin(Holder::Keeper, &shared.root).unwrap();
	store.pin(Holder::Keeper, &kept.root).unwrap();
	let store = Store::open(base.path()).unwrap();
	let mut both = [shared.root, kept.root];
	both.sort_unstable();
	assert_eq!(store.pinned(Holder::Keeper).unwrap(), both);
	for blob in [shared, kept] {
		assert!(store.unpin(Holder::Keeper, &blob.root).unwrap());
	}
	assert!(store.is_pinned(&shared.root) && !store.is_pinned(&kept.root));
	assert_eq!(store.gc(|_| false).unwrap().blobs, [kept]);
	assert_eq!(store.list().unwrap(), [shared]);
}
