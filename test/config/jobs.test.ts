import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuredJob, judgeConfig, readConfigFixture, saidOfJob } from '../support/config-problems.ts';

test('what a job says nothing about has the defaults of the old server, and of safety', async () => {
  const job = await configuredJob('');
  assert.equal(job.scheme, 'http');
  assert.equal(job.scrapeIntervalMs, 10_000);
  assert.equal(job.scrapeTimeoutMs, undefined);
  assert.equal(job.bodySizeLimitBytes, 64 * 1024 * 1024);
  assert.equal(job.targetLimit, 0);
  assert.equal(job.onCounterReset, 'emit');
  assert.equal(job.sampleLabels, 'sanitize');
  assert.deepEqual(job.relabelRules, []);
  assert.equal(job.http.followRedirects, true);
});

test('global values are defaults, and those of the job win', async () => {
  const head = 'global: {scrape-interval: 1m, scrape-timeout: 20s, body-size-limit: 1MB, target-limit: 5}';
  const plain = await configuredJob('', head);
  assert.equal(plain.scrapeIntervalMs, 60_000);
  assert.equal(plain.scrapeTimeoutMs, 20_000);
  assert.equal(plain.bodySizeLimitBytes, 1024 * 1024);
  assert.equal(plain.targetLimit, 5);
  const own = await configuredJob(
    'scrape-interval: 30s\nscrape-timeout: 25s\nbody-size-limit: 2MB\ntarget-limit: 0',
    head,
  );
  assert.equal(own.scrapeIntervalMs, 30_000);
  assert.equal(own.scrapeTimeoutMs, 25_000);
  assert.equal(own.bodySizeLimitBytes, 2 * 1024 * 1024);
  assert.equal(own.targetLimit, 0);
});

test('an empty global block means the defaults, and so does a blank key', async () => {
  const job = await configuredJob('scrape-interval:\nscheme: ~\nuse-delta-profiles:', 'global:');
  assert.equal(job.scrapeIntervalMs, 10_000);
  assert.equal(job.scheme, 'http');
});

test('a body-size-limit of 0 takes the limit away', async () => {
  assert.equal((await configuredJob('body-size-limit: 0')).bodySizeLimitBytes, Number.POSITIVE_INFINITY);
});

for (const [words, value] of [
  [['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'true', 'True', 'TRUE'], true],
  [['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'false', 'False', 'FALSE'], false],
] as const) {
  test(`all words of YAML 1.1 for ${value}`, async () => {
    for (const word of words)
      assert.equal((await configuredJob(`follow-redirects: ${word}`)).http.followRedirects, value);
  });
}

test('snake_case and kebab-case read as the same config, but for the system that they are of', async () => {
  const kebab = readConfigFixture('most-keys.good.yml');
  const snake = kebab
    .replaceAll(/(?<=^|[\s{])([a-z0-9]+(?:-[a-z0-9]+)+)(?=: |:$)/gm, (key: string) => key.replaceAll('-', '_'))
    .replaceAll('x_defaults', 'x-defaults');
  assert.notEqual(snake, kebab);
  assert.match(snake, /relabel_configs/);
  const [a, b] = [await judgeConfig(kebab), await judgeConfig(snake)];
  assert.deepEqual(b.errors, []);
  const withoutKind = ({ config }: typeof a) => ({
    ...config,
    scrapeConfigs: config?.scrapeConfigs.map((job) => ({ ...job, kind: undefined })),
  });
  assert.deepEqual(withoutKind(b), withoutKind(a));
});

test('a merged key gives way to the other spelling of it', async () => {
  const job = await configuredJob('scrape-interval: 30s\n<<: {scrape_interval: 20s, scrape_timeout: 25s}');
  assert.equal(job.scrapeIntervalMs, 30_000);
  assert.equal(job.scrapeTimeoutMs, 25_000);
});

test("names of the user's own keep their spelling", async () => {
  const job = await configuredJob(
    `params: {a_b: ["1"], a-b: ["2"]}
profiles: {my_own: {path: /p, params: {x_y: [z]}, sample-types: {inuse_space: {}}}}
static-configs: [{targets: ["h:1"], labels: {a_b: "1", __meta_x: "2"}}]
http-headers: {X_Y: {values: [a]}}`,
  );
  assert.deepEqual([...job.params.keys()], ['a_b', 'a-b']);
  assert.deepEqual([...(job.profiles.get('my_own')?.params.keys() ?? [])], ['x_y']);
  const [source] = job.discovery;
  assert.ok(source?.mechanism === 'static');
  assert.deepEqual([...(source.groups[0]?.labels.keys() ?? [])], ['a_b', '__meta_x']);
  assert.deepEqual([...job.http.headers.keys()], ['X_Y']);
});

test('label values are the source text, and blank ones are no labels', async () => {
  const job = await configuredJob(
    'static-configs: [{targets: ["h:1"], labels: {v: 1, b: true, d: 2020-01-01, f: 1.50, o: 010, x: 0x10, e: , n: null, q: "null"}}]',
  );
  const [source] = job.discovery;
  assert.ok(source?.mechanism === 'static');
  assert.deepEqual(Object.fromEntries(source.groups[0]?.labels ?? []), {
    v: '1',
    b: 'true',
    d: '2020-01-01',
    f: '1.50',
    o: '010',
    x: '0x10',
    q: 'null',
  });
});

test('all static blocks of a job are one source', async () => {
  const job = await configuredJob(
    'static-configs: [{targets: ["a:1"], application: a, spy-name: rbspy}, {targets: ["b:1"]}]',
  );
  const [source, ...others] = job.discovery;
  assert.deepEqual(others, []);
  assert.ok(source?.mechanism === 'static');
  assert.deepEqual(source.groups, [
    { targets: ['a:1'], labels: new Map(), application: 'a', spyName: 'rbspy' },
    { targets: ['b:1'], labels: new Map(), application: undefined, spyName: undefined },
  ]);
});

test('relabel rules keep what was written and the line', async () => {
  const job = await configuredJob(
    `relabel-configs:
    - {source-labels: [a, b], separator: "", regex: 010, target-label: c, replacement: "", action: REPLACE}
    - {action: hashmod, source-labels: [a], modulus: 18446744073709551615, target-label: m}`,
  );
  const [first, second] = job.relabelRules;
  assert.deepEqual(first?.sourceLabels, ['a', 'b']);
  assert.equal(first?.separator, '');
  assert.equal(first?.written.regex, '010');
  assert.equal(first?.replacement, '');
  assert.equal(first?.action, 'replace');
  assert.equal(second?.modulus, 18446744073709551615n);
  assert.equal(second?.line, (first?.line ?? 0) + 1);
});

test('a blank relabel field is the empty text, with a warning; a blank action is a fault', async () => {
  const job = await configuredJob(
    'relabel-configs: [{source-labels: [a, b], separator: , target-label: c, replacement: ~}]',
  );
  assert.equal(job.relabelRules[0]?.separator, '');
  assert.equal(job.relabelRules[0]?.replacement, '');
  const { warnings } = await saidOfJob('relabel-configs: [{source-labels: [a], separator: , target-label: c}]');
  assert.deepEqual(warnings, [
    'job.relabel-configs[0].separator: is left blank, which means the empty text and not the default',
  ]);
  const { errors } = await saidOfJob('relabel-configs: [{action: , source-labels: [a]}]');
  assert.deepEqual(errors, ['job.relabel-configs[0].action: the relabel action is empty']);
});

test('a fault in one key of a rule does not count as a missing key', async () => {
  const { errors } = await saidOfJob('relabel-configs: [{source-labels: [a], target-label: [b]}]');
  assert.deepEqual(errors, ['job.relabel-configs[0].target-label: must be a text, not a list']);
});

test('without an enabled profile a relabel rule or a static label may still enable one', async () => {
  const relabelled = 'enabled-profiles: []\nrelabel-configs: [{action: labelmap, regex: a_(.+)}]';
  assert.deepEqual(await saidOfJob(relabelled), { errors: [], warnings: [] });
  const labelled =
    'enabled-profiles: []\nstatic-configs: [{targets: ["h:1"], labels: {__profile_cpu_enabled: "true"}}]';
  assert.deepEqual(await saidOfJob(labelled), { errors: [], warnings: [] });
});

test('an address may look like a URL where a rule sets another one', async () => {
  const lines = 'static-configs: [{targets: ["http://h:1/x"]}]';
  assert.equal((await saidOfJob(lines)).errors.length, 1);
  const rules = `${lines}\nrelabel-configs: [{target-label: __address__, replacement: h}]`;
  assert.deepEqual((await saidOfJob(rules)).errors, []);
  const others = `${lines}\nrelabel-configs: [{target-label: env, replacement: h}]`;
  assert.equal((await saidOfJob(others)).errors.length, 1);
});

test('targets that are left blank are an error, an empty list is a warning', async () => {
  assert.deepEqual(await saidOfJob('static-configs: [{application: a, targets: }]'), {
    errors: ['job.static-configs[0].targets: is left blank'],
    warnings: [],
  });
  assert.deepEqual(await saidOfJob('static-configs: [{application: a, targets: []}]'), {
    errors: [],
    warnings: ['job.static-configs[0]: has no targets'],
  });
});

test('the seconds of a job are judged once, for all its profiles', async () => {
  const { errors } = await saidOfJob('params: {seconds: ["x"]}\nstatic-configs: [{targets: ["h:1"]}]');
  assert.deepEqual(errors, ['job.params.seconds: seconds must be one positive whole number, not "x"']);
});

test('a delta endpoint that ignores seconds is worth a word where its profile is enabled', async () => {
  const profiles = 'profiles: {godeltaprof_memory: {params: {seconds: ["5"]}}}\nstatic-configs: [{targets: ["h:1"]}]';
  assert.deepEqual((await saidOfJob(profiles)).warnings, []);
});

for (const lines of ['static-configs: []', 'static-configs:', 'static-configs: ~\nfile-sd-configs: []']) {
  test(`a job with nothing but ${JSON.stringify(lines)} has no targets, which is worth a word`, async () => {
    assert.deepEqual(await saidOfJob(lines), { errors: [], warnings: ['job: has no targets'] });
  });
}

test('external labels of the file win over those of global, name by name', async () => {
  const { config } = await judgeConfig(
    'global: {external-labels: {a: "1", b: "2", c: "3"}}\nexternal-labels: {b: x, c: ""}\nscrape-configs: [{job-name: j, enabled-profiles: [cpu], static-configs: [{targets: ["h:1"]}]}]',
  );
  assert.deepEqual(Object.fromEntries(config?.externalLabels ?? []), { a: '1', b: 'x' });
});

test('output is relative to the config, with no limits by default', async () => {
  const { config } = await judgeConfig(readConfigFixture('most-keys.good.yml'));
  assert.deepEqual(config?.output, {
    dir: '/etc/pyro-pull/profiles',
    stateDir: '/etc/pyro-pull/profiles/.state',
    maxAgeMs: 7 * 24 * 3_600_000,
    maxBytes: 2 * 1024 ** 3,
  });
  const plain = await judgeConfig(readConfigFixture('static.good.yml'));
  assert.deepEqual(plain.config?.output, { dir: undefined, stateDir: undefined, maxAgeMs: 0, maxBytes: 0 });
});

for (const [written, level] of [
  ['panic', 'error'],
  ['Fatal', 'error'],
  ['WARNING', 'warn'],
  ['warn', 'warn'],
  ['info', 'info'],
  ['trace', 'debug'],
] as const) {
  test(`log-level ${written} is ${level}`, async () => {
    const { config } = await judgeConfig(
      `log-level: ${written}\n${readConfigFixture('pull-mode-static.good.yml').replace('---', '')}`,
    );
    assert.equal(config?.logLevel, level);
  });
}

test('all keys of an example that uses most of them', async () => {
  const { config } = await judgeConfig(readConfigFixture('most-keys.good.yml'));
  const [job] = config?.scrapeConfigs ?? [];
  assert.ok(job);
  assert.equal(job.scheme, 'https');
  assert.equal(job.scrapeIntervalMs, 60_000);
  assert.equal(job.scrapeTimeoutMs, 45_000);
  assert.equal(job.bodySizeLimitBytes, 50 * 1024 * 1024);
  assert.equal(job.targetLimit, 500);
  assert.equal(job.onCounterReset, 'skip');
  assert.equal(job.sampleLabels, 'drop');
  assert.deepEqual(job.enabledProfiles, ['cpu', 'mem', 'goroutines', 'mutex', 'block', 'wall']);
  assert.deepEqual(
    job.discovery.map((source) => source.mechanism),
    ['static', 'file', 'http', 'dns', 'dns'],
  );
  assert.equal(job.relabelRules.length, 3);
  assert.deepEqual(job.profiles.get('wall')?.sampleTypes.get('time'), {
    units: 'nanoseconds',
    displayName: 'wall',
    aggregation: 'average',
    isCumulative: false,
    isSampled: true,
  });
});

const POD = 'static-configs: []\nkubernetes-sd-configs: [{role: pod}]\n';

for (const [why, lines, errors, warnings] of [
  ['either spelling', `${POD}annotation_preset: pyroscope.io`, [], []],
  [
    'a wrong name',
    `${POD}annotation-preset: pyroscope`,
    ['job.annotation-preset: "pyroscope" is not one of pyroscope.io, profiles.grafana.com'],
    [],
  ],
  [
    'no Kubernetes',
    'annotation-preset: pyroscope.io',
    ['job.annotation-preset: pyroscope.io needs kubernetes-sd-configs'],
    [],
  ],
  [
    'another role',
    'static-configs: []\nkubernetes-sd-configs: [{role: pod}, {role: service}]\nannotation-preset: profiles.grafana.com',
    ['job.annotation-preset: profiles.grafana.com needs role pod, not service'],
    [],
  ],
  [
    'another source',
    'kubernetes-sd-configs: [{role: pod}]\nannotation-preset: pyroscope.io',
    [],
    ['job.annotation-preset: instances from elsewhere have no annotations and are dropped'],
  ],
] as const) {
  test(`annotation-preset: ${why}`, async () => {
    assert.deepEqual(await saidOfJob(lines), { errors, warnings });
  });
}

test('annotation-preset: profiles.grafana.com needs no enabled-profiles, pyroscope.io takes what annotations enable', async () => {
  const text = (preset: string) =>
    `scrape-configs: [{job-name: j, annotation-preset: ${preset}, kubernetes-sd-configs: [{role: pod}]}]`;
  for (const [preset, count] of [
    ['profiles.grafana.com', 12],
    ['pyroscope.io', 0],
  ] as const) {
    const { config, errors } = await judgeConfig(text(preset));
    assert.deepEqual(errors, []);
    assert.equal(config?.scrapeConfigs[0]?.enabledProfiles.length, count);
  }
});

test('a profile may have relabel rules of its own, under any of its names', async () => {
  const { profiles } = await configuredJob(
    'profiles: {memory: {relabel-configs: [{target-label: a, replacement: b}]}}',
  );
  assert.deepEqual(
    [...profiles].filter(([, { relabelRules }]) => relabelRules.length > 0).map(([name]) => name),
    ['mem'],
  );
});

test('a wrong rule of a profile is shown at its place', async () => {
  const { errors } = await saidOfJob('profiles: {mem: {relabel-configs: [{action: dorp}]}}');
  assert.deepEqual(errors, ['job.profiles.mem.relabel-configs[0].action: unknown relabel action "dorp"']);
});

test('exclusive: the profiles of one address take turns, and have to fit into the interval together', async () => {
  assert.equal((await configuredJob('exclusive: true')).isExclusive, true);
  assert.equal((await configuredJob('')).isExclusive, false);
  const both =
    'enabled-profiles: [cpu, fgprof]\nprofiles: {cpu: {params: {seconds: ["7"]}}, fgprof: {params: {seconds: ["3"]}}}';
  assert.deepEqual((await saidOfJob(`exclusive: true\n${both}`)).warnings, [
    'job.exclusive: the profiles of one address measure for 10s, one after the other, which leaves nothing of the scrape interval 10s',
  ]);
  assert.deepEqual((await saidOfJob(both)).warnings, []);
  assert.deepEqual((await saidOfJob('exclusive: true\nenabled-profiles: [cpu, fgprof, mem]')).warnings, []);
});

test('format: text makes a text dump of a profile, with the debug parameter that Go wants for it', async () => {
  const { profiles } = await configuredJob(
    'profiles: {goroutine: {format: text}, mem: {format: text}, block: {format: text, params: {debug: ["3"]}}, own: {path: /x, format: text}}',
  );
  const debugOf = (name: string) => profiles.get(name)?.params.get('debug');
  assert.deepEqual(['goroutines', 'mem', 'block', 'own', 'mutex'].map(debugOf), [
    ['2'],
    ['1'],
    ['3'],
    undefined,
    undefined,
  ]);
  assert.equal(profiles.get('goroutines')?.format, 'text');
});

test('what measures during the request has no text form', async () => {
  assert.deepEqual((await saidOfJob('profiles: {cpu: {format: text}}')).errors, [
    'job.profiles.cpu.format: profile cpu has no text form',
  ]);
  assert.deepEqual((await saidOfJob('profiles: {cpu: {format: xml}}')).errors.length, 1);
});

const TEXT_DUMPS = [
  [
    'format: text',
    'enabled-profiles: [goroutines], profiles: {goroutines: {format: text}}',
    'profiles.goroutines.format',
  ],
  [
    'debug of a profile',
    'enabled-profiles: [goroutines], profiles: {goroutines: {params: {debug: ["2"]}}}',
    'profiles.goroutines.params.debug',
  ],
  ['debug of the job', 'enabled-profiles: [cpu, goroutines], params: {debug: ["1"]}', 'params.debug'],
] as const;

for (const [how, keys, place] of TEXT_DUMPS) {
  test(`a text dump (${how}) is an error where profiles are only sent, at its place`, async () => {
    const job = `scrape-configs: [{job-name: j, ${keys}, static-configs: [{targets: [h:1], application: a}]}]\n`;
    const judge = (head: string, sinkFlags?: { writesFiles: boolean; pushes: boolean }) =>
      judgeConfig(head + job, undefined, sinkFlags);
    const none = { writesFiles: false, pushes: false };
    const remote = 'remote-write: [{url: "http://p:4040"}]\n';
    const { errors } = await judge(remote, none);
    assert.deepEqual(
      errors.map(({ path }) => path),
      [`scrape-configs[0].${place}`],
    );
    assert.match(errors[0]?.hint ?? '', /output: \{dir: profiles\}/);
    assert.equal((await judge('', { ...none, pushes: true })).errors.length, 1);
    for (const good of [
      await judge('', none),
      await judge(`${remote}output: {dir: profiles}\n`, none),
      await judge(remote, { ...none, writesFiles: true }),
      await judge(remote),
    ]) {
      assert.deepEqual(good.errors, []);
    }
  });
}
