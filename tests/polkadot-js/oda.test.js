// Hashes and encodings, without a chain.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Keyring } from '@polkadot/api';
import { u8aToHex } from '@polkadot/util';
import { blake3, lengthProof } from './blake3.js';
import { blobRef, commitment, readSpec } from './oda.js';

// The input of the BLAKE3 project's test vectors.
const input = (length) => Uint8Array.from({ length }, (_, i) => i % 251);

describe('a blob', () => {
  const vectors = {
    0: 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
    1: '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213',
    64: '4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98',
    65: 'de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee',
    1023: '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11',
    1024: '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7',
    1025: 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444',
    2048: 'e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a',
    2049: '5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030',
    5120: '9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833',
    31744: '62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47',
  };
  for (const [length, hash] of Object.entries(vectors)) {
    it(`of ${length} bytes has its BLAKE3 hash`, () => {
      assert.equal(u8aToHex(blake3(input(Number(length)))), `0x${hash}`);
    });
  }

  it('is named by its hash and its length', () => {
    assert.deepEqual(blobRef(input(1)), { root: `0x${vectors[1]}`, len: 1 });
  });
});

describe('a proof of a blob\'s length', () => {
  it('is the chunk itself if there is only one', () => {
    const blob = input(1024);
    assert.deepEqual(lengthProof(blob), { start: 1023, len: 1, chunks: u8aToHex(blob), siblings: [] });
  });

  it('holds the last chunk and a value for each subtree beside its path', () => {
    // Subtrees of four chunks and of two, then the last chunk, of one byte.
    const { start, len, chunks, siblings } = lengthProof(input(6 * 1024 + 1));
    assert.deepEqual([start, len], [6 * 1024, 1]);
    assert.equal(chunks, u8aToHex(input(6 * 1024 + 1).subarray(-1)));
    assert.equal(siblings.length, 2);
  });
});

describe('a commitment', () => {
  const filled = (byte) => new Uint8Array(32).fill(byte);
  const hex = (byte) => u8aToHex(filled(byte));

  it('is the hash of domain, genesis, model, trainer, weights and salt', () => {
    const trainer = new Keyring({ type: 'sr25519' }).addFromUri('//Eve');
    const weights = { root: hex(3), len: 0x0102 };
    const expected = '0x8cd9e2c401e3be76da45ee68d50e01d2f3519229ddeb62a35643ae375d16bfc0';
    assert.equal(commitment(filled(1), hex(2), trainer, weights, filled(4)), expected);
  });
});

describe('a specification file', () => {
  it('has names in camel case as polkadot.js takes them', () => {
    const text = '{"min_improvement": 2, "op": {"max_pool2d": {"kernel": [2, 2]}}, "dtype": "i8"}';
    const expected = { minImprovement: 2, op: { maxPool2d: { kernel: [2, 2] } }, dtype: 'i8' };
    assert.deepEqual(readSpec(text), expected);
  });
});
