import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { transform } from 'esbuild';

const REPOSITORY = join(import.meta.dirname, '../..');
const START_FILE = join(REPOSITORY, 'bin/pyro-pull.js');

/** Runs the start file in a Node that says it is of this version. */
function startOn(version: string, ...argv: readonly string[]) {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const script = `${pretend}; process.argv = ['node', 'pyro-pull', ...${JSON.stringify(argv)}]; require(${JSON.stringify(START_FILE)})`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

for (const version of ['12.22.12', '18.20.8', '20.0.0', '20.18.3']) {
  test(`Node ${version} is refused by name, with exit code 2`, () => {
    assert.deepEqual(startOn(version, '--version'), {
      status: 2,
      stdout: '',
      stderr: `pyro-pull needs Node 20.19 or newer, this is ${version}\n`,
    });
  });
}

for (const version of ['20.19.0', '21.0.0', '22.1.0', '100.0.0']) {
  test(`Node ${version} is taken`, () => {
    const { status, stdout, stderr } = startOn(version, '--version');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });
}

test('the version that the start file asks for is that of package.json', () => {
  const { engines } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  const [, oldest] = /^const OLDEST_NODE = '(.+)';$/m.exec(readFileSync(START_FILE, 'utf8')) ?? [];
  assert.equal(engines.node, `>=${oldest}`);
});

test('Node 12 can parse the start file, and knows each module that it loads before the check', async () => {
  const source = readFileSync(START_FILE, 'utf8');
  const asWritten = await transform(source, { target: 'esnext' });
  const forNode12 = await transform(source, { target: 'node12' });
  assert.equal(forNode12.code, asWritten.code, 'esbuild has nothing to rewrite');
  assert.doesNotMatch(source, /require\('node:/);
});

test('compiled code is kept for one version of Node alone: another one of the same V8 would take it, and crash', () => {
  const script = `console.log(JSON.stringify(require(${JSON.stringify(join(REPOSITORY, 'bin/load-bundle.js'))}).CODE_CACHES))`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  const files: string[] = Object.values(JSON.parse(stdout));
  assert.ok(files.length > 0);
  for (const file of files) assert.ok(file.includes(`-${process.version}-${process.platform}-${process.arch}.`), file);
});
