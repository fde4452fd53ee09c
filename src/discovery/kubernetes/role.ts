import type { KubernetesDiscoveryConfig } from '../../config/discovery-config.ts';
import type { TargetGroup } from '../target-group.ts';
import { type Labels, labelsAndAnnotations, PREFIX } from './meta-labels.ts';
import type { KubernetesObject, Resource } from './objects.ts';

/** Gives what is known of another object. The group that is built depends on it from then on, whether it is known or not. */
export type Lookup = (resource: Resource, namespace: string, name: string) => KubernetesObject | undefined;

export type AttachMetadata = KubernetesDiscoveryConfig['attachMetadata'];

export interface BuildContext {
  readonly lookup: Lookup;
  readonly attach: AttachMetadata;
}

/** How one role makes groups from objects. */
export interface Role {
  /** The kind that has a group for each object. */
  readonly resource: Resource;
  /** Where the group's source begins: `pod/shop/cart-0`. */
  readonly sourcePrefix: string;
  /**
   * The group of an object, without targets where it has none. Undefined where nothing can be said about it, so that what was
   * known stays.
   */
  build(object: KubernetesObject, context: BuildContext): Omit<TargetGroup, 'source'> | undefined;
}

/** Prometheus emits such a group without labels too. */
export const NO_TARGETS: Omit<TargetGroup, 'source'> = { labels: new Map(), targets: [] };

/** The labels of the namespace that an object is in, where the config asks for them. */
export function namespaceLabels({ meta }: KubernetesObject, { lookup, attach }: BuildContext): Labels {
  if (!attach.namespace || meta.namespace === '') return [];
  const namespace = lookup('namespaces', '', meta.namespace);
  return namespace === undefined ? [] : labelsAndAnnotations(namespace.meta, 'namespace');
}

/** The labels of a node, where the config asks for them. Undefined where it is not known. */
export function nodeLabels(name: string, { lookup }: Pick<BuildContext, 'lookup'>): Labels | undefined {
  const node = lookup('nodes', '', name);
  return node && [[`${PREFIX}node_name`, node.meta.name], ...labelsAndAnnotations(node.meta, 'node')];
}
