import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sanitizeLabelName } from '../../src/discovery/label-name.ts';
import type { TargetGroup } from '../../src/discovery/target-group.ts';
import { withoutEmpty } from '../../src/labels/label-set.ts';
import { describeDrop } from '../../src/targets/drop-reason.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import { jobOf, type WrittenJob } from '../support/job-of.ts';

interface Pod {
  readonly annotations: Readonly<Record<string, string>>;
  readonly ip?: string;
  readonly phase?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `container`, or `container/port name:number`. */
  readonly ports?: readonly string[];
}

const P = '__meta_kubernetes_pod_';

/** What discovery gives for such a pod, `shop/cart-0`. */
function groupOfPod({ annotations, ip = '10.1.0.7', phase = 'Running', labels = {}, ports }: Pod): TargetGroup {
  const keyed = (kind: string, entries: Readonly<Record<string, string>>) =>
    Object.entries(entries).map(([key, value]): [string, string] => [`${P}${kind}_${sanitizeLabelName(key)}`, value]);
  const host = ip.includes(':') ? `[${ip}]` : ip;
  const targets = (ports ?? ['cart/http:8080']).map((text) => {
    const [, container = '', name = '', number = ''] = /^([^/]+)(?:\/(.*):(\d+))?$/.exec(text) ?? [];
    return withoutEmpty([
      ['__address__', number === '' ? ip : `${host}:${number}`],
      [`${P}container_name`, container],
      [`${P}container_port_name`, name],
      [`${P}container_port_number`, number],
    ]);
  });
  return {
    source: 'pod/shop/cart-0',
    targets,
    labels: new Map([
      ['__meta_kubernetes_namespace', 'shop'],
      [`${P}name`, 'cart-0'],
      [`${P}ip`, ip],
      [`${P}phase`, phase],
      ...keyed('label', labels),
      ...keyed('annotation', annotations),
    ]),
  };
}

async function build(preset: string, pod: Pod, more: WrittenJob = {}) {
  const job = await jobOf({
    'annotation-preset': preset,
    'kubernetes-sd-configs': [{ role: 'pod' }],
    'static-configs': [],
    ...(preset === 'profiles.grafana.com' ? { 'enabled-profiles': undefined } : {}),
    ...more,
  });
  return targetsFromGroups(job, [groupOfPod(pod)]);
}

/** `mem http://host:port/path` without the usual beginning of paths. */
function shown({ targets, rejected }: ReturnType<typeof targetsFromGroups>): string[] {
  assert.deepEqual(rejected, []);
  return targets.map(({ profile, url }) => `${profile.name} ${url.replace('/debug/pprof', '')}`).sort();
}

const SCRAPE = { 'pyroscope.io/scrape': 'true' };

const PYROSCOPE: readonly (readonly [why: string, pod: Pod, expected: readonly string[]])[] = [
  ['no annotation, no target', { annotations: {} }, []],
  ['scrape must be true', { annotations: { 'pyroscope.io/scrape': 'yes' } }, []],
  [
    "the job's profiles at each declared port",
    { annotations: SCRAPE, ports: ['cart/http:8080', 'cart/pprof:6060'] },
    [
      'cpu http://10.1.0.7:6060/profile?seconds=10',
      'cpu http://10.1.0.7:8080/profile?seconds=10',
      'mem http://10.1.0.7:6060/heap',
      'mem http://10.1.0.7:8080/heap',
    ],
  ],
  [
    'a port, declared or not, makes one of all',
    {
      annotations: { ...SCRAPE, 'pyroscope.io/port': '6061', 'pyroscope.io/application-name': 'shop' },
      ports: ['cart/http:8080', 'proxy'],
    },
    ['cpu http://10.1.0.7:6061/profile?seconds=10', 'mem http://10.1.0.7:6061/heap'],
  ],
  [
    'IPv6',
    { annotations: { ...SCRAPE, 'pyroscope.io/port': '6060' }, ip: 'fd00::7' },
    ['cpu http://[fd00::7]:6060/profile?seconds=10', 'mem http://[fd00::7]:6060/heap'],
  ],
  [
    'port name',
    { annotations: { ...SCRAPE, 'pyroscope.io/port-name': 'pprof' }, ports: ['cart/http:8080', 'cart/pprof:6060'] },
    ['cpu http://10.1.0.7:6060/profile?seconds=10', 'mem http://10.1.0.7:6060/heap'],
  ],
  [
    'container',
    { annotations: { ...SCRAPE, 'pyroscope.io/container': 'cart' }, ports: ['cart/a:1', 'proxy/a:2'] },
    ['cpu http://10.1.0.7:1/profile?seconds=10', 'mem http://10.1.0.7:1/heap'],
  ],
  [
    'scheme',
    { annotations: { ...SCRAPE, 'pyroscope.io/scheme': 'https' } },
    ['cpu https://10.1.0.7:8080/profile?seconds=10', 'mem https://10.1.0.7:8080/heap'],
  ],
  [
    'profiles switched on and off, with path and parameters',
    {
      annotations: {
        ...SCRAPE,
        'pyroscope.io/profile-cpu-param-seconds': '5',
        'pyroscope.io/profile-mem-enabled': 'false',
        'pyroscope.io/profile-goroutines-enabled': 'true',
        'pyroscope.io/profile-goroutines-path': '/x/goroutine',
      },
    },
    ['cpu http://10.1.0.7:8080/profile?seconds=5', 'goroutines http://10.1.0.7:8080/x/goroutine'],
  ],
  [
    'one profile elsewhere',
    {
      annotations: {
        ...SCRAPE,
        'pyroscope.io/profile-mem-port': '9999',
        'pyroscope.io/profile-mem-scheme': 'https',
        'pyroscope.io/profile-cpu-port-name': 'pprof',
      },
      ports: ['cart/http:8080', 'cart/pprof:6060'],
    },
    ['cpu http://10.1.0.7:6060/profile?seconds=10', 'mem https://10.1.0.7:9999/heap'],
  ],
  [
    'one profile of one container',
    {
      annotations: { ...SCRAPE, 'pyroscope.io/profile-mem-container': 'proxy' },
      ports: ['cart/a:1', 'proxy/b:2'],
    },
    [
      'cpu http://10.1.0.7:1/profile?seconds=10',
      'cpu http://10.1.0.7:2/profile?seconds=10',
      'mem http://10.1.0.7:2/heap',
    ],
  ],
  ['ended pods', { annotations: SCRAPE, phase: 'Succeeded' }, []],
];

for (const [why, pod, expected] of PYROSCOPE) {
  test(`pyroscope.io: ${why}`, async () => assert.deepEqual(shown(await build('pyroscope.io', pod)), expected));
}

const GRAFANA: readonly (readonly [why: string, pod: Pod, expected: readonly string[]])[] = [
  ['no annotation, no target', { annotations: {} }, []],
  [
    'each profile waits for its own annotation',
    { annotations: { 'profiles.grafana.com/memory.scrape': 'true', 'profiles.grafana.com/goroutine.scrape': 'true' } },
    ['goroutines http://10.1.0.7:8080/goroutine', 'mem http://10.1.0.7:8080/heap'],
  ],
  [
    'each profile has its own port, also one that nobody declares',
    {
      annotations: {
        'profiles.grafana.com/memory.scrape': 'true',
        'profiles.grafana.com/memory.port': '4100',
        'profiles.grafana.com/cpu.scrape': 'true',
        'profiles.grafana.com/cpu.port': '6060',
      },
      labels: { app: 'cart' },
      ports: ['cart/http:8080', 'proxy/admin:15000'],
    },
    ['cpu http://10.1.0.7:6060/profile?seconds=10', 'mem http://10.1.0.7:4100/heap'],
  ],
  [
    'port name, with a port of the same profile over it',
    {
      annotations: {
        'profiles.grafana.com/cpu.scrape': 'true',
        'profiles.grafana.com/cpu.port_name': 'http2',
        'profiles.grafana.com/cpu.port': '4100',
        'profiles.grafana.com/block.scrape': 'true',
        'profiles.grafana.com/block.port_name': 'http2',
        'profiles.grafana.com/mutex.scrape': 'true',
        'profiles.grafana.com/mutex.port_name': 'none',
      },
      ports: ['cart/http:80', 'cart/http2:81'],
    },
    ['block http://10.1.0.7:81/block', 'cpu http://10.1.0.7:4100/profile?seconds=10'],
  ],
  [
    'path, scheme and container',
    {
      annotations: {
        'profiles.grafana.com/fgprof.scrape': 'true',
        'profiles.grafana.com/fgprof.path': '/x/fgprof',
        'profiles.grafana.com/fgprof.scheme': 'https',
        'profiles.grafana.com/fgprof.container': 'cart',
      },
      ports: ['cart/http:80', 'proxy/http:81'],
    },
    ['fgprof https://10.1.0.7:80/x/fgprof?seconds=10'],
  ],
  [
    'godeltaprof',
    { annotations: { 'profiles.grafana.com/godeltaprof_memory.scrape': 'true' } },
    ['godeltaprof_memory http://10.1.0.7:8080/delta_heap'],
  ],
  [
    'leaked goroutines, which the annotation of goroutines says nothing about',
    { annotations: { 'profiles.grafana.com/goroutineleak.scrape': 'true' } },
    ['goroutineleak http://10.1.0.7:8080/goroutineleak'],
  ],
  ['ended pods', { annotations: { 'profiles.grafana.com/cpu.scrape': 'true' }, phase: 'Failed' }, []],
];

for (const [why, pod, expected] of GRAFANA) {
  test(`profiles.grafana.com: ${why}`, async () =>
    assert.deepEqual(shown(await build('profiles.grafana.com', pod)), expected));
}

const MEMORY = { 'profiles.grafana.com/memory.scrape': 'true' };

test('profiles.grafana.com: labels and service as Alloy has them', async () => {
  const { targets } = await build('profiles.grafana.com', { annotations: MEMORY, labels: { tier: 'web' } });
  assert.deepEqual(Object.fromEntries(targets[0]?.labels ?? []), {
    __name__: 'cart',
    container: 'cart',
    instance: '10.1.0.7:8080',
    job: 'j',
    namespace: 'shop',
    pod: 'cart-0',
    service_name: 'shop/cart',
    tier: 'web',
  });
});

for (const [why, pod, name, service] of [
  ['an annotation', { 'profiles.grafana.com/service_name': 'till' }, 'till', 'till'],
  ['the same of Pyroscope, with what no application may have', { 'pyroscope.io/service_name': 'a/b' }, 'cart', 'a/b'],
] as const) {
  test(`profiles.grafana.com: service name from ${why}`, async () => {
    const { targets } = await build('profiles.grafana.com', { annotations: { ...MEMORY, ...pod } });
    assert.deepEqual([targets[0]?.labels.get('__name__'), targets[0]?.labels.get('service_name')], [name, service]);
  });
}

for (const [why, pod, name] of [
  [
    'the annotation',
    { annotations: { ...SCRAPE, 'pyroscope.io/application-name': 'till' }, labels: { app: 'x' } },
    'till',
  ],
  ['the recommended label', { annotations: SCRAPE, labels: { app: 'x', 'app.kubernetes.io/name': 'y' } }, 'y'],
  ['the label app', { annotations: SCRAPE, labels: { app: 'x' } }, 'x'],
  ['the container', { annotations: SCRAPE }, 'cart'],
] as const) {
  test(`pyroscope.io: application name from ${why}`, async () => {
    const { targets } = await build('pyroscope.io', pod);
    assert.equal(targets[0]?.labels.get('__name__'), name);
  });
}

test('rules of the user run after those of the preset, and those of a profile after both', async () => {
  const { targets } = await build(
    'profiles.grafana.com',
    { annotations: MEMORY },
    {
      'relabel-configs': [{ 'source-labels': ['pod'], 'target-label': 'replica', regex: 'cart-(.+)' }],
      profiles: { memory: { 'relabel-configs': [{ 'source-labels': ['container'], 'target-label': 'c' }] } },
    },
  );
  assert.deepEqual([targets[0]?.labels.get('replica'), targets[0]?.labels.get('c')], ['0', 'cart']);
});

test('enabled-profiles narrow what annotations can ask for', async () => {
  const pod = { annotations: { ...MEMORY, 'profiles.grafana.com/cpu.scrape': 'true' } };
  const result = await build('profiles.grafana.com', pod, { 'enabled-profiles': ['cpu'] });
  assert.deepEqual(shown(result), ['cpu http://10.1.0.7:8080/profile?seconds=10']);
});

test("a drop names the preset's rule, or the user's by its own place in the list", async () => {
  const more = { 'relabel-configs': [{ 'source-labels': ['kubernetes_pod_name'], regex: 'cart-0', action: 'drop' }] };
  const reasons: string[] = [];
  for (const pod of [{ annotations: {} }, { annotations: SCRAPE }]) {
    const { job, dropped } = await build('pyroscope.io', pod, more);
    for (const { reason } of dropped) reasons.push(describeDrop(reason, job).replace(/ \(line \d+\)/, ''));
  }
  assert.deepEqual(reasons, ['relabel rule 0 of annotation-preset pyroscope.io: keep', 'relabel rule 0: drop']);
});
