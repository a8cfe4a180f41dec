// What a user of paid inference reads of the chain.

import { Channel, Provider } from './inference.js';
import { finalizedBlocks, view } from './oda.js';

// #region offers
// Who answers a model, the cheapest first: the provider's account, its offer, and the price of one input in planck.
export async function offersOf(api, model) {
  const offers = [];
  for (const [{ args: [provider] }, offer] of await api.query.inference.offers.entries()) {
    // None if it offers other models, or has not the stake that answers for a wrong output.
    const price = await view(api, 'Inference', 'price', provider, model, 1);
    if (price.isSome) offers.push({ provider, offer: offer.unwrap(), price: price.unwrap().toBigInt() });
  }
  return offers.sort((a, b) => (a.price < b.price ? -1 : 1));
}
// #endregion

// #region terms
const BYTES = { I8: 1, U8: 1, I16: 2, U16: 2, I32: 4 };

// A channel, as its user pays from it with the voucher key. What an answer is checked against is the chain's.
export async function channelOf(api, id, key) {
  const { model, provider, receiptKey, receipts } = (await api.query.inference.channels(id)).unwrap();
  const { endpoint } = (await api.query.inference.offers(provider)).unwrap();
  const { head } = (await api.query.modelRegistry.models(model)).unwrap();
  const { inputs, nodes, outputs } = (await api.query.modelRegistry.specs(model)).unwrap().graph;
  const values = [...inputs, ...nodes.map((node) => node.output)];
  const bytes = ({ dtype, shape }) => shape.reduce((product, extent) => product * extent.toNumber(), BYTES[dtype.type]);
  return new Channel(new Provider(endpoint.toUtf8()), key, {
    genesis: api.genesisHash.toHex(),
    id,
    model: model.toHex(),
    version: head.unwrap().toNumber(),
    receiptKey: receiptKey.toString(),
    receipts: receipts.toNumber(),
    output: outputs.reduce((sum, value) => sum + bytes(values[value.toNumber()]), 0),
    weights: async (version) => {
      const { weights } = (await api.query.modelRegistry.versions(model, version)).unwrap();
      return weights.root.toHex();
    },
    tick: async () => (await api.query.clock.now()).toNumber(),
  });
}
// #endregion

// #region class
// The class with the highest score, in an output that is a score of 16 bits for each; the lowest of several.
export function classOf(output) {
  const bytes = new DataView(output.buffer, output.byteOffset, output.length);
  const scores = Array.from({ length: output.length / 2 }, (_, i) => bytes.getInt16(2 * i, true));
  return scores.indexOf(Math.max(...scores));
}
// #endregion

// #region answered
// The data of the event that answers a one-shot request, looked for from block `from` on. Rejects if it is too late to
// answer: then `inference.settle` gives the price back.
export async function answerOf(api, request, until, from) {
  for await (const { at, events } of finalizedBlocks(api, from)) {
    const answered = events.find(({ event: { section, method, data } }) =>
      section === 'inference' && method === 'Answered' && data.request.eq(request));
    if (answered) return answered.event.data;
    if ((await at.query.clock.now()).gte(until)) throw new Error('the request was not answered in time');
  }
}
// #endregion
