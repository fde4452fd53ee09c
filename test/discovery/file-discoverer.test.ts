import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DiscoveryUpdate } from '../../src/discovery/discoverer.ts';
import { FileDiscoverer } from '../../src/discovery/file/file-discoverer.ts';
import type { TargetGroup } from '../../src/discovery/target-group.ts';
import { ConfigError } from '../../src/errors.ts';
import { FakeWait } from '../support/fake-wait.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SIGNAL = new AbortController().signal;

function discovererOf(...files: string[]): { discoverer: FileDiscoverer; time: FakeWait } {
  const time = new FakeWait();
  const config = { mechanism: 'file', files, refreshIntervalMs: 300_000 } as const;
  return { discoverer: new FileDiscoverer(config, 'file-sd-configs[0]', time), time };
}

/** One answer; a file that looks half-written is given its second chance at once. */
async function once({ discoverer, time }: ReturnType<typeof discovererOf>): Promise<DiscoveryUpdate> {
  return time.untilDone(discoverer.once(SIGNAL));
}

function plain({ source, targets, labels }: TargetGroup) {
  return { source, targets: targets.map((target) => Object.fromEntries(target)), labels: Object.fromEntries(labels) };
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/file-sd/${name}`, import.meta.url));
}

const SHOP = (path: string) => [
  {
    source: `${path}:0`,
    targets: [
      { __address__: '10.0.0.1:6060', __name__: 'shop', __spy_name__: 'gospy' },
      { __address__: '10.0.0.2:6060', __name__: 'shop', __spy_name__: 'gospy' },
    ],
    labels: { env: 'dev', __meta_filepath: path },
  },
  {
    source: `${path}:1`,
    targets: [{ __address__: '10.0.1.1:6060' }],
    labels: { __name__: 'shop-worker', __scheme__: 'https', __meta_filepath: path },
  },
];

for (const name of ['shop.json', 'shop.yml']) {
  test(`reads ${name}`, async () => {
    const { groups, failures, warnings } = await once(discovererOf(fixture(name)));
    assert.deepEqual([failures, warnings], [[], []]);
    assert.deepEqual(groups.map(plain), SHOP(fixture(name)));
  });
}

test('reads a target file of Prometheus', async () => {
  const path = fixture('prometheus.yaml');
  const { groups } = await once(discovererOf(path));
  assert.deepEqual(groups.map(plain), [
    {
      source: `${path}:0`,
      targets: [{ __address__: 'node1:9100' }, { __address__: 'node2:9100' }],
      labels: { job: 'node', shard: '1', __meta_filepath: path },
    },
  ]);
});

/** What a file may hold: the number of groups taken from it, or the message of its refusal. */
const contents: readonly { why: string; json?: string; yaml?: string; gives: number | RegExp }[] = [
  { why: 'a group', json: '[{"application":"a","targets":["h:1"],"labels":{"env":"dev"}}]', gives: 1 },
  { why: 'a group without application', json: '[{"targets":["h:1"]}]', gives: 1 },
  { why: 'no group', json: '[]', gives: 0 },
  { why: 'no group', yaml: '[]', gives: 0 },
  { why: 'null', json: 'null', gives: /list/ },
  { why: 'an empty file', json: '', gives: /file-sd-configs\[0\]: .*\.json/ },
  { why: 'a cut file', json: '[{"application":"a"', gives: /\.json:1/ },
  { why: 'an unknown key', json: '[{"application":"a","targets":["h:1"],"x":1}]', gives: /x/ },
  { why: 'a key in the wrong case', json: '[{"application":"a","Targets":["h:1"]}]', gives: /Targets/ },
  { why: 'a number as target', json: '[{"application":"a","targets":[1]}]', gives: /targets/ },
  { why: 'a number as label', json: '[{"targets":["h:1"],"labels":{"v":1}}]', gives: /labels/ },
  { why: 'a bad label name', json: '[{"targets":["h:1"],"labels":{"a-b":"1"}}]', gives: /a-b/ },
  { why: 'a mapping', json: '{"targets":["h:1"]}', gives: /list/ },
  { why: 'text after the list', json: '[{"targets":["h:1"]}]]', gives: /\.json:1/ },
  { why: 'a trailing comma', json: '[{"targets":["h:1"]},]', gives: /\.json:1/ },
  { why: 'a null group', json: '[null]', gives: /\[0\]/ },
  { why: 'a null group', yaml: '- application: a\n  targets: [h:1]\n-\n', gives: /\[1\]/ },
  { why: 'scalars as labels', yaml: '- targets: [h:1]\n  labels: {v: 1, b: true, f: 1.50, o: 010}\n', gives: 1 },
  { why: 'a bare number as target', yaml: '- application: a\n  targets: [6060]\n', gives: /6060/ },
  { why: 'a key in the wrong case', yaml: '- application: a\n  Targets: [h:1]\n', gives: /Targets/ },
  { why: 'a label twice', yaml: '- {targets: ["a:1"], labels: {x: a, x: b}}\n', gives: /x/ },
  { why: 'a label twice', json: '[{"targets":["a:1"],"labels":{"x":"a","x":"b"}}]', gives: /x/ },
  { why: 'one bad group after a good one', yaml: '- targets: [a:1]\n- targets: b:1\n', gives: /\[1\]\.targets/ },
];
for (const { why, json, yaml, gives } of contents) {
  const name = json === undefined ? 'targets.yml' : 'targets.json';
  test(`${name} with ${why} ${typeof gives === 'number' ? `gives ${gives} groups` : 'is refused'}`, async (t) => {
    const path = join(temporaryDirectory(t), name);
    writeFileSync(path, json ?? yaml ?? '');
    const { groups, failures } = await once(discovererOf(path));
    if (typeof gives === 'number') {
      assert.deepEqual([groups.length, failures], [gives, []]);
    } else {
      assert.equal(groups.length, 0);
      assert.equal(failures.length, 1);
      assert.match(failures[0]?.message ?? '', gives);
      assert.equal(failures[0]?.code, 'SD_FILE_INVALID');
      assert.ok(failures[0]?.cause instanceof ConfigError);
      assert.match(failures[0]?.message ?? '', /; there has been no good version, so it gives no instances$/);
    }
  });
}

test('scalars in YAML labels are their text', async (t) => {
  const path = join(temporaryDirectory(t), 't.yml');
  writeFileSync(path, '- targets: [h:1]\n  labels: {v: 1, b: true, d: 2020-01-01, f: 1.50, o: 010}\n');
  const { groups } = await once(discovererOf(path));
  const { __meta_filepath, ...labels } = Object.fromEntries(groups[0]?.labels ?? []);
  assert.deepEqual(labels, { v: '1', b: 'true', d: '2020-01-01', f: '1.50', o: '010' });
});

test('the path of the file wins over a label of that name', async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[{"targets":["h:1"],"labels":{"__meta_filepath":"mine"}}]');
  const { groups } = await once(discovererOf(path));
  assert.equal(groups[0]?.labels.get('__meta_filepath'), path);
});

test('a group without targets is a warning', async (t) => {
  const path = join(temporaryDirectory(t), 't.yml');
  writeFileSync(path, '- application: a\n');
  const { groups, warnings, failures } = await once(discovererOf(path));
  assert.deepEqual([groups.length, failures], [1, []]);
  assert.match(warnings[0] ?? '', /^file-sd-configs\[0\]: .*t\.yml:1:\d+: \[0\].*: has no targets$/);
});

test('all files of a pattern are read, and one that two patterns match only once', async (t) => {
  const dir = temporaryDirectory(t);
  for (const name of ['b.json', 'a.json', '.c.json']) writeFileSync(join(dir, name), '[{"targets":["h:1"]}]');
  const { groups } = await once(discovererOf(`${dir}/*.json`, `${dir}/a.json`));
  assert.deepEqual(
    groups.map(({ source }) => source),
    [`${dir}/.c.json:0`, `${dir}/a.json:0`, `${dir}/b.json:0`],
  );
});

test('a file that breaks keeps its last good groups, says since when, and leaves other files alone', async (t) => {
  const dir = temporaryDirectory(t);
  const [bad, good] = [join(dir, 'bad.json'), join(dir, 'good.json')];
  writeFileSync(bad, '[{"targets":["a:1","b:1"]}]');
  writeFileSync(good, '[{"targets":["c:1"]}]');
  const subject = discovererOf(`${dir}/*.json`);
  await once(subject);
  const time = new Date(subject.time.now()).toTimeString().slice(0, 8);
  subject.time.clock.advance(60_000);
  writeFileSync(bad, '[{"targets":["a:1"');
  writeFileSync(good, '[{"targets":["d:1"]}]');
  const { groups, failures } = await once(subject);
  assert.deepEqual(
    groups.flatMap(({ targets }) => targets.map((target) => target.get('__address__'))),
    ['a:1', 'b:1', 'd:1'],
  );
  assert.equal(failures.length, 1);
  assert.ok(failures[0]?.message.endsWith(`; keeping 2 instances from the last good version of ${time}`));
});

for (const text of ['', '# nothing\n', '---\n\n# nothing\n...\n']) {
  test(`YAML with no content but ${JSON.stringify(text)} keeps the last good groups with a warning`, async (t) => {
    const path = join(temporaryDirectory(t), 't.yml');
    writeFileSync(path, '- targets: [a:1]\n');
    const subject = discovererOf(path);
    await once(subject);
    writeFileSync(path, text);
    const { groups, failures, warnings } = await once(subject);
    assert.deepEqual([groups.length, failures], [1, []]);
    assert.match(
      warnings[0] ?? '',
      /has no content; keeping 1 instance from .*; write \[\] to say that there are no targets$/,
    );
    writeFileSync(path, '[]');
    assert.deepEqual(await once(subject), { groups: [], failures: [], warnings: [] });
  });
}

test('a file that looks half-written is read again before it is reported', async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[{"targets":');
  const { discoverer, time } = discovererOf(path);
  const answer = discoverer.once(SIGNAL);
  await time.settled();
  writeFileSync(path, '[{"targets":["h:1"]}]');
  assert.equal(await time.wake(), 200);
  const { groups, failures } = await answer;
  assert.deepEqual([groups.length, failures], [1, []]);
});

test('once: a plain file or a directory that is missing is a failure, a pattern without a match is not', async (t) => {
  const dir = temporaryDirectory(t);
  const { groups, failures } = await once(discovererOf(`${dir}/x.json`, `${dir}/no/*.json`, `${dir}/*.yml`));
  assert.deepEqual(groups, []);
  assert.deepEqual(
    failures.map(({ code, message }) => [code, message]),
    [
      ['SD_FILE_MISSING', `file-sd-configs[0]: there is no file ${dir}/x.json`],
      ['SD_FILE_MISSING', `file-sd-configs[0]: there is no directory ${dir}/no/`],
    ],
  );
});

const unreadable: readonly [why: string, make: (path: string) => void, message: RegExp][] = [
  ['a directory', (path) => mkdirSync(path), /can't read .*t\.json: it is a directory/],
  [
    'a FIFO',
    (path) => execFileSync('sh', ['-c', 'mkfifo "$0"', path]),
    /can't read .*t\.json: it is not a regular file/,
  ],
  ['bytes that are not UTF-8', (path) => writeFileSync(path, Buffer.from([0x5b, 0xff, 0x5d])), /it is not UTF-8/],
  [
    'more than 64 MiB',
    (path) => {
      writeFileSync(path, '[');
      truncateSync(path, 64 * 1024 * 1024 + 1);
    },
    /it is larger than 64 MiB/,
  ],
];
for (const [why, make, message] of unreadable) {
  test(`refuses ${why}`, async (t) => {
    const path = join(temporaryDirectory(t), 't.json');
    make(path);
    const { failures } = await once(discovererOf(path));
    assert.match(failures[0]?.message ?? '', message);
    assert.equal(failures[0]?.code, 'SD_FILE_UNREADABLE');
  });
}

test('a file without the right to read it is a failure', { skip: process.getuid?.() === 0 }, async (t) => {
  const path = join(temporaryDirectory(t), 't.json');
  writeFileSync(path, '[]', { mode: 0o000 });
  const { failures } = await once(discovererOf(path));
  assert.match(failures[0]?.message ?? '', /permission denied/);
});

test('a directory that can no longer be listed keeps what was read from it', async (t) => {
  const dir = join(temporaryDirectory(t), 'd');
  mkdirSync(dir);
  writeFileSync(join(dir, 't.json'), readFileSync(fixture('shop.json')));
  const subject = discovererOf(`${dir}/*.json`);
  await once(subject);
  rmSync(dir, { recursive: true });
  writeFileSync(dir, 'a file in its place');
  const { groups, failures } = await once(subject);
  assert.equal(groups.length, 2);
  assert.match(failures[0]?.message ?? '', /can't read .*d\/: a part of the path is not a directory/);
});

test('rejects with the reason of the signal', async () => {
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await assert.rejects(discovererOf(fixture('shop.json')).discoverer.once(stop.signal), { message: 'enough' });
});
