import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { KubernetesDiscoveryConfig } from '../../src/config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import type { DiscoveryUpdate } from '../../src/discovery/discoverer.ts';
import { KubernetesDiscoverer } from '../../src/discovery/kubernetes/kubernetes-discoverer.ts';
import { LineSplitter } from '../../src/discovery/kubernetes/line-splitter.ts';
import { type FakeKubernetes, podOf, startFakeKubernetes, status } from '../support/fake-kubernetes.ts';
import { answers } from '../support/fake-target.ts';
import { FakeWait } from '../support/fake-wait.ts';
import { addressesIn } from '../support/vectors.ts';
import { watching } from '../support/watching.ts';

const NAME = 'kubernetes-sd-configs[0]';
const AROUND = { environment: {}, serviceAccountDir: '/nonexistent' };

/** Time of a test, with a chance that is always one half. The limit of a watch's silence passes only when a test says so. */
class FakeTime extends FakeWait {
  readonly #silences = new Set<() => void>();

  random(): number {
    return 0.5;
  }

  override sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms < 100_000) return super.sleep(ms, signal);
    return new Promise((resolve) => {
      this.#silences.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
  }

  passSilence(): void {
    this.clock.nowMs += 150_000;
    for (const end of this.#silences) end();
    this.#silences.clear();
  }
}

function discoverer(api: FakeKubernetes, time: FakeTime, options: Partial<KubernetesDiscoveryConfig> = {}) {
  const config: KubernetesDiscoveryConfig = {
    mechanism: 'kubernetes',
    role: 'pod',
    apiServer: api.server.url,
    kubeconfigFile: undefined,
    namespaces: { names: [], ownNamespace: false },
    selectors: [],
    attachMetadata: { node: false, namespace: false, deployment: false, job: false, cronjob: false },
    http: DEFAULT_HTTP_CLIENT,
    ...options,
  };
  return new KubernetesDiscoverer(config, NAME, time, AROUND);
}

function watch(t: TestContext, api: FakeKubernetes, options: Partial<KubernetesDiscoveryConfig> = {}) {
  const time = new FakeTime();
  return { time, ...watching(t, discoverer(api, time, options), time) };
}

/** Two pods that are known, and a watch that is open. */
async function twoPods(t: TestContext) {
  const api = await startFakeKubernetes(t);
  api.set('pods', podOf('a', '10.0.0.1'));
  api.set('pods', podOf('b', '10.0.0.2'));
  const watched = watch(t, api);
  const first = await watched.next();
  await until(() => api.watches().length === 1);
  return { api, first, ...watched };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await setImmediate();
}

/** Long enough for what is on its way to arrive. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 30; i++) await setImmediate();
}

function sourcesIn({ groups }: DiscoveryUpdate): string[] {
  return groups.map(({ source }) => source);
}

const OPTIONS = { timeout: 20_000 };

test(
  'the first update has all that the list has, and is asked for from the cache of the server',
  OPTIONS,
  async (t) => {
    const { api, first } = await twoPods(t);
    assert.deepEqual(sourcesIn(first), ['pod/shop/a', 'pod/shop/b']);
    assert.deepEqual([first.failures, first.warnings], [[], []]);
    assert.deepEqual(api.lists(), ['/api/v1/pods?resourceVersion=0&limit=500']);
    assert.deepEqual(api.watchRequests(), [
      '/api/v1/pods?watch=1&resourceVersion=102&allowWatchBookmarks=true&timeoutSeconds=450',
    ]);
  },
);

test('a pod that loses its address loses its targets, the other stays as it is', OPTIONS, async (t) => {
  const { api, first, next } = await twoPods(t);
  api.set('pods', podOf('a', ''));
  const update = await next();
  assert.deepEqual(sourcesIn(update), ['pod/shop/b']);
  assert.equal(update.groups[0], first.groups[1]);
});

test('a pod that is deleted goes, a new one comes', OPTIONS, async (t) => {
  const { api, next } = await twoPods(t);
  api.delete('pods', 'a', 'shop');
  assert.deepEqual(sourcesIn(await next()), ['pod/shop/b']);
  api.set('pods', podOf('c', '10.0.0.3'));
  assert.deepEqual(sourcesIn(await next()), ['pod/shop/b', 'pod/shop/c']);
});

test('after 410 a new list takes the place of the old one, in one step', OPTIONS, async (t) => {
  const { api, first, next } = await twoPods(t);
  api.overrideWatch = answers.never();
  api.bookmark();
  api.endWatches();
  await until(() => api.watchRequests().length === 2);
  api.delete('pods', 'a', 'shop');
  api.set('pods', podOf('c', '10.0.0.3'));
  api.compact();
  api.overrideWatch = undefined;
  api.server.dropConnections();
  const update = await next();
  assert.deepEqual(sourcesIn(update), ['pod/shop/b', 'pod/shop/c']);
  assert.equal(update.groups[0], first.groups[1]);
});

test('a watch that ends at its time goes on from the last version, without a list', OPTIONS, async (t) => {
  const { api, silentUntil } = await twoPods(t);
  api.bookmark('900');
  await quiet();
  api.endWatches();
  await silentUntil(() => api.watchRequests().length === 2);
  assert.match(api.watchRequests()[1] ?? '', /resourceVersion=900&/);
  assert.equal(api.lists().length, 1);
});

test('a watch that is cut off goes on from the last bookmark, without a list or a word', OPTIONS, async (t) => {
  const { api, silentUntil } = await twoPods(t);
  api.bookmark('900');
  await quiet();
  api.cutWatches();
  await silentUntil(() => api.watchRequests().length === 2 && api.watches().length === 1);
  assert.match(api.watchRequests()[1] ?? '', /resourceVersion=900&/);
  assert.equal(api.lists().length, 1);
});

test('410 on the next watch is followed by a list at once', OPTIONS, async (t) => {
  const { api, next, time } = await twoPods(t);
  api.bookmark();
  await quiet();
  api.compact();
  time.sleeps.length = 0;
  api.endWatches();
  await until(() => api.lists().length === 2);
  assert.match(api.lists()[1] ?? '', /resourceVersion=\d+$/);
  api.set('pods', podOf('c', '10.0.0.3'));
  assert.equal((await next()).groups.length, 3);
  assert.ok(
    time.sleeps.every((ms) => ms > 100_000),
    `a wait for ${time.sleeps}`,
  );
});

test('an ERROR event with 410 leads to a list and is no failure', OPTIONS, async (t) => {
  const { api, next, silentUntil } = await twoPods(t);
  api.error(410, 'Expired');
  await silentUntil(() => api.lists().length === 2 && api.watches().length === 1);
  api.set('pods', podOf('c', '10.0.0.3'));
  const update = await next();
  assert.deepEqual([update.groups.length, update.failures], [3, []]);
});

test(
  'while the server fails the targets stay, the failure is said once, and the waits grow to half a minute',
  OPTIONS,
  async (t) => {
    const { api, next, silentUntil, time } = await twoPods(t);
    api.override = status(500, 'InternalError');
    time.sleeps.length = 0;
    api.cutWatches();
    const failed = await next();
    assert.deepEqual(sourcesIn(failed), ['pod/shop/a', 'pod/shop/b']);
    assert.deepEqual(
      failed.failures.map(({ code, message }) => [code, message]),
      [
        [
          'SD_KUBERNETES_FAILED',
          `${NAME}: can't follow pods: HTTP 500 Internal Server Error: InternalError it is; keeping what is known of them`,
        ],
      ],
    );
    await silentUntil(() => api.server.requests.length >= 10);
    assert.deepEqual(time.sleeps.slice(0, 8), [1200, 2400, 4800, 9600, 19_200, 38_400, 45_000, 45_000]);
    api.override = undefined;
    const mended = await next();
    assert.deepEqual([sourcesIn(mended), mended.failures], [['pod/shop/a', 'pod/shop/b'], []]);
  },
);

test('an event that comes twice is no news', OPTIONS, async (t) => {
  const { api, silentUntil } = await twoPods(t);
  const pod = podOf('a', '10.0.0.1');
  const line = JSON.stringify({
    type: 'MODIFIED',
    object: { ...pod, metadata: { ...pod.metadata, resourceVersion: '101' } },
  });
  api.write(`${line}\n${line}\n`);
  api.write(`${line.replace('"101"', '"150"')}\n`);
  await quiet();
  await silentUntil(() => true);
});

test(
  'without the right to list there are no targets and one clear failure, until the right is given',
  OPTIONS,
  async (t) => {
    const api = await startFakeKubernetes(t);
    api.set('pods', podOf('a', '10.0.0.1'));
    api.override = status(403, 'Forbidden');
    const { next, silentUntil } = watch(t, api);
    const first = await next();
    assert.deepEqual(first.groups, []);
    const [failure] = first.failures;
    assert.match(
      failure?.message ?? '',
      /can't follow pods: HTTP 403 Forbidden: Forbidden it is; there is no complete answer yet/,
    );
    assert.match(failure?.hint ?? '', /grant list and watch/);
    await silentUntil(() => api.server.requests.length >= 4);
    // The list comes before the watch is open, and is no reason to say the failure in other words.
    api.overrideWatch = answers.never();
    api.override = undefined;
    const listed = await next();
    assert.deepEqual(sourcesIn(listed), ['pod/shop/a']);
    assert.deepEqual(
      listed.failures.map(({ message }) => message),
      [failure?.message],
    );
  },
);

test('429 waits as long as the server asks, and goes on from the same version', OPTIONS, async (t) => {
  const { api, silentUntil, time } = await twoPods(t);
  api.overrideWatch = status(429, 'TooManyRequests', { 'retry-after': '7' });
  api.bookmark();
  await quiet();
  api.endWatches();
  await silentUntil(() => time.sleeps.includes(7000));
  api.overrideWatch = undefined;
  await silentUntil(() => api.watches().length === 1);
  assert.equal(api.lists().length, 1);
});

test('a watch that ends at once without an event is a failure, not a busy loop', OPTIONS, async (t) => {
  const { api, silentUntil, time } = await twoPods(t);
  api.overrideWatch = answers.body('', {}, 200);
  time.sleeps.length = 0;
  api.endWatches();
  // The first of them is passed over in silence.
  await silentUntil(() => time.sleeps.includes(1200));
  api.overrideWatch = undefined;
  await silentUntil(() => api.watches().length === 1);
  assert.equal(api.lists().length, 2);
});

test('silence after a bookmark ends the watch after 150 s, and it goes on from there', OPTIONS, async (t) => {
  const { api, silentUntil, time } = await twoPods(t);
  api.bookmark('900');
  await quiet();
  time.passSilence();
  await silentUntil(() => api.watchRequests().length === 2 && api.watches().length === 1);
  assert.match(api.watchRequests()[1] ?? '', /resourceVersion=900&/);
  assert.equal(api.lists().length, 1);
});

test('silence without any bookmark is not held against the server', OPTIONS, async (t) => {
  const { api, time } = await twoPods(t);
  for (let i = 0; i < 10; i++) {
    await quiet();
    time.passSilence();
  }
  await quiet();
  assert.equal(api.watchRequests().length, 1);
});

test('a list in pages', OPTIONS, async (t) => {
  const api = await startFakeKubernetes(t);
  for (let i = 0; i < 5; i++) api.set('pods', podOf(`p${i}`, `10.0.0.${i}`));
  api.pageSize = 2;
  let isFirst = true;
  api.override = (request, response) => {
    // Any version will not do here: the list has to come from storage, where it has pages.
    const answer = isFirst ? status(410, 'Expired') : undefined;
    isFirst = false;
    api.override = undefined;
    answer?.(request, response);
  };
  const update = await discoverer(api, new FakeTime()).once(new AbortController().signal);
  assert.deepEqual([update.failures, update.groups.length], [[], 5]);
  assert.deepEqual(api.lists(), [
    '/api/v1/pods?resourceVersion=0&limit=500',
    '/api/v1/pods?limit=500',
    '/api/v1/pods?limit=500&continue=2',
    '/api/v1/pods?limit=500&continue=4',
  ]);
});

test('a version from the future makes the list come without one', OPTIONS, async (t) => {
  const { api, silentUntil } = await twoPods(t);
  api.override = (request, response) => {
    if (!request.url?.includes('watch')) api.override = undefined;
    status(504, 'Timeout', {}, { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } })(request, response);
  };
  api.cutWatches();
  await silentUntil(() => api.lists().length === 3 && api.watches().length === 1);
  assert.deepEqual(api.lists().slice(1), ['/api/v1/pods?resourceVersion=102', '/api/v1/pods?limit=500']);
});

test('namespaces are asked for one by one, never all', OPTIONS, async (t) => {
  const api = await startFakeKubernetes(t);
  api.set('pods', podOf('a', '10.0.0.1', { namespace: 'a' }));
  api.set('pods', podOf('b', '10.0.0.2', { namespace: 'b' }));
  api.set('pods', podOf('c', '10.0.0.3', { namespace: 'c' }));
  const { next } = watch(t, api, { namespaces: { names: ['a', 'b'], ownNamespace: false } });
  assert.deepEqual(sourcesIn(await next()), ['pod/a/a', 'pod/b/b']);
  await until(() => api.watches().length === 2);
  for (const path of [...api.lists(), ...api.watchRequests()])
    assert.match(path, /^\/api\/v1\/namespaces\/[ab]\/pods\?/);
  api.delete('pods', 'a', 'a');
  assert.deepEqual(sourcesIn(await next()), ['pod/b/b']);
});

test('selectors go into lists and watches', OPTIONS, async (t) => {
  const api = await startFakeKubernetes(t);
  const selectors = [{ role: 'pod' as const, label: 'app in (x, y)', field: 'spec.nodeName=n1' }];
  const { next } = watch(t, api, { selectors });
  await next();
  await until(() => api.watches().length === 1);
  assert.equal(api.server.requests.length, 2);
  for (const { path } of api.server.requests) {
    assert.match(path, /[?&]labelSelector=app%20in%20\(x%2C%20y\)&fieldSelector=spec\.nodeName%3Dn1$/);
  }
});

test('endpoints follow their service and their pods', OPTIONS, async (t) => {
  const api = await startFakeKubernetes(t);
  const meta = { namespace: 'shop', name: 'cart' };
  api.set('pods', podOf('cart-0', '10.0.0.1'));
  api.set('services', { metadata: { ...meta, labels: { app: 'cart' } } });
  const targetRef = { kind: 'Pod', namespace: 'shop', name: 'cart-0' };
  api.set('endpoints', {
    metadata: meta,
    subsets: [{ ports: [{ port: 8080 }], addresses: [{ ip: '10.0.0.1', targetRef }] }],
  });
  const { next } = watch(t, api, { role: 'endpoints' });
  const [group] = (await next()).groups;
  assert.equal(group?.source, 'endpoints/shop/cart');
  assert.equal(group?.labels.get('__meta_kubernetes_service_label_app'), 'cart');
  assert.equal(group?.targets[0]?.get('__meta_kubernetes_pod_phase'), 'Running');
  await until(() => api.watches().length === 3);
  api.delete('services', 'cart', 'shop');
  assert.equal((await next()).groups[0]?.labels.get('__meta_kubernetes_service_name'), undefined);
  api.set('pods', podOf('cart-0', '10.0.0.1', { phase: 'Failed' }));
  assert.equal((await next()).groups[0]?.targets[0]?.get('__meta_kubernetes_pod_phase'), 'Failed');
  api.delete('pods', 'cart-0', 'shop');
  assert.equal((await next()).groups[0]?.targets[0]?.get('__meta_kubernetes_pod_phase'), undefined);
});

test('attached metadata is read as metadata only, and changes the pods that use it', OPTIONS, async (t) => {
  const api = await startFakeKubernetes(t);
  const pod = podOf('a', '10.0.0.1');
  const ownerReferences = [{ kind: 'ReplicaSet', name: 'a-5f', controller: true }];
  api.set('pods', { ...pod, metadata: { ...pod.metadata, ownerReferences } });
  api.set('namespaces', { metadata: { name: 'shop', labels: { team: 'x' } } });
  api.set('nodes', { metadata: { name: 'n1', labels: { zone: 'z1' } } });
  const owner = { kind: 'Deployment', name: 'a', controller: true };
  api.set('replicasets', { metadata: { namespace: 'shop', name: 'a-5f', ownerReferences: [owner] } });
  const attachMetadata = { node: true, namespace: true, deployment: true, job: true, cronjob: true };
  const { next } = watch(t, api, { attachMetadata });
  const label = ({ groups }: DiscoveryUpdate, name: string) => groups[0]?.labels.get(`__meta_kubernetes_${name}`);
  const first = await next();
  assert.deepEqual(
    ['namespace_label_team', 'node_label_zone', 'pod_deployment_name'].map((name) => label(first, name)),
    ['x', 'z1', 'a'],
  );
  const accepts = new Map(api.server.requests.map(({ path, headers }) => [path.replace(/\?.*/, ''), headers.accept]));
  assert.deepEqual(
    new Set(accepts.keys()),
    new Set([
      '/api/v1/pods',
      '/api/v1/nodes',
      '/api/v1/namespaces',
      '/apis/apps/v1/replicasets',
      '/apis/batch/v1/jobs',
    ]),
  );
  assert.match(
    accepts.get('/apis/apps/v1/replicasets') ?? '',
    /as=PartialObjectMetadata(List)?;g=meta\.k8s\.io;v=v1,application\/json$/,
  );
  assert.equal(accepts.get('/api/v1/pods'), 'application/json');
  await until(() => api.watches().length === 5);
  api.set('nodes', { metadata: { name: 'n1', labels: { zone: 'z2' } } });
  assert.equal(label(await next(), 'node_label_zone'), 'z2');
  api.delete('nodes', 'n1');
  assert.deepEqual((await next()).groups, []);
});

test('one kind that may not be read holds all targets back, and is named', OPTIONS, async (t) => {
  const api = await startFakeKubernetes(t);
  api.set('pods', podOf('a', '10.0.0.1'));
  api.override = (request, response) => {
    if (request.url?.startsWith('/api/v1/nodes')) return status(403, 'Forbidden')(request, response);
    return answers.body('{"metadata":{"resourceVersion":"1"},"items":[]}')(request, response);
  };
  const attachMetadata = { node: true, namespace: false, deployment: false, job: false, cronjob: false };
  const update = await discoverer(api, new FakeTime(), { attachMetadata }).once(new AbortController().signal);
  assert.deepEqual(update.groups, []);
  assert.match(update.failures[0]?.message ?? '', /can't follow nodes: HTTP 403/);
});

test('one run lists and does not watch', OPTIONS, async (t) => {
  const api = await startFakeKubernetes(t);
  api.set('pods', podOf('a', '10.0.0.1'));
  const update = await discoverer(api, new FakeTime()).once(new AbortController().signal);
  assert.deepEqual([addressesIn(update), update.failures], [['10.0.0.1:8080'], []]);
  assert.deepEqual(api.watchRequests(), []);
});

test('stopping a watch closes its connections', OPTIONS, async (t) => {
  const { api, stop } = await twoPods(t);
  stop();
  await until(() => api.watches().length === 0);
});

test('a long line in small pieces, cut inside a character, is one line', () => {
  const lines: string[] = [];
  const splitter = new LineSplitter(2 ** 21, (line) => lines.push(line));
  const text = `{"x":"${'aé€😀'.repeat(100_000)}"}`;
  const bytes = Buffer.from(`${text}\n\n{}\r\n{"half"`);
  for (let i = 0; i < bytes.length; i += 64) splitter.push(bytes.subarray(i, i + 64));
  assert.deepEqual(
    lines.map((line) => line.length),
    [text.length, 3],
  );
  assert.equal(lines[0], text);
});

test('a line over the limit is refused', () => {
  const splitter = new LineSplitter(10, () => {});
  splitter.push(Buffer.from('0123456789\n01234'));
  assert.throws(() => splitter.push(Buffer.from('567890')), RangeError);
});
