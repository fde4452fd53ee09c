import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type IndexEntry, indexFields } from '../../src/sinks/file/index-entry.ts';
import { IndexWriter } from '../../src/sinks/file/index-writer.ts';
import { Retention } from '../../src/sinks/file/retention.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const HOUR = 3_600_000;
const ALL = { maxAgeMs: 0, maxBytes: 0 };

/** A directory with a profile of 100 bytes for each of the last hours, oldest first. */
function directoryOf(t: { after(run: () => void): void }, hours: readonly number[]) {
  const dir = temporaryDirectory(t);
  const paths = hours.map((hour) => add(dir, hour));
  const index = () =>
    readFileSync(join(dir, 'index.ndjson'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => String(JSON.parse(line).path));
  const files = () => paths.filter((path) => existsSync(join(dir, path)));
  return { dir, paths, index, files, retention: new Retention(dir, () => NOW) };
}

function lineOf(path: string, hoursAgo: number): string {
  const untilNanos = BigInt(NOW - hoursAgo * HOUR) * 1_000_000n;
  const entry: IndexEntry = {
    path,
    profile: 'mem',
    labels: new Map(),
    url: 'http://h:1/debug/pprof/heap',
    fromNanos: untilNanos,
    untilNanos,
    sampleTypes: [],
    samples: 1,
    bytes: 100,
    sha256: 'ab'.repeat(32),
    kind: 'delta',
    spyName: 'nodespy',
    isReset: false,
    isPartial: false,
  };
  return JSON.stringify(indexFields(entry));
}

function add(dir: string, hoursAgo: number): string {
  const stamp = new Date(NOW - hoursAgo * HOUR).toISOString().replaceAll(/[-:]/g, '');
  const path = `job/service/i${hoursAgo}/mem/${stamp}.pb.gz`;
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), Buffer.alloc(100));
  appendFileSync(join(dir, 'index.ndjson'), `${lineOf(path, hoursAgo)}\n`);
  return path;
}

test('files older than the limit go, with their lines and empty directories', async (t) => {
  const { dir, paths, index, files, retention } = directoryOf(t, [30, 26, 20, 1]);
  assert.deepEqual(await retention.run({ maxAgeMs: 24 * HOUR, maxBytes: 0 }), { files: 2, bytes: 200, failed: 0 });
  assert.deepEqual(files(), paths.slice(2));
  assert.deepEqual(index(), paths.slice(2));
  assert.ok(!existsSync(join(dir, 'job/service/i30')));
  assert.ok(existsSync(join(dir, 'job/service/i20/mem')));
});

test('the oldest files go until the rest is within the bytes', async (t) => {
  const { paths, index, files, retention } = directoryOf(t, [5, 4, 3, 2, 1]);
  assert.deepEqual(await retention.run({ maxAgeMs: 0, maxBytes: 350 }), { files: 2, bytes: 200, failed: 0 });
  assert.deepEqual(files(), paths.slice(2));
  assert.deepEqual(index(), paths.slice(2));
});

test('text dumps go as profiles do', async (t) => {
  const { dir, retention } = directoryOf(t, [1]);
  const path = 'job/service/i/goroutines/20261121T060000.000Z.txt.gz';
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), Buffer.alloc(100));
  appendFileSync(join(dir, 'index.ndjson'), `${lineOf(path, 30)}\n`);
  assert.deepEqual(await retention.run({ maxAgeMs: 24 * HOUR, maxBytes: 0 }), { files: 1, bytes: 100, failed: 0 });
  assert.equal(existsSync(join(dir, path)), false);
});

test('what is written later counts too', async (t) => {
  const { dir, paths, index, retention } = directoryOf(t, [5, 4]);
  assert.equal((await retention.run({ maxAgeMs: 0, maxBytes: 350 })).files, 0);
  const later = [add(dir, 3), add(dir, 2)];
  assert.equal((await retention.run({ maxAgeMs: 0, maxBytes: 350 })).files, 1);
  assert.deepEqual(index(), [paths[1], ...later]);
});

test('without limits everything stays', async (t) => {
  const { paths, files, retention } = directoryOf(t, [10_000, 1]);
  assert.equal((await retention.run(ALL)).files, 0);
  assert.deepEqual(files(), paths);
});

test('a directory without an index is left alone', async (t) => {
  const dir = temporaryDirectory(t);
  assert.equal((await new Retention(dir, () => NOW).run({ maxAgeMs: 1, maxBytes: 1 })).files, 0);
});

test('only what pyro-pull wrote is deleted', async (t) => {
  const { dir, paths, index, retention } = directoryOf(t, [40, 35, 30, 1]);
  const [replaced = '', removed = ''] = paths;
  writeFileSync(join(dir, replaced), 'mine, not 100 bytes');
  rmSync(join(dir, removed));
  writeFileSync(join(dir, 'notes.txt'), 'x'.repeat(100));
  const foreign = 'job/service/notes.txt';
  writeFileSync(join(dir, foreign), 'x'.repeat(100));
  appendFileSync(join(dir, 'index.ndjson'), `${lineOf('notes.txt', 50)}\n${lineOf(foreign, 50)}\nnot a line of ours\n`);
  await retention.run({ maxAgeMs: 24 * HOUR, maxBytes: 0 });
  assert.ok(existsSync(join(dir, replaced)), 'another file under our name');
  assert.ok(existsSync(join(dir, 'notes.txt')) && existsSync(join(dir, foreign)), 'files with names of their own');
  const text = readFileSync(join(dir, 'index.ndjson'), 'utf8');
  assert.match(text, /^not a line of ours$/m);
  assert.equal(text.split('\n').filter((line) => line.startsWith('{')).length, 1);
  assert.throws(index, 'the line that is not ours was kept');
});

test('lines that are appended meanwhile, here or by another process, are kept', async (t) => {
  const { dir, paths, index, retention } = directoryOf(t, [30, 1]);
  const path = join(dir, 'index.ndjson');
  const [ours, theirs] = [new IndexWriter(path), new IndexWriter(path)];
  const pruning = retention.run({ maxAgeMs: 24 * HOUR, maxBytes: 0 });
  ours.append(lineOf('ours/20261122T101500.000Z.pb.gz', 0));
  // The other one has looked at the old index just before it was replaced, and writes to it just after.
  const { openSync, writeSync, closeSync, statSync } = await import('node:fs');
  const old = openSync(path, 'a');
  const inode = statSync(path).ino;
  while (statSync(path).ino === inode) await new Promise((resolve) => setImmediate(resolve));
  writeSync(old, `${lineOf('theirs/20261122T101500.000Z.pb.gz', 0)}\n`);
  closeSync(old);
  ours.append(lineOf('later/20261122T101500.000Z.pb.gz', 0));
  await pruning;
  for (const writer of [ours, theirs]) writer.close();
  assert.deepEqual(index().sort(), [
    paths[1],
    'later/20261122T101500.000Z.pb.gz',
    'ours/20261122T101500.000Z.pb.gz',
    'theirs/20261122T101500.000Z.pb.gz',
  ]);
});

test('a line that is being written is not torn', async (t) => {
  const { dir, retention } = directoryOf(t, [30, 1]);
  const line = lineOf('late/20261122T101500.000Z.pb.gz', 0);
  appendFileSync(join(dir, 'index.ndjson'), line.slice(0, 50));
  await retention.run({ maxAgeMs: 24 * HOUR, maxBytes: 0 });
  assert.ok(readFileSync(join(dir, 'index.ndjson'), 'utf8').endsWith(`\n${line.slice(0, 50)}`));
});
