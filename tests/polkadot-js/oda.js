// What a trainer needs beside polkadot.js.

import { ApiPromise, WsProvider } from '@polkadot/api';
import { bnToU8a, hexToU8a, stringPascalCase, stringToU8a, u8aConcat, u8aToHex, u8aToU8a } from '@polkadot/util';
import { blake2AsHex } from '@polkadot/util-crypto';
import { blake3 } from './blake3.js';

const sleep = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

// #region connect
export const connect = (url) => ApiPromise.create({
  provider: new WsProvider(url),
  // For calls that a pallet authorises. It adds nothing to signed transactions.
  signedExtensions: { AuthorizeCall: { extrinsic: {}, payload: {} } },
  noInitWarn: true,
});
// #endregion

// #region names
// A blob's name: its plain BLAKE3 hash and its length.
export const blobRef = (bytes) => ({ root: u8aToHex(blake3(bytes)), len: bytes.length });

// A model's id, from its encoded specification.
export const modelId = (spec) => blake2AsHex(u8aConcat(stringToU8a('oda/model/1'), spec.toU8a()));
// #endregion

// #region file
// A specification file of the worker as polkadot.js takes it: names in camel case.
export const readSpec = (text) => JSON.parse(text.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()));
// #endregion

// #region registration
// What a registrar announces: `blake2_256("oda/registration/1" ‖ SCALE(genesis, registrar, model, salt))`.
export const registration = (genesis, registrar, model, salt) => blake2AsHex(u8aConcat(
  stringToU8a('oda/registration/1'),
  u8aToU8a(genesis),
  registrar.publicKey,
  hexToU8a(model),
  salt,
));
// #endregion

// #region commitment
// What a trainer commits to: `blake2_256("oda/commit/1" ‖ SCALE(genesis, model, trainer, weights, salt))`.
export const commitment = (genesis, model, trainer, weights, salt) => blake2AsHex(u8aConcat(
  stringToU8a('oda/commit/1'),
  u8aToU8a(genesis),
  hexToU8a(model),
  trainer.publicKey,
  hexToU8a(weights.root),
  bnToU8a(weights.len, { bitLength: 64, isLe: true }),
  salt,
));
// #endregion

// #region errors
// Why the chain refused a call: `name` is the pallet's and the error's, `detail` what the error carries.
export class Refused extends Error {
  constructor(registry, error) {
    if (error.isModule) {
      const { section, name, docs, fields } = registry.findMetaError(error.asModule);
      super(docs.join(' ').trim());
      this.name = `${stringPascalCase(section)}::${name}`;
      if (fields.length > 0) {
        // Byte 0 is the error's index, and its fields follow.
        const type = registry.createLookupType(fields[0].type);
        this.detail = registry.createType(type, error.asModule.error.slice(1)).toHuman();
      }
    } else {
      super('the call failed for a reason that is not a pallet\'s');
      this.name = [error.type, error.value.type].filter(Boolean).join('::');
    }
  }
}
// #endregion

// #region send
// Signs a call, sends it, and waits until it is in a finalised block, or just in a block. Rejects with `Refused` if
// the block's runtime refused it, and with the node's error if it did not come so far.
export const send = (call, signer, until = 'Finalized') => new Promise((resolve, reject) => {
  let stop;
  const seen = ({ status, dispatchError, events, blockNumber, txIndex, isError }) => {
    if (status.type !== until && !isError) return;
    stop?.();
    if (isError) reject(new Error(`the transaction is ${status.type}`));
    else if (dispatchError) reject(new Refused(call.registry, dispatchError));
    else resolve({ block: blockNumber.toNumber(), hash: status.value.toHex(), index: txIndex, events });
  };
  call.signAndSend(signer, seen).then((unsubscribe) => { stop = unsubscribe; }, reject);
});

// The data of the first event of a kind that a call emitted.
export const eventOf = (receipt, section, method) =>
  receipt.events.find(({ event }) => event.section === section && event.method === method).event.data;
// #endregion

// #region blocks
// The finalised blocks from number `from` on, each with its state and its events. Polls: subscriptions skip blocks.
export async function* finalizedBlocks(api, from) {
  const finalized = async () => api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead());
  for (let number = from; ; number += 1) {
    while ((await finalized()).number.toNumber() < number) await sleep(200);
    const at = await api.at(await api.rpc.chain.getBlockHash(number));
    yield { number, at, events: await at.query.system.events() };
  }
}

// Waits until a finalised block has this tick.
export async function untilTick(api, tick) {
  const { number } = await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead());
  for await (const { at } of finalizedBlocks(api, number.toNumber())) {
    if ((await at.query.clock.now()).toNumber() >= tick) return;
  }
}
// #endregion

// #region follow
const ENDS = ['Accepted', 'Expired', 'Forfeited', 'Outdated', 'Overturned', 'Refuted', 'Withdrawn', 'Withheld'];

// The tick from which on the verification of a submission can be settled; infinity if it is not being verified.
async function settleTick(api, submission) {
  const stage = (await api.call.odaApi.submission(submission)).unwrapOr(undefined)?.stage;
  const terms = (await api.query.training.submissions(submission)).unwrapOr(undefined)?.terms;
  if (!stage?.isVerifying || !terms) return Infinity;
  const status = (await view(api, 'Verification', 'status_of', { Submission: submission })).unwrapOr(undefined);
  // Its verifiers are not drawn yet, deliberate, or differ.
  if (status?.isOpen || status?.isDisputed) return Infinity;
  const { openUntil, passedAt } = stage.asVerifying;
  // As it was agreed at the commitment: a change of the parameter does not concern it.
  const window = terms.challengeWindow.toNumber();
  return Math.max(openUntil.toNumber(), passedAt.isSome ? passedAt.unwrap().toNumber() + window : 0);
}

// Follows a submission from block `from` to its end, and settles it when that is due: the event that ended it.
export async function follow(api, submission, from, signer) {
  let next = 0;
  for await (const { number, events } of finalizedBlocks(api, from)) {
    // What is withheld can be a head as well.
    const whose = ({ submission: id, target }) => id ?? (target?.isSubmission ? target.asSubmission : undefined);
    const end = events.find(({ event: { section, method, data } }) =>
      section === 'training' && ENDS.includes(method) && whose(data)?.eq(submission));
    if (end) return { block: number, outcome: end.event.method, data: end.event.data };
    // By the newest block: settling too early, or twice, costs a fee and no more.
    const tick = (await api.query.clock.now()).toNumber();
    if (tick >= Math.max(next, await settleTick(api, submission))) {
      next = tick + 5;
      try {
        await send(api.tx.training.settle(submission), signer, 'InBlock');
      } catch (error) {
        // Somebody else was first, or a challenge commitment or a demand holds the window open.
        if (!['Training::UnknownSubmission', 'Training::NothingDue'].includes(error.name)) throw error;
      }
    }
  }
}
// #endregion

// #region parameter
// A parameter's value, by its pallet and its name; `api` may be that of a block.
export async function parameter(api, pallet, name) {
  const value = await api.query.parameters.parameters({ [pallet]: { [name]: null } });
  return value.unwrap().inner.inner;
}
// #endregion

// #region view
// Calls a view function of a pallet, by the id that metadata 16 gives it; `api` may be that of a block.
export async function view(api, pallet, name, ...args) {
  const { registry } = api;
  const { viewFunctions } = registry.metadata.pallets.find((found) => found.name.eq(pallet));
  const { id, inputs, output } = viewFunctions.find((found) => found.name.eq(name));
  const type = (index) => registry.createLookupType(index);
  const input = u8aConcat(...inputs.map((each, i) => registry.createType(type(each.type), args[i]).toU8a()));
  const answer = await api.call.runtimeViewFunction.executeViewFunction(id, u8aToHex(input));
  if (answer.isErr) throw new Error(`${pallet}.${name}: ${answer.asErr.type}`);
  return registry.createType(type(output), answer.asOk.toU8a(true));
}
// #endregion
