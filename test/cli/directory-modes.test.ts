import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../src/cli/run.ts';
import { freePort } from '../support/free-port.ts';
import { memoryIo } from '../support/memory-io.ts';
import { remoteWorld } from '../support/remote-world.ts';

/** Each directory below this one with its mode, in octal. */
function modesBelow(dir: string): Record<string, string> {
  const found = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  const paths = found.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [path.slice(dir.length + 1), modeOf(path)]));
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test('of the directories that a loop makes only those of states and of the queue are private', async (t) => {
  const w = await remoteWorld(t);
  const url = `http://127.0.0.1:${await freePort()}`;
  const io = memoryIo({ cwd: w.dir });
  const argv = ['scrape', '-c', 'pyro-pull.yml', '--loop', '-o', 'out/of/loop', '--push', url, '--grace', '10ms'];
  const ended = run(argv, io);
  while (!existsSync(join(w.dir, 'out/of/loop/shop'))) await sleep(10);
  io.signal('SIGTERM');
  await ended;
  const queue = `out/of/loop/.queue/127.0.0.1_${new URL(url).port}`;
  const modes = modesBelow(w.dir);
  const isPrivate = (path: string) => path.includes('/.state') || path.includes('/.queue');
  for (const [path, mode] of Object.entries(modes)) assert.equal(mode, isPrivate(path) ? '700' : '755', path);
  for (const path of ['out', 'out/of/loop/shop', 'out/of/loop/.state', queue]) assert.ok(path in modes, path);
});

test('a state directory is private, its parents are not', async (t) => {
  const w = await remoteWorld(t);
  await w.pyroPull(['scrape', '-c', 'CONFIG', '-o', 'out', '--state-dir', 'var/lib/states']);
  assert.equal(modeOf(join(w.dir, 'var/lib/states')), '700');
  assert.equal(modeOf(join(w.dir, 'var/lib')), '755');
});
