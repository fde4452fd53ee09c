import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatDuration } from '../../src/config/duration.ts';
import type { TargetGroup } from '../../src/discovery/target-group.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import { groupOf, jobOf, type WrittenGroup, type WrittenJob } from '../support/job-of.ts';

interface Vector {
  readonly id: string;
  readonly why: string;
  readonly job?: WrittenJob;
  readonly group: WrittenGroup;
  readonly urls?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly error?: string;
  readonly interval?: string;
  readonly timeout?: string;
}

const VECTORS: Vector[] = readFileSync(new URL('../../fixtures/targets/vectors.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

async function build(written: WrittenJob, ...groups: readonly (WrittenGroup | TargetGroup)[]) {
  return targetsFromGroups(
    await jobOf(written),
    groups.map((group) => ('source' in group ? group : groupOf(group))),
  );
}

/** One target `h:6060` of an application, with the given labels. */
function withLabels(labels: Readonly<Record<string, string>>): WrittenGroup {
  return { application: 'app', targets: ['h:6060'], labels };
}

function urlsOf(result: ReturnType<typeof targetsFromGroups>): string[] {
  return result.targets.map(({ url }) => url);
}

assert.equal(VECTORS.length, 29);
for (const { id, why, job: more, group, urls, labels, error, interval, timeout } of VECTORS) {
  test(`${id} ${why}`, async () => {
    const result = await build(more ?? {}, group);
    if (error !== undefined) {
      assert.deepEqual(urlsOf(result), []);
      assert.equal(result.rejected.length, 1);
      const message = result.rejected[0]?.message.replaceAll('"', '') ?? '';
      assert.ok(message.includes(error.replaceAll('"', '')), message);
      return;
    }
    assert.deepEqual(result.rejected, []);
    if (urls !== undefined) assert.deepEqual(urlsOf(result), urls);
    for (const target of result.targets) {
      if (labels !== undefined) assert.deepEqual([...target.labels], Object.entries(labels));
      if (interval !== undefined) assert.equal(formatDuration(target.scrapeIntervalMs), interval);
      if (timeout !== undefined) assert.equal(formatDuration(target.scrapeTimeoutMs), timeout);
    }
  });
}

test('T30 the rules for annotated Kubernetes pods give one cpu target', async () => {
  const annotation = '__meta_kubernetes_pod_annotation_pyroscope_io_';
  const rules = [
    { 'source-labels': [`${annotation}scrape`], action: 'keep', regex: 'true' },
    { 'source-labels': [`${annotation}application_name`], action: 'replace', 'target-label': '__name__' },
    { 'source-labels': [`${annotation}scheme`], action: 'replace', regex: '(https?)', 'target-label': '__scheme__' },
    {
      'source-labels': ['__address__', `${annotation}port`],
      action: 'replace',
      regex: '([^:]+)(?::\\d+)?;(\\d+)',
      replacement: '$1:$2',
      'target-label': '__address__',
    },
    { action: 'labelmap', regex: '__meta_kubernetes_pod_label_(.+)' },
    { 'source-labels': ['__meta_kubernetes_namespace'], 'target-label': 'kubernetes_namespace' },
    { 'source-labels': ['__meta_kubernetes_pod_name'], 'target-label': 'kubernetes_pod_name' },
    {
      'source-labels': ['__meta_kubernetes_pod_phase'],
      regex: 'Pending|Succeeded|Failed|Completed',
      action: 'drop',
    },
    { action: 'labelmap', regex: `${annotation}profile_(.+)`, replacement: '__profile_$1' },
  ];
  const pod: TargetGroup = {
    source: 'pod/prod/web-1',
    targets: [new Map([['__address__', '10.1.2.3:8080']])],
    labels: new Map([
      ['__meta_kubernetes_namespace', 'prod'],
      ['__meta_kubernetes_pod_name', 'web-1'],
      ['__meta_kubernetes_pod_phase', 'Running'],
      ['__meta_kubernetes_pod_label_app', 'web'],
      [`${annotation}scrape`, 'true'],
      [`${annotation}application_name`, 'shop'],
      [`${annotation}port`, '6060'],
      [`${annotation}profile_cpu_enabled`, 'true'],
      [`${annotation}profile_mem_enabled`, 'false'],
    ]),
  };
  const result = await build({ 'job-name': 'kubernetes-pods', 'relabel-configs': rules }, pod);
  assert.deepEqual(urlsOf(result), ['http://10.1.2.3:6060/debug/pprof/profile?seconds=10']);
  assert.deepEqual(Object.fromEntries(result.targets[0]?.labels ?? []), {
    __name__: 'shop',
    app: 'web',
    instance: '10.1.2.3:6060',
    job: 'kubernetes-pods',
    kubernetes_namespace: 'prod',
    kubernetes_pod_name: 'web-1',
  });
});

test('discovered labels are the ones before the rules, with all defaults, one object for all profiles', async () => {
  const result = await build(
    { params: { gc: ['1', '2'] }, 'relabel-configs': [{ 'target-label': 'env', replacement: 'prod' }] },
    withLabels({ a: '1' }),
  );
  const [cpu, mem] = result.targets;
  assert.deepEqual(Object.fromEntries(cpu?.discoveredLabels ?? []), {
    __address__: 'h:6060',
    __name__: 'app',
    __param_gc: '1',
    __scheme__: 'http',
    __scrape_interval__: '10s',
    __scrape_timeout__: '15s',
    a: '1',
    job: 'j',
  });
  assert.equal(cpu?.discoveredLabels, mem?.discoveredLabels);
});

test('labels with empty values, which discovery may hand over, are none', async () => {
  const raw: TargetGroup = {
    source: '0',
    targets: [
      new Map([
        ['__address__', 'h:1'],
        ['env', ''],
        ['job', ''],
      ]),
    ],
    labels: new Map([
      ['env', 'group'],
      ['__name__', 'app'],
      ['zone', ''],
    ]),
  };
  const { targets } = await build({ 'enabled-profiles': ['mem'] }, raw);
  assert.deepEqual(Object.fromEntries(targets[0]?.labels ?? []), {
    __name__: 'app',
    env: 'group',
    instance: 'h:1',
    job: 'j',
  });
});

test('what discovery tells need not be valid Unicode', async () => {
  const { rejected } = await build({}, withLabels({ __meta_x: '\ud800' }));
  assert.deepEqual(rejected, []);
});

test('a bad target leaves the rest of its group alone', async () => {
  const result = await build({}, { application: 'app', targets: ['a:1', 'b:http', 'c:3'] });
  assert.deepEqual(
    urlsOf(result).filter((url) => url.includes('heap')),
    ['http://a:1/debug/pprof/heap', 'http://c:3/debug/pprof/heap'],
  );
  assert.deepEqual(
    result.rejected.map(({ place, message }) => [place, message]),
    [['instance 1 in group 0', '"b:http": port "http" is not a number']],
  );
});

test('a bad profile of a target leaves its other profiles alone', async () => {
  const result = await build({}, withLabels({ __profile_cpu_param_seconds: '60' }));
  assert.deepEqual(urlsOf(result), ['http://h:6060/debug/pprof/heap']);
  assert.deepEqual(
    result.rejected.map(({ message, hint }) => [message, hint]),
    [['profile cpu: seconds=60 is longer than the scrape interval 10s', 'set the interval to at least 60s']],
  );
});

test('a rule that drops is named', async () => {
  const rules = [
    { 'target-label': 'x', replacement: 'y' },
    { 'source-labels': ['x'], action: 'drop', regex: 'y' },
  ];
  const result = await build({ 'relabel-configs': rules }, withLabels({}));
  assert.deepEqual(result.targets, []);
  assert.deepEqual(
    result.dropped.map(({ reason }) => reason),
    [{ type: 'relabel', ruleIndex: 1 }],
  );
});

test('a target without an enabled profile is dropped', async () => {
  const result = await build({}, withLabels({ __profile_cpu_enabled: 'false', __profile_mem_enabled: 'false' }));
  assert.deepEqual(
    result.dropped.map(({ reason }) => reason),
    [{ type: 'no-profile-enabled' }],
  );
});

test('all dropped targets are counted, the first hundred kept', async () => {
  const targets = Array.from({ length: 250 }, (_, i) => `h${i}:1`);
  const result = await build({ 'relabel-configs': [{ action: 'drop' }] }, { application: 'app', targets });
  assert.equal(result.droppedCount, 250);
  assert.equal(result.dropped.length, 100);
  assert.equal(result.dropped[99]?.discoveredLabels.get('__address__'), 'h99:1');
});

test('more instances than the target limit: none is scraped, and it says so', async () => {
  const group = { application: 'app', targets: ['a:1', 'b:1', 'b:1', 'c:1'] };
  assert.equal((await build({ 'target-limit': 3 }, group)).targets.length, 6);
  const over = await build({ 'target-limit': 2 }, group);
  assert.deepEqual(over.targets, []);
  assert.equal(over.droppedCount, 3);
  assert.deepEqual(over.dropped[0]?.reason, { type: 'target-limit', limit: 2 });
  assert.deepEqual(over.warnings, ['job j: 3 instances are more than its target-limit of 2: none is scraped']);
});

test('duplicates are counted, also those that differ only in private labels', async () => {
  const result = await build(
    {},
    withLabels({ __meta_x: '1' }),
    withLabels({ __meta_x: '2' }),
    withLabels({ env: 'dev' }),
  );
  assert.equal(result.targets.length, 4);
  assert.equal(result.duplicates, 2);
});

test('two profiles of the same URL are two targets with keys of their own', async () => {
  const profiles = { heap2: { path: '/debug/pprof/heap', 'sample-types': { inuse_space: {} } } };
  const result = await build({ profiles, 'enabled-profiles': ['mem', 'heap2'] }, withLabels({}));
  assert.equal(result.duplicates, 0);
  assert.equal(new Set(result.targets.map(({ url }) => url)).size, 1);
  assert.equal(new Set(result.targets.map(({ key }) => key)).size, 2);
});

test('the same target under two jobs has two keys, even where a rule made the job label equal', async () => {
  const group = withLabels({ job: 'same' });
  const a = await build({ 'job-name': 'a' }, group);
  const b = await build({ 'job-name': 'b' }, group);
  assert.notEqual(a.targets[0]?.key, b.targets[0]?.key);
});

test('the key is the same after a refresh, whatever the order of groups and labels', async () => {
  const before = await build({}, withLabels({ a: '1', b: '2' }), withLabels({ c: '3' }));
  const after = await build({}, withLabels({ c: '3' }), withLabels({ b: '2', a: '1' }));
  const keys = (result: typeof before) => result.targets.map(({ key }) => key).sort();
  assert.deepEqual(keys(before), keys(after));
});

for (const [labels, names] of [
  [{ __profile_memory_enabled: 'false' }, ['cpu']],
  [{ __profile_process_cpu_enabled: 'false', __profile_cpu_enabled: 'true' }, ['cpu', 'mem']],
  [{ __profile_cpu_enabled: 'false', __profile_process_cpu_enabled: 'true' }, ['mem']],
  [{ __profile_goroutine_enabled: 'true', __profile_block_enabled: 'true' }, ['cpu', 'mem', 'block', 'goroutines']],
  [{ __profile_block_path: '/b' }, ['cpu', 'mem']],
] as const) {
  test(`${JSON.stringify(labels)} leaves ${names.join(', ')}`, async () => {
    const result = await build({}, withLabels(labels));
    assert.deepEqual(
      result.targets.map(({ profile }) => profile.name),
      names,
    );
  });
}

test('an aliased label reaches path and parameters too', async () => {
  const labels = { __profile_memory_path: '/m', __profile_heap_param_gc: '1' };
  assert.deepEqual(urlsOf(await build({ 'enabled-profiles': ['mem'] }, withLabels(labels))), ['http://h:6060/m?gc=1']);
});

test('a profile whose name contains the words of the label syntax is found', async () => {
  const profiles = { a_param_b_enabled: { path: '/x', 'sample-types': { samples: {} } } };
  const labels = { __profile_a_param_b_enabled_enabled: 'true', __profile_a_param_b_enabled_param_c_path: '1' };
  const result = await build({ profiles, 'enabled-profiles': ['cpu'] }, withLabels(labels));
  assert.deepEqual(urlsOf(result).slice(1), ['http://h:6060/x?c_path=1']);
  assert.deepEqual(result.warnings, []);
});

test('warns once of an enabled label for a profile that is not there', async () => {
  const labels = { __profile_goroutin_enabled: 'true', __profile_custom_path: '/x' };
  const { warnings } = await build({}, { application: 'app', targets: ['a:1', 'b:1'], labels });
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? '',
    /^job j: label __profile_goroutin_enabled is ignored: there is no such profile; known: cpu, mem/,
  );
});

test('warns of an enabled label that is neither true nor false', async () => {
  const { warnings } = await build({}, withLabels({ __profile_cpu_enabled: 'yes' }));
  assert.deepEqual(warnings, ['job j: label __profile_cpu_enabled="yes" is ignored: it must be true or false']);
});

const REJECTED: readonly [why: string, labels: Readonly<Record<string, string>>, message: RegExp][] = [
  ['a character in the application name', { __name__: 'a b' }, /application name "a b": character " " is not allowed/],
  ['a unix socket', { __unix_socket__: '/run/x.sock' }, /__unix_socket__ is not supported/],
  ['half of a surrogate pair', { a: '\ud800' }, /the value of label a is not valid Unicode/],
  ['an interval that is no duration', { __scrape_interval__: 'soon' }, /__scrape_interval__: "soon" is not a duration/],
  ['an interval below a second', { __scrape_interval__: '500ms' }, /scrape interval 500ms is too short/],
  ['a timeout of 0', { __scrape_timeout__: '0s' }, /scrape timeout cannot be 0/],
  [
    'a timeout that cpu needs itself',
    { __scrape_timeout__: '10s' },
    /profile cpu: scrape timeout 10s is not longer than its seconds=10/,
  ],
  ['seconds of 0', { __param_seconds: '0' }, /profile cpu: seconds must be one positive whole number, not "0"/],
  [
    'fractional seconds',
    { __profile_cpu_param_seconds: '2.5' },
    /profile cpu: seconds must be one positive whole number, not "2.5"/,
  ],
  ['a query in a path', { __profile_cpu_path: '/p?x=1' }, /"\?" in path "\/p\?x=1"/],
];
for (const [why, labels, message] of REJECTED) {
  test(`rejects ${why}`, async () => {
    const { rejected } = await build({}, { targets: ['h:6060'], labels: { __name__: 'app', ...labels } });
    assert.match(rejected[0]?.message ?? '', message);
  });
}

test('a rule that removes the address rejects the target', async () => {
  const { rejected } = await build({ 'relabel-configs': [{ action: 'labelkeep', regex: '__name__' }] }, withLabels({}));
  assert.deepEqual(
    rejected.map(({ message }) => message),
    ['no address'],
  );
});

test("rejects seconds of the job that are longer than the target's own interval", async () => {
  const { rejected } = await build({ params: { seconds: ['3'] } }, withLabels({ __scrape_interval__: '2s' }));
  assert.match(rejected[0]?.message ?? '', /profile cpu: seconds=3 is longer than the scrape interval 2s/);
});

const TIMING: readonly {
  why: string;
  job?: WrittenJob;
  labels?: Readonly<Record<string, string>>;
  seconds: number | undefined;
  timeoutMs: number;
}[] = [
  { why: 'preset seconds and a timeout around them', seconds: 10, timeoutMs: 15_000 },
  { why: 'preset seconds shrink to a short interval', job: { 'scrape-interval': '5s' }, seconds: 5, timeoutMs: 15_000 },
  { why: 'to whole seconds of it', labels: { __scrape_interval__: '2500ms' }, seconds: 2, timeoutMs: 15_000 },
  { why: 'and stay in a long one', job: { 'scrape-interval': '60s' }, seconds: 10, timeoutMs: 15_000 },
  {
    why: 'seconds of the user get a timeout with a margin',
    job: { 'scrape-interval': '60s', profiles: { cpu: { params: { seconds: ['30'] } } } },
    seconds: 30,
    timeoutMs: 35_000,
  },
  {
    why: 'seconds equal to the interval',
    job: { 'scrape-interval': '30s', params: { seconds: ['30'] } },
    seconds: 30,
    timeoutMs: 35_000,
  },
  { why: 'a timeout that was set holds', job: { 'scrape-timeout': '11s' }, seconds: 10, timeoutMs: 11_000 },
  {
    why: 'a label holds over the job',
    job: { 'scrape-timeout': '20s' },
    labels: { __scrape_timeout__: '11s' },
    seconds: 10,
    timeoutMs: 11_000,
  },
];
for (const { why, job: more, labels, seconds, timeoutMs } of TIMING) {
  test(`timing: ${why}`, async () => {
    const { targets, rejected } = await build({ 'enabled-profiles': ['cpu'], ...more }, withLabels(labels ?? {}));
    assert.deepEqual(rejected, []);
    assert.deepEqual([targets[0]?.seconds, targets[0]?.scrapeTimeoutMs], [seconds, timeoutMs]);
    assert.ok(targets[0]?.url.endsWith(`?seconds=${seconds}`));
  });
}

test('parameters: preset, job, profile, __param_ label, profile label; each over the one before', async () => {
  const params = { seconds: ['3'], a: ['job'], b: ['job', 'second'], c: ['job'], d: ['job'] };
  const written = {
    'enabled-profiles': ['cpu'],
    params,
    profiles: { cpu: { params: { b: ['profile', 'more'], c: ['profile'], d: ['profile'] } } },
  };
  const labels = { __param_c: 'label', __param_d: 'label', __profile_cpu_param_d: 'own' };
  assert.deepEqual(urlsOf(await build(written, withLabels(labels))), [
    'http://h:6060/debug/pprof/profile?a=job&b=profile&b=more&c=label&d=own&seconds=3',
  ]);
});

test('a label replaces the first value of a parameter only', async () => {
  const written = { 'enabled-profiles': ['mem'], params: { x: ['1', '2'] } };
  assert.deepEqual(urlsOf(await build(written, withLabels({ __param_x: '9' }))), [
    'http://h:6060/debug/pprof/heap?x=9&x=2',
  ]);
});

test('a rule that deletes a __param_ label does not remove the parameter', async () => {
  const rules = [{ action: 'labeldrop', regex: '__param_x' }];
  const written = { 'enabled-profiles': ['mem'], params: { x: ['1'] }, 'relabel-configs': rules };
  assert.deepEqual(urlsOf(await build(written, withLabels({}))), ['http://h:6060/debug/pprof/heap?x=1']);
});

test('seconds by label move a delta endpoint to its standard path', async () => {
  const written = { 'use-delta-profiles': true, 'enabled-profiles': ['mem', 'mutex'] };
  const { targets } = await build(written, withLabels({ __profile_mem_param_seconds: '5' }));
  assert.deepEqual(
    targets.map(({ url, profile }) => [url, profile.usesDeltaEndpoint]),
    [
      ['http://h:6060/debug/pprof/heap?seconds=5', false],
      ['http://h:6060/debug/pprof/delta_mutex', true],
    ],
  );
});

test('the spy name is gospy unless a group or rule says another', async () => {
  const ruby = { ...withLabels({ a: '1' }), 'spy-name': 'rbspy' };
  const { targets } = await build({ 'enabled-profiles': ['mem'] }, withLabels({}), ruby);
  assert.deepEqual(
    targets.map(({ spyName }) => spyName),
    ['gospy', 'rbspy'],
  );
});

test('a target keeps where to connect in parts', async () => {
  const { targets } = await build(
    { 'enabled-profiles': ['mem'] },
    { application: 'app', targets: ['[fe80::1%eth0]:6060'] },
  );
  assert.deepEqual(targets[0]?.origin, { scheme: 'http', hostname: 'fe80::1%eth0', port: 6060 });
  assert.equal(targets[0]?.pathAndQuery, '/debug/pprof/heap');
  assert.equal(targets[0]?.labels.get('instance'), '[fe80::1%eth0]:6060');
});

const FLEET = { application: 'app', targets: Array.from({ length: 60 }, (_, i) => `10.0.0.${i}:6060`) };

/** The addresses that each of `total` shards scrapes. */
async function shards(total: number, written: WrittenJob = {}): Promise<string[][]> {
  const job = await jobOf({ 'enabled-profiles': ['mem'], ...written });
  return Array.from({ length: total }, (_, index) =>
    targetsFromGroups({ ...job, shard: { index, total } }, [groupOf(FLEET)]).targets.map(
      ({ origin }) => origin.hostname,
    ),
  );
}

test('each target belongs to one shard, and all shards have some', async () => {
  const parts = await shards(3);
  assert.equal(parts.flat().length, 60);
  assert.equal(new Set(parts.flat()).size, 60);
  for (const part of parts) assert.ok(part.length >= 10, `${part.length} of 60`);
});

test("a shard has what Prometheus's hashmod of __address__ gives it", async () => {
  const rules = (index: number) => [
    { 'source-labels': ['__address__'], modulus: 3, 'target-label': '__tmp_hash', action: 'hashmod' },
    { 'source-labels': ['__tmp_hash'], regex: String(index), action: 'keep' },
  ];
  for (const [index, part] of (await shards(3)).entries()) {
    const job = await jobOf({ 'enabled-profiles': ['mem'], 'relabel-configs': rules(index) });
    const { targets } = targetsFromGroups(job, [groupOf(FLEET)]);
    assert.deepEqual(
      targets.map(({ origin }) => origin.hostname),
      part,
    );
  }
});

test('the address is hashed as the rules left it', async () => {
  const rule = { 'target-label': '__address__', replacement: 'proxy:1' };
  const parts = await shards(3, { 'relabel-configs': [rule] });
  assert.deepEqual(parts.map(({ length }) => length).sort(), [0, 0, 1]);
});

test('targets of another shard are dropped with its number, wrong ones are told by their shard alone', async () => {
  const job = await jobOf({ 'enabled-profiles': ['mem'] });
  const groups = [groupOf({ application: 'app', targets: ['10.0.0.1:6060', '10.0.0.2:6060', 'h:99999'] })];
  const [even, odd] = [0, 1].map((index) => targetsFromGroups({ ...job, shard: { index, total: 2 } }, groups));
  assert.ok(even && odd);
  // MD5 says so: see the vectors of hashmod.
  assert.deepEqual(urlsOf(even), ['http://10.0.0.2:6060/debug/pprof/heap']);
  assert.deepEqual(even.dropped[0]?.reason, { type: 'shard', shard: 1 });
  assert.equal(even.rejected.length + odd.rejected.length, 1);
  assert.equal(even.droppedCount + odd.droppedCount, 3);
});

test('a sample takes some of the addresses with all their profiles, and says until when', async () => {
  const job = await jobOf({ 'enabled-profiles': ['cpu', 'mem'], sample: { count: 7 } });
  const nowMs = 1_700_000_000_000;
  const { targets, dropped, droppedCount, validUntilMs } = targetsFromGroups(job, [groupOf(FLEET)], nowMs);
  assert.equal(targets.length, 14);
  assert.equal(new Set(targets.map(({ origin }) => origin.hostname)).size, 7);
  assert.equal(droppedCount, 53);
  assert.deepEqual(dropped[0]?.reason, { type: 'sample' });
  assert.ok(validUntilMs !== undefined && validUntilMs > nowMs && validUntilMs <= nowMs + 60_001);
});

test('target-limit counts what the sample leaves', async () => {
  const job = await jobOf({ sample: { count: 7 }, 'target-limit': 7 });
  assert.equal(targetsFromGroups(job, [groupOf(FLEET)]).warnings.length, 0);
});

test('what presets measure in an exclusive job fits into one interval, with room for the others', async () => {
  const secondsOf = async (written: WrittenJob) =>
    (await build({ exclusive: true, ...written }, withLabels({}))).targets.map(({ seconds }) => seconds);
  const profiles = ['cpu', 'fgprof', 'mem'];
  assert.deepEqual(await secondsOf({ 'scrape-interval': '3s', 'enabled-profiles': profiles }), [1, 1, undefined]);
  assert.deepEqual(await secondsOf({ 'scrape-interval': '10s', 'enabled-profiles': ['cpu', 'mem'] }), [9, undefined]);
  assert.deepEqual(await secondsOf({ 'scrape-interval': '60s', 'enabled-profiles': profiles }), [10, 10, undefined]);
  const own = { cpu: { params: { seconds: ['5'] } } };
  assert.deepEqual(await secondsOf({ 'enabled-profiles': profiles, profiles: own }), [5, 4, undefined]);
});
