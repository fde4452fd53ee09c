import type { KubernetesDiscoveryConfig, KubernetesRole } from '../../config/discovery-config.ts';
import type { Query } from './api.ts';
import { endpointsRole } from './endpoints-role.ts';
import { endpointsliceRole } from './endpointslice-role.ts';
import { ingressRole } from './ingress-role.ts';
import { nodeRole } from './node-role.ts';
import type { Resource } from './objects.ts';
import { podRole } from './pod-role.ts';
import type { Role } from './role.ts';
import { serviceRole } from './service-role.ts';

export const ROLES: Readonly<Record<KubernetesRole, Role>> = {
  pod: podRole,
  endpoints: endpointsRole,
  endpointslice: endpointsliceRole,
  service: serviceRole,
  ingress: ingressRole,
  node: nodeRole,
};

/** The kinds that have no namespace. */
const CLUSTER_WIDE: ReadonlySet<Resource> = new Set(['nodes', 'namespaces']);

/** Everything that has to be listed and watched for a config. `namespaces` undefined: all. */
export function queriesFor(config: KubernetesDiscoveryConfig, namespaces: readonly string[] | undefined): Query[] {
  return resourcesFor(config).flatMap((resource): Query[] => {
    const selector = config.selectors.find(({ role }) => ROLES[role].resource === resource);
    const selectors = { labelSelector: selector?.label, fieldSelector: selector?.field };
    if (namespaces === undefined || CLUSTER_WIDE.has(resource))
      return [{ resource, namespace: undefined, ...selectors }];
    return namespaces.map((namespace) => ({ resource, namespace, ...selectors }));
  });
}

function resourcesFor({ role, attachMetadata: attach }: KubernetesDiscoveryConfig): Resource[] {
  const resources: Resource[] = [ROLES[role].resource];
  const hasPods = role === 'pod' || role === 'endpoints' || role === 'endpointslice';
  if (role === 'endpoints' || role === 'endpointslice') resources.push('services', 'pods');
  if (attach.namespace && role !== 'node') resources.push('namespaces');
  if (!hasPods) return resources;
  if (attach.node) resources.push('nodes');
  if (attach.deployment) resources.push('replicasets');
  // The name of a Job stands in the pod; only what is behind it has to be looked up.
  if (attach.cronjob) resources.push('jobs');
  return resources;
}
