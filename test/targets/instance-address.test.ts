import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import { instanceIdOf, pathPrefixOf } from '../../src/targets/instance-address.ts';
import { groupOf, jobOf } from '../support/job-of.ts';

const prefixes: readonly (readonly [path: string, prefix: string])[] = [
  ['/debug/pprof/profile?seconds=10', ''],
  ['/debug/fgprof', ''],
  ['/shop/debug/pprof/heap', '/shop'],
  ['/debug/pprof/shop/debug/pprof/heap', '/debug/pprof/shop'],
  ['/metrics?x=/a/debug/pprof/heap', ''],
  ['/profiles/heap', ''],
  ['/api/v1/namespaces/debug/pods/cart:6060/proxy/debug/pprof/heap', '/api/v1/namespaces/debug/pods/cart:6060/proxy'],
  ['/api/v1/namespaces/shop/pods/cart:6060/proxy/prof/heap', '/api/v1/namespaces/shop/pods/cart:6060/proxy'],
  ['/k8s/clusters/c-1/api/v1/nodes/n1:10250/proxy/debug/pprof/heap', '/k8s/clusters/c-1/api/v1/nodes/n1:10250/proxy'],
];

for (const [path, prefix] of prefixes) {
  test(`before the profiles of ${path} stands "${prefix}"`, () => assert.equal(pathPrefixOf(path), prefix));
}

/** Pods `a` and `b` behind the proxy of one API server; `rules` come after those that set the path. */
async function podsBehindProxy(...rules: readonly Readonly<Record<string, unknown>>[]) {
  const job = await jobOf({
    'enabled-profiles': ['cpu', 'mem'],
    'relabel-configs': ['cpu=profile', 'mem=heap']
      .map((pair): Readonly<Record<string, unknown>> => {
        const [name, endpoint] = pair.split('=');
        return {
          'source-labels': ['__meta_pod'],
          'target-label': `__profile_${name}_path`,
          replacement: `/api/v1/namespaces/shop/pods/$1:6060/proxy/debug/pprof/${endpoint}`,
        };
      })
      .concat(rules),
  });
  const pod = (name: string) => groupOf({ application: 'shop', targets: ['api:6443'], labels: { __meta_pod: name } });
  return targetsFromGroups(job, [pod('a'), pod('b')]);
}

test('pods behind one proxy are two instances, whatever their labels say', async () => {
  const { targets } = await podsBehindProxy();
  assert.equal(new Set(targets.map(instanceIdOf)).size, 2);
});

test('pods behind one proxy with equal labels are a warning, with the way to tell them apart', async () => {
  assert.deepEqual((await podsBehindProxy()).warnings, [
    'job j: several instances at api:6443, with different paths, have the same labels: set the label instance by a rule, as from __meta_kubernetes_pod_name',
  ]);
  const named = await podsBehindProxy({ 'source-labels': ['__meta_pod'], 'target-label': 'instance' });
  assert.deepEqual(named.warnings, []);
});
