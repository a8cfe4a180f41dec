// A user who has polkadot.js, on a chain with one verifier and one provider: buys answers from a channel, and one on
// the chain. The tests tell one story and run in their order.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Keyring } from '@polkadot/api';
import { u8aToHex } from '@polkadot/util';
import { blake3 } from './blake3.js';
import {
  closingMessage, message, Problem, Provider, requestHash, sign, verifies, voucherMessage,
} from './inference.js';
import { connect, eventOf, parameter, send } from './oda.js';
import { freePort, startNode, startWorker, worker } from './processes.js';
import { answerOf, channelOf, classOf, offersOf } from './user.js';

const DIGITS = fileURLToPath(new URL('../../data/digits/', import.meta.url));
const UNIT = 10n ** 12n;
const PIXELS = 64;

describe('a user with polkadot.js', { timeout: 600_000 }, () => {
  const keyring = new Keyring({ type: 'sr25519' });
  const [charlie, eve, ferdie] = ['Charlie', 'Eve', 'Ferdie'].map((name) => keyring.addFromUri(`//${name}`));
  // Signs Eve's vouchers, and holds no money.
  const purse = new Keyring({ type: 'ed25519' }).addFromUri('//Eve//purse');
  let api;
  let folder;
  let endpoint;
  let model;
  let records;
  let found; // The offer.
  let opened; // The transaction that opened the channel, and the channel's number.
  let used; // The channel as its user sees it.
  let closed; // The transaction that closed it.
  let asked; // The request on the chain.
  const at = {}; // Balances at some points of the story.
  const running = [];

  const started = (process) => {
    running.unshift(process);
    return process;
  };

  // A model with weights that know digits, and a provider that answers it.
  const prepare = async () => {
    const { node, url } = await startNode(folder);
    started(node);
    started(startWorker(folder, url, '//Bob', 'verify'));
    const by = (suri, ...args) => worker(folder, '--node', url, '--suri', suri, ...args);
    await worker(folder, 'blobs', 'add', join(DIGITS, 'validation.bin'));
    const { root } = await worker(folder, 'blobs', 'add', join(DIGITS, 'trained.bin'));
    await Promise.all([
      by('//Dave', 'model', 'register', '--yes', join(DIGITS, 'model.json'), '--weights', root),
      by('//Charlie', 'stake', 'bond', '--yes', 'provider', '100'),
    ]);
    api = await connect(url);
    const [entry] = await api.query.modelRegistry.models.keys();
    model = entry.args[0].toHex();
    const port = await freePort();
    endpoint = `http://127.0.0.1:${port}`;
    const provider = started(startWorker(
      folder, url, '//Charlie', 'serve', '--bind', `127.0.0.1:${port}`, '--endpoint', endpoint, '--model', model,
      '--per-request', '0.01',
    ));
    const answers = async () => (await new Provider(endpoint).models().catch(() => undefined))?.models.length > 0;
    while (!await answers()) {
      provider.check();
      await sleep(200);
    }
  };

  before(async () => {
    records = await readFile(join(DIGITS, 'validation.bin'));
    folder = await mkdtemp(join(tmpdir(), 'oda-polkadot-js-'));
    await prepare();
  });

  after(async () => {
    await api?.disconnect();
    for (const process of running) await process.stop();
    await rm(folder, { recursive: true, force: true });
  });

  // The pixels of a record, and the digit that they show.
  const digit = (index) => {
    const record = records.subarray(index * (PIXELS + 1), (index + 1) * (PIXELS + 1));
    return { pixels: record.subarray(0, PIXELS), shown: record[PIXELS] };
  };

  // A question as JSON. (The client sends tensors, of which it knows the bytes.)
  const question = ({ pixels }) => JSON.stringify({ model, inputs: [{ numbers: [...pixels] }] });

  const wealth = async (account) => {
    const { free, reserved } = (await api.query.system.account(account)).data;
    return free.toBigInt() + reserved.toBigInt();
  };
  const feeOf = (receipt) => eventOf(receipt, 'transactionPayment', 'TransactionFeePaid').actualFee.toBigInt();
  const shareOf = async (amount) => {
    const share = await parameter(api, 'Inference', 'ProviderShare');
    return amount * share.toBigInt() / 10n ** 9n;
  };
  const wealths = async () => ({ user: await wealth(eve.address), provider: await wealth(charlie.address) });
  const now = async () => (await api.query.clock.now()).toNumber();

  describe('finds a provider', () => {
    it('an offer says where and for how much', async () => {
      // #region offer
      const [{ provider, offer, price }] = await offersOf(api, model);
      const { price: quoted } = await new Provider(offer.endpoint.toUtf8()).quote(model, 1);
      // #endregion
      assert.equal(provider.toString(), charlie.address);
      assert.equal(offer.endpoint.toUtf8(), endpoint);
      assert.equal(price, UNIT / 100n);
      assert.equal(quoted, `${price}`);
      found = { provider, offer, price };
    });

    it('a provider says what the chain says of it', async () => {
      const { genesis, provider, receipt_key: key, terms, models: [listed] } = await new Provider(endpoint).models();
      const { weights } = (await api.query.modelRegistry.versions(model, listed.version)).unwrap();
      assert.deepEqual([genesis, provider], [api.genesisHash.toHex(), charlie.address]);
      assert.equal(key, found.offer.key.toString());
      assert.deepEqual(terms, found.offer.terms.toJSON());
      assert.deepEqual([listed.model, listed.weights], [model, weights.root.toHex()]);
      assert.deepEqual(listed.inputs, [{ dtype: 'i8', shape: [8, 8, 1], bytes: PIXELS }]);
    });

    it('a question without a voucher is told in the form of x402 how to pay', async () => {
      const body = question(digit(0));
      // #region required
      const refusal = await new Provider(endpoint).infer(body).catch((error) => error);
      const { amount, payTo, extra } = refusal.accepted;
      // #endregion
      assert.ok(refusal instanceof Problem);
      assert.deepEqual([refusal.status, refusal.kind], [402, 'payment-required']);
      assert.deepEqual([amount, payTo], [`${found.price}`, charlie.address]);
      assert.equal(refusal.accepted.network, `polkadot:${api.genesisHash.toHex().slice(2, 34)}`);
      assert.deepEqual([extra.genesis, extra.model], [api.genesisHash.toHex(), model]);
      assert.equal(extra.channel, undefined);
    });
  });

  describe('opens a channel', () => {
    const open = (terms) => api.tx.inference.open(found.provider, model, UNIT, purse.address, terms, 1_000);

    it('a channel is not opened at terms that the offer does not have', async () => {
      const terms = { ...found.offer.terms.toJSON(), answer: 1 };
      await assert.rejects(send(open(terms), eve, 'InBlock'), { name: 'Inference::TermsChanged' });
    });

    it('a channel puts the deposit on hold', async () => {
      at.open = await wealths();
      const [{ provider, offer: { terms } }, user] = [found, eve];
      // #region open
      const deposit = 10n ** 12n;
      const term = terms.grace.muln(10);
      const call = api.tx.inference.open(provider, model, deposit, purse.address, terms, term);
      const receipt = await send(call, user);
      const id = eventOf(receipt, 'inference', 'Opened').channel.toNumber();
      // #endregion
      opened = { id, ...receipt };
      const holds = await api.query.balances.holds(user.address);
      const hold = holds.find(({ id: reason }) => reason.isInference && reason.asInference.isChannel);
      assert.equal(hold.amount.toBigInt(), deposit);
    });
  });

  describe('buys answers', () => {
    it('a digit is read, for the price of the offer', async () => {
      const [{ id }, { price }, { pixels, shown }] = [opened, found, digit(0)];
      // #region ask
      const channel = await channelOf(api, id, purse);
      const { outputs: [output], answer } = await channel.ask([pixels], price);
      const read = classOf(output);
      // #endregion
      assert.equal(read, shown);
      assert.deepEqual([answer.receipt.nonce, answer.receipt.price], [1, `${price}`]);
      assert.equal(channel.spent, price);
      used = channel;
    });

    it('several digits are read in one request, for the price of a request', async () => {
      const digits = [0, 2, 3].map(digit);
      const { outputs } = await used.ask(digits.map(({ pixels }) => pixels), found.price);
      assert.deepEqual(outputs.map(classOf), digits.map(({ shown }) => shown));
      assert.equal(used.spent, 2n * found.price);
    });

    it('what was forgotten is learnt from the 402 that corrects it', async () => {
      const forgotten = await channelOf(api, opened.id, purse);
      const { answer } = await forgotten.ask([digit(4).pixels], found.price);
      assert.equal(forgotten.spent, 3n * found.price);
      assert.ok(answer.receipt.nonce > 2);
    });

    it('what was forgotten is learnt by asking for it', async () => {
      // #region resume
      const channel = await channelOf(api, opened.id, purse);
      await channel.resume();
      // #endregion
      assert.equal(channel.spent, 3n * found.price);
      used = channel;
    });

    it('another key\'s voucher pays for nothing', async () => {
      const voucher = { channel: opened.id, version: 0, amount: `${UNIT}`, nonce: 100 };
      const paid = { voucher, signature: sign(eve, voucherMessage(api.genesisHash.toHex(), voucher)) };
      const refusal = new Provider(endpoint).infer(question(digit(5)), paid);
      await assert.rejects(refusal, { status: 402, kind: 'voucher-forged' });
    });

    it('more than the deposit pays for nothing', async () => {
      await assert.rejects(used.ask([digit(5).pixels], UNIT), { kind: 'deposit-too-low' });
    });

    it('an input that does not fit the model costs nothing', async () => {
      await assert.rejects(used.ask([Uint8Array.of(1)], found.price), { kind: 'unfit' });
      await used.resume();
      assert.equal(used.spent, 3n * found.price);
    });
  });

  describe('closes the channel', () => {
    it('a provider does not agree to less than it has earned', async () => {
      const forgotten = await channelOf(api, opened.id, purse);
      await assert.rejects(forgotten.close(await now() + 100), { kind: 'closing-too-low' });
    });

    it('a channel is not closed without the provider\'s signature', async () => {
      const closing = { channel: opened.id, version: 0, amount: '0', expires: await now() + 100 };
      const signature = sign(purse, closingMessage(api.genesisHash.toHex(), closing));
      const call = api.tx.inference.closeAgreed(closing, signature, signature);
      await assert.rejects(send(call, ferdie, 'InBlock'), { name: 'Inference::BadProviderSignature' });
    });

    it('a channel that both agree to close is closed at once', async () => {
      const [channel, user] = [used, eve];
      // #region close
      const soon = (await api.query.clock.now()).toNumber() + 100;
      const { closing, ofUser, ofProvider } = await channel.close(soon);
      const receipt = await send(api.tx.inference.closeAgreed(closing, ofUser, ofProvider), user);
      // #endregion
      closed = receipt;
      assert.equal(eventOf(receipt, 'inference', 'Claimed').claimed.toBigInt(), used.spent);
      assert.equal(eventOf(receipt, 'inference', 'Closed').returned.toBigInt(), UNIT - used.spent);
    });

    it('its user has paid for the answers and two transactions, and its provider has its share', async () => {
      const { user, provider } = await wealths();
      assert.equal(user, at.open.user - used.spent - feeOf(opened) - feeOf(closed));
      assert.equal(provider, at.open.provider + await shareOf(used.spent));
    });
  });

  describe('asks on the chain', () => {
    it('a request is not made for less than its price', async () => {
      const call = api.tx.inference.request(found.provider, model, u8aToHex(digit(6).pixels), 1, found.price - 1n);
      await assert.rejects(send(call, ferdie, 'InBlock'), { name: 'Inference::BeyondLimit' });
    });

    it('a digit is read in a transaction of the provider\'s', async () => {
      const [{ provider, price }, { pixels, shown }, user] = [found, digit(6), eve];
      at.request = await wealths();
      // #region request
      const receipt = await send(api.tx.inference.request(provider, model, u8aToHex(pixels), 1, price), user);
      const { request, until } = eventOf(receipt, 'inference', 'Requested');
      const { output, receipt: signed, signature } = await answerOf(api, request, until, receipt.block);
      const read = classOf(output.toU8a(true));
      // #endregion
      assert.equal(read, shown);
      asked = { request, signed, signature, output: output.toU8a(true), ...receipt };
    });

    it('its receipt is signed, of the head\'s weights, and about what was asked', async () => {
      const [{ signed, signature, output }, { pixels }] = [asked, digit(6)];
      const bytes = message('receipt', api.genesisHash.toHex(), signed.toU8a());
      assert.ok(verifies(signature.toHex(), bytes, found.offer.key.toString()));
      const { weights } = (await api.query.modelRegistry.versions(model, 0)).unwrap();
      assert.ok(signed.weights.eq(weights.root));
      const [input, made] = [pixels, output].map((blob) => u8aToHex(blake3(blob)));
      assert.deepEqual([signed.input.toHex(), signed.output.toHex()], [input, made]);
      assert.equal(signed.request.toHex(), requestHash(model, input, 1));
    });

    it('its price waits on hold while the answer can be disputed', async () => {
      const { user } = await wealths();
      assert.equal(user, at.request.user - feeOf(asked));
      const holds = await api.query.balances.holds(eve.address);
      const hold = holds.find(({ id }) => id.isInference && id.asInference.isRequest);
      assert.equal(hold.amount.toBigInt(), found.price);
      const call = api.tx.inference.settle(asked.request);
      await assert.rejects(send(call, ferdie, 'InBlock'), { name: 'Inference::TooEarlyToSettle' });
    });
  });
});
