// A user of paid inference, over HTTP: asks a provider, pays with vouchers, and checks what it gets.
// `ml-worker/inference/src/api.rs` says what goes over the wire, `primitives/src/inference.rs` what is signed.

import { bnToU8a, hexToU8a, stringToU8a, u8aConcat, u8aToHex, u8aToString } from '@polkadot/util';
import {
  base64Decode, base64Encode, blake2AsHex, decodeAddress, ed25519Verify, randomAsHex, sr25519Verify,
} from '@polkadot/util-crypto';
import { blake3 } from './blake3.js';

// #region signed
type Hex = `0x${string}`;
// An amount in planck, in decimal digits.
type Amount = string;

export interface Voucher { channel: number; version: number; amount: Amount; nonce: number }
export interface Closing { channel: number; version: number; amount: Amount; expires: number }
export interface Receipt {
  payment: { channel: number } | { one_shot: number };
  request: Hex; weights: Hex; input: Hex; output: Hex;
  count: number; price: Amount; nonce: number; expires: number;
}

const unsigned = (bitLength: number) => (value: number | string) =>
  bnToU8a(BigInt(value), { bitLength, isLe: true });
const [u32, u64, u128] = [unsigned(32), unsigned(64), unsigned(128)] as const;

// What is signed: what kind of thing it is, the hash of block 0, and the fields in SCALE.
export const message = (kind: 'voucher' | 'closing' | 'receipt', genesis: Hex, fields: Uint8Array) =>
  u8aConcat(stringToU8a(`oda/${kind}/1`), hexToU8a(genesis), fields);

export const voucherMessage = (genesis: Hex, { channel, version, amount, nonce }: Voucher) =>
  message('voucher', genesis, u8aConcat(u64(channel), u32(version), u128(amount), u64(nonce)));

export const closingMessage = (genesis: Hex, { channel, version, amount, expires }: Closing) =>
  message('closing', genesis, u8aConcat(u64(channel), u32(version), u128(amount), u64(expires)));

export function receiptMessage(genesis: Hex, { payment, ...receipt }: Receipt) {
  const paid = 'channel' in payment ? u8aConcat([0], u64(payment.channel)) : u8aConcat([1], u64(payment.one_shot));
  const roots = [receipt.request, receipt.weights, receipt.input, receipt.output].map((root) => hexToU8a(root));
  const numbers = [u32(receipt.count), u128(receipt.price), u64(receipt.nonce), u64(receipt.expires)];
  return message('receipt', genesis, u8aConcat(paid, ...roots, ...numbers));
}

// What is asked: a model, the root of the inputs' bytes one after the other, and their number.
export const requestHash = (model: Hex, input: Hex, count: number) =>
  blake2AsHex(u8aConcat(stringToU8a('oda/request/1'), hexToU8a(model), hexToU8a(input), u32(count)));
// #endregion

// #region signature
// A pair of a `Keyring`, of sr25519 or ed25519.
export interface Key { address: string; sign(message: Uint8Array, options: { withType: true }): Uint8Array }

// As the chain has it: a byte that says of what kind it is, then the signature.
export const sign = (key: Key, signed: Uint8Array): Hex => u8aToHex(key.sign(signed, { withType: true }));

// Whether an account's key signed these bytes. (`signatureVerify` of polkadot.js takes them within `<Bytes>` too. The
// chain does not, and what the chain does not take is worth nothing.)
export function verifies(signature: Hex, signed: Uint8Array, address: string): boolean {
  const [kind, ...bytes] = hexToU8a(signature);
  if (bytes.length !== 64 || (kind !== 0 && kind !== 1)) return false;
  const verify = kind === 0 ? ed25519Verify : sr25519Verify;
  try {
    return verify(signed, Uint8Array.from(bytes), decodeAddress(address));
  } catch {
    return false; // Not even a signature.
  }
}
// #endregion

export interface SignedVoucher { voucher: Voucher; signature: Hex }
export interface Answer { output: string; class?: number; label?: string; scores?: number[] }
export interface InferAnswer { model: Hex; version: number; answers: Answer[]; receipt: Receipt; signature: Hex }
export interface Price { per_request: Amount; per_mmac: Amount }
export interface Tensor { dtype: string; shape: number[]; bytes: number }
export interface ServedModel {
  model: Hex; version: number; weights: Hex; score: number; price: Price; macs: number;
  inputs: Tensor[]; outputs: Tensor[]; card: unknown; limits: { max_count: number; max_body: number };
}
export interface Models {
  genesis: Hex; provider: string; receipt_key: string; terms: { grace: number; answer: number }; models: ServedModel[];
}
export interface Quote { model: Hex; version: number; price: Amount }
export interface ChannelState { channel: number; spent: Amount; nonce: number; last: SignedVoucher | null }

// #region required
// A way to pay, of those that a 402 of x402 lists.
export interface Accepted {
  scheme: string; network: string; amount: Amount; asset: string; payTo: string; maxTimeoutSeconds: number;
  extra: {
    genesis: Hex; model: Hex; version: number; price: Price; receipt_key: string;
    // If the request named a channel: what was charged, and the last voucher as evidence.
    channel?: { id: number; spent: Amount; nonce: number; last: SignedVoucher | null };
  };
}

// What the header of a 402 says: base64 of JSON.
export function paymentRequired(header: string): Accepted | undefined {
  const { x402Version, accepts } = JSON.parse(u8aToString(base64Decode(header)));
  if (x402Version !== 2) return undefined;
  return accepts.find(({ scheme }: Accepted) => scheme === 'oda-channel');
}

// A refusal. Its `kind` is the last part of the problem's type: `voucher-too-low`.
export class Problem extends Error {
  status: number;
  kind: string;
  accepted: Accepted | undefined;
  // Seconds.
  retryAfter: number;

  constructor(status: number, headers: Headers, body: { type?: string; detail?: string }) {
    super(body.detail ?? `the provider answered with ${status}`);
    this.status = status;
    this.kind = body.type?.split(':').at(-1) ?? 'unknown';
    this.retryAfter = Math.min(Number(headers.get('retry-after') ?? 1), 30);
    const required = headers.get('payment-required');
    this.accepted = required === null ? undefined : paymentRequired(required);
  }

  // Whether the same request may be answered later.
  get isPassing() {
    return [409, 425, 429].includes(this.status) || this.status >= 500;
  }
}
// #endregion

// A provider, at the endpoint of its offer.
export class Provider {
  #base: string;

  constructor(endpoint: string) {
    this.#base = endpoint.replace(/\/+$/, '');
  }

  async #ask<T>(path: string, body?: string, headers: Record<string, string> = {}): Promise<T> {
    const response = await fetch(`${this.#base}/v1/${path}`, {
      ...(body === undefined ? {} : { method: 'POST', body }),
      headers: { 'content-type': 'application/json', ...headers },
      redirect: 'error',
      signal: AbortSignal.timeout(60_000),
    });
    if (response.ok) return await response.json() as T;
    throw new Problem(response.status, response.headers, await response.json().catch(() => ({})));
  }

  models = () => this.#ask<Models>('models');

  quote = (model: Hex, count: number) => this.#ask<Quote>('quote', JSON.stringify({ model, count }));

  // `body` is a question. Without a voucher, a 402 says what is to be paid.
  infer = (body: string, paid?: SignedVoucher, key?: string) => this.#ask<InferAnswer>('infer', body, {
    ...(paid && { payment: base64Encode(JSON.stringify(paid)) }),
    ...(key && { 'idempotency-key': key }),
  });

  channel = (id: number) => this.#ask<ChannelState>(`channels/${id}`);

  close = (closing: Closing, signature: Hex) =>
    this.#ask<{ signature: Hex }>(`channels/${closing.channel}/close`, JSON.stringify({ closing, signature }));
}

// #region check
// An answer, or what a provider says of a channel, is wrong: it gets no voucher any more.
export class Wrong extends Error {}

export interface Expected {
  genesis: Hex;
  receiptKey: string;
  voucher: Voucher;
  model: Hex;
  // The root that the chain has of the weights of the voucher's version.
  weights: Hex;
  inputs: Uint8Array[];
  // Bytes of one input's output.
  output: number;
  // The most that it may cost.
  most: bigint;
  // The tick until which the receipt has to be evidence.
  expires: number;
}

// Ticks by which the provider's node may be behind.
const BEHIND = 16;

const rootOf = (bytes: Uint8Array[]) => u8aToHex(blake3(u8aConcat(...bytes)));

// Checks an answer: one that passes can be taken to court. Returns the outputs.
export function check({ model, version, answers, receipt, signature }: InferAnswer, expected: Expected): Uint8Array[] {
  const { voucher, inputs } = expected;
  const outputs = answers.map(({ output }) => base64Decode(output));
  const rules: [boolean, string][] = [
    [verifies(signature, receiptMessage(expected.genesis, receipt), expected.receiptKey), 'the signature'],
    ['channel' in receipt.payment && receipt.payment.channel === voucher.channel, 'what it is paid from'],
    [receipt.nonce === voucher.nonce, 'the number'],
    [model === expected.model && version === voucher.version, 'who answered'],
    [receipt.weights === expected.weights, 'the weights'],
    [BigInt(receipt.price) <= expected.most, 'the price'],
    [receipt.expires >= expected.expires - BEHIND, 'the time until which it is evidence'],
    [receipt.count === inputs.length && receipt.input === rootOf(inputs), 'the inputs'],
    [receipt.request === requestHash(expected.model, receipt.input, receipt.count), 'the question'],
    [outputs.length === inputs.length, 'the number of outputs'],
    [outputs.every(({ length }) => length === expected.output), 'the length of an output'],
    [receipt.output === rootOf(outputs), 'the outputs'],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw new Wrong(`the answer is wrong: ${broken[1]}`);
  return outputs;
}
// #endregion

// What the chain says of a channel; none of it is taken from the provider.
export interface Terms {
  genesis: Hex;
  id: number;
  model: Hex;
  // The version that is asked first; the provider may have another one answer.
  version: number;
  receiptKey: string;
  // Ticks for which a receipt is to be evidence.
  receipts: number;
  // Bytes of one input's output.
  output: number;
  // The root of a version's weights.
  weights(version: number): Promise<Hex>;
  tick(): Promise<number>;
}

const TRIES = 20;
const sleep = (seconds: number) => new Promise((resolve) => { setTimeout(resolve, 1_000 * seconds); });
const greater = (a: bigint, b: bigint) => (a > b ? a : b);

// A channel, one question at a time. It keeps nothing on disk: for a channel that was used before, `resume` learns from
// the provider how far it has come, and believes nothing but vouchers of the user's own key.
export class Channel {
  // What was charged, in planck.
  spent = 0n;
  nonce = 0;
  #provider: Provider;
  #key: Key;
  #terms: Terms;
  #version: number;
  // The most that was promised and not refused, in planck. It never falls.
  #promised = 0n;
  // The vouchers that were signed here. What they paid for is counted already, or was not answered.
  #signed = new Set<Hex>();
  // The question that waits for its answer.
  #asked: { body: string; name: string; paid: SignedVoucher; expected: Expected } | undefined;
  #wrong: Wrong | undefined;

  constructor(provider: Provider, key: Key, terms: Terms) {
    this.#provider = provider;
    this.#key = key;
    this.#terms = terms;
    this.#version = terms.version;
  }

  // Asks about inputs, the bytes of a tensor each, for at most `most` planck. If no answer came, ask the same again: it
  // has the same voucher then, and is paid for once.
  async ask(inputs: Uint8Array[], most: bigint): Promise<{ outputs: Uint8Array[]; answer: InferAnswer }> {
    for (let tries = 1; ; tries += 1) {
      const { body, name, paid, expected } = await this.#question(inputs, most);
      let answer: InferAnswer;
      try {
        answer = await this.#provider.infer(body, paid, name);
      } catch (error) {
        if (tries === TRIES || !await this.#goesOn(error)) throw error;
        continue;
      }
      const outputs = this.#trust(() => check(answer, expected));
      this.spent += BigInt(answer.receipt.price);
      this.#promised = BigInt(paid.voucher.amount);
      this.#asked = undefined;
      return { outputs, answer };
    }
  }

  // Learns from the provider how far the channel has come.
  async resume(): Promise<void> {
    const { spent, last } = await this.#provider.channel(this.#terms.id);
    this.#trust(() => this.#learn(spent, last));
  }

  // Agrees with the provider to end the channel, before the tick `expires`: what `inference.closeAgreed` takes.
  async close(expires: number): Promise<{ closing: Closing; ofUser: Hex; ofProvider: Hex }> {
    const { genesis, id, receiptKey } = this.#terms;
    const closing = { channel: id, version: this.#version, amount: `${this.spent}`, expires };
    const signed = closingMessage(genesis, closing);
    const ofUser = sign(this.#key, signed);
    const { signature: ofProvider } = await this.#provider.close(closing, ofUser);
    if (!verifies(ofProvider, signed, receiptKey)) throw new Wrong('the provider has not signed the closing');
    return { closing, ofUser, ofProvider };
  }

  async #question(inputs: Uint8Array[], most: bigint) {
    if (this.#wrong) throw this.#wrong;
    const { genesis, id, model, receiptKey, receipts, output } = this.#terms;
    const body = JSON.stringify({ model, inputs: inputs.map((input) => ({ tensor: base64Encode(input) })) });
    if (this.#asked?.body === body) return this.#asked;
    if (this.#asked) throw new Error('the last question waits for its answer: ask it again');
    const weights = await this.#terms.weights(this.#version);
    const expires = await this.#terms.tick() + receipts;
    this.nonce += 1;
    const amount = greater(this.#promised, this.spent + most);
    const voucher = { channel: id, version: this.#version, amount: `${amount}`, nonce: this.nonce };
    const signed = voucherMessage(genesis, voucher);
    this.#signed.add(u8aToHex(signed));
    const paid = { voucher, signature: sign(this.#key, signed) };
    const expected = { genesis, receiptKey, voucher, model, weights, inputs, output, most, expires };
    this.#asked = { body, name: randomAsHex(16), paid, expected };
    return this.#asked;
  }

  // Whether to ask again after a failure.
  async #goesOn(error: unknown): Promise<boolean> {
    if (error instanceof Problem && !error.isPassing) {
      // It was refused, and nothing was charged.
      this.#asked = undefined;
      return error.accepted !== undefined && this.#correct(error.accepted);
    }
    await sleep(error instanceof Problem ? error.retryAfter : 1);
    return true;
  }

  // Takes from a 402 what another voucher has to say; whether that is anything new.
  #correct({ extra: { version, channel } }: Accepted): boolean {
    const news = channel !== undefined && this.#trust(() => this.#learn(channel.spent, channel.last));
    const moved = version !== this.#version;
    this.#version = version;
    return news || moved;
  }

  // Takes from what a provider says of the channel what a voucher of one's own proves; whether that is anything new.
  #learn(charged: Amount, last: SignedVoucher | null): boolean {
    const { genesis, id } = this.#terms;
    const spent = BigInt(charged);
    const more = spent > this.spent;
    if (!more && (last === null || last.voucher.nonce <= this.nonce)) return false;
    if (last?.voucher.channel !== id) throw new Wrong('the provider shows no voucher of this channel');
    const { voucher: { amount, nonce }, signature } = last;
    const signed = voucherMessage(genesis, last.voucher);
    if (!verifies(signature, signed, this.#key.address)) throw new Wrong('the provider shows a voucher of another key');
    if (spent > BigInt(amount)) throw new Wrong('the provider charged more than we promised');
    if (more && this.#signed.has(u8aToHex(signed))) throw new Wrong('the provider charged more than it has answered');
    this.spent = greater(this.spent, spent);
    this.nonce = Math.max(this.nonce, nonce);
    this.#promised = greater(this.#promised, BigInt(amount));
    return true;
  }

  // What comes of looking at something that the provider said. If it is wrong, the channel gets no voucher any more.
  #trust<T>(look: () => T): T {
    try {
      return look();
    } catch (error) {
      this.#wrong = error instanceof Wrong ? error : new Wrong(`the provider's words cannot be read: ${error}`);
      throw this.#wrong;
    }
  }
}
