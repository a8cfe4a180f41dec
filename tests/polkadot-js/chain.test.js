// A trainer who has polkadot.js and files that the worker made, on a chain with one verifier. The tests tell one
// story and run in their order.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Keyring } from '@polkadot/api';
import { u8aEq, u8aToHex } from '@polkadot/util';
import { blake2AsHex, randomAsU8a } from '@polkadot/util-crypto';
import { lengthProof } from './blake3.js';
import { digits } from './digits.js';
import {
  blobRef, commitment, connect, eventOf, finalizedBlocks, follow, modelId, parameter, readSpec, registration, send,
  untilTick, view,
} from './oda.js';
import { runBlock, startNode, startWorker, worker } from './processes.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const DIGITS = here('../../data/digits/');
const GUIDE = here('../../docs/polkadot-js.md');
const UNIT = 10n ** 12n;
const UNKNOWN = `0x${'07'.repeat(32)}`;

describe('a trainer with polkadot.js', { timeout: 600_000 }, () => {
  const keyring = new Keyring({ type: 'sr25519' });
  const account = (name) => keyring.addFromUri(`//${name}`);
  const [bob, charlie, dave, eve, ferdie] = ['Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie'].map(account);
  let api;
  let folder;
  let node;
  let verifier;
  let made; // By the worker: the specification's file, and weights with their scores.
  let data;
  let model;
  let first; // The submission that brings version 0.
  let update; // Eve's, which brings version 1.
  let copy; // Ferdie's, of version 0's weights.
  let worse; // Ferdie's, of other random weights.

  const evaluate = async (weights, file) => {
    const scores = join(folder, file);
    const evaluated = await worker(folder, 'evaluate', '--spec', made.spec, '--weights', weights, '--scores', scores);
    return { ...evaluated, scores: await readFile(scores) };
  };

  const random = async (seed) => {
    const args = ['--data', join(DIGITS, 'train.bin'), '--seed', `${seed}`];
    const { weights } = await worker(folder, 'model', 'random', made.spec, ...args);
    return evaluate(weights.root, `${seed}.bin`);
  };

  const make = async () => {
    await runBlock(folder, await readFile(GUIDE, 'utf8'));
    const [spec, weights, scores] = ['spec.json', 'weights.bin', 'scores.bin'].map((name) => join(folder, name));
    made = { spec, weights, scores };
    [made.zero, made.other] = [await random(1), await random(2)].sort((a, b) => b.score - a.score);
    made.better = await evaluate(weights, 'better.bin');
  };

  const start = async () => {
    const started = await startNode(folder);
    node = started.node;
    verifier = startWorker(folder, started.url, '//Bob', 'verify');
    api = await connect(started.url);
  };

  before(async () => {
    data = await readFile(join(DIGITS, 'validation.bin'));
    folder = await mkdtemp(join(tmpdir(), 'oda-polkadot-js-'));
    // Both to their end, so that what has started is stopped below even if the other fails.
    const [{ reason }, { reason: other }] = await Promise.allSettled([make(), start()]);
    if (reason ?? other) throw reason ?? other;
  });

  after(async () => {
    await api?.disconnect();
    await Promise.all([verifier?.stop(), node?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  // Commits to weights, as Eve does below, and waits for a block only.
  const commit = async (trainer, weights) => {
    const salt = randomAsU8a(32);
    const hidden = commitment(api.genesisHash, model, trainer, weights, salt);
    const receipt = await send(api.tx.training.commit(model, hidden), trainer, 'InBlock');
    const id = eventOf(receipt, 'training', 'Committed').submission.toNumber();
    return { id, weights, salt, ...receipt };
  };

  // Opens a commitment, with some of its parts replaced.
  const open = (how, submission, parts) => {
    const { id, weights, salt, scores } = { ...submission, ...parts };
    const rest = how === 'reveal' ? [u8aToHex(scores)] : [];
    return api.tx.training[how](id, weights, salt, ...rest);
  };

  const register = (spec, proof = lengthProof(data), salt = new Uint8Array(32)) =>
    api.tx.modelRegistry.register(spec, proof, null, salt);

  const refuses = (call, signer, name, detail) =>
    assert.rejects(send(call, signer, 'InBlock'), detail === undefined ? { name } : { name, detail });

  describe('registers', () => {
    it('the specification in JavaScript and the worker\'s file have the id that the worker prints', async () => {
      const { model: printed } = await worker(
        folder, 'model', 'init', '--template', 'digits', '--data', join(DIGITS, 'validation.bin'),
        '--out', join(folder, 'again.json'),
      );
      const spec = readSpec(await readFile(made.spec, 'utf8'));
      assert.equal(modelId(register(spec).args[0]), printed);
      assert.equal(modelId(register(digits(blobRef(data), 540)).args[0]), printed);
    });

    it('a misspelt field is taken for zero, without a word', () => {
      const spec = digits(blobRef(data), 540);
      spec.objective.minImprovment = 3;
      delete spec.objective.minImprovement;
      assert.equal(register(spec).args[0].objective.minImprovement.toNumber(), 0);
    });

    it('bytes are taken for encoded ones, hexadecimal digits for what they are', () => {
      const scores = (value) => u8aToHex(api.tx.training.reveal(0, blobRef(data), randomAsU8a(32), value).args[3]);
      assert.equal(scores(Uint8Array.of(4, 1)), '0x01');
      assert.equal(scores('0x0401'), '0x0401');
    });

    it('a model is registered under the id that was computed here', async () => {
      // #region register
      const records = await readFile(join(DIGITS, 'validation.bin'));
      const spec = digits(blobRef(records), 540);
      const salt = randomAsU8a(32);
      const call = api.tx.modelRegistry.register(spec, lengthProof(records), null, salt);
      model = modelId(call.args[0]);
      // Nobody can tell which model it is; who sees the registration itself comes too late.
      const hidden = registration(api.genesisHash, dave, model, salt);
      const announced = await send(api.tx.modelRegistry.announce(hidden), dave);
      await untilTick(api, eventOf(announced, 'modelRegistry', 'Announced').opensAt.toNumber());
      const receipt = await send(call, dave);
      // #endregion
      const { model: id, registrar, parent } = eventOf(receipt, 'modelRegistry', 'Registered');
      assert.equal(id.toHex(), model);
      assert.equal(registrar.toString(), dave.address);
      assert.ok(parent.isNone);
      assert.ok((await api.query.modelRegistry.models(model)).unwrap().status.isPending);
    });

    it('a registered specification reads back as it was sent', async () => {
      const stored = (await api.query.modelRegistry.specs(model)).unwrap();
      assert.equal(modelId(stored), model);
      assert.equal(stored.objective.minImprovement.toNumber(), 2);
    });
  });

  describe('commits to version 0', () => {
    it('a pending model takes commitments of its registrar only', async () => {
      await refuses(api.tx.training.commit(model, randomAsU8a(32)), eve, 'ModelRegistry::NotRegistrar');
    });

    it('a commitment that is too young is not opened', async () => {
      const { weights, scores } = made.zero;
      const salt = randomAsU8a(32);
      const hidden = commitment(api.genesisHash, model, dave, weights, salt);
      const id = await api.query.training.nextSubmission();
      // Both in one block, and the commitment is undone with the rest.
      const both = [api.tx.training.commit(model, hidden), open('reveal', { id, weights, salt, scores })];
      await refuses(api.tx.utility.batchAll(both), dave, 'Training::RevealTooEarly');
    });

    it('a commitment puts the bond on hold', async () => {
      first = { ...await commit(dave, made.zero.weights), scores: made.zero.scores };
      const [{ id, amount }] = (await api.query.balances.holds(dave.address)).filter(({ id }) => id.isTraining);
      assert.equal(id.asTraining.type, 'Submission');
      assert.ok(amount.eq(await parameter(api, 'Training', 'TrainerBond')));
    });

    it('a commitment is shown with the ticks between which it can be opened', async () => {
      const { stage } = (await api.call.odaApi.submission(first.id)).unwrap();
      const { opensAt, closesAt } = stage.asCommitted;
      const { committedAt } = (await api.query.training.submissions(first.id)).unwrap();
      assert.ok(opensAt.sub(committedAt).eq(await parameter(api, 'Training', 'MinCommitAge')));
      assert.ok(closesAt.sub(committedAt).eq(await parameter(api, 'Training', 'RevealWindow')));
    });
  });

  describe('is refused a registration', () => {
    it('a specification whose graph is of another version is refused with that reason', async () => {
      const spec = digits(blobRef(data), 540);
      spec.graph.version = 9;
      await refuses(register(spec), dave, 'ModelRegistry::InvalidSpec', { Graph: 'UnknownVersion' });
    });

    it('a specification whose node reads a value that comes later is refused with that reason', async () => {
      const spec = digits(blobRef(data), 540);
      spec.graph.nodes[0].inputs = [5];
      await refuses(register(spec), dave, 'ModelRegistry::InvalidSpec', { Graph: 'UnknownValue' });
    });

    it('a specification with more records than the data has is refused with that reason', async () => {
      await refuses(register(digits(blobRef(data), 541)), dave, 'ModelRegistry::InvalidSpec', 'DataLength');
    });

    it('a proof of other data is refused with its fault', async () => {
      const spec = digits(blobRef(data), 540);
      spec.objective.minImprovement = 3;
      const call = register(spec, lengthProof(Uint8Array.from(data, (byte) => byte ^ 1)));
      await refuses(call, dave, 'ModelRegistry::DatasetLengthNotProved', 'RootMismatch');
    });

    it('a model that its sender has not announced is refused', async () => {
      const spec = digits(blobRef(data), 540);
      spec.objective.minImprovement = 4;
      await refuses(register(spec), dave, 'ModelRegistry::NotAnnounced');
    });

    it('a model that nobody registered takes no commitment', async () => {
      const call = api.tx.training.commit(UNKNOWN, randomAsU8a(32));
      await refuses(call, eve, 'ModelRegistry::UnknownModel');
    });

    it('a model is not registered twice', async () => {
      await refuses(register(digits(blobRef(data), 540)), eve, 'ModelRegistry::AlreadyRegistered');
    });
  });

  describe('reveals version 0', () => {
    before(async () => {
      const { stage } = (await api.call.odaApi.submission(first.id)).unwrap();
      await untilTick(api, stage.asCommitted.opensAt.toNumber());
    });

    it('a submission that does not exist is not revealed', async () => {
      await refuses(open('reveal', first, { id: 999 }), dave, 'Training::UnknownSubmission');
    });

    it('a commitment is not opened by somebody else', async () => {
      await refuses(open('reveal', first), eve, 'Training::NotTrainer');
    });

    it('a commitment is not opened with another salt', async () => {
      await refuses(open('reveal', first, { salt: randomAsU8a(32) }), dave, 'Training::CommitmentMismatch');
    });

    it('a commitment is not opened with other weights', async () => {
      await refuses(open('reveal', first, { weights: made.other.weights }), dave, 'Training::CommitmentMismatch');
    });

    it('a list with too few scores is refused', async () => {
      const scores = made.zero.scores.subarray(1);
      await refuses(open('reveal', first, { scores }), dave, 'Training::ScoresLengthMismatch');
    });

    it('a reveal claims the sum of the scores and starts the verification', async () => {
      const receipt = await send(open('reveal', first), dave, 'InBlock');
      assert.equal(eventOf(receipt, 'training', 'Revealed').score.toNumber(), made.zero.score);
      assert.equal(eventOf(receipt, 'training', 'VerificationStarted').submission.toNumber(), first.id);
    });

    it('a commitment is opened once', async () => {
      await refuses(open('reveal', first), dave, 'Training::AlreadyRevealed');
    });
  });

  describe('is refused for money', () => {
    it('a bounty below the least amount is refused', async () => {
      const until = (await api.query.clock.now()).toNumber() + 100;
      const amount = (await parameter(api, 'Training', 'MinBounty')).toBigInt() - 1n;
      await refuses(api.tx.training.postBounty(model, 500, amount, until), charlie, 'Training::BountyTooSmall');
    });

    it('a bounty on a model that nobody registered is refused', async () => {
      const until = (await api.query.clock.now()).toNumber() + 100;
      await refuses(api.tx.training.postBounty(UNKNOWN, 500, UNIT, until), charlie, 'Training::UnknownModel');
    });

    it('a bounty that its poster does not have is refused by the name of the token\'s error', async () => {
      const poor = account('Poor');
      await send(api.tx.balances.transferKeepAlive(poor.address, 2n * UNIT), charlie, 'InBlock');
      await refuses(api.tx.training.postBounty(model, 500, 50n * UNIT, 1_000), poor, 'Token::FundsUnavailable');
    });

    it('an account that cannot pay the fee is refused by the node, before any block', async (test) => {
      // polkadot.js prints it too.
      test.mock.method(console, 'error', () => {});
      const call = api.tx.training.commit(model, randomAsU8a(32));
      const error = { name: 'RpcError', code: 1010, message: /Inability to pay/ };
      await assert.rejects(send(call, account('Nobody')), error);
    });
  });

  describe('sees version 0 accepted', () => {
    it('accepted, it makes the model active', async () => {
      const end = await follow(api, first.id, first.block, charlie);
      assert.equal(end.outcome, 'Accepted');
      assert.equal(end.data.version.toNumber(), 0);
      const { status, head } = (await api.query.modelRegistry.models(model)).unwrap();
      assert.ok(status.isActive);
      assert.equal(head.unwrap().toNumber(), 0);
    });
  });

  describe('brings an update', () => {
    it('an active model takes commitments of anybody', async () => {
      copy = { ...await commit(ferdie, made.zero.weights), scores: await readFile(made.scores) };
      worse = { ...await commit(ferdie, made.other.weights), scores: made.other.scores };
    });

    it('better weights are committed to, under a commitment that was computed here', async () => {
      const [weightsFile, saltFile, trainer] = [made.weights, join(folder, 'salt'), eve];
      // #region commit
      const weights = blobRef(await readFile(weightsFile));
      const salt = randomAsU8a(32);
      // First of all: who loses the salt loses the bond.
      await writeFile(saltFile, salt);
      const hidden = commitment(api.genesisHash, model, trainer, weights, salt);
      const receipt = await send(api.tx.training.commit(model, hidden), trainer);
      const submission = eventOf(receipt, 'training', 'Committed').submission.toNumber();
      // #endregion
      assert.deepEqual(weights, made.better.weights);
      update = { id: submission, weights, salt, saltFile, ...receipt };
    });

    it('a model\'s live submissions are listed in commit order', async () => {
      const ids = [copy.id, worse.id, update.id];
      const overviews = await api.call.odaApi.submissions(model);
      assert.deepEqual(overviews.map(([id]) => id.toNumber()), ids);
      assert.ok(overviews.every(([, { model: of, stage }]) => of.eq(model) && stage.isCommitted));
      const viewed = await view(api, 'Training', 'submissions', model);
      assert.deepEqual(viewed.map((id) => id.toNumber()), ids);
    });

    it('weights that are the head\'s already are refused', async () => {
      const { stage } = (await api.call.odaApi.submission(worse.id)).unwrap();
      await untilTick(api, stage.asCommitted.opensAt.toNumber());
      await refuses(open('reveal', copy), ferdie, 'Training::WeightsAlreadySubmitted');
    });

    it('weights that do not beat the head by the least improvement are refused', async () => {
      await refuses(open('reveal', worse), ferdie, 'Training::BelowMinImprovement');
    });

    it('weights that may have won by chance are refused', async () => {
      const scores = (await view(api, 'Training', 'head_scores', model)).unwrap().toU8a(true);
      // Two records more than the head has right.
      for (let record = 0, won = 0; won < 2; record += 1) {
        const bit = 1 << (record % 8);
        if (!(scores[record >> 3] & bit)) {
          scores[record >> 3] |= bit;
          won += 1;
        }
      }
      await refuses(open('reveal', worse, { scores }), ferdie, 'Training::NotSignificant');
    });

    it('a commitment is not withdrawn while the head is unmoved', async () => {
      await refuses(open('withdraw', worse), ferdie, 'Training::HeadUnchanged');
    });

    it('better weights are revealed with their scores', async () => {
      const [scoresFile, trainer] = [made.scores, eve];
      const { id: submission, weights, saltFile } = update;
      // #region reveal
      const { stage } = (await api.call.odaApi.submission(submission)).unwrap();
      await untilTick(api, stage.asCommitted.opensAt.toNumber());
      const salt = await readFile(saltFile);
      const scores = u8aToHex(await readFile(scoresFile));
      const receipt = await send(api.tx.training.reveal(submission, weights, salt, scores), trainer);
      // #endregion
      const { score, weights: shown } = eventOf(receipt, 'training', 'Revealed');
      assert.equal(score.toNumber(), made.better.score);
      assert.deepEqual(shown.toJSON(), weights);
      update.revealed = receipt;
    });

    it('a submission that is being verified is shown with its claim', async () => {
      const { trainer, stage } = (await api.call.odaApi.submission(update.id)).unwrap();
      assert.equal(trainer.toString(), eve.address);
      assert.equal(stage.asVerifying.score.toNumber(), made.better.score);
      assert.equal((await view(api, 'Training', 'verifying', model)).unwrap().toNumber(), update.id);
    });

    it('a submission is not settled before it is due', async () => {
      await refuses(api.tx.training.settle(update.id), charlie, 'Training::NothingDue');
    });

    it('accepted, it moves the head', async () => {
      const [submission, receipt, trainer] = [update.id, update, eve];
      // #region followed
      const { outcome, data: event } = await follow(api, submission, receipt.block, trainer);
      // #endregion
      assert.equal(outcome, 'Accepted');
      assert.equal(event.version.toNumber(), 1);
      assert.equal(event.score.toNumber(), made.better.score);
    });

    it('a commitment that the head has outrun is not withdrawn by somebody else', async () => {
      await refuses(open('withdraw', worse), eve, 'Training::NotTrainer');
    });

    it('a commitment that the head has outrun is withdrawn with its bond', async () => {
      const receipt = await send(open('withdraw', worse), ferdie, 'InBlock');
      assert.equal(eventOf(receipt, 'training', 'Withdrawn').submission.toNumber(), worse.id);
      const { amount } = eventOf(receipt, 'balances', 'Released');
      assert.ok(amount.eq(await parameter(api, 'Training', 'TrainerBond')));
    });
  });

  describe('reads', () => {
    it('storage has the head and the versions', async () => {
      // #region storage
      const { head, status } = (await api.query.modelRegistry.models(model)).unwrap();
      const version = (await api.query.modelRegistry.versions(model, head.unwrap())).unwrap();
      const versions = await api.query.modelRegistry.versions.entries(model);
      const submission = await api.query.training.submissions(update.id);
      // #endregion
      assert.ok(status.isActive);
      assert.equal(version.trainer.toString(), eve.address);
      assert.deepEqual(version.weights.toJSON(), update.weights);
      assert.deepEqual(versions.map(([key]) => key.args[1].toNumber()).sort(), [0, 1]);
      assert.ok(submission.isNone, 'it has ended');
    });

    it('the runtime API has the head and the versions', async () => {
      // #region runtime-api
      const overview = (await api.call.odaApi.model(model)).unwrap();
      const [number, head] = overview.head.unwrap();
      const versions = await api.call.odaApi.versions(model, 0, 100);
      const live = await api.call.odaApi.submissions(model);
      const spec = (await api.query.modelRegistry.specs(model)).unwrap();
      const { bond, fee, scores, weights } = (await api.call.odaApi.costs(spec)).unwrap();
      // #endregion
      assert.ok(fee.eq(overview.fee));
      assert.ok(bond.eq(await parameter(api, 'Training', 'TrainerBond')));
      assert.ok(scores.toBigInt() > 0n && weights.toBigInt() > 0n);
      assert.equal(number.toNumber(), 1);
      assert.equal(overview.records.toNumber(), 540);
      assert.equal(head.score.toNumber(), made.better.score);
      const sums = versions.map(([n, { score }]) => [n.toNumber(), score.toNumber()]);
      assert.deepEqual(sums, [[0, made.zero.score], [1, made.better.score]]);
      assert.deepEqual(live.map(([id]) => id.toNumber()), [copy.id]);
      const [only, ...others] = await api.call.odaApi.models(null, 100);
      assert.equal(only.toHex(), overview.toHex());
      assert.equal(others.length, 0);
    });

    it('the view functions have the head and its scores', async () => {
      // #region views
      const [number, head] = (await view(api, 'ModelRegistry', 'head', model)).unwrap();
      const scores = (await view(api, 'Training', 'head_scores', model)).unwrap();
      const queue = await view(api, 'Training', 'queue', model);
      // #endregion
      assert.equal(number.toNumber(), 1);
      assert.equal(head.submission.toNumber(), update.id);
      assert.ok(u8aEq(scores.toU8a(true), await readFile(made.scores)));
      assert.equal(queue.length, 0);
    });

    it('a view of an older block has the state of that block', async () => {
      // #region at
      const then = await api.at(update.hash);
      const [number] = (await view(then, 'ModelRegistry', 'head', model)).unwrap();
      const overview = (await then.call.odaApi.model(model)).unwrap();
      // #endregion
      assert.equal(number.toNumber(), 0);
      assert.equal(overview.head.unwrap()[0].toNumber(), 0);
    });

    it('all view functions are found in the metadata, and answer', async () => {
      const argument = {
        id: { 'ModelRegistry.*': model, 'Verification.*': { Submission: update.id }, '*': update.id },
        after: { '*': null }, limit: { '*': 10 }, from: { '*': 0 }, number: { '*': 0 }, model: { '*': model },
        submission: { '*': copy.id }, who: { '*': dave.address }, task: { '*': { Submission: update.id } },
        verdict: { '*': 'Valid' }, len: { '*': 1 }, commitment: { '*': model },
        role: { '*': 'Verifier' }, operator: { '*': bob.address },
        target: { '*': { Head: model } }, peer: { '*': model }, root: { '*': model }, deal: { '*': 0 }, slot: { '*': 0 },
        keeper: { '*': dave.address }, blob: { '*': update.weights }, round: { '*': 1 },
        provider: { '*': charlie.address }, channel: { '*': 0 }, request: { '*': 0 }, count: { '*': 1 },
        proof: { '*': { start: 0, len: 1, chunks: '0x00', siblings: [] } }, poll: { '*': 0 }, class: { '*': 10 },
        call: { '*': api.tx.system.remark('0x').method.toU8a() }, proxy_type: { '*': 'Governance' },
        to_check: { '*': 'Any' }, against: { '*': 'Staking' },
      };
      let called = 0;
      for (const { name: pallet, viewFunctions } of api.registry.metadata.pallets) {
        for (const { name, inputs } of viewFunctions) {
          const args = inputs.map((input) => {
            const values = argument[input.name.toString()];
            return values[`${pallet}.*`] ?? values['*'];
          });
          await view(api, pallet.toString(), name.toString(), ...args);
          called += 1;
        }
      }
      assert.ok(called >= 36, `${called} view functions`);
    });

    it('blocks decode as signed blocks, transaction by transaction', async () => {
      const found = new Map();
      let openedAt;
      for await (const { number, events } of finalizedBlocks(api, first.block)) {
        const opened = events.find(({ event: { section, method, data } }) =>
          section === 'verification' && method === 'Opened' && data.task.asSubmission.eq(update.id));
        if (opened) openedAt = number;
        const hash = await api.rpc.chain.getBlockHash(number);
        const raw = await api.rpc.chain.getBlock.raw(hash);
        const { block } = await api.rpc.chain.getBlock(hash);
        // polkadot.js encodes a general transaction into another one; what it holds is right.
        const encoded = block.extrinsics.map((each) => (each.isGeneral() ? each.inner : each));
        const { extrinsics } = raw.block;
        assert.deepEqual(encoded.map((each) => each.toHex()), extrinsics);
        assert.deepEqual(encoded.map((each) => each.hash.toHex()), extrinsics.map((each) => blake2AsHex(each)));
        for (const each of block.extrinsics) found.set(`${each.method.section}.${each.method.method}`, each);
        if (number === openedAt) break;
      }
      const signer = (name) => found.get(name).isSigned && found.get(name).signer.toString();
      assert.equal(signer('timestamp.set'), false);
      assert.equal(signer('training.commit'), eve.address);
      assert.equal(signer('training.reveal'), eve.address);
      assert.equal(signer('training.settle'), charlie.address);
      assert.equal(found.get('training.reveal').method.args[0].toNumber(), update.id);
      // Without a signer: the verifier's signature is an argument of the first, which fixes the second.
      assert.equal(signer('verification.commit'), false);
      assert.equal(signer('verification.open'), false);
      const [committed, , member] = found.get('verification.commit').method.args;
      assert.equal(committed.asSubmission.toNumber(), update.id);
      assert.equal(member.toString(), bob.address);
      const [task, who, { verdict }, proofs] = found.get('verification.open').method.args;
      assert.equal(task.asSubmission.toNumber(), update.id);
      assert.ok(verdict.isValid);
      assert.equal(who.toString(), bob.address);
      assert.ok(proofs.length > 0);
    });

    it('every error that the guide names is one of the chain\'s', async () => {
      const guide = await readFile(GUIDE, 'utf8');
      const named = new Set(guide.match(/\b(Inference|ModelRegistry|Training)::\w+/g));
      assert.ok(named.size > 10, `only ${named.size} names`);
      for (const name of named) {
        const [pallet, error] = name.split('::');
        assert.ok(api.errors[pallet[0].toLowerCase() + pallet.slice(1)][error], name);
      }
    });
  });
});
