import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeltaEndpoint } from '../../src/config/delta-endpoint.ts';
import type { ProfileConfig } from '../../src/config/scrape-config.ts';
import { configuredJob, saidOfJob } from '../support/config-problems.ts';

async function profile(name: string, lines: string): Promise<ProfileConfig> {
  const found = (await configuredJob(lines)).profiles.get(name);
  assert.ok(found, `there is no profile ${name}`);
  return found;
}

test('a job knows every preset, so that labels can switch them on', async () => {
  const { profiles, enabledProfiles } = await configuredJob('enabled-profiles: [goroutine, cpu, memory, mem]');
  assert.deepEqual([...profiles.keys()].slice(0, 6), ['cpu', 'mem', 'allocs', 'goroutines', 'mutex', 'block']);
  assert.deepEqual(enabledProfiles, ['goroutines', 'cpu', 'mem']);
});

test('parameters merge key by key, and what is left of the preset is known', async () => {
  const cpu = await profile('cpu', 'profiles: {cpu: {params: {foo: [bar]}}}');
  assert.deepEqual(
    [...cpu.params],
    [
      ['seconds', ['10']],
      ['foo', ['bar']],
    ],
  );
  assert.deepEqual([...cpu.presetParams], [['seconds', ['10']]]);
  const own = await profile('cpu', 'scrape-interval: 1m\nprofiles: {cpu: {params: {seconds: [30]}}}');
  assert.deepEqual([...own.params], [['seconds', ['30']]]);
  assert.deepEqual([...own.presetParams], []);
});

test('a preset set to null stays a preset', async () => {
  assert.equal((await profile('cpu', 'profiles: {cpu: }')).path, '/debug/pprof/profile');
});

test('sample types merge key by key, and an explicit false or empty text wins', async () => {
  const mem = await profile(
    'mem',
    'profiles: {mem: {sample-types: {alloc_space: {cumulative: false}, inuse_space: {units: ""}, x: {sampled: yes}}}}',
  );
  assert.deepEqual([...mem.sampleTypes.keys()], ['inuse_objects', 'inuse_space', 'alloc_objects', 'alloc_space', 'x']);
  assert.equal(mem.sampleTypes.get('alloc_space')?.isCumulative, false);
  assert.equal(mem.sampleTypes.get('alloc_objects')?.isCumulative, undefined);
  assert.equal(mem.sampleTypes.get('inuse_space')?.units, '');
  assert.equal(mem.sampleTypes.get('inuse_space')?.aggregation, 'average');
  assert.equal(mem.sampleTypes.get('x')?.isSampled, true);
});

for (const word of ['null', '~', 'false', 'no', '']) {
  test(`a sample type set to "${word}" is removed, and the others stay`, async () => {
    const mem = await profile('mem', `profiles: {mem: {sample-types: {inuse_objects: ${word}}}}`);
    assert.deepEqual([...mem.sampleTypes.keys()], ['inuse_space', 'alloc_objects', 'alloc_space']);
    assert.deepEqual([...mem.removedSampleTypes], ['inuse_objects']);
    assert.equal(mem.dropsUnlisted, false);
  });
}

test("the user's list drops what it does not list, unless all-sample-types", async () => {
  const lines = (extra: string) => `profiles: {cpu: {sample-types: {samples: {}}${extra}}}`;
  assert.equal((await profile('cpu', lines(''))).dropsUnlisted, true);
  assert.equal((await profile('cpu', lines(', all-sample-types: true'))).dropsUnlisted, false);
  assert.equal((await profile('cpu', 'profiles: {cpu: {all-sample-types: false}}')).dropsUnlisted, false);
});

test('avg is average', async () => {
  const cpu = await profile('cpu', 'profiles: {cpu: {sample-types: {samples: {aggregation: avg}}}}');
  assert.equal(cpu.sampleTypes.get('samples')?.aggregation, 'average');
});

test('an own profile gets a slash before its path', async () => {
  const wall = await profile('wall', 'profiles: {wall: {path: debug/fgprof}}');
  assert.equal(wall.path, '/debug/fgprof');
  assert.deepEqual([...wall.params], []);
});

test('an alias writes about its preset; the same settings twice are fine', async () => {
  assert.equal((await profile('mem', 'profiles: {heap: {path: /h}}')).path, '/h');
  assert.equal((await profile('mem', 'profiles: {heap: {path: /h}, mem: {path: /h}}')).path, '/h');
});

for (const key of ['use-delta-profiles', 'use-delta-endpoints']) {
  test(`${key} replaces mem, mutex and block alone`, async () => {
    const { profiles } = await configuredJob(`${key}: true`);
    const paths = ['cpu', 'mem', 'mutex', 'block', 'goroutines', 'allocs'].map((name) => profiles.get(name)?.path);
    assert.deepEqual(paths, [
      '/debug/pprof/profile',
      '/debug/pprof/delta_heap',
      '/debug/pprof/delta_mutex',
      '/debug/pprof/delta_block',
      '/debug/pprof/goroutine',
      '/debug/pprof/allocs',
    ]);
    assert.equal(profiles.get('mem')?.usesDeltaEndpoint, true);
    assert.equal(profiles.get('mem')?.standardPath, '/debug/pprof/heap');
  });
}

test('with delta endpoints, seconds of the user lead back to the standard endpoint', async () => {
  const lines = 'scrape-interval: 60s\nuse-delta-profiles: true\nprofiles: {block: {params: {seconds: ["30"]}}}';
  const block = await profile('block', lines);
  assert.equal(block.path, '/debug/pprof/block');
  assert.equal(block.usesDeltaEndpoint, false);
  assert.equal((await profile('mem', lines)).usesDeltaEndpoint, true);
  const ofJob = 'scrape-interval: 60s\nuse-delta-profiles: true\nparams: {seconds: ["30"]}';
  assert.equal((await profile('mem', ofJob)).path, '/debug/pprof/heap');
});

test('with delta endpoints, path and sample types of the user lie on top', async () => {
  const mem = await profile(
    'mem',
    'use-delta-profiles: true\nprofiles: {mem: {path: /d, params: {gc: ["1"]}, sample-types: {inuse_space: ~}}}',
  );
  assert.equal(mem.path, '/d');
  assert.equal(mem.usesDeltaEndpoint, true);
  assert.deepEqual([...mem.params], [['gc', ['1']]]);
  assert.equal(mem.sampleTypes.has('inuse_space'), false);
});

for (const [path, uses, expected] of [
  ['/debug/pprof/delta_heap', false, true],
  ['/x/debug/pprof/delta_mutex', false, true],
  ['/delta_block/', false, true],
  ['/debug/pprof/delta_heap?gc=1&seconds=10', false, true],
  ['/debug/pprof/heap?x=/delta_heap', false, false],
  ['/delta_heap/status', false, false],
  ['/debug/pprof/heap', true, false],
  ['/p/block?seconds=5', true, false],
  ['/own/path', true, true],
  ['/own/path', false, false],
] as const) {
  test(`${path} is ${expected ? '' : 'not '}a delta endpoint${uses ? ' with use-delta-profiles' : ''}`, () => {
    assert.equal(isDeltaEndpoint({ usesDeltaEndpoint: uses }, path), expected);
  });
}

test('seconds equal to the interval are continuous profiling, and no fault', async () => {
  assert.deepEqual((await saidOfJob('profiles: {cpu: {params: {seconds: ["10"]}}}')).errors, []);
});

test('seconds of a profile that is not enabled are checked by form alone', async () => {
  assert.deepEqual((await saidOfJob('profiles: {fgprof: {params: {seconds: ["90"]}}}')).errors, []);
  assert.equal((await saidOfJob('profiles: {fgprof: {params: {seconds: ["-1"]}}}')).errors.length, 1);
});

for (const [timeout, interval, verdict] of [
  ['6s', '5s', 'ok'],
  ['5s', '5s', 'profile cpu takes 5s'],
  ['10s', '60s', 'profile cpu takes 10s'],
  ['11s', '60s', 'ok'],
  ['30s', '10s', 'ok'],
] as const) {
  test(`a timeout of ${timeout} with cpu by default at an interval of ${interval}: ${verdict}`, async () => {
    const { errors } = await saidOfJob(`scrape-interval: ${interval}\nscrape-timeout: ${timeout}`);
    if (verdict === 'ok') assert.deepEqual(errors, []);
    else assert.ok(errors.length === 1 && errors[0]?.endsWith(verdict), String(errors));
  });
}

test('a timeout is not held against profiles that measure nothing', async () => {
  assert.deepEqual((await saidOfJob('enabled-profiles: [mem]\nscrape-timeout: 1s')).errors, []);
});

test("Parca's way of saying it", async () => {
  const job = await configuredJob(
    `scrape-interval: 45s
profiling-config:
    path-prefix: internal/
    pprof-config:
      block: {enabled: false}
      process_cpu: {enabled: true, delta: true}
      memory: {keep-sample-type: [{type: inuse_space, unit: bytes}]}
      fgprof: {enabled: true, path: debug/pprof/fgprof, delta: true, seconds: 5}
      off: {enabled: false}`,
  );
  assert.deepEqual(job.enabledProfiles, ['mem', 'goroutines', 'mutex', 'cpu', 'fgprof']);
  assert.deepEqual(job.profiles.get('cpu')?.params.get('seconds'), ['45']);
  assert.equal(job.profiles.get('cpu')?.path, '/internal/debug/pprof/profile');
  assert.equal(job.profiles.get('goroutines')?.path, '/internal/debug/pprof/goroutine');
  assert.deepEqual([...(job.profiles.get('mem')?.sampleTypes.keys() ?? [])], ['inuse_space']);
  assert.equal(job.profiles.get('mem')?.dropsUnlisted, true);
  assert.deepEqual(job.profiles.get('fgprof')?.params.get('seconds'), ['5']);
  assert.equal(job.profiles.get('fgprof')?.path, '/internal/debug/pprof/fgprof');
});

test("a job of a Parca file that names no profile has Parca's five", async () => {
  const { config } = await (await import('../support/config-problems.ts')).judgeConfig(
    'object_storage: {}\nscrape_configs: [{job_name: a, static_configs: [{targets: ["h:1"]}]}]',
  );
  assert.deepEqual(config?.scrapeConfigs[0]?.enabledProfiles, ['mem', 'block', 'goroutines', 'mutex', 'cpu']);
});
