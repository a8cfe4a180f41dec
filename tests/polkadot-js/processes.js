// The processes that the tests run against: a chain, and the worker's commands.

import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const { env } = process;

// Where the binaries are looked for.
const FOLDER = env.ODA_BIN
  ?? join(env.CARGO_TARGET_DIR ?? join(env.ODA_CACHE ?? join(homedir(), '.cache/oda'), 'target'), 'debug');

function binary(name) {
  const path = join(FOLDER, name);
  if (existsSync(path)) return path;
  throw new Error(`${path} is missing: build it with \`cargo build --workspace --all-targets\`, or name the folder `
    + 'that it lies in by ODA_BIN');
}

const tail = (text) => text.split('\n').slice(-30).join('\n');

// A running program whose output goes to a file.
class Process {
  constructor(name, args, log, more = {}) {
    this.name = name;
    this.log = log;
    const output = openSync(log, 'a');
    // The kernel kills it with its parent, however that ends.
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', binary(name), ...args], {
      stdio: ['ignore', output, output],
      env: { ...env, ...more },
    });
    closeSync(output);
    this.ended = new Promise((resolve) => { this.child.once('close', resolve).once('error', resolve); });
    this.ended.then((how) => { this.how = how; });
  }

  output() {
    return readFileSync(this.log, 'utf8');
  }

  // Throws the end of its output if it has stopped by itself.
  check() {
    if (this.how !== undefined) throw new Error(`${this.name} ended with ${this.how}:\n${tail(this.output())}`);
  }

  // Asks it to stop, and kills it if it has not after ten seconds.
  async stop() {
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await this.ended;
    clearTimeout(late);
  }
}

// A port that nobody listens on now.
export const freePort = () => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

const listens = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1');
  socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
});

// Starts a development chain in `folder` and waits for its JSON-RPC server: the process and the server's URL.
export async function startNode(folder) {
  const port = await freePort();
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const node = new Process('oda-node', [
    '--dev', '--tmp', '--no-prometheus', '--no-telemetry', '--no-mdns',
    '--rpc-port', `${port}`, '--listen-addr', '/ip4/127.0.0.1/tcp/0',
  ], join(folder, 'node.log'), { TMPDIR: temporary });
  try {
    for (const end = Date.now() + 60_000; !await listens(port); await sleep(100)) {
      node.check();
      if (Date.now() > end) throw new Error(`the node does not listen:\n${tail(node.output())}`);
    }
  } catch (error) {
    await node.stop();
    throw error;
  }
  return { node, url: `ws://127.0.0.1:${port}` };
}

const run = promisify(execFile);

const store = (folder) => ['--json', '--base-path', join(folder, 'worker')];

// Runs a command of the worker to its end: the last object that it printed, its result.
export async function worker(folder, ...args) {
  const { stdout } = await run(binary('ml-worker'), [...store(folder), ...args]);
  return JSON.parse(stdout.trim().split('\n').pop());
}

// Runs the shell commands of a page, in `folder`, where `data` is the repository's.
export async function runBlock(folder, page) {
  binary('ml-worker');
  symlinkSync(fileURLToPath(new URL('../../data', import.meta.url)), join(folder, 'data'));
  const [, commands] = page.match(/^```sh\n(.*?)^```$/ms);
  const path = `${FOLDER}${delimiter}${env.PATH}`;
  await run('sh', ['-ec', commands], {
    cwd: folder,
    env: { ...env, PATH: path, ODA_BASE_PATH: join(folder, 'worker') },
  });
}

// Starts a service of the worker on the same store.
export const startWorker = (folder, url, suri, role, ...args) => {
  const all = [...store(folder), '--node', url, '--suri', suri, role, ...args];
  return new Process('ml-worker', all, join(folder, `${role}.log`));
};
