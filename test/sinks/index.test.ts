import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type IndexEntry, indexFields, parseIndexLine } from '../../src/sinks/file/index-entry.ts';
import { IndexWriter } from '../../src/sinks/file/index-writer.ts';
import { readIndex } from '../../src/sinks/file/read-index.ts';
import { runWithFileSizeLimit } from '../support/file-size-limit.ts';
import { makePipe } from '../support/make-pipe.ts';
import { moduleUrl } from '../support/source-module.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function entry(changes: Partial<IndexEntry> = {}): IndexEntry {
  return {
    path: 'shop/checkout/a/cpu/20261122T101500.000Z.pb.gz',
    profile: 'cpu',
    labels: new Map([['__name__', 'checkout']]),
    url: 'http://a/debug/pprof/profile',
    fromNanos: 1_795_342_490_000_000_000n,
    untilNanos: 1_795_342_500_000_000_001n,
    sampleTypes: [{ type: 'cpu', unit: 'nanoseconds' }],
    samples: 3,
    bytes: 700,
    sha256: 'ab'.repeat(32),
    kind: 'window',
    spyName: 'nodespy',
    isReset: false,
    isPartial: true,
    ...changes,
  };
}

const lineOf = (changes: Partial<IndexEntry> = {}) => JSON.stringify(indexFields(entry(changes)));
const [ONE, TWO] = [lineOf({ profile: 'one' }), lineOf({ profile: 'two' })];

/** Profile names of what is read, and what was skipped. */
async function read(dir: string): Promise<{ found: string[]; skipped: [number, string][] }> {
  const found: string[] = [];
  const skipped: [number, string][] = [];
  for await (const { profile } of readIndex(dir, (line, text) => skipped.push([line, text]))) found.push(profile);
  return { found, skipped };
}

test('reads back what was written, any text and any int64 time', () => {
  const text = fc.string({ unit: 'binary' });
  const nanos = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
  const labels = fc.array(fc.tuple(fc.oneof(text, fc.constant('__proto__'), fc.constant('0')), text));
  fc.assert(
    fc.property(labels, text, nanos, nanos, (pairs, url, fromNanos, untilNanos) => {
      const written = entry({ labels: new Map(pairs), url, fromNanos, untilNanos });
      assert.deepEqual(parseIndexLine(JSON.stringify(indexFields(written))), written);
    }),
  );
});

for (const [profile, types, kind] of [
  ['cpu', 'cpu/nanoseconds', 'window'],
  ['fgprof', 'time/nanoseconds', 'window'],
  ['mem', 'alloc_space/bytes', 'delta'],
  ['mem', 'inuse_space/bytes', 'state'],
  ['godeltaprof_block', 'delay/nanoseconds', 'delta'],
  ['goroutines', 'goroutine/count', 'state'],
  ['threadcreate', 'threadcreate/count', 'state'],
  ['heap2', 'alloc_space/bytes', 'cumulative'],
  ['queue', 'jobs/count', 'state'],
] as const) {
  test(`a line of 0.1.0 has no kind: that of ${profile} with ${types} is ${kind}`, () => {
    const [type = '', unit = ''] = types.split('/');
    const line = JSON.stringify({ ...indexFields(entry({ profile, sampleTypes: [{ type, unit }] })), kind: undefined });
    assert.doesNotMatch(line, /kind/);
    assert.equal(parseIndexLine(line)?.kind, kind);
  });
}

test('a kind that a later version may write is as good as none', () => {
  const line = JSON.stringify({ ...indexFields(entry({ profile: 'goroutines' })), kind: 'other' });
  assert.equal(parseIndexLine(line)?.kind, 'state');
});

const bad: Record<string, string> = {
  'no JSON': '{"path":"a',
  null: 'null',
  'a list': '[]',
  'no path': lineOf().replace('"path"', '"p"'),
  'an absolute path': lineOf({ path: '/etc/passwd' }),
  'a path that leads out': lineOf({ path: 'a/../../b' }),
  'a path with a backslash': lineOf({ path: 'a\\..\\b' }),
  'a drive letter': lineOf({ path: 'C:/b' }),
  'no path at all': lineOf({ path: '' }),
  'a time that is none': lineOf().replace('2026-', '2026.'),
  'a label that is no text': lineOf().replace('"checkout"', '7'),
  'a negative size': lineOf({ bytes: -1 }),
  'a half sample type': lineOf().replace('"unit"', '"u"'),
  'sample types that are null': lineOf().replace(/\[\{.*\}\]/, '[null]'),
};
for (const [what, line] of Object.entries(bad)) {
  test(`takes a line with ${what} for no entry`, () => assert.equal(parseIndexLine(line), undefined));
}

test('reads every good line, tells of the others, and finds a line behind the rest of a torn one', async (t) => {
  const dir = temporaryDirectory(t);
  const torn = ONE.slice(0, 70);
  writeFileSync(
    join(dir, 'index.ndjson'),
    `${ONE}\n\nnonsense\n${torn}\n${torn}${TWO}\n\0\0\0${ONE}\r\n${lineOf({ profile: 'last, without its end' })}`,
  );
  assert.deepEqual(await read(dir), {
    found: ['one', 'two', 'one', 'last, without its end'],
    skipped: [
      [3, 'nonsense'],
      [4, torn],
    ],
  });
});

test('does not take a line separator inside a label for the end of a line', async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'index.ndjson'), `${lineOf({ profile: 'a\u2028b\u2029c\u0085d' })}\n`);
  assert.deepEqual((await read(dir)).found, ['a\u2028b\u2029c\u0085d']);
});

test('reads lines that reach over several chunks of a large index', async (t) => {
  const dir = temporaryDirectory(t);
  const lines = Array.from({ length: 3_000 }, (_, at) => lineOf({ profile: `${at}`, url: 'ü'.repeat(at % 500) }));
  writeFileSync(join(dir, 'index.ndjson'), `${lines.join('\n')}\n`);
  const { found, skipped } = await read(dir);
  assert.deepEqual(
    found,
    Array.from({ length: 3_000 }, (_, at) => `${at}`),
  );
  assert.deepEqual(skipped, []);
});

test('finds nothing where there is no index', async (t) => {
  assert.deepEqual(await read(temporaryDirectory(t)), { found: [], skipped: [] });
});

/** An index as a crash left it some time ago, opened by a writer that adds TWO. */
function appendTo(dir: string, content: string, ageMs = 60_000): string {
  const path = join(dir, 'index.ndjson');
  writeFileSync(path, content);
  const modified = new Date(Date.now() - ageMs);
  utimesSync(path, modified, modified);
  const index = new IndexWriter(path);
  index.append(TWO);
  index.close();
  return readFileSync(path, 'utf8');
}

const crashes = [
  { what: 'adds to an index that is whole', before: `${ONE}\n`, after: `${ONE}\n${TWO}\n` },
  { what: 'begins an index', before: '', after: `${TWO}\n` },
  { what: 'ends a whole line that lacks its end', before: ONE, after: `${ONE}\n${TWO}\n` },
  { what: 'takes away a torn line', before: `${ONE}\n${ONE.slice(0, 100)}`, after: `${ONE}\n${TWO}\n` },
  { what: 'takes away the first byte of a line', before: `${ONE}\n{`, after: `${ONE}\n${TWO}\n` },
  { what: 'takes away a torn line that is the only one', before: ONE.slice(0, 100), after: `${TWO}\n` },
  { what: 'keeps what is not ours', before: `${ONE}\n# a note`, after: `${ONE}\n# a note\n${TWO}\n` },
  {
    what: 'keeps a line that somebody may be about to finish',
    before: `${ONE}\n${ONE.slice(0, 100)}`,
    ageMs: 0,
    after: `${ONE}\n${ONE.slice(0, 100)}\n${TWO}\n`,
  },
];
for (const { what, before, after, ageMs } of crashes) {
  test(`${what}, on opening`, (t) => assert.equal(appendTo(temporaryDirectory(t), before, ageMs), after));
}

test('loses no good line wherever a crash cuts the index', (t) => {
  const dir = temporaryDirectory(t);
  const whole = `${ONE}\n${ONE}\n`;
  for (let cut = 0; cut <= whole.length; cut += 7) {
    const good = whole
      .slice(0, cut)
      .split(/(?<=\n)/)
      .filter((line) => line.trimEnd() === ONE).length;
    const lines = appendTo(dir, whole.slice(0, cut)).trimEnd().split('\n');
    assert.deepEqual(lines, [...Array<string>(good).fill(ONE), TWO], `cut at ${cut}`);
  }
});

test('lets processes that share an index add to it in turn', (t) => {
  const path = join(temporaryDirectory(t), 'index.ndjson');
  const writers = [new IndexWriter(path), new IndexWriter(path)];
  for (let round = 0; round < 10; round++) for (const writer of writers) writer.append(`{"n":${round}}`);
  for (const writer of writers) writer.close();
  const numbers = readFileSync(path, 'utf8').trimEnd().split('\n');
  assert.deepEqual(
    numbers,
    Array.from({ length: 20 }, (_, at) => `{"n":${Math.floor(at / 2)}}`),
  );
});

test('begins a new index where the old one was removed', (t) => {
  const path = join(temporaryDirectory(t), 'index.ndjson');
  const index = new IndexWriter(path);
  index.append(ONE);
  rmSync(path);
  index.append(TWO);
  index.close();
  assert.equal(readFileSync(path, 'utf8'), `${TWO}\n`);
});

test('takes a line back of which only a part could be written', { skip: process.platform === 'win32' }, (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, 'index.ndjson');
  const printed = runWithFileSizeLimit(
    dir,
    8,
    `const { IndexWriter } = await import(${JSON.stringify(moduleUrl('src/sinks/file/index-writer.ts'))});
    const index = new IndexWriter(${JSON.stringify(path)});
    let lines = 0;
    try { for (;; lines++) index.append('x'.repeat(299)); } catch (error) { console.log(lines, error.code); }`,
  );
  assert.equal(printed, '27 EFBIG\n');
  assert.equal(statSync(path).size, 27 * 300); // of 8192
});

test('shares the work of syncs that overlap, and covers each line', async (t) => {
  const dir = temporaryDirectory(t);
  const index = new IndexWriter(join(dir, 'index.ndjson'));
  await Promise.all(
    Array.from({ length: 50 }, () => {
      index.append(ONE);
      return index.sync();
    }),
  );
  await index.sync();
  index.close();
  assert.equal((await read(dir)).found.length, 50);
});

test('tells everybody whose line may be lost when the device refuses to sync, and tries again for the next', {
  skip: process.platform === 'win32',
}, async (t) => {
  const path = join(temporaryDirectory(t), 'index.ndjson');
  makePipe(path); // can't be synced
  const index = new IndexWriter(path);
  const syncs = await Promise.allSettled([index.sync(), index.sync(), index.sync()]);
  for (const { status } of syncs) assert.equal(status, 'rejected');
  rmSync(path);
  index.append(ONE); // begins a new index, a real one
  await index.sync();
  index.close();
});
