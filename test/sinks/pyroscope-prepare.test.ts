import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DEFAULT_PUSH_LIMITS, type PushLimits } from '../../src/config/scrape-config.ts';
import { compileRule } from '../../src/labels/compile-rule.ts';
import type { WrittenRelabelRule } from '../../src/labels/relabel.ts';
import { inspectProfile } from '../../src/sinks/pyroscope/inspect-profile.ts';
import type { OutgoingProfile } from '../../src/sinks/pyroscope/outgoing-profile.ts';
import { prepareProfile } from '../../src/sinks/pyroscope/prepare-profile.ts';
import { rewriteProfile } from '../../src/sinks/pyroscope/rewrite-profile.ts';
import { portableName } from '../../src/sinks/pyroscope/sample-labels.ts';
import { buildProfile, type Layout, type ProfileSpec } from '../support/build-profile.ts';
import { readProfile } from '../support/read-profile.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 10, 15, 0);
const UNTIL = BigInt(NOW_MS) * 1_000_000n;
const FROM = UNTIL - 10_000_000_000n;

const frame = (name: string) => ({ lines: [{ name, filename: `${name}.x` }] });

function spec(samples: ProfileSpec['samples'], changes: Partial<ProfileSpec> = {}): ProfileSpec {
  return {
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    samples,
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10_000_000n,
    timeNanos: FROM,
    durationNanos: 10_000_000_000n,
    ...changes,
  };
}

function outgoing(pprof: Uint8Array, changes: Partial<OutgoingProfile> = {}): OutgoingProfile {
  return {
    profile: 'cpu',
    labels: new Map([['__name__', 'shop']]),
    spyName: 'gospy',
    body: gzipSync(pprof),
    isValid: false,
    interval: { fromNanos: FROM, untilNanos: UNTIL },
    columns: new Map(),
    sampleLabels: 'sanitize',
    file: undefined,
    pushId: undefined,
    ...changes,
  };
}

async function prepare(
  what: OutgoingProfile,
  limits: Partial<PushLimits> = {},
  remote: Partial<Parameters<typeof prepareProfile>[1]> = {},
) {
  const prepared = await prepareProfile(
    what,
    { tags: new Map(), writeRelabelRules: [], ...remote },
    { ...DEFAULT_PUSH_LIMITS, ...limits },
    NOW_MS,
  );
  assert.ok(prepared);
  return prepared;
}

/** Stack, text labels, values. */
function samplesOf(body: Uint8Array) {
  return readProfile(gunzipSync(body)).samples.map(({ stack, labels, values }) => ({
    stack: stack.map(({ lines }) => lines[0]?.function?.name).join(';'),
    labels: labels.map(({ key, str, num }) => `${key}=${str ?? num}`).join(' '),
    values: values.map(Number),
  }));
}

test('a profile that every server takes goes as it is', async () => {
  const pprof = buildProfile(
    spec([
      { stack: [frame('a'), frame('main')], values: [1n, 10n], labels: [{ key: 'tenant', str: 'x' }] },
      { stack: [frame('b')], values: [2n, 20n], labels: [{ key: 'bytes', num: 16n }] },
    ]),
  );
  const what = outgoing(pprof);
  const { meta, body, fault, notes } = await prepare(what);
  assert.equal(body, what.body);
  assert.equal(fault, undefined);
  assert.deepEqual(notes, []);
  assert.equal(meta.samples, 2);
  assert.equal(meta.pprofBytes, pprof.length);
  assert.equal(meta.bytes, what.body.length);
  assert.equal(meta.sampleRate, 100);
  assert.deepEqual([meta.fromNanos, meta.untilNanos], [FROM, UNTIL]);
});

test('names that are not UTF-8 are sent with U+FFFD, which servers take', async () => {
  const pprof = Buffer.from(buildProfile(spec([{ stack: [frame('bad'), frame('main')], values: [1n, 10n] }])));
  pprof[pprof.indexOf('bad')] = 0xff;
  const { body, fault } = await prepare(outgoing(new Uint8Array(pprof)));
  assert.equal(fault, undefined);
  assert.equal(readProfile(gunzipSync(body)).notUtf8, 0);
  assert.equal(samplesOf(body)[0]?.stack, '\ufffdad;main');
});

const names: readonly (readonly [string, string])[] = [
  ['pebble.x', 'pebble_x'],
  ['with space', 'with_space'],
  ['dash-ed', 'dash_ed'],
  ['1st', '_1st'],
  ['__name__', '_name__'],
  ['___', '_'],
  ['é', '_'],
  ['', '_'],
  ['ok_Name9', 'ok_Name9'],
];
for (const [name, portable] of names) {
  test(`the label ${JSON.stringify(name)} is sent as ${portable}`, () => assert.equal(portableName(name), portable));
}

const layouts: readonly Partial<Layout>[] = [
  {},
  { order: 'google', packing: 'unpacked' },
  { order: 'shuffled', strings: 'shuffled', unknownFields: true, ids: 'wide', padding: 2 },
];
for (const layout of layouts) {
  test(`labels that servers refuse get portable names, equal samples are merged (${JSON.stringify(layout)})`, async () => {
    const stack = [frame('leaf'), frame('main')];
    const pprof = buildProfile(
      spec([
        { stack, values: [1n, 10n], labels: [{ key: 'pebble.x', str: 'v' }] },
        { stack, values: [2n, 20n], labels: [{ key: 'pebble-x', str: 'v' }] },
        { stack, values: [4n, 40n], labels: [{ key: 'pebble_x', str: 'w' }] },
        { stack: [frame('other')], values: [8n, 80n], labels: [{ key: 'bytes', num: 7n, unit: 'bytes' }] },
      ]),
      layout,
    );
    const { body, meta, notes } = await prepare(outgoing(pprof));
    assert.deepEqual(
      samplesOf(body).sort((a, b) => (a.values[0] ?? 0) - (b.values[0] ?? 0)),
      [
        { stack: 'leaf;main', labels: 'pebble_x=v', values: [3, 30] },
        { stack: 'leaf;main', labels: 'pebble_x=w', values: [4, 40] },
        { stack: 'other', labels: 'bytes=7', values: [8, 80] },
      ],
    );
    assert.equal(meta.samples, 3);
    const [note] = notes;
    assert.ok(note?.type === 'sample-labels');
    assert.deepEqual(
      new Map(note.renamed),
      new Map([
        ['pebble.x', 'pebble_x'],
        ['pebble-x', 'pebble_x'],
      ]),
    );
    const before = readProfile(pprof);
    const after = readProfile(gunzipSync(body));
    assert.deepEqual(
      { ...after, samples: 0, strings: 0, locations: after.locations.length, functions: after.functions.length },
      { ...before, samples: 0, strings: 0, locations: before.locations.length, functions: before.functions.length },
    );
  });
}

test('of two labels with one name in a sample the first stays', async () => {
  const labels = [
    { key: 'a.b', str: 'first' },
    { key: 'a_b', str: 'second' },
  ];
  const { body, notes } = await prepare(
    outgoing(buildProfile(spec([{ stack: [frame('x')], values: [1n, 1n], labels }]))),
  );
  assert.deepEqual(
    samplesOf(body).map((sample) => sample.labels),
    ['a_b=first'],
  );
  assert.ok(notes[0]?.type === 'sample-labels' && notes[0].lostLabels === 1);
});

test('a name twice in one sample is a reason to rewrite, too', async () => {
  const labels = [
    { key: 'a', str: '1' },
    { key: 'a', str: '2' },
  ];
  const { body } = await prepare(outgoing(buildProfile(spec([{ stack: [frame('x')], values: [1n, 1n], labels }]))));
  assert.deepEqual(
    samplesOf(body).map((sample) => sample.labels),
    ['a=1'],
  );
});

test('sample-labels: drop leaves out what servers refuse, keep sends it', async () => {
  const labels = [
    { key: 'a.b', str: 'x' },
    { key: 'fine', str: 'y' },
  ];
  const pprof = buildProfile(
    spec([
      { stack: [frame('x')], values: [1n, 10n], labels },
      { stack: [frame('x')], values: [2n, 20n], labels: [{ key: 'fine', str: 'y' }] },
    ]),
  );
  const dropped = await prepare(outgoing(pprof, { sampleLabels: 'drop' }));
  assert.deepEqual(samplesOf(dropped.body), [{ stack: 'x', labels: 'fine=y', values: [3, 30] }]);
  const kept = outgoing(pprof, { sampleLabels: 'keep' });
  assert.equal((await prepare(kept)).body, kept.body);
});

test('sample-labels: drop leaves out all when the series would have too many', async () => {
  const labels = Array.from({ length: 30 }, (_, index) => ({ key: `l${index}`, str: 'x' }));
  const pprof = buildProfile(spec([{ stack: [frame('x')], values: [1n, 1n], labels }]));
  const { body, fault } = await prepare(outgoing(pprof, { sampleLabels: 'drop' }));
  assert.deepEqual(
    samplesOf(body).map((sample) => sample.labels),
    [''],
  );
  assert.equal(fault, undefined);
});

test('without a period type, samples that make a server stumble are left out', async () => {
  const { periodType: _periodType, ...bare } = spec([
    { stack: [frame('a')], values: [1n, 10n] },
    { stack: [frame('b')], values: [0n, 0n] },
    { stack: [frame('c')], values: [-1n, 10n] },
  ]);
  const { body, meta } = await prepare(outgoing(buildProfile(bare)));
  assert.deepEqual(samplesOf(body), [{ stack: 'a', labels: '', values: [1, 10] }]);
  assert.equal(meta.samples, 1);
});

test('totals are the same after a rewrite, whatever the labels', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const samples = Array.from({ length: 40 }, (_, index) => ({
      stack: [frame(`f${(index * seed) % 5}`)],
      values: [BigInt(index * seed), -BigInt(index)],
      labels: [
        { key: ['a.b', 'a-b', 'a_b', 'c d'][(index + seed) % 4] ?? '', str: `${(index * 7) % 3}` },
        { key: 'n', num: BigInt(index % 2) },
      ],
    }));
    const pprof = buildProfile(spec(samples), { seed, strings: 'shuffled', order: 'shuffled', splitSamples: true });
    const { pprof: after } = rewriteProfile(pprof, {
      labelName: portableName,
      dropUseless: false,
      timeNanos: undefined,
    });
    const totals = (bytes: Uint8Array) =>
      readProfile(bytes).samples.reduce(
        (sum, { values }) => sum.map((total, at) => total + (values[at] ?? 0n)),
        [0n, 0n],
      );
    assert.deepEqual(totals(after), totals(pprof));
    assert.deepEqual([...inspectProfile(after, { isValid: false }).labelNames].sort(), ['a_b', 'c_d']);
  }
});

const times = [
  {
    name: 'within two minutes stays',
    timeNanos: FROM - 119_000_000_000n,
    is: FROM - 119_000_000_000n,
    offset: -119_000,
  },
  { name: 'the interval stays', timeNanos: FROM + 1n, is: FROM + 1n, offset: 0 },
  { name: 'three minutes behind becomes ours', timeNanos: FROM - 180_000_000_000n, is: FROM, offset: -180_000 },
  { name: 'an hour ahead becomes ours', timeNanos: UNTIL + 3_600_000_000_000n, is: UNTIL, offset: 3_600_000 },
  { name: 'none becomes the end', timeNanos: 0n, is: UNTIL, offset: undefined },
  { name: 'microseconds by mistake becomes the end', timeNanos: FROM / 1000n, is: UNTIL, offset: undefined },
];
for (const { name, timeNanos, is, offset } of times) {
  test(`a time_nanos of ${name}`, async () => {
    const pprof = buildProfile(spec([{ stack: [frame('x')], values: [1n, 1n], labels: [] }], { timeNanos }));
    const { body, clockOffsetMs, notes } = await prepare(outgoing(pprof));
    const after = readProfile(gunzipSync(body));
    assert.equal(after.timeNanos, is);
    assert.equal(after.samples.length, 1);
    assert.equal(clockOffsetMs, offset);
    assert.deepEqual(notes, []);
  });
}

test('tags win, write-relabel-configs come after them and may drop', async () => {
  const rule = (written: WrittenRelabelRule) => {
    const { rule: compiled } = compileRule(written);
    assert.ok(compiled);
    return compiled;
  };
  const pprof = buildProfile(spec([{ stack: [frame('x')], values: [1n, 1n] }]));
  const { meta } = await prepare(
    outgoing(pprof, {
      labels: new Map([
        ['__name__', 'shop'],
        ['env', 'dev'],
        ['pod', 'p'],
        ['__tmp', 'x'],
      ]),
    }),
    {},
    { tags: new Map([['env', 'prod']]), writeRelabelRules: [rule({ action: 'labeldrop', regex: 'pod' })] },
  );
  assert.deepEqual(
    new Map(meta.labels),
    new Map([
      ['__name__', 'shop'],
      ['env', 'prod'],
    ]),
  );
  const dropped = await prepareProfile(
    outgoing(pprof),
    { tags: new Map([['env', 'x']]), writeRelabelRules: [rule({ action: 'drop', sourceLabels: ['env'], regex: 'x' })] },
    DEFAULT_PUSH_LIMITS,
    NOW_MS,
  );
  assert.equal(dropped, undefined);
});

const many = (count: number) => new Map(Array.from({ length: count }, (_, index) => [`l${index}`, 'x']));
const faults: readonly {
  readonly name: string;
  readonly limits?: Partial<PushLimits>;
  readonly changes?: Partial<OutgoingProfile>;
  readonly sampleTypes?: ProfileSpec['sampleTypes'];
  readonly labels?: readonly { key: string; str: string }[];
  readonly message: RegExp | undefined;
  readonly hint?: RegExp;
}[] = [
  { name: 'nothing', message: undefined },
  {
    name: 'size',
    limits: { maxProfileBytes: 50 },
    message: /^the profile has \d+ bytes inflated, the server takes 50 bytes$/,
    hint: /^raise max_profile_size_bytes on the server and limits\.max-profile-bytes of this remote$/,
  },
  { name: 'no limit of size', limits: { maxProfileBytes: 0 }, message: undefined },
  { name: 'samples', limits: { maxSamples: 1 }, message: /^the profile has 2 samples, the server takes 1$/ },
  { name: '26 labels', changes: { labels: many(26) }, message: undefined },
  {
    name: '27 labels',
    changes: { labels: many(27) },
    message: /^the series has 31 labels with the 4 of the server, the server takes 30$/,
    hint: /^drop some with a labeldrop rule/,
  },
  {
    name: 'labels with those of samples',
    changes: { labels: many(26) },
    labels: [{ key: 'more', str: 'x' }],
    message: /^the series has 31 labels with the 4 of the server and the 1 of its samples/,
  },
  {
    name: 'a sample label that the series has, too',
    changes: { labels: many(26) },
    labels: [{ key: 'l0', str: 'x' }],
    message: undefined,
  },
  {
    name: 'a long name',
    changes: { labels: new Map([['n'.repeat(1025), 'x']]) },
    message: /has 1025 bytes, the server takes 1024$/,
  },
  {
    name: 'a long value, counted in bytes',
    changes: { labels: new Map([['path', 'é'.repeat(1025)]]) },
    message: /^the value of label "path" has 2050 bytes, the server takes 2048$/,
  },
  {
    name: 'a long value on a sample',
    labels: [{ key: 'sql', str: 'x'.repeat(3000) }],
    message: /^a label of a sample has 3000 bytes/,
    hint: /^set sample-labels: drop/,
  },
  {
    name: 'a dash in a sample type',
    sampleTypes: [
      { type: 'cpu-time', unit: 'ns' },
      { type: 'x', unit: 'y' },
    ],
    changes: { sampleLabels: 'keep' },
    message: /"cpu-time" has a dash/,
    hint: /^set sample-labels: sanitize/,
  },
];
for (const { name, limits, changes, labels = [], sampleTypes, message, hint } of faults) {
  test(`limits: ${name}`, async () => {
    const samples = ['a', 'b'].map((at) => ({ stack: [frame(at)], values: [1n, 1n], labels }));
    const pprof = buildProfile(spec(samples, sampleTypes === undefined ? {} : { sampleTypes }));
    const { fault } = await prepare(outgoing(pprof, changes), limits);
    if (message === undefined) assert.equal(fault, undefined);
    else assert.match(fault?.message ?? '', message);
    if (hint !== undefined) assert.match(fault?.hint ?? '', hint);
  });
}

for (const policy of ['sanitize', 'drop'] as const) {
  for (const layout of layouts) {
    test(`sample types with a dash get names that servers take, with ${policy} (${JSON.stringify(layout)})`, async () => {
      const sampleTypes = [
        { type: 'wall-time', unit: 'nanoseconds' },
        { type: 'wall_time', unit: 'nanoseconds' },
        { type: 'alloc-samples', unit: 'count' },
      ];
      const samples = [
        { stack: [frame('a'), frame('main')], values: [1n, 2n, 3n], labels: [{ key: 'bad.name', str: 'v' }] },
      ];
      const changes = { sampleTypes, defaultSampleType: 'alloc-samples' };
      const column = { displayName: 'allocs', units: 'objects', aggregation: 'sum' } as const;
      const { body, meta, fault, notes } = await prepare(
        outgoing(buildProfile(spec(samples, changes), layout), {
          sampleLabels: policy,
          columns: new Map([['alloc-samples', column]]),
        }),
      );
      const expected = [
        { type: 'wall_time_', unit: 'nanoseconds' },
        { type: 'wall_time', unit: 'nanoseconds' },
        { type: 'alloc_samples', unit: 'count' },
      ];
      const sent = readProfile(gunzipSync(body));
      assert.deepEqual(sent.sampleTypes, expected);
      assert.equal(sent.defaultSampleType, 'alloc_samples');
      assert.deepEqual(
        samplesOf(body).map(({ stack, values }) => [stack, values]),
        [['a;main', [1, 2, 3]]],
      );
      assert.deepEqual(meta.sampleTypes, expected);
      assert.deepEqual([...meta.columns], [['alloc_samples', column]]);
      assert.equal(fault, undefined);
      assert.deepEqual(notes[0], {
        type: 'sample-types',
        renamed: new Map([
          ['wall-time', 'wall_time_'],
          ['alloc-samples', 'alloc_samples'],
        ]),
      });
    });
  }
}

test('a profile over the burst limit is sent with a warning', async () => {
  const pprof = buildProfile(spec([{ stack: [frame('x')], values: [1n, 1n] }]));
  const { fault, notes } = await prepare(outgoing(pprof), { burstBytes: 10 });
  assert.equal(fault, undefined);
  assert.deepEqual(notes, [{ type: 'over-burst', pprofBytes: pprof.length, burstBytes: 10 }]);
});

test('a plain profile is compressed', async () => {
  const pprof = buildProfile(spec([{ stack: [frame('x')], values: [1n, 1n] }]));
  const { body } = await prepare({ ...outgoing(pprof), body: pprof });
  assert.deepEqual(gunzipSync(body), Buffer.from(pprof));
});

test('the interval comes from the profile where nobody else knows it', async () => {
  const pprof = buildProfile(spec([{ stack: [frame('x')], values: [1n, 1n] }]));
  const { meta } = await prepare({ ...outgoing(pprof), interval: undefined });
  assert.deepEqual([meta.fromNanos, meta.untilNanos], [FROM, FROM + 10_000_000_000n]);
});

test('what is no profile is an error', async () => {
  const bodies = [Buffer.from('<html>'), gzipSync('junk'), gzipSync(buildProfile(spec([]))).subarray(0, 40)];
  for (const body of bodies) {
    await assert.rejects(prepare({ ...outgoing(body), body }), { name: 'ProfileError' });
  }
});
