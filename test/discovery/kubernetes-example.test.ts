import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { KubernetesDiscoveryConfig } from '../../src/config/discovery-config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { KubernetesDiscoverer } from '../../src/discovery/kubernetes/kubernetes-discoverer.ts';
import { REAL_TIME } from '../../src/discovery/wait.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import { createAuthority } from '../support/certificates.ts';
import { podOf, startFakeKubernetes } from '../support/fake-kubernetes.ts';
import { Random } from '../support/random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const NAME = 'kubernetes-sd-configs[0]';
const DEPS = { ...REAL_TIME, random: () => 0 };

/** A cluster as a pod in it sees it. */
async function clusterAround(t: TestContext) {
  const authority = createAuthority();
  const api = await startFakeKubernetes(t, authority.issue('kubernetes', { hosts: ['127.0.0.1'] }));
  const serviceAccountDir = join(temporaryDirectory(t), 'serviceaccount');
  mkdirSync(serviceAccountDir);
  writeFileSync(join(serviceAccountDir, 'ca.crt'), authority.cert);
  writeFileSync(join(serviceAccountDir, 'token'), 'secret');
  const environment = {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(api.server.origin.port),
  };
  return { api, around: { environment, serviceAccountDir } };
}

/** The example of Pyroscope's documentation of pull mode, with its wrapper for Helm. */
async function exampleJob() {
  const { config } = await loadConfig('fixtures/configs/pull-mode-kubernetes.good.yml', { expandEnv: false, env: {} });
  return config.scrapeConfigs[0] ?? assert.fail();
}

function kubernetesOf(job: Awaited<ReturnType<typeof exampleJob>>): KubernetesDiscoveryConfig {
  const [config] = job.discovery;
  assert.ok(config?.mechanism === 'kubernetes');
  return config;
}

test("the example of Pyroscope's documentation gives the targets that its annotations ask for", async (t) => {
  const { api, around } = await clusterAround(t);
  const annotated = (name: string, ip: string, annotations: object, phase = 'Running') => {
    const pod = podOf(name, ip, { phase });
    return { ...pod, metadata: { ...pod.metadata, labels: { tier: 'web' }, annotations } };
  };
  const wanted = {
    'pyroscope.io/scrape': 'true',
    'pyroscope.io/application-name': 'cart',
    'pyroscope.io/port': '6060',
    'pyroscope.io/profile-cpu-enabled': 'true',
  };
  api.set('pods', annotated('cart-0', '10.1.0.7', wanted));
  api.set('pods', annotated('cart-1', '10.1.0.8', { ...wanted, 'pyroscope.io/scheme': 'https' }));
  api.set('pods', annotated('done', '10.1.0.9', wanted, 'Succeeded'));
  api.set('pods', annotated('other', '10.1.0.10', {}));
  const job = await exampleJob();
  const { groups, failures } = await new KubernetesDiscoverer(kubernetesOf(job), NAME, DEPS, around).once(
    new AbortController().signal,
  );
  assert.deepEqual(failures, []);
  const { targets } = targetsFromGroups(job, groups);
  const heap = targets.filter(({ profile }) => profile.name === 'mem');
  assert.deepEqual(
    heap.map(({ origin, labels }) => [
      `${origin.scheme}://${origin.hostname}:${origin.port}`,
      labels.get('__name__'),
      labels.get('kubernetes_pod_name'),
      labels.get('tier'),
    ]),
    [
      ['http://10.1.0.7:6060', 'cart', 'cart-0', 'web'],
      ['https://10.1.0.8:6060', 'cart', 'cart-1', 'web'],
    ],
  );
});

test('through hundreds of changes, lost watches and a lost history the targets end as the server has them', {
  timeout: 60_000,
}, async (t) => {
  const { api, around } = await clusterAround(t);
  const random = new Random(7);
  const alive = new Map<string, string>();
  const stop = new AbortController();
  t.after(() => stop.abort());
  let seen: string[] = [];
  const config = kubernetesOf(await exampleJob());
  const watching = (async () => {
    for await (const { groups } of new KubernetesDiscoverer(config, NAME, DEPS, around).watch(stop.signal)) {
      seen = groups.map(({ source, targets }) => `${source} ${targets[0]?.get('__address__')}`);
    }
  })();
  const isQuiet = async (): Promise<void> => {
    const expected = [...alive].map(([name, ip]) => `pod/shop/${name} ${ip}:8080`).sort();
    while (seen.join() !== expected.join()) await setTimeout(10);
  };
  for (let i = 0; i < 500; i++) {
    const name = `p${random.below(80)}`;
    if (alive.has(name) && random.below(2) === 0) {
      alive.delete(name);
      api.delete('pods', name, 'shop');
    } else {
      const ip = `10.0.${random.below(250)}.${random.below(250)}`;
      alive.set(name, ip);
      api.set('pods', podOf(name, ip));
    }
    if (i % 10 === 0) await setTimeout(1);
    if (i === 120) api.cutWatches();
    if (i === 240) {
      api.compact();
      api.error(410, 'Expired');
    }
    if (i === 360) api.server.dropConnections();
    if (i % 125 === 124) await isQuiet();
  }
  await isQuiet();
  stop.abort();
  await watching;
});
