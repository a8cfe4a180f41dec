// The client of paid inference: what it signs, what it believes of a provider, and when it pays again. Without a chain.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Keyring } from '@polkadot/api';
import { hexToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { base64Encode, blake2AsHex, cryptoWaitReady } from '@polkadot/util-crypto';
import { blake3 } from './blake3.js';
import {
  Channel, check, closingMessage, paymentRequired, Problem, Provider, receiptMessage, requestHash, sign, verifies,
  voucherMessage, Wrong,
} from './inference.js';

const GENESIS = `0x${'11'.repeat(32)}`;
const MODEL = `0x${'22'.repeat(32)}`;
const WEIGHTS = `0x${'33'.repeat(32)}`;
const MESSAGES = { voucher: voucherMessage, closing: closingMessage, receipt: receiptMessage };
const PRICE = 100n;
const INPUTS = [Uint8Array.of(1, 2), Uint8Array.of(3, 4)];
const OUTPUTS = [Uint8Array.of(5), Uint8Array.of(6)];
const root = (...bytes) => u8aToHex(blake3(u8aConcat(...bytes)));

await cryptoWaitReady();
const keyring = new Keyring({ type: 'sr25519' });
const [user, provider, other] = ['User', 'Provider', 'Other'].map((name) => keyring.addFromUri(`//${name}`));

describe('what is signed', () => {
  let keys;
  let cases;

  before(async () => {
    const file = new URL('../../primitives/vectors/inference.json', import.meta.url);
    ({ keys, cases } = JSON.parse(await readFile(file, 'utf8')));
    assert.ok(cases.length > 10, `${cases.length} examples`);
  });

  const pair = (type, name) =>
    new Keyring({ type }).addFromSeed(hexToU8a(keys.find((key) => key.name === name).seed));

  const signatures = () => cases.flatMap(({ kind, genesis, fields, signatures = [] }) => signatures.map(
    (signature) => ({ ...signature, bytes: MESSAGES[kind](genesis, fields) }),
  ));

  it('has the bytes of the examples', () => {
    for (const { kind, genesis, fields, message } of cases.filter(({ kind }) => kind in MESSAGES)) {
      assert.equal(u8aToHex(MESSAGES[kind](genesis, fields)), message);
    }
  });

  it('names a receipt as the examples do', () => {
    for (const { genesis, fields, id } of cases.filter(({ kind }) => kind === 'receipt')) {
      assert.equal(blake2AsHex(receiptMessage(genesis, fields)), id);
    }
  });

  it('names a request as the examples do', () => {
    const requests = cases.filter(({ kind }) => kind === 'request');
    assert.ok(requests.length > 0);
    for (const { model, input, count, hash } of requests) assert.equal(requestHash(model, input, count), hash);
  });

  it('has the signatures of the examples, of both kinds', () => {
    for (const { by, bytes, ...signature } of signatures()) {
      for (const [kind, prefix] of [['ed25519', '0x00'], ['sr25519', '0x01']]) {
        const { address, publicKey } = pair(kind, by);
        assert.equal(u8aToHex(publicKey), keys.find(({ name }) => name === by)[kind]);
        assert.ok(verifies(signature[kind].replace('0x', prefix), bytes, address), kind);
      }
    }
  });

  it('has the same signature of ed25519 each time', () => {
    for (const { by, bytes, ed25519 } of signatures()) {
      assert.equal(sign(pair('ed25519', by), bytes), ed25519.replace('0x', '0x00'));
    }
  });

  it('has a signature of sr25519 that verifies', () => {
    for (const { by, bytes } of signatures()) {
      const key = pair('sr25519', by);
      assert.ok(verifies(sign(key, bytes), bytes, key.address));
    }
  });
});

describe('a signature', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const good = sign(user, bytes);

  it('of other bytes does not verify', () => {
    assert.ok(!verifies(good, Uint8Array.of(1, 2), user.address));
  });

  it('of another key does not verify', () => {
    assert.ok(!verifies(good, bytes, other.address));
  });

  it('of the bytes as polkadot.js wraps them does not verify, for the chain does not take it', () => {
    const wrapped = u8aConcat(stringToU8a('<Bytes>'), bytes, stringToU8a('</Bytes>'));
    assert.ok(!verifies(sign(user, wrapped), bytes, user.address));
  });

  it('that is none does not verify', () => {
    for (const bad of ['0x', '0x01', `0x01${'00'.repeat(64)}`, good.replace('0x01', '0x02'), `${good}00`]) {
      assert.ok(!verifies(bad, bytes, user.address), bad);
    }
  });
});

const voucher = { channel: 7, version: 2, amount: '200', nonce: 3 };

// An answer as an honest provider gives it, with other fields of the receipt; signed after that.
function answerTo(paid, fields = {}, by = provider, genesis = GENESIS) {
  const input = root(...INPUTS);
  const receipt = {
    payment: { channel: paid.channel }, request: requestHash(MODEL, input, 2), weights: WEIGHTS, input,
    output: root(...OUTPUTS), count: 2, price: `${PRICE}`, nonce: paid.nonce, expires: 160, ...fields,
  };
  const answers = OUTPUTS.map((output) => ({ output: base64Encode(output) }));
  const signature = sign(by, receiptMessage(genesis, receipt));
  return { model: MODEL, version: paid.version, answers, receipt, signature };
}

describe('an answer', () => {
  const expected = {
    genesis: GENESIS, receiptKey: provider.address, voucher, model: MODEL, weights: WEIGHTS, inputs: INPUTS, output: 1,
    most: PRICE, expires: 160,
  };
  const passes = (answer) => check(answer, expected);
  const refuses = (answer, what) => assert.throws(() => passes(answer), { message: `the answer is wrong: ${what}` });

  it('that is right passes, and has its outputs', () => {
    assert.deepEqual(passes(answerTo(voucher)).map((output) => [...output]), [[5], [6]]);
  });

  it('that another key signed is refused', () => {
    refuses(answerTo(voucher, {}, other), 'the signature');
  });

  it('that was signed for another chain is refused', () => {
    refuses(answerTo(voucher, {}, provider, `0x${'99'.repeat(32)}`), 'the signature');
  });

  it('whose receipt was changed after the signature is refused', () => {
    const answer = answerTo(voucher);
    answer.receipt.price = '1';
    refuses(answer, 'the signature');
  });

  const lies = [
    ['of another channel', { payment: { channel: 8 } }, 'what it is paid from'],
    ['of a one-shot request', { payment: { one_shot: 7 } }, 'what it is paid from'],
    ['to another question of the channel', { nonce: 2 }, 'the number'],
    ['of other weights', { weights: `0x${'44'.repeat(32)}` }, 'the weights'],
    ['that is dearer than agreed', { price: '101' }, 'the price'],
    ['that is evidence for too short a time', { expires: 143 }, 'the time until which it is evidence'],
    ['that says so by a text', { expires: '99' }, 'the time until which it is evidence'],
    ['about another number of inputs', { count: 1 }, 'the inputs'],
    ['about other inputs', { input: root(Uint8Array.of(9)) }, 'the inputs'],
    ['about another model\'s question', { request: `0x${'55'.repeat(32)}` }, 'the question'],
    ['whose receipt is of other outputs', { output: root(Uint8Array.of(9)) }, 'the outputs'],
  ];
  for (const [which, fields, what] of lies) {
    it(`${which} is refused`, () => refuses(answerTo(voucher, fields), what));
  }

  it('of another version than was paid for is refused', () => {
    refuses({ ...answerTo(voucher), version: 1 }, 'who answered');
  });

  it('whose outputs are cut elsewhere is refused', () => {
    const answers = [{ output: '' }, { output: base64Encode(u8aConcat(...OUTPUTS)) }];
    refuses({ ...answerTo(voucher), answers }, 'the length of an output');
  });
});

describe('a 402', () => {
  const header = (body) => base64Encode(JSON.stringify(body));

  it('of x402 names this way to pay among others', () => {
    const [card, channel] = [{ scheme: 'exact' }, { scheme: 'oda-channel', amount: '5' }];
    assert.deepEqual(paymentRequired(header({ x402Version: 2, accepts: [card, channel] })), channel);
  });

  it('without this way to pay names none', () => {
    assert.equal(paymentRequired(header({ x402Version: 2, accepts: [{ scheme: 'exact' }] })), undefined);
  });

  it('of another version of x402 names none', () => {
    assert.equal(paymentRequired(header({ x402Version: 1, accepts: [{ scheme: 'oda-channel' }] })), undefined);
  });
});

describe('a channel', () => {
  let server;
  let channel;
  // What the provider says to each request, in their order; and the vouchers and names that came with them.
  let answers;
  let vouchers;
  let names;

  const signed = (fields, key = user) => {
    const promise = { ...voucher, ...fields };
    return { voucher: promise, signature: sign(key, voucherMessage(GENESIS, promise)) };
  };
  const served = (paid) => ({ status: 200, body: answerTo(paid) });
  const problem = (status, kind, headers = {}) =>
    () => ({ status, headers, body: { type: `urn:oda:problem:${kind}`, detail: kind } });
  // A 402 that says by which version it is answered, and how far the channel has come.
  const required = (charged, version = 2) => {
    const accepts = [{ scheme: 'oda-channel', extra: { version, ...(charged && { channel: { id: 7, ...charged } }) } }];
    const header = base64Encode(JSON.stringify({ x402Version: 2, accepts }));
    return problem(402, 'voucher-too-low', { 'payment-required': header });
  };
  const nothing = (request, response) => response.destroy();

  before(async () => {
    server = createServer((request, response) => {
      const { payment, 'idempotency-key': name } = request.headers;
      const paid = payment && JSON.parse(Buffer.from(payment, 'base64')).voucher;
      vouchers.push(paid);
      names.push(name);
      const says = answers.shift();
      if (says === nothing) {
        response.destroy();
        return;
      }
      const { status, headers, body } = says(paid);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  beforeEach(() => {
    [answers, vouchers, names] = [[], [], []];
    channel = new Channel(new Provider(`http://127.0.0.1:${server.address().port}/`), user, {
      genesis: GENESIS, id: 7, model: MODEL, version: 2, receiptKey: provider.address, receipts: 60, output: 1,
      weights: async () => WEIGHTS, tick: async () => 100,
    });
  });

  afterEach(() => assert.deepEqual(answers, [], 'the provider was asked too seldom'));

  const ask = () => channel.ask(INPUTS, PRICE);
  const promises = () => vouchers.map(({ amount, nonce }) => [amount, nonce]);

  it('promises what was charged and the most that the question may cost', async () => {
    answers = [served, served];
    await ask();
    await ask();
    assert.deepEqual(promises(), [['100', 1], ['200', 2]]);
    assert.equal(channel.spent, 200n);
  });

  it('pays for a question once, whatever breaks off', async () => {
    answers = [nothing, problem(503, 'unavailable', { 'retry-after': '0' }), served];
    await ask();
    assert.deepEqual(promises(), [['100', 1], ['100', 1], ['100', 1]]);
    assert.equal(new Set(names).size, 1);
    assert.equal(channel.spent, 100n);
  });

  it('goes on from where its own voucher proves that it was', async () => {
    answers = [required({ spent: '500', nonce: 9, last: signed({ amount: '600', nonce: 9 }) }), served];
    await ask();
    assert.deepEqual(promises(), [['100', 1], ['600', 10]]);
    assert.equal(channel.spent, 600n);
  });

  it('never promises less than before', async () => {
    answers = [required({ spent: '0', nonce: 9, last: signed({ amount: '600', nonce: 9 }) }), served];
    await ask();
    assert.deepEqual(promises(), [['100', 1], ['600', 10]]);
    assert.equal(channel.spent, 100n);
  });

  it('asks the version that answers, by its weights on the chain', async () => {
    answers = [required(undefined, 3), served];
    const { answer } = await ask();
    assert.equal(answer.version, 3);
    assert.deepEqual(promises(), [['100', 1], ['100', 2]]);
  });

  it('does not pay again where a refusal says nothing new', async () => {
    answers = [required({ spent: '0', nonce: 0, last: null })];
    await assert.rejects(ask(), { kind: 'voucher-too-low', status: 402 });
  });

  const claims = [
    ['without a voucher', { spent: '500', nonce: 9, last: null }, 'the provider shows no voucher of this channel'],
    ['with a voucher of another key', { spent: '500', nonce: 9, last: signed({ amount: '600', nonce: 9 }, other) },
      'the provider shows a voucher of another key'],
    ['with a voucher of another channel', { spent: '500', nonce: 9, last: signed({ channel: 8, nonce: 9 }) },
      'the provider shows no voucher of this channel'],
    ['beyond the voucher', { spent: '500', nonce: 9, last: signed({ amount: '499', nonce: 9 }) },
      'the provider charged more than we promised'],
    ['for a question that it has not answered', { spent: '100', nonce: 1, last: signed({ amount: '100', nonce: 1 }) },
      'the provider charged more than it has answered'],
  ];
  for (const [how, charged, message] of claims) {
    it(`stops when the provider claims more ${how}`, async () => {
      answers = [required(charged)];
      await assert.rejects(ask(), { message });
      await assert.rejects(ask(), Wrong, 'the next question is not even sent');
    });
  }

  it('stops at a wrong answer', async () => {
    answers = [(paid) => ({ status: 200, body: answerTo(paid, {}, other) })];
    await assert.rejects(ask(), Wrong);
    await assert.rejects(ask(), Wrong);
    assert.equal(channel.spent, 0n);
  });

  it('stops at an answer that cannot be read', async () => {
    answers = [() => ({ status: 200, body: {} })];
    await assert.rejects(ask(), Wrong);
  });

  it('goes on after a question that was refused', async () => {
    answers = [problem(422, 'unfit'), served];
    await assert.rejects(ask(), { name: 'Error', kind: 'unfit' });
    await ask();
    assert.deepEqual(promises(), [['100', 1], ['100', 2]]);
  });

  it('follows no redirection', async () => {
    answers = [() => ({ status: 307, headers: { location: '/v1/models' }, body: {} })];
    await assert.rejects(new Provider(`http://127.0.0.1:${server.address().port}`).models());
  });

  it('tells by a problem that it was a refusal', async () => {
    answers = [problem(404, 'unknown-model')];
    await assert.rejects(ask(), Problem);
  });

  it('takes up what it has forgotten', async () => {
    const last = signed({ amount: '600', nonce: 9 });
    answers = [() => ({ status: 200, body: { channel: 7, spent: '500', nonce: 9, last } })];
    await channel.resume();
    assert.deepEqual([channel.spent, channel.nonce], [500n, 9]);
  });

  const closes = (key) => {
    const closing = { channel: 7, version: 2, amount: '0', expires: 150 };
    return () => ({ status: 200, body: { signature: sign(key, closingMessage(GENESIS, closing)) } });
  };

  it('is closed with both signatures of what was charged', async () => {
    answers = [closes(provider)];
    const { closing, ofUser, ofProvider } = await channel.close(150);
    assert.deepEqual(closing, { channel: 7, version: 2, amount: '0', expires: 150 });
    assert.ok(verifies(ofUser, closingMessage(GENESIS, closing), user.address));
    assert.ok(verifies(ofProvider, closingMessage(GENESIS, closing), provider.address));
  });

  it('is not closed with somebody else\'s signature', async () => {
    answers = [closes(other)];
    await assert.rejects(channel.close(150), Wrong);
  });
});
