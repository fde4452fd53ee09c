import { isMap, type JsonMap, listOf, mapOf, textMapOf, textOf } from '../json.ts';

/** What all objects have, without what nobody asks for: `managedFields` alone can be half of a pod. */
export interface ObjectMeta {
  /** Empty for nodes and namespaces. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** The owner that is marked as controller. */
  readonly controller: { readonly kind: string; readonly name: string } | undefined;
}

/** An object with the parts that its kind needs; each kind reads its own. */
export interface KubernetesObject {
  readonly meta: ObjectMeta;
  /** The fields beside `metadata` that are kept. */
  readonly fields: JsonMap;
}

/** Kinds by their name in the API's paths. */
export type Resource =
  | 'pods'
  | 'services'
  | 'endpoints'
  | 'endpointslices'
  | 'ingresses'
  | 'nodes'
  | 'namespaces'
  | 'replicasets'
  | 'jobs';

/** Identifies an object among those of its kind. */
export function keyOf({ namespace, name }: Pick<ObjectMeta, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** Undefined where the value is no object with a name. */
export function readObject(resource: Resource, value: unknown): KubernetesObject | undefined {
  const object = mapOf(value);
  const metadata = mapOf(object['metadata']);
  const name = textOf(metadata['name']);
  if (name === '') return undefined;
  const owner = listOf(metadata['ownerReferences']).map(mapOf).find(isController);
  return {
    meta: {
      namespace: textOf(metadata['namespace']),
      name,
      uid: textOf(metadata['uid']),
      resourceVersion: textOf(metadata['resourceVersion']),
      labels: textMapOf(metadata['labels']),
      annotations: textMapOf(metadata['annotations']),
      controller: owner && { kind: textOf(owner['kind']), name: textOf(owner['name']) },
    },
    fields: KEPT_FIELDS[resource](object),
  };
}

function isController(reference: JsonMap): boolean {
  return reference['controller'] === true;
}

const KEPT_FIELDS: Readonly<Record<Resource, (object: JsonMap) => JsonMap>> = {
  pods: ({ spec, status }) => ({
    spec: keep(spec, {
      nodeName: whole,
      containers: containers,
      initContainers: containers,
    }),
    status: keep(status, {
      phase: whole,
      podIP: whole,
      hostIP: whole,
      conditions: (value) => listOf(value).map((one) => keep(one, { type: whole, status: whole })),
      containerStatuses: statuses,
      initContainerStatuses: statuses,
    }),
  }),
  services: ({ spec, status }) => ({
    spec: keep(spec, {
      type: whole,
      ports: whole,
      clusterIP: whole,
      externalName: whole,
      loadBalancerIP: whole,
      ipFamilyPolicy: whole,
      ipFamilies: whole,
    }),
    status: keep(status, { loadBalancer: whole }),
  }),
  endpoints: ({ subsets }) => ({ subsets }),
  endpointslices: ({ addressType, ports, endpoints }) => ({ addressType, ports, endpoints }),
  ingresses: ({ spec }) => ({ spec: keep(spec, { ingressClassName: whole, tls: whole, rules: whole }) }),
  nodes: ({ spec, status }) => ({
    spec: keep(spec, { providerID: whole }),
    status: keep(status, {
      addresses: whole,
      daemonEndpoints: whole,
      // Without the heartbeat times, which change every few minutes.
      conditions: (value) => listOf(value).map((one) => keep(one, { type: whole, status: whole })),
    }),
  }),
  namespaces: () => ({}),
  replicasets: () => ({}),
  jobs: () => ({}),
};

function keep(value: unknown, parts: Readonly<Record<string, (part: unknown) => unknown>>): JsonMap {
  const map = mapOf(value);
  const kept: Record<string, unknown> = {};
  for (const [key, read] of Object.entries(parts)) if (map[key] !== undefined) kept[key] = read(map[key]);
  return kept;
}

function whole(value: unknown): unknown {
  return value;
}

function containers(value: unknown): unknown {
  return listOf(value).map((one) => keep(one, { name: whole, image: whole, ports: whole }));
}

function statuses(value: unknown): unknown {
  return listOf(value).map((one) => keep(one, { name: whole, containerID: whole }));
}

/** The fields at a path of maps: `at(object, 'spec', 'ports')`. */
export function at({ fields }: KubernetesObject, ...path: readonly string[]): unknown {
  let value: unknown = fields;
  for (const key of path) value = isMap(value) ? value[key] : undefined;
  return value;
}
