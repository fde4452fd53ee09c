import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CACHE, freshDirectory } from './support/places.ts';
import { EXECUTABLE } from './support/pyro-pull.ts';
import { mustRun, runCommand } from './support/run-command.ts';

// Debian 10 to 12 and Ubuntu 20.04 to 24.04 have these; the last one is just too old.
const VERSIONS = ['12.22.12', '14.21.3', '16.20.2', '18.20.8', '20.18.3'];
/** The one that is just new enough. */
const OLDEST = '20.19.0';

const CONFIG = `scrape-configs:
  - job-name: shop
    enabled-profiles: [mem]
    static-configs: [{ application: shop, targets: ["127.0.0.1:9"] }]
`;

/** Node's own builds, from the npm registry. Gives the path of the executable. */
async function nodeOf(version: string): Promise<string> {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
  const directory = join(CACHE, `node-${version}`);
  const executable = join(directory, `node_modules/node-linux-${architecture}/bin/node`);
  if (existsSync(executable)) return executable;
  mkdirSync(directory, { recursive: true });
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', directory];
  await mustRun(['npm', 'install', ...flags, `node-linux-${architecture}@${version}`]);
  return executable;
}

for (const version of VERSIONS) {
  test(`Node ${version} reads the start file and says what is needed`, async () => {
    const node = await nodeOf(version);
    for (const argv of [['--version'], ['check', 'pyro-pull.yml'], ['scrape', '--loop', '127.0.0.1:9']]) {
      const { code, stdout, stderr } = await runCommand([node, EXECUTABLE, ...argv]);
      assert.deepEqual(
        [code, stdout, stderr],
        [2, '', `pyro-pull needs Node 20.19 or newer, this is ${version}\n`],
        argv.join(' '),
      );
    }
  });
}

test(`Node ${OLDEST} runs the command`, async () => {
  const directory = freshDirectory('oldest-node');
  const { code, stdout, stderr } = await runCommand([await nodeOf(OLDEST), EXECUTABLE, 'check', '-'], {
    cwd: directory,
    input: CONFIG,
  });
  assert.equal(code, 0, stdout + stderr);
});
