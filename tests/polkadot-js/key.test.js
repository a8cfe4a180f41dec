// Key files: polkadot.js opens the worker's, and the worker those of polkadot.js.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Keyring } from '@polkadot/api';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { worker } from './processes.js';

describe('a key file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'oda-keys-'));
  const at = (name) => join(folder, name);
  const keyring = new Keyring({ type: 'sr25519' });

  before(async () => {
    await cryptoWaitReady();
    writeFileSync(at('password'), 'a password\n', { mode: 0o600 });
  });
  after(() => rmSync(folder, { recursive: true }));

  it('of the worker is opened by polkadot.js with its password alone', async () => {
    const made = await worker(folder, 'key', 'new', at('made.key'), '--password-file', at('password'));
    const pair = keyring.createFromJson(JSON.parse(readFileSync(at('made.key'), 'utf8')));
    assert.equal(pair.address, made.account);
    assert.throws(() => pair.decodePkcs8('another password'));
    pair.decodePkcs8('a password');
    const message = new Uint8Array([1, 2, 3]);
    assert.ok(pair.verify(message, pair.sign(message), pair.publicKey));
  });

  it('of polkadot.js is one for the worker', async () => {
    const pair = keyring.createFromUri(`0x${'2a'.repeat(32)}//exported`);
    writeFileSync(at('exported.key'), JSON.stringify(pair.toJson('a password')), { mode: 0o600 });
    const { account, encrypted } = await worker(folder, 'key', 'inspect', at('exported.key'));
    assert.deepEqual([account, encrypted], [pair.address, true]);
  });
});
