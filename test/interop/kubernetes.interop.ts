import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { Random } from '../support/random.ts';
import { start as startService } from './parts/go-service.ts';
import { create, type KubeApiServer, start, tokenOf } from './parts/kube-apiserver.ts';
import { mounted } from './support/mounted.ts';
import { freshDirectory, REPOSITORY } from './support/places.ts';
import { EXECUTABLE, pyroPull, readIndex } from './support/pyro-pull.ts';
import { type CommandOptions, runCommand } from './support/run-command.ts';
import { type TargetWatch, usageOf, watchTargets } from './support/target-watch.ts';

const PODS = 500;
const CHANGES = 600;
/** In which targets have to be as the API server has them once nothing changes any more. */
const QUIET_MS = 20_000;

let server: KubeApiServer;

before(async () => {
  server = await start();
});
after(() => server?.stop());

// Objects --------------------------------------------------------------------------------------------------------------------

type Fields = Readonly<Record<string, unknown>>;

async function makeNamespace(name: string, metadata: Fields = {}): Promise<string> {
  await server.ask('POST', '/api/v1/namespaces', { metadata: { name, ...metadata } });
  return name;
}

const podsOf = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

/** A pod on node `n1` with one container that listens on 8080, unless told otherwise, and the status that a kubelet gives it. */
async function makePod(namespace: string, name: string, ip: string, more: { metadata?: Fields; spec?: Fields } = {}) {
  await server.ask('POST', podsOf(namespace), {
    metadata: { name, ...more.metadata },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'app', image: 'r/app:1', ports: [{ name: 'http', containerPort: 8080 }] }],
      ...more.spec,
    },
  });
  await setStatus(namespace, name, { phase: 'Running', ...ipOf(ip), conditions: [{ type: 'Ready', status: 'True' }] });
}

function ipOf(ip: string): Fields {
  return { podIP: ip, podIPs: [{ ip }] };
}

async function setStatus(namespace: string, name: string, status: Fields): Promise<void> {
  await server.ask('PATCH', `${podsOf(namespace)}/${name}/status`, { status });
}

function deletePod(namespace: string, name: string): Promise<unknown> {
  return server.ask('DELETE', `${podsOf(namespace)}/${name}?gracePeriodSeconds=0`);
}

/** Lets a service account read kinds of objects in the whole cluster. */
async function grant(
  namespace: string,
  account: string,
  rules: readonly { group?: string; resources: readonly string[] }[],
) {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const name = `${namespace}-${account}`;
  await server.ask('POST', `${rbac}/clusterroles`, {
    metadata: { name },
    rules: rules.map(({ group = '', resources }) => ({ apiGroups: [group], resources, verbs: ['list', 'watch'] })),
  });
  await server.ask('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', namespace, name: account }],
  });
}

/** Runs a function for each of some values, a few at a time. */
async function forEach<T>(values: readonly T[], run: (value: T) => Promise<unknown>): Promise<void> {
  const left = [...values];
  const work = async (): Promise<void> => {
    for (let value = left.shift(); value !== undefined; value = left.shift()) await run(value);
  };
  await Promise.all(Array.from({ length: 16 }, work));
}

// The command ----------------------------------------------------------------------------------------------------------------

function tokenFile(token: string): string {
  const file = join(freshDirectory('token'), 'token');
  writeFileSync(file, token);
  return file;
}

/** The address of the server and credentials for it, as keys of the config. */
function access(token = server.adminToken): Fields {
  return {
    'api-server': server.url,
    authorization: { 'credentials-file': tokenFile(token) },
    'tls-config': { 'ca-file': server.caFile },
  };
}

function configOf(block: Fields): string {
  const file = join(freshDirectory('config'), 'pyro-pull.yml');
  writeFileSync(
    file,
    `scrape-configs:
  - job-name: kubernetes
    enabled-profiles: [mem]
    kubernetes-sd-configs: ${JSON.stringify([block])}
    relabel-configs:
      - {target-label: __name__, replacement: shop}
      - {regex: __meta_kubernetes_pod_(name|phase|ready|label_version), action: labelmap, replacement: $1}
      - {regex: __meta_kubernetes_(service_name), action: labelmap}
`,
  );
  return file;
}

const labels = z.record(z.string(), z.string());
const shown = z.object({ activeTargets: z.array(z.object({ url: z.string(), labels, discoveredLabels: labels })) });

/** What `targets --json` says of a config. Labels are without `__meta_kubernetes_`. */
async function targetsOf(config: string, options: CommandOptions = {}, wrap = (command: readonly string[]) => command) {
  const command = wrap([process.execPath, EXECUTABLE, 'targets', '--json', '--config', config]);
  const { code, stdout, stderr } = await runCommand(command, options);
  const { activeTargets } = shown.parse(JSON.parse(stdout));
  const targets = activeTargets.map(({ discoveredLabels }) =>
    Object.fromEntries(
      Object.entries(discoveredLabels).map(([name, value]) => [name.replace('__meta_kubernetes_', ''), value]),
    ),
  );
  const addresses = targets.map((target) => target['__address__'] ?? '').sort();
  return {
    code,
    stderr,
    addresses,
    targets: targets.sort((a, b) => ((a['__address__'] ?? '') < (b['__address__'] ?? '') ? -1 : 1)),
  };
}

/** What makes a command one that runs in a pod: where the cluster is, and the files that the kubelet puts there. */
function inPodOf(namespace: string, token: string) {
  const run = freshDirectory('var-run');
  const account = join(run, 'secrets/kubernetes.io/serviceaccount');
  mkdirSync(account, { recursive: true });
  copyFileSync(server.caFile, join(account, 'ca.crt'));
  writeFileSync(join(account, 'token'), token);
  writeFileSync(join(account, 'namespace'), namespace);
  return {
    env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(server.port) },
    wrap: (command: readonly string[]) => mounted([[run, '/var/run']], command),
  };
}

/** The targets of one role, which has to give them without complaint. */
async function targetsOfRole(role: string, block: Fields = {}) {
  const { code, stderr, targets } = await targetsOf(configOf({ role, ...access(), ...block }));
  assert.equal(code, 0, stderr);
  return targets;
}

/** Those labels of a target that are named in `expected` have its values; undefined: not there. */
function assertLabels(
  target: Readonly<Record<string, string>> | undefined,
  expected: Readonly<Record<string, string | undefined>>,
) {
  assert.ok(target);
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, target[name]])), expected);
}

/** An object of a Kubernetes example. */
const example = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
  data: z.record(z.string(), z.string()).optional(),
});

// What the server has --------------------------------------------------------------------------------------------------------

const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
      status: z.object({
        phase: z.string(),
        podIP: z.string().optional(),
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
      }),
    }),
  ),
});

/** A line for each pod that has an address, by the API's own list. */
async function listedPods(namespace: string): Promise<string[]> {
  const { items } = podList.parse(await server.ask('GET', podsOf(namespace)));
  return items
    .filter(({ status }) => status.podIP !== undefined)
    .map(({ metadata, status }) => {
      const ready = status.conditions.find(({ type }) => type === 'Ready')?.status.toLowerCase() ?? 'unknown';
      return [metadata.name, `${status.podIP}:8080`, status.phase, ready, metadata.labels['version']].join(' ');
    })
    .sort();
}

/** The same of the targets. */
function watchedPods(watch: TargetWatch): string[] {
  return watch
    .targets()
    .map(({ labels: found }) =>
      ['name', 'instance', 'phase', 'ready', 'label_version'].map((name) => found[name]).join(' '),
    )
    .sort();
}

async function assertQuiet(watch: TargetWatch, namespace: string): Promise<void> {
  const expected = await listedPods(namespace);
  const text = expected.join('\n');
  await watch.until(() => watchedPods(watch).join('\n') === text, QUIET_MS).catch(() => {});
  assert.deepEqual(watchedPods(watch), expected);
}

// Tests ----------------------------------------------------------------------------------------------------------------------

test('each role gives the targets of real objects', async () => {
  const namespace = await makeNamespace('shop', { labels: { team: 'x' }, annotations: { 'cost-centre': '7' } });
  const owner = (kind: string, name: string, apiVersion: string) => [
    { apiVersion, kind, name, uid: '0d6ab3b8-4c57-4a2c-9b6a-000000000001', controller: true },
  ];
  const template = {
    metadata: { labels: { app: 'cart' } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'r/app:1' }] },
  };
  await server.ask('POST', '/api/v1/nodes', {
    metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z1' } },
    spec: { providerID: 'test://n1' },
  });
  await server.ask('PATCH', '/api/v1/nodes/n1/status', {
    status: {
      addresses: [
        { type: 'Hostname', address: 'n1' },
        { type: 'InternalIP', address: '192.168.0.11' },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  });
  await server.ask('POST', `/apis/apps/v1/namespaces/${namespace}/replicasets`, {
    metadata: { name: 'cart-5f', ownerReferences: owner('Deployment', 'cart', 'apps/v1') },
    spec: {
      selector: { matchLabels: { app: 'cart' } },
      template: { ...template, spec: { containers: template.spec.containers } },
    },
  });
  await server.ask('POST', `/apis/batch/v1/namespaces/${namespace}/jobs`, {
    metadata: { name: 'rep-1', ownerReferences: owner('CronJob', 'rep', 'batch/v1') },
    spec: { template },
  });
  await makePod(namespace, 'cart-0', '10.1.0.7', {
    metadata: {
      labels: { 'app.kubernetes.io/name': 'cart' },
      annotations: { 'example.org/Tier': 'gold' },
      ownerReferences: owner('ReplicaSet', 'cart-5f', 'apps/v1'),
    },
    spec: {
      containers: [
        {
          name: 'app',
          image: 'r/app:1',
          ports: [
            { name: 'http', containerPort: 8080 },
            { name: 'dbg', containerPort: 6060 },
          ],
        },
      ],
      initContainers: [{ name: 'mesh', image: 'r/m:1', restartPolicy: 'Always', ports: [{ containerPort: 15_090 }] }],
    },
  });
  await setStatus(namespace, 'cart-0', {
    hostIP: '192.168.0.11',
    hostIPs: [{ ip: '192.168.0.11' }],
    containerStatuses: [
      { name: 'app', containerID: 'containerd://aa', image: 'r/app:1', imageID: '', ready: true, restartCount: 0 },
    ],
  });
  await makePod(namespace, 'rep-1-x', '10.1.0.8', { metadata: { ownerReferences: owner('Job', 'rep-1', 'batch/v1') } });
  // Nobody has given it an address yet.
  await server.ask('POST', podsOf(namespace), {
    metadata: { name: 'new' },
    spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'r/app:1' }] },
  });
  await server.ask('POST', `/api/v1/namespaces/${namespace}/services`, {
    metadata: { name: 'cart', labels: { app: 'cart' } },
    spec: { selector: { app: 'cart' }, ports: [{ name: 'web', port: 80, targetPort: 8080 }] },
  });
  await server.ask('POST', `/api/v1/namespaces/${namespace}/services`, {
    metadata: { name: 'ext' },
    spec: { type: 'ExternalName', externalName: 'db.example.org', ports: [{ port: 5432 }] },
  });
  const pod = { kind: 'Pod', namespace, name: 'cart-0' };
  await server.ask('POST', `/api/v1/namespaces/${namespace}/endpoints`, {
    metadata: { name: 'cart' },
    subsets: [
      {
        addresses: [{ ip: '10.1.0.7', nodeName: 'n1', targetRef: pod }],
        notReadyAddresses: [{ ip: '10.1.0.99' }],
        ports: [{ name: 'web', port: 8080 }],
      },
    ],
  });
  await server.ask('POST', `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    metadata: { name: 'cart-x1', labels: { 'kubernetes.io/service-name': 'cart' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.7'], conditions: { ready: true }, nodeName: 'n1', zone: 'z1', targetRef: pod }],
    ports: [{ name: 'web', port: 8080, appProtocol: 'http' }],
  });
  await server.ask('POST', `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`, {
    metadata: { name: 'web' },
    spec: {
      ingressClassName: 'nginx',
      tls: [{ hosts: ['*.example.org'] }],
      rules: [
        {
          host: 'a.example.org',
          http: {
            paths: [{ path: '/x', pathType: 'Prefix', backend: { service: { name: 'cart', port: { number: 80 } } } }],
          },
        },
      ],
    },
  });

  const names = { namespaces: { names: [namespace] } };
  const everything = { node: true, namespace: true, deployment: true, job: true, cronjob: true };
  const pods = await targetsOfRole('pod', { ...names, 'attach-metadata': everything });
  assert.deepEqual(
    pods.map((target) => [target['__address__'], target['pod_container_name'], target['pod_container_init']]),
    [
      ['10.1.0.7:15090', 'mesh', 'true'],
      ['10.1.0.7:6060', 'app', 'false'],
      ['10.1.0.7:8080', 'app', 'false'],
      ['10.1.0.8:8080', 'app', 'false'],
    ],
  );
  const shared = {
    namespace,
    node_label_topology_kubernetes_io_zone: 'z1',
    namespace_label_team: 'x',
    namespace_annotation_cost_centre: '7',
  };
  assertLabels(pods[2], {
    ...shared,
    pod_name: 'cart-0',
    pod_ip: '10.1.0.7',
    pod_host_ip: '192.168.0.11',
    pod_ready: 'true',
    pod_phase: 'Running',
    pod_node_name: 'n1',
    pod_label_app_kubernetes_io_name: 'cart',
    pod_annotation_example_org_Tier: 'gold',
    pod_controller_kind: 'ReplicaSet',
    pod_controller_name: 'cart-5f',
    pod_deployment_name: 'cart',
    pod_container_id: 'containerd://aa',
    pod_container_image: 'r/app:1',
    pod_container_port_name: 'http',
    pod_container_port_number: '8080',
    pod_container_port_protocol: 'TCP',
  });
  assertLabels(pods[3], {
    ...shared,
    pod_name: 'rep-1-x',
    pod_job_name: 'rep-1',
    pod_cronjob_name: 'rep',
    pod_deployment_name: undefined,
  });

  const behind = { service_name: 'cart', service_label_app: 'cart', pod_name: 'cart-0', pod_container_name: 'app' };
  const endpoints = await targetsOfRole('endpoints', { ...names, 'attach-metadata': { node: true } });
  assert.deepEqual(
    endpoints.map((target) => [target['__address__'], target['endpoint_ready']]),
    [
      ['10.1.0.7:15090', undefined],
      ['10.1.0.7:6060', undefined],
      ['10.1.0.7:8080', 'true'],
      ['10.1.0.99:8080', 'false'],
    ],
  );
  assertLabels(endpoints[2], {
    ...behind,
    endpoints_name: 'cart',
    endpoint_port_name: 'web',
    endpoint_node_name: 'n1',
    endpoint_address_target_name: 'cart-0',
    pod_container_port_name: 'http',
    node_name: 'n1',
  });
  const slices = await targetsOfRole('endpointslice', names);
  assert.deepEqual(
    slices.map((target) => target['__address__']),
    ['10.1.0.7:15090', '10.1.0.7:6060', '10.1.0.7:8080'],
  );
  assertLabels(slices[2], {
    ...behind,
    endpointslice_name: 'cart-x1',
    endpointslice_address_type: 'IPv4',
    endpointslice_port_app_protocol: 'http',
    endpointslice_endpoint_conditions_ready: 'true',
    endpointslice_endpoint_zone: 'z1',
  });
  const services = await targetsOfRole('service', names);
  assert.match(services[0]?.['service_cluster_ip'] ?? '', /^10\.0\.0\.\d+$/);
  assertLabels(services[0], { __address__: 'cart.shop.svc:80', service_type: 'ClusterIP', service_port_name: 'web' });
  assertLabels(services[1], {
    __address__: 'ext.shop.svc:5432',
    service_type: 'ExternalName',
    service_external_name: 'db.example.org',
  });
  const [ingress, ...noOther] = await targetsOfRole('ingress', names);
  assert.deepEqual(noOther, []);
  assertLabels(ingress, {
    __address__: 'a.example.org',
    ingress_name: 'web',
    ingress_class_name: 'nginx',
    ingress_scheme: 'https',
    ingress_path: '/x',
  });
  const [node] = await targetsOfRole('node');
  assertLabels(node, {
    __address__: '192.168.0.11:10250',
    instance: 'n1',
    node_name: 'n1',
    node_provider_id: 'test://n1',
    node_address_Hostname: 'n1',
    node_condition_ready: 'true',
    node_label_topology_kubernetes_io_zone: 'z1',
  });
});

test('endpoints follow their service and their pods', async (t) => {
  const namespace = await makeNamespace('follow');
  const base = `/api/v1/namespaces/${namespace}`;
  const watch = watchTargets(t, configOf({ role: 'endpointslice', ...access(), namespaces: { names: [namespace] } }));
  await server.ask('POST', `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    metadata: { name: 's1', labels: { 'kubernetes.io/service-name': 'cart' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.7'], targetRef: { kind: 'Pod', namespace, name: 'cart-0' } }],
    ports: [{ port: 8080 }],
  });
  const only = () => watch.targets()[0]?.labels ?? {};
  await watch.until(() => watch.targets().length === 1, QUIET_MS);
  await makePod(namespace, 'cart-0', '10.1.0.7');
  await watch.until(() => only()['ready'] === 'true', QUIET_MS);
  await server.ask('POST', `${base}/services`, { metadata: { name: 'cart' }, spec: { ports: [{ port: 80 }] } });
  await watch.until(() => only()['service_name'] === 'cart', QUIET_MS);
  await server.ask('DELETE', `${base}/services/cart`);
  await watch.until(() => only()['service_name'] === undefined, QUIET_MS);
  await deletePod(namespace, 'cart-0');
  await watch.until(() => only()['ready'] === undefined, QUIET_MS);
});

test('a pod that is being deleted is a target until it is gone', async (t) => {
  const namespace = await makeNamespace('ending');
  await makePod(namespace, 'p', '10.1.0.7');
  const watch = watchTargets(t, configOf({ role: 'pod', ...access(), namespaces: { names: [namespace] } }));
  await watch.until(() => watch.targets().length === 1, QUIET_MS);
  await server.ask('DELETE', `${podsOf(namespace)}/p?gracePeriodSeconds=60`);
  await setStatus(namespace, 'p', { conditions: [{ type: 'Ready', status: 'False' }] });
  await watch.until(() => watch.targets()[0]?.labels['ready'] === 'false', QUIET_MS);
  await deletePod(namespace, 'p');
  await watch.until(() => watch.targets().length === 0, QUIET_MS);
});

test('namespaces and selectors narrow what is found, and a selector that the server refuses is told', async (t) => {
  const one = await makeNamespace('one');
  const two = await makeNamespace('two');
  await makePod(one, 'a', '10.2.0.1', { metadata: { labels: { app: 'x' } } });
  await makePod(one, 'b', '10.2.0.2', { metadata: { labels: { app: 'y' } } });
  await makePod(two, 'c', '10.2.0.3', { spec: { nodeName: 'n2' } });
  const rows: readonly (readonly [block: Fields, addresses: readonly string[]])[] = [
    [{ namespaces: { names: [one] } }, ['10.2.0.1:8080', '10.2.0.2:8080']],
    [{ namespaces: { names: [one, two, 'none'] } }, ['10.2.0.1:8080', '10.2.0.2:8080', '10.2.0.3:8080']],
    [{ namespaces: { names: [one] }, selectors: [{ role: 'pod', label: 'app in (x, z),!gone' }] }, ['10.2.0.1:8080']],
    [{ selectors: [{ role: 'pod', field: 'spec.nodeName=n2,status.phase!=Failed' }] }, ['10.2.0.3:8080']],
  ];
  const found = await Promise.all(rows.map(([block]) => targetsOf(configOf({ role: 'pod', ...access(), ...block }))));
  for (const [index, { code, addresses, stderr }] of found.entries()) {
    assert.deepEqual([code, addresses], [0, rows[index]?.[1]], `${JSON.stringify(rows[index]?.[0])}: ${stderr}`);
  }
  const refused = await targetsOf(
    configOf({ role: 'pod', ...access(), selectors: [{ role: 'pod', field: 'spec.colour=red' }] }),
  );
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /can't follow pods: HTTP 400 .*spec\.colour/);

  const watch = watchTargets(t, configOf({ role: 'pod', ...access(), namespaces: { names: ['late'] } }));
  await watch.until(() => true, QUIET_MS);
  await makePod(await makeNamespace('late'), 'd', '10.2.0.4');
  await watch.until(() => watch.targets().length === 1, QUIET_MS);
});

test('who may not read pods is told what is missing, and gets the targets once it is granted', async (t) => {
  const namespace = await makeNamespace('denied');
  await makePod(namespace, 'p', '10.3.0.1');
  const block = {
    role: 'pod',
    ...access(await tokenOf(server, namespace, 'nobody')),
    namespaces: { names: [namespace] },
  };
  const denied = await targetsOf(configOf(block));
  assert.equal(denied.code, 1);
  assert.match(
    denied.stderr,
    /can't follow pods in namespace denied: HTTP 403 Forbidden: pods is forbidden: User "system:serviceaccount:denied:nobody" cannot list resource "pods"/,
  );
  assert.match(denied.stderr, /grant list and watch on this kind of object/);
  const watch = watchTargets(t, configOf(block));
  await watch.until(() => watch.failures().length > 0, QUIET_MS);
  await grant(namespace, 'nobody', [{ resources: ['pods'] }]);
  await watch.until(() => watch.targets().length === 1 && watch.failures().length === 0, 30_000);
  assert.equal(watch.events.filter(({ type }) => type === 'discovery-failed').length, 1, 'told once');
});

test('wrong credentials and an authority that is not known are told, without the secret', async () => {
  const unknown = await targetsOf(configOf({ role: 'pod', ...access('a-wrong-token') }));
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /HTTP 401 Unauthorized/);
  assert.doesNotMatch(unknown.stderr, /a-wrong-token/);
  const { 'tls-config': _, ...untrusted } = access();
  const { code, stderr } = await targetsOf(configOf({ role: 'pod', ...untrusted }));
  assert.equal(code, 1);
  assert.match(stderr, /TLS/);
});

test('a kubeconfig logs in with a token, or with a client certificate', async () => {
  const namespace = await makeNamespace('kubeconfig');
  await makePod(namespace, 'p', '10.4.0.1');
  const { name, certFile, keyFile } = server.clientCertificate;
  await server.ask('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
  });
  const base64 = (file: string): string => readFileSync(file).toString('base64');
  const users: readonly Fields[] = [
    { token: server.adminToken },
    { 'client-certificate-data': base64(certFile), 'client-key-data': base64(keyFile) },
    { 'client-certificate': 'client.crt', 'client-key': 'client.key' },
  ];
  for (const user of users) {
    const directory = freshDirectory('kubeconfig');
    copyFileSync(certFile, join(directory, 'client.crt'));
    copyFileSync(keyFile, join(directory, 'client.key'));
    const kubeconfig = join(directory, 'config');
    const cluster = { server: server.url, 'certificate-authority-data': base64(server.caFile) };
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'test',
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'me' } }],
        clusters: [{ name: 'test', cluster }],
        users: [{ name: 'me', user }],
      }),
    );
    const config = configOf({ role: 'pod', 'kubeconfig-file': kubeconfig, namespaces: { names: [namespace] } });
    const { code, addresses, stderr } = await targetsOf(config);
    assert.deepEqual([code, addresses], [0, ['10.4.0.1:8080']], `${Object.keys(user)}: ${stderr}`);
  }
});

test("the example of Pyroscope's documentation, unchanged and in a pod's place, scrapes what its annotations ask for", async (t) => {
  const namespace = await makeNamespace('monitoring');
  await grant(namespace, 'pyro-pull', [{ resources: ['pods'] }]);
  const service = await startService();
  t.after(() => service.stop());
  const port = service.address.split(':')[1] ?? '';
  const annotations = {
    'pyroscope.io/scrape': 'true',
    'pyroscope.io/application-name': 'cart',
    'pyroscope.io/port': port,
    'pyroscope.io/profile-cpu-enabled': 'true',
  };
  // On the host's network of a node that is this machine.
  await makePod(namespace, 'cart-0', '127.0.0.1', { metadata: { annotations, labels: { tier: 'web' } } });
  await makePod(namespace, 'other', '127.0.0.2');
  await makePod(namespace, 'done', '127.0.0.3', { metadata: { annotations } });
  await setStatus(namespace, 'done', { phase: 'Succeeded' });

  const { env, wrap: inPod } = inPodOf(namespace, await tokenOf(server, namespace, 'pyro-pull'));
  const config = join(REPOSITORY, 'fixtures/configs/pull-mode-kubernetes.good.yml');

  const { code, targets, stderr } = await targetsOf(config, { env }, inPod);
  assert.equal(code, 0, stderr);
  assert.deepEqual([...new Set(targets.map((target) => target['pod_name']))], ['cart-0']);
  const out = freshDirectory('example');
  const scrape = ['scrape', '--config', config, '--out', out, '--profile', 'mem', '--window', '1s', '--write-empty'];
  const scraped = await runCommand(inPod([process.execPath, EXECUTABLE, ...scrape]), { env });
  assert.equal(scraped.code, 0, scraped.stderr);
  const [line, ...noOther] = readIndex(out);
  assert.deepEqual(noOther, []);
  assertLabels(line?.labels, {
    __name__: 'cart',
    instance: `127.0.0.1:${port}`,
    kubernetes_namespace: namespace,
    kubernetes_pod_name: 'cart-0',
    tier: 'web',
  });

  // Only the pod's own namespace.
  await makePod(await makeNamespace('elsewhere'), 'p', '10.5.0.1');
  const own = await targetsOf(configOf({ role: 'pod', namespaces: { 'own-namespace': true } }), { env }, inPod);
  assert.deepEqual([...new Set(own.targets.map((target) => target['namespace']))], [namespace], own.stderr);
  const outside = await pyroPull(['targets', '--config', config]);
  assert.equal(outside.code, 1);
  assert.match(outside.stderr, /not in a cluster/);
});

test('the server takes the Kubernetes example as it is, and its account may read what its config asks for', async () => {
  const directory = join(REPOSITORY, 'examples/kubernetes');
  const files = readdirSync(directory).filter((file) => /\.ya?ml$/.test(file));
  assert.ok(files.length > 0);
  const objects = files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(directory, file), 'utf8')).map((document) => example.parse(document.toJS())),
  );
  const ofKind = (...kinds: readonly string[]) => objects.filter(({ kind }) => kinds.includes(kind));
  for (const object of ofKind('Namespace')) await create(server, object, { isDryRun: false });
  for (const object of objects) {
    if (object.kind !== 'Namespace') await create(server, object, { isDryRun: true });
  }

  for (const object of ofKind('ServiceAccount', 'ClusterRole', 'ClusterRoleBinding')) {
    await create(server, object, { isDryRun: false });
  }
  const [account] = ofKind('ServiceAccount');
  const [configMap] = ofKind('ConfigMap');
  const namespace = account?.metadata.namespace ?? '';
  await makePod(namespace, 'cart-0', '10.6.0.1', { metadata: { annotations: { 'pyroscope.io/scrape': 'true' } } });
  const config = join(freshDirectory('config'), 'pyro-pull.yml');
  writeFileSync(config, configMap?.data?.['pyro-pull.yml'] ?? '');
  const { env, wrap } = inPodOf(namespace, await tokenOf(server, namespace, account?.metadata.name ?? ''));
  const { code, targets, stderr } = await targetsOf(config, { env }, wrap);
  assert.equal(code, 0, stderr);
  const names = targets.filter((target) => target['namespace'] === namespace).map((target) => target['pod_name']);
  assert.deepEqual([...new Set(names)], ['cart-0']);
});

test(`${PODS} pods come, change and go as the server has them, through a restart of it and of its tokens`, async (t) => {
  const namespace = await makeNamespace('churn');
  const random = new Random(20_261_122);
  await grant(namespace, 'watcher', [{ resources: ['pods'] }]);
  const file = tokenFile(await tokenOf(server, namespace, 'watcher'));
  const config = configOf({
    role: 'pod',
    ...access(),
    authorization: { 'credentials-file': file },
    namespaces: { names: [namespace] },
  });
  const watch = watchTargets(t, config);
  await watch.until(() => true, QUIET_MS);
  const idle = usageOf(watch.pid);
  const alive = new Set<string>();
  let made = 0;
  const freshIp = (): string => `10.${1 + random.below(200)}.${random.below(256)}.${1 + random.below(254)}`;
  const make = async (): Promise<void> => {
    const name = `p${made++}`;
    await makePod(namespace, name, freshIp(), { metadata: { labels: { version: 'v1' } } });
    alive.add(name);
  };
  const change = async (): Promise<void> => {
    const [name] = [...alive].slice(random.below(alive.size));
    if (name === undefined) return make();
    const kind = random.below(6);
    if (kind === 0) return make();
    const path = `${podsOf(namespace)}/${name}`;
    if (kind === 1) {
      // No other change meets it.
      alive.delete(name);
      await deletePod(namespace, name);
    } else if (kind === 2)
      await server.ask('PATCH', path, { metadata: { labels: { version: `v${random.below(9)}` } } });
    else if (kind === 3) await setStatus(namespace, name, ipOf(freshIp()));
    else if (kind === 4)
      await setStatus(namespace, name, { conditions: [{ type: 'Ready', status: random.below(2) ? 'True' : 'False' }] });
    else await setStatus(namespace, name, { phase: random.below(2) ? 'Running' : 'Failed' });
  };
  const changes = (count: number) =>
    forEach(
      Array.from({ length: count }, (_, index) => index),
      (_) => tolerateMissing(change),
    );

  await forEach(
    Array.from({ length: PODS }, (_, index) => index),
    make,
  );
  await assertQuiet(watch, namespace);
  assert.equal(watch.targets().length, PODS);
  const full = usageOf(watch.pid);
  await changes(CHANGES / 2);
  await assertQuiet(watch, namespace);

  // The kubelet replaces tokens while they are in use; here the old one is worth nothing at once.
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await server.ask('DELETE', `${accounts}/watcher`);
  writeFileSync(file, await tokenOf(server, namespace, 'watcher'));
  const before = watch.events.length;
  await server.end();
  await watch.until(() => watch.failures().length > 0, 30_000);
  assert.match(
    watch.failures()[0] ?? '',
    /can't follow pods in namespace churn: connection refused; keeping what is known of them/,
  );
  assert.ok(watch.events.slice(before).every(({ type }) => type !== 'removed'));
  await server.begin();
  await changes(CHANGES / 6);
  await watch.until(() => watch.failures().length === 0, 60_000);
  await assertQuiet(watch, namespace);
  await changes(CHANGES / 3);
  await assertQuiet(watch, namespace);

  const end = usageOf(watch.pid);
  await forEach([...alive], (name) => deletePod(namespace, name));
  await assertQuiet(watch, namespace);
  assert.equal(watch.targets().length, 0);
  const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;
  t.diagnostic(
    `RSS without pods ${megabytes(idle.rssBytes)}, with ${PODS} ${megabytes(full.rssBytes)}, after ${CHANGES} changes ${megabytes(end.rssBytes)} ` +
      `(most ${megabytes(end.peakRssBytes)}); CPU ${idle.cpuMs} ms to start, ${full.cpuMs - idle.cpuMs} ms for the pods, ${end.cpuMs - full.cpuMs} ms for the changes and the restart`,
  );
  assert.ok(end.peakRssBytes < 300 * 2 ** 20);
});

/** Two changes may meet the same pod, of which the second may find it gone. */
async function tolerateMissing(change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!/answers (404|409)/.test(String(error))) throw error;
  }
}
