// The guide quotes code that the tests run, and the package says exactly what it needs.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';

const read = (path) => readFile(new URL(path, import.meta.url), 'utf8');

// The lines between `// #region NAME` and `// #endregion`, dedented, by file and name.
async function regions() {
  const found = new Map();
  for (const file of (await readdir(new URL('.', import.meta.url))).filter((name) => /\.[jt]s$/.test(name))) {
    const marked = (await read(file)).matchAll(/^( *)\/\/ #region (\S+)\n(.*?)^ *\/\/ #endregion$/gms);
    for (const [, indent, name, lines] of marked) {
      found.set(`${file}#${name}`, lines.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
    }
  }
  return found;
}

// What the page quotes, by file and name.
async function quotes() {
  const page = await read('../../docs/polkadot-js.md');
  return [...page.matchAll(/^```[jt]s *([^\n]*)\n(.*?)^```$/gms)].map(([, name, lines]) => [name, lines]);
}

describe('the guide', () => {
  it('quotes each piece of code as it is run', async () => {
    const code = await regions();
    const quoted = await quotes();
    assert.ok(quoted.length > 10, `${quoted.length} quotes`);
    for (const [name, lines] of quoted) assert.equal(lines, code.get(name), name);
  });

  it('quotes every region, once', async () => {
    const names = (await quotes()).map(([name]) => name);
    assert.deepEqual(names.sort(), [...(await regions()).keys()].sort());
  });

  it('has no line of over 120 characters', async () => {
    const long = (await read('../../docs/polkadot-js.md')).split('\n').filter((line) => [...line].length > 120);
    assert.deepEqual(long, []);
  });

  it('names the version of polkadot.js that the tests run with', async () => {
    const { dependencies } = JSON.parse(await read('package.json'));
    const page = await read('../../docs/polkadot-js.md');
    assert.ok(page.includes(`\`@polkadot/api\` ${dependencies['@polkadot/api']}`));
  });
});

describe('the package', () => {
  it('asks for exact versions', async () => {
    const { dependencies, devDependencies } = JSON.parse(await read('package.json'));
    const versions = Object.entries({ ...dependencies, ...devDependencies });
    for (const [name, version] of versions) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  });

  it('is locked by hashes, without the address of a registry', async () => {
    const { packages } = JSON.parse(await read('package-lock.json'));
    for (const [name, { integrity, resolved }] of Object.entries(packages)) {
      assert.equal(resolved, undefined, name);
      if (name !== '') assert.match(integrity, /^sha512-/, name);
    }
  });
});
