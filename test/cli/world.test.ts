import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/cli/run.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { ScrapeConfig } from '../../src/config/scrape-config.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import { memoryIo } from '../support/memory-io.ts';

const WORLD = fileURLToPath(new URL('../../fixtures/world/', import.meta.url));

async function cli(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const io = memoryIo({ cwd: WORLD, env });
  return { code: await run([...args], io), out: io.out(), err: io.err() };
}

interface JsonTarget {
  readonly url: string;
  readonly profile: string;
  readonly labels: Readonly<Record<string, string>>;
}

async function targetsOf(file: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const { out } = await cli(['targets', '--json', ...args, file], env);
  const { activeTargets }: { activeTargets: JsonTarget[] } = JSON.parse(out);
  return activeTargets.map(({ url, labels }) => `${labels['__name__']} ${url.replace('http://', '')}`);
}

const CPU10 = '/debug/pprof/profile?seconds=10';
const HEAP = '/debug/pprof/heap';
const FIVE = [HEAP, '/debug/pprof/block', '/debug/pprof/goroutine', '/debug/pprof/mutex'];

/** File, the application and address of its first target, the paths asked for there. */
const STATIC: readonly (readonly [file: string, target: string, paths: readonly string[]])[] = [
  ['pyroscope-benchmark.yml', 'bench-server bench:4042', [CPU10, HEAP]],
  ['pyroscope-file-sd.yml', 'books books:6060', [CPU10, HEAP]],
  ['pyroscope-node.yml', 'web web:3000', [CPU10, HEAP]],
  ['pyroscope-server-settings.yml', 'books localhost:6060', [CPU10, HEAP]],
  ['parca-interval-1s.yml', 'graph 127.0.0.1:2112', [...FIVE, '/debug/pprof/profile?seconds=1']],
  ['parca-many-targets.yml', 'services host.example.internal:6060', [...FIVE, CPU10]],
  ['parca-interval-10s.yml', 'fitness 127.0.0.1:6060', [...FIVE, CPU10]],
  ['parca-interval-2s.yml', 'default game:6060', [...FIVE, '/debug/pprof/profile?seconds=2']],
  ['parca-debug-info.yml', 'default 127.0.0.1:7070', [...FIVE, '/debug/pprof/profile?seconds=3']],
  ['parca-profiles-off.yml', 'manager 127.0.0.1:6060', ['/debug/pprof/profile?seconds=5']],
  [
    'parca-custom-profiles.yml',
    'racer racer:6060',
    [
      '/svc/debug/pprof/allocs',
      '/svc/debug/pprof/block',
      '/svc/debug/pprof/goroutine',
      '/svc/debug/pprof/mutex',
      '/svc/debug/pprof/fgprof?seconds=5',
    ],
  ],
  ['parca-no-application.yml', 'parca 127.0.0.1:7070', [...FIVE, CPU10]],
  ['parca-debug-info-short.yml', 'default 127.0.0.1:7070', [...FIVE, CPU10]],
  ['parca-old-debug-info.yml', 'default 127.0.0.1:7070', [...FIVE, '/debug/pprof/profile?seconds=2']],
  [
    'parca-keep.yml',
    'racer h:6060',
    [
      '/svc/debug/pprof/allocs',
      '/svc/debug/pprof/block',
      '/svc/debug/pprof/goroutine',
      '/svc/debug/pprof/mutex',
      '/svc/debug/pprof/fgprof?seconds=5',
    ],
  ],
  ['parca-path-by-rule.yml', 'prometheus h:9090', [...FIVE, CPU10].map((path) => `/meta${path}`)],
  ['prometheus-service-name.yml', 'cart h:1', [HEAP]],
  ['prometheus-remote-write.yml', 'a h:1', [HEAP]],
  ['prometheus-profile-path.yml', 'a h:1', ['/custom/heap']],
  ['prometheus-timeout-0.yml', 'a h:1', [HEAP]],
  ['pyroscope-quoted.yml', 'a single-node1:6060', ['/debug/pprof/profile?seconds=5', HEAP]],
  ['phlare-short.yml', 'default 127.0.0.1:4100', [...FIVE, CPU10]],
  ['phlare-default.yml', 'default 127.0.0.1:4100', [...FIVE, CPU10]],
  ['phlare-node.yml', 'node node:8080', [HEAP, CPU10]],
  ['conprof-allocs.yml', 'shelves shelves:8080', ['/debug/pprof/allocs']],
  [
    'conprof-defaults.yml',
    'shelves shelves:8080',
    [
      '/debug/pprof/block',
      '/debug/pprof/goroutine',
      HEAP,
      '/debug/pprof/mutex',
      '/debug/pprof/profile?seconds=5',
      '/debug/pprof/threadcreate',
    ],
  ],
];

for (const [file, target, paths] of STATIC) {
  test(`${file} passes check and has its targets`, async () => {
    assert.equal((await cli(['check', file])).code, 0);
    const found = await targetsOf(file);
    const ofFirst = found.filter((line) => line.startsWith(`${target}/`));
    assert.deepEqual(
      ofFirst,
      paths.map((path) => target + path),
    );
  });
}

for (const [file, count] of [
  ['pyroscope-static.yml', 10],
  ['pyroscope-quoted-settings.yml', 5],
  ['parca-many-targets.yml', 15],
] as const) {
  test(`${file} has ${count} targets`, async () => {
    assert.equal((await cli(['check', file])).code, 0);
    assert.equal((await targetsOf(file)).length, count);
  });
}

test('pyroscope-environment.yml names --expand-env, and works with it', async () => {
  const refused = await cli(['check', 'pyroscope-environment.yml']);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /\$\{BOOKS_NAME\}.*--expand-env/);
  const env = { BOOKS_NAME: 'books', BOOKS_PORT: '6060' };
  assert.equal((await cli(['check', '--expand-env', 'pyroscope-environment.yml'], env)).code, 0);
  const found = await targetsOf('pyroscope-environment.yml', ['--expand-env'], env);
  assert.equal(found[0], `books books:6060${CPU10}`);
});

for (const [file, env] of [
  ['pyroscope-unset-variable.yml', { APP: 'books' }],
  ['pyroscope-variables.yml', { NAME: 'books', PORT: '6060' }],
] as const) {
  test(`${file} names --expand-env, and needs only the variables that are used`, async () => {
    const refused = await cli(['check', file]);
    assert.equal(refused.code, 2);
    assert.match(
      refused.err,
      /is not an application name.*\(environment variables are expanded with --expand-env only\)/,
    );
    assert.equal((await cli(['check', '--expand-env', file], env)).code, 0);
    assert.match((await targetsOf(file, ['--expand-env'], env))[0] ?? '', /^books /);
  });
}

test("phlare-default.yml names the way to send profiles where Phlare's agent did", async () => {
  const { err } = await cli(['check', 'phlare-default.yml']);
  assert.match(err, /:\d+:8: client\.url: .*add remote-write: \[\{url: "http:\/\/phlare:4100", api: push\}\]/s);
});

async function jobIn(file: string): Promise<ScrapeConfig> {
  const { config } = await loadConfig(WORLD + file, { expandEnv: false, env: {} });
  const [job] = config.scrapeConfigs;
  assert.ok(job);
  return job;
}

function urlsFor(job: ScrapeConfig, labels: Readonly<Record<string, string>>): readonly string[] {
  const found = new Map([['__address__', 'pod:80'], ...Object.entries(labels)]);
  const { targets, rejected } = targetsFromGroups(job, [{ source: 's', targets: [found], labels: new Map() }]);
  assert.deepEqual(rejected, []);
  return targets.map(({ url, labels }) => `${labels.get('__name__')} ${url.replace('http://', '')}`);
}

test('parca-profile-path.yml puts its prefixes before the path of each profile', async () => {
  assert.equal((await cli(['check', 'parca-profile-path.yml'])).code, 0);
  const job = await jobIn('parca-profile-path.yml');
  assert.deepEqual(urlsFor(job, { __meta_kubernetes_service_label_app: 'bench-meta' }), [
    'benchmarked pod:80/bench-meta/debug/pprof/heap',
    'benchmarked pod:80/bench-meta/debug/pprof/block',
    'benchmarked pod:80/bench-meta/debug/pprof/goroutine',
    'benchmarked pod:80/bench-meta/debug/pprof/mutex',
    'benchmarked pod:80/bench-meta/debug/pprof/profile?seconds=10',
  ]);
  const released = urlsFor(job, {
    __meta_kubernetes_service_label_app: 'bench',
    __meta_kubernetes_service_label_bench: 'test-1',
    __meta_kubernetes_namespace: 'run-77',
  });
  assert.equal(released[0], 'benchmarked pod:80/77/release/debug/pprof/heap');
});

test('parca-metrics-path.yml says that its path is not read, and names what is', async () => {
  const { code, err } = await cli(['check', 'parca-metrics-path.yml']);
  assert.equal(code, 0);
  assert.match(err, /:14:23: .*__metrics_path__ is not the path of profiles.*__profile_path_prefix__/);
  const job = await jobIn('parca-metrics-path.yml');
  const labels = { __meta_kubernetes_pod_annotation_parca_dev_scrape: 'true', __meta_kubernetes_pod_label_app: 'cart' };
  assert.equal(urlsFor(job, labels)[0], `cart pod:80${HEAP}`);
});

for (const file of ['pyroscope-annotations.yml', 'pyroscope-chart-values.yml']) {
  test(`${file} names applications after annotations`, async () => {
    assert.equal((await cli(['check', file])).code, 0);
    const labels = {
      __meta_kubernetes_pod_annotation_pyroscope_io_scrape: 'true',
      __meta_kubernetes_pod_annotation_pyroscope_io_application_name: 'books',
    };
    assert.deepEqual(urlsFor(await jobIn(file), labels), [`books pod:80${CPU10}`, `books pod:80${HEAP}`]);
  });
}

test('prometheus-plain.yml is refused with a line that makes it work', async () => {
  const { code, err } = await cli(['check', 'prometheus-plain.yml']);
  assert.equal(code, 2);
  assert.match(err, /:8:5: scrape_configs\[0\]: no profile is enabled \(add enabled-profiles: \[cpu, mem/);
});

test('prometheus-with-profiles.yml: one job is scraped, the other has no profile, nothing goes to the metrics', async () => {
  const { code, out, err } = await cli(['check', 'prometheus-with-profiles.yml']);
  assert.equal(code, 1);
  assert.match(out, /1 of 2 jobs can have no usable target: node-exporter\n/);
  assert.match(err, /:10:5: scrape_configs\[1\]: no profile is enabled.*add enabled-profiles: \[/);
  assert.doesNotMatch(out + err, /hunter2/);
  assert.deepEqual(await targetsOf('prometheus-with-profiles.yml'), [
    `books-api books:8080${HEAP}`,
    'books-api books:8080/debug/pprof/goroutine',
  ]);
  const { config } = await loadConfig(`${WORLD}prometheus-with-profiles.yml`, { expandEnv: false, env: {} });
  assert.deepEqual(config.remoteWrite, []);
});

test('pyroscope-1x-server.yml has no jobs, and is told so in words of its own', async () => {
  const { code, err } = await cli(['check', 'pyroscope-1x-server.yml']);
  assert.equal(code, 2);
  assert.match(err, /there are no scrape-configs \(a server of Pyroscope 1\.x takes profiles/);
});

test('conprof-defaults.yml: a minute between scrapes, and no trace', async () => {
  const job = await jobIn('conprof-defaults.yml');
  assert.equal(job.scrapeIntervalMs, 60_000);
  const { err } = await cli(['check', 'conprof-defaults.yml']);
  assert.match(err, /:8:7: .*trace: is no pprof profile and is left out/);
});

test('a profile of your own in a Parca file is off unless it is switched on, as in Parca', async () => {
  const { err } = await cli(['check', 'parca-custom-profiles.yml']);
  assert.match(err, /sleeping: is off, as in Parca.*\(add enabled: true\)/);
});
