// Two voters, of whom one has polkadot.js and one the worker, change a parameter, and pull and release the brake, on a
// real chain. The tests tell one story and run in their order.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Keyring } from '@polkadot/api';
import { connect, parameter, send, view } from './oda.js';
import { startNode, worker } from './processes.js';
import { decided, propose } from './voter.js';

const UNIT = 10n ** 12n;

describe('voters with polkadot.js', { timeout: 300_000 }, () => {
  const keyring = new Keyring({ type: 'sr25519' });
  // Alice and Bob have the highest tier; Charlie has none.
  const [alice, bob, charlie] = ['Alice', 'Bob', 'Charlie'].map((name) => keyring.addFromUri(`//${name}`));
  let api;
  let folder;
  let node;
  let by; // A command of the worker, with a key.
  let index; // The referendum that changes the parameter.

  const bond = async () => (await parameter(api, 'Training', 'ChallengeBond')).toBigInt();
  const now = async () => (await api.query.clock.now()).toNumber();
  const final = async () => (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber();
  const transfer = () => api.tx.balances.transferKeepAlive(bob.address, UNIT);
  // #region change
  const change = () => api.tx.protocolParameters.set([{ Training: { ChallengeBond: [null, 11n * UNIT] } }]);
  // #endregion

  const until = async (what, is) => {
    for (const end = Date.now() + 90_000; !await is(); await sleep(500)) assert.ok(Date.now() < end, what);
  };

  // Both are for it, until it is decided.
  const pass = async (origin, call) => {
    const number = await propose(api, origin, call, alice);
    await Promise.all([alice, bob].map((voter) => send(api.tx.tierVoting.vote(number, true), voter)));
    assert.equal(await decided(api, number), 'Approved');
    return number;
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oda-polkadot-js-'));
    const started = await startNode(folder);
    node = started.node;
    by = (suri, ...args) => worker(folder, '--node', started.url, '--suri', suri, ...args);
    api = await connect(started.url);
  });

  after(async () => {
    await api?.disconnect();
    await node?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('lets nobody propose who has no tier', async () => {
    assert.equal((await view(api, 'TierVoting', 'weight_of', charlie.address, 10)).toNumber(), 0);
    await assert.rejects(propose(api, { Origins: 'Parameters' }, change(), charlie), { name: 'BadOrigin' });
  });

  it('changes a parameter by a referendum', async () => {
    assert.equal(await bond(), 10n * UNIT);
    // #region vote
    index = await propose(api, { Origins: 'Parameters' }, change(), alice);
    await send(api.tx.tierVoting.vote(index, true), alice);
    const { ayes, nays, total } = (await view(api, 'TierVoting', 'turnout', index)).unwrap();
    // #endregion
    assert.deepEqual([ayes, nays, total].map(Number), [5, 0, 10]);
    assert.equal((await by('//Bob', 'vote', `${index}`, 'aye')).votes, 5);
    const { referenda, total_votes: all, own } = await by('//Bob', 'referendum', 'list');
    assert.deepEqual([referenda[0].number, referenda[0].ayes, all, own[0].aye], [index, 10, 10, true]);
    assert.equal(await decided(api, index), 'Approved');
    await until('it is enacted', async () => await bond() === 11n * UNIT);
  });

  it('returns deposits, and tells of votes as evidence', async () => {
    const voted = async () => (await api.query.tierVoting.votesOf(bob.address)).isSome;
    assert.ok(await voted());
    // #region over
    await send(api.tx.referenda.refundDecisionDeposit(index), alice);
    await send(api.tx.referenda.refundSubmissionDeposit(index), alice);
    await send(api.tx.tierVoting.forget(bob.address), charlie);
    // #endregion
    assert.ok(!await voted());
    const { reputation } = await by('//Bob', 'reputation');
    assert.equal(reputation.tier, 5);
    assert.ok(reputation.recent.some(({ what, points }) => what === 'voted' && points > 0));
  });

  it('stops the clock and all that begins something, while blocks are made and finalised', async () => {
    await pass({ Origins: 'Emergency' }, api.tx.safeMode.forceEnter());
    await until('safe mode', async () => (await api.query.safeMode.enteredUntil()).isSome);
    const [tick, height] = [await now(), await final()];
    await assert.rejects(send(transfer(), charlie), { code: 1010 });
    await until('three more final blocks', async () => await final() >= height + 3);
    assert.equal(await now(), tick);
  });

  it('goes on when voters release the brake', async () => {
    await pass({ Origins: 'Emergency' }, api.tx.safeMode.forceExit());
    await until('safe mode is over', async () => (await api.query.safeMode.enteredUntil()).isNone);
    const tick = await now();
    await send(transfer(), charlie);
    await until('time passes', async () => await now() > tick);
  });
});
