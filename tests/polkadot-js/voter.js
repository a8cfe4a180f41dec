// What a voter needs beside polkadot.js.

import { eventOf, finalizedBlocks, send } from './oda.js';

// #region propose
// Proposes that a call be dispatched by an origin, which decides the track, and places the decision deposit in the same
// transaction, so that no later proposal takes the place: the number of the referendum.
export async function propose(api, origin, call, signer) {
  const { method } = call;
  const short = method.encodedLength <= 128;
  const proposal = short ? { Inline: method.toHex() } : { Lookup: { hash: method.hash, len: method.encodedLength } };
  const index = await api.query.referenda.referendumCount();
  const batch = api.tx.utility.batchAll([
    ...short ? [] : [api.tx.preimage.notePreimage(method.toHex())],
    api.tx.referenda.submit(origin, proposal, { After: 0 }),
    // Of this number, unless somebody else's comes first: then `HasDeposit`, or the deposit is another's, and returns.
    api.tx.referenda.placeDecisionDeposit(index),
  ]);
  return eventOf(await send(batch, signer), 'referenda', 'Submitted').index.toNumber();
}
// #endregion

// #region decided
// Waits until a referendum is over: `Approved`, `Rejected`, `Cancelled`, `TimedOut` or `Killed`.
export async function decided(api, index) {
  const { number } = await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead());
  for await (const { at } of finalizedBlocks(api, number.toNumber())) {
    const info = (await at.query.referenda.referendumInfoFor(index)).unwrap();
    if (!info.isOngoing) return info.type;
  }
}
// #endregion
