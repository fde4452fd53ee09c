import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointsRole } from '../../src/discovery/kubernetes/endpoints-role.ts';
import { endpointsliceRole } from '../../src/discovery/kubernetes/endpointslice-role.ts';
import { ingressRole } from '../../src/discovery/kubernetes/ingress-role.ts';
import { nodeRole } from '../../src/discovery/kubernetes/node-role.ts';
import { type KubernetesObject, keyOf, type Resource, readObject } from '../../src/discovery/kubernetes/objects.ts';
import { podRole } from '../../src/discovery/kubernetes/pod-role.ts';
import type { AttachMetadata, Role } from '../../src/discovery/kubernetes/role.ts';
import { serviceRole } from '../../src/discovery/kubernetes/service-role.ts';
import { fieldsOf, labelsOf, listOf, mergePatch, readVectors } from '../support/vectors.ts';

const PREFIX = '__meta_kubernetes_';

const POD = {
  metadata: { namespace: 'shop', name: 'cart-0', uid: 'u-1' },
  spec: {
    nodeName: 'n1',
    containers: [{ name: 'app', image: 'r/app:1', ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] }],
  },
  status: {
    phase: 'Running',
    podIP: '10.1.0.7',
    hostIP: '192.168.0.11',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'app', containerID: 'containerd://aa' }],
  },
};

const POD_GROUP = {
  namespace: 'shop',
  pod_name: 'cart-0',
  pod_ip: '10.1.0.7',
  pod_ready: 'true',
  pod_phase: 'Running',
  pod_node_name: 'n1',
  pod_host_ip: '192.168.0.11',
  pod_uid: 'u-1',
};

const POD_TARGET = {
  '@': '10.1.0.7:8080',
  c_name: 'app',
  c_id: 'containerd://aa',
  c_image: 'r/app:1',
  c_port_name: 'http',
  c_port_number: '8080',
  c_port_protocol: 'TCP',
  c_init: 'false',
};

/** Labels of a table; `c_` stands for `pod_container_`. */
function labels(written: unknown): Record<string, string> {
  const entries = Object.entries(fieldsOf(written)).map(([key, value]) => [
    key.replace(/^c_/, 'pod_container_'),
    value,
  ]);
  return labelsOf(Object.fromEntries(entries), PREFIX);
}

type Store = Readonly<Partial<Record<Resource, readonly unknown[]>>>;

function object(resource: Resource, value: unknown): KubernetesObject {
  return readObject(resource, value) ?? assert.fail('it has no name');
}

const NOTHING: AttachMetadata = { node: false, namespace: false, deployment: false, job: false, cronjob: false };

function build(role: Role, value: unknown, store: Store = {}, attach: Partial<AttachMetadata> = {}) {
  const group = role.build(object(role.resource, value), {
    lookup: (resource, namespace, name) =>
      (store[resource] ?? [])
        .map((one) => object(resource, one))
        .find(({ meta }) => keyOf(meta) === keyOf({ namespace, name })),
    attach: { ...NOTHING, ...attach },
  });
  return (
    group && {
      labels: Object.fromEntries(group.labels),
      targets: group.targets.map((target) => Object.fromEntries(target)),
    }
  );
}

/** What the tables write shortly: labels, annotations and an owner beside the name. */
function storeOf(written: unknown): Store {
  return Object.fromEntries(
    Object.entries(fieldsOf(written ?? {})).map(([resource, list]) => [
      resource,
      listOf(list).map((one) => {
        const { owner, ...metadata } = fieldsOf(one);
        const references = owner === undefined ? [] : [{ ...fieldsOf(owner), controller: true }];
        return { metadata: { ...metadata, ownerReferences: references } };
      }),
    ]),
  );
}

function attachOf(written: unknown): Partial<AttachMetadata> {
  return Object.fromEntries(Object.entries(fieldsOf(written ?? {})).map(([key, value]) => [key, value === true]));
}

for (const { id, situation, attach, store, change, targets, group } of readVectors('pod.yml')) {
  test(`pod ${id}: ${situation}`, () => {
    assert.deepEqual(build(podRole, mergePatch(POD, change), storeOf(store), attachOf(attach)), {
      labels: group === 'NONE' ? {} : labels(mergePatch(POD_GROUP, group)),
      targets: listOf(targets).map((target) => labels(target === 'TB' ? POD_TARGET : target)),
    });
  });
}

/** The labels that a pod adds to a target of another role. */
function podLabels(pod: unknown): Record<string, string> {
  const group = build(podRole, mergePatch(pod, { status: { podIP: '10.1.0.7' } }));
  const { [`${PREFIX}namespace`]: _, ...rest } = group?.labels ?? assert.fail();
  const hasIp = 'podIP' in fieldsOf(fieldsOf(pod)['status']);
  if (!hasIp) delete rest[`${PREFIX}pod_ip`];
  return rest;
}

for (const { id, situation, input, targets, group } of readVectors('endpoints.yml')) {
  test(`endpoints ${id}: ${situation}`, () => {
    const { pods = [], subsets, labels: own = {}, service } = fieldsOf(input);
    const known = listOf(pods).map((patch) => mergePatch(POD, patch));
    const services =
      service === undefined ? [] : [{ metadata: { namespace: 'shop', name: 'cart', ...fieldsOf(service) } }];
    const metadata = { namespace: 'shop', name: 'cart', labels: own };
    assert.deepEqual(build(endpointsRole, { metadata, subsets }, { pods: known, services }), {
      labels: labels(mergePatch({ namespace: 'shop', endpoints_name: 'cart' }, group)),
      targets: listOf(targets).map((target) => {
        const { '+pod': pod, ...rest } = fieldsOf(target);
        return { ...labels(rest), ...(pod === undefined ? {} : podLabels(known[0])) };
      }),
    });
  });
}

const SLICE_GROUP = {
  namespace: 'shop',
  endpointslice_name: 'cart-x1',
  endpointslice_address_type: 'IPv4',
  endpointslice_label_kubernetes_io_service_name: 'cart',
  endpointslice_labelpresent_kubernetes_io_service_name: 'true',
};

const SLICE_META = { namespace: 'shop', name: 'cart-x1', labels: { 'kubernetes.io/service-name': 'cart' } };

for (const { id, situation, input, targets, group } of readVectors('endpointslice.yml')) {
  test(`endpointslice ${id}: ${situation}`, () => {
    const { service, ...slice } = fieldsOf(input);
    const services =
      service === undefined ? [] : [{ metadata: { namespace: 'shop', name: 'cart' }, ...fieldsOf(service) }];
    assert.deepEqual(build(endpointsliceRole, { metadata: SLICE_META, addressType: 'IPv4', ...slice }, { services }), {
      labels: labels(mergePatch(SLICE_GROUP, group)),
      targets: listOf(targets).map(labels),
    });
  });
}

test('a slice gives pod labels, extra ports, topology, application protocol and the node', () => {
  const pod = mergePatch(POD, {
    spec: {
      containers: [
        { name: 'app', image: 'r/app:1', ports: [{ containerPort: 8080, protocol: 'UDP' }, { containerPort: 6060 }] },
      ],
    },
  });
  const slice = {
    metadata: SLICE_META,
    addressType: 'IPv4',
    ports: [{ port: 8080, protocol: 'TCP', appProtocol: 'http' }],
    endpoints: [
      {
        addresses: ['10.1.0.7'],
        hostname: 'h1',
        nodeName: 'n1',
        targetRef: { kind: 'Pod', name: 'cart-0' },
        deprecatedTopology: { 'topology.kubernetes.io/zone': 'z1' },
      },
    ],
  };
  const nodes = [{ metadata: { name: 'n1', labels: { disk: 'ssd' } } }];
  const { targets } = build(endpointsliceRole, slice, { pods: [pod], nodes }, { node: true }) ?? assert.fail();
  const container = { c_name: 'app', c_image: 'r/app:1', c_init: 'false' };
  assert.deepEqual(targets, [
    {
      ...labels({
        '@': '10.1.0.7:8080',
        endpointslice_port: '8080',
        endpointslice_port_protocol: 'TCP',
        endpointslice_port_app_protocol: 'http',
        endpointslice_endpoint_hostname: 'h1',
        endpointslice_endpoint_node_name: 'n1',
        endpointslice_address_target_kind: 'Pod',
        endpointslice_address_target_name: 'cart-0',
        endpointslice_endpoint_topology_topology_kubernetes_io_zone: 'z1',
        endpointslice_endpoint_topology_present_topology_kubernetes_io_zone: 'true',
        node_name: 'n1',
        node_label_disk: 'ssd',
        node_labelpresent_disk: 'true',
        ...container,
        c_port_number: '8080',
        c_port_protocol: 'UDP',
      }),
      ...podLabels(pod),
    },
    { ...labels({ '@': '10.1.0.7:6060', ...container, c_port_number: '6060' }), ...podLabels(pod) },
  ]);
});

const WEB = {
  metadata: { namespace: 'shop', name: 'web' },
  spec: { type: 'ClusterIP', clusterIP: '10.96.0.5', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
};
const WEB_TARGET = {
  '@': 'web.shop.svc:80',
  service_port_name: 'http',
  service_port_number: '80',
  service_port_protocol: 'TCP',
  service_type: 'ClusterIP',
  service_cluster_ip: '10.96.0.5',
};
const BALANCER = { spec: { type: 'LoadBalancer', loadBalancerIP: '9.9.9.9' } };
const INGRESS = { metadata: { namespace: 'shop', name: 'i' } };
const NODE = {
  metadata: { name: 'n1' },
  spec: { providerID: 'aws:///i-1' },
  status: {
    addresses: [
      { type: 'Hostname', address: 'n1' },
      { type: 'ExternalIP', address: '5.6.7.8' },
      { type: 'InternalIP', address: '192.168.0.11' },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
};
const NODE_TARGET = {
  '@': '192.168.0.11:10250',
  instance: 'n1',
  node_address_Hostname: 'n1',
  node_address_ExternalIP: '5.6.7.8',
  node_address_InternalIP: '192.168.0.11',
};

const ROWS: readonly { name: string; role: Role; object: unknown; targets: readonly unknown[] }[] = [
  { name: 'a service gives its DNS name', role: serviceRole, object: WEB, targets: [WEB_TARGET] },
  {
    name: 'an external service gives where it leads',
    role: serviceRole,
    object: {
      metadata: { namespace: 'shop', name: 'ext' },
      spec: { type: 'ExternalName', externalName: 'db.example.org', ports: [{ port: 5432, protocol: 'TCP' }] },
    },
    targets: [
      {
        '@': 'ext.shop.svc:5432',
        service_port_number: '5432',
        service_port_protocol: 'TCP',
        service_type: 'ExternalName',
        service_external_name: 'db.example.org',
      },
    ],
  },
  {
    name: 'a load balancer gives the addresses of its status',
    role: serviceRole,
    object: mergePatch(mergePatch(WEB, BALANCER), {
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }, { hostname: 'h' }, { ip: '1.2.3.5' }] } },
    }),
    targets: [{ ...WEB_TARGET, service_type: 'LoadBalancer', service_loadbalancer_ip: '1.2.3.4,1.2.3.5' }],
  },
  {
    name: 'a load balancer without a status gives the address of its spec',
    role: serviceRole,
    object: mergePatch(WEB, BALANCER),
    targets: [{ ...WEB_TARGET, service_type: 'LoadBalancer', service_loadbalancer_ip: '9.9.9.9' }],
  },
  {
    name: 'an ingress under a wildcard certificate',
    role: ingressRole,
    object: {
      ...INGRESS,
      spec: {
        tls: [{ hosts: ['*.example.org'] }],
        rules: [{ host: 'a.example.org', http: { paths: [{ path: '' }, { path: '/x' }] } }],
      },
    },
    targets: [
      { '@': 'a.example.org', ingress_scheme: 'https', ingress_host: 'a.example.org', ingress_path: '/' },
      { '@': 'a.example.org', ingress_scheme: 'https', ingress_host: 'a.example.org', ingress_path: '/x' },
    ],
  },
  {
    name: 'the star of a certificate stands for one part, a rule without paths for all of them',
    role: ingressRole,
    object: { ...INGRESS, spec: { tls: [{ hosts: ['*.example.org'] }], rules: [{ host: 'a.b.example.org' }] } },
    targets: [{ '@': 'a.b.example.org', ingress_scheme: 'http', ingress_host: 'a.b.example.org', ingress_path: '/' }],
  },
  {
    name: 'a rule with an empty list of paths gives nothing',
    role: ingressRole,
    object: { ...INGRESS, spec: { rules: [{ host: 'a.example.org', http: { paths: [] } }] } },
    targets: [],
  },
  { name: 'a node gives its kubelet', role: nodeRole, object: NODE, targets: [NODE_TARGET] },
  {
    name: 'of two addresses of a type the first counts',
    role: nodeRole,
    object: mergePatch(NODE, {
      status: { addresses: [...NODE.status.addresses, { type: 'InternalIP', address: '192.168.0.99' }] },
    }),
    targets: [NODE_TARGET],
  },
];
for (const { name, role, object, targets } of ROWS) {
  test(name, () => assert.deepEqual(build(role, object)?.targets, targets.map(labels)));
}

test('groups of services, ingresses and nodes have names, classes, conditions and provider', () => {
  const group = (role: Role, value: unknown) => build(role, value)?.labels;
  assert.deepEqual(group(serviceRole, WEB), labels({ namespace: 'shop', service_name: 'web' }));
  assert.deepEqual(
    group(ingressRole, { ...INGRESS, spec: { ingressClassName: 'nginx' } }),
    labels({ namespace: 'shop', ingress_name: 'i', ingress_class_name: 'nginx' }),
  );
  assert.deepEqual(
    group(nodeRole, NODE),
    labels({ node_name: 'n1', node_provider_id: 'aws:///i-1', node_condition_ready: 'true' }),
  );
});

test('of a node without addresses nothing can be said', () => {
  assert.equal(build(nodeRole, mergePatch(NODE, { status: { addresses: [] } })), undefined);
});
