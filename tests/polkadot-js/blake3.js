// BLAKE3 as a tree, by which blobs are named and a data set's length is proved: section 2.1 of the BLAKE3
// paper. Libraries give the root alone; a proof needs the chaining values of subtrees.

import { u8aToHex } from '@polkadot/util';

const CHUNK = 1024;
const BLOCK = 64;
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

const IV = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
// The columns, then the diagonals.
const MIXES = [
  [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15],
  [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
];

const rotate = (x, n) => (x >>> n) | (x << (32 - n));

// Eight words from a chaining value of eight and a block of sixteen.
function compress(value, block, counter, length, flags) {
  const v = Uint32Array.from([
    ...value, ...IV.slice(0, 4), counter >>> 0, Math.floor(counter / 2 ** 32), length, flags,
  ]);
  let words = block;
  for (let round = 0; round < 7; round += 1) {
    MIXES.forEach(([a, b, c, d], i) => {
      v[a] += v[b] + words[2 * i];
      v[d] = rotate(v[d] ^ v[a], 16);
      v[c] += v[d];
      v[b] = rotate(v[b] ^ v[c], 12);
      v[a] += v[b] + words[2 * i + 1];
      v[d] = rotate(v[d] ^ v[a], 8);
      v[c] += v[d];
      v[b] = rotate(v[b] ^ v[c], 7);
    });
    words = PERMUTATION.map((i) => words[i]);
  }
  return Array.from({ length: 8 }, (_, i) => (v[i] ^ v[i + 8]) >>> 0);
}

// The sixteen words of a block, padded with zeros.
function wordsOf(bytes) {
  const block = new Uint8Array(BLOCK);
  block.set(bytes);
  const view = new DataView(block.buffer);
  return Array.from({ length: 16 }, (_, i) => view.getUint32(4 * i, true));
}

function chunkValue(bytes, counter, root) {
  let value = IV;
  for (let at = 0; at === 0 || at < bytes.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK);
    const last = at + BLOCK >= bytes.length;
    const flags = (at === 0 ? CHUNK_START : 0) | (last ? CHUNK_END | root : 0);
    value = compress(value, wordsOf(block), counter, block.length, flags);
  }
  return value;
}

// The left subtree is the largest complete one that leaves something to the right.
function leftLength(length) {
  let left = CHUNK;
  while (left * 2 < length) left *= 2;
  return left;
}

// The chaining value of a subtree whose first chunk has the number `counter`.
function treeValue(bytes, counter = 0, root = 0) {
  if (bytes.length <= CHUNK) return chunkValue(bytes, counter, root);
  const left = leftLength(bytes.length);
  const values = [
    ...treeValue(bytes.subarray(0, left), counter),
    ...treeValue(bytes.subarray(left), counter + left / CHUNK),
  ];
  return compress(IV, values, 0, BLOCK, PARENT | root);
}

function bytesOf(value) {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  value.forEach((word, i) => view.setUint32(4 * i, word, true));
  return bytes;
}

// A blob's plain BLAKE3 hash.
export const blake3 = (bytes) => bytesOf(treeValue(bytes, 0, ROOT));

// A `RangeProof` of a blob's last byte, which authenticates the blob's length: the last chunk, and the chaining
// values of the subtrees to the left of it, the largest first. In hexadecimal, because polkadot.js takes a
// `Uint8Array` for an encoded `Vec<u8>`, length included.
export function lengthProof(bytes) {
  const siblings = [];
  let start = 0;
  while (bytes.length - start > CHUNK) {
    const left = leftLength(bytes.length - start);
    siblings.push(bytesOf(treeValue(bytes.subarray(start, start + left), start / CHUNK)));
    start += left;
  }
  return { start: bytes.length - 1, len: 1, chunks: u8aToHex(bytes.subarray(start)), siblings };
}
