import { ADDRESS_LABEL, type LabelSet, withoutEmpty } from '../../labels/label-set.ts';
import { joinAddress } from '../join-address.ts';
import { type JsonMap, listOf, mapOf, numberOf, textOf } from '../json.ts';
import { EndpointPods } from './endpoint-pods.ts';
import { type Labels, labelsAndAnnotations, objectLabels, PREFIX } from './meta-labels.ts';
import { at } from './objects.ts';
import { type BuildContext, namespaceLabels, nodeLabels, type Role } from './role.ts';

/** A target for each address and port of a service's endpoints, and for the other ports of the pods behind them. */
export const endpointsRole: Role = {
  resource: 'endpoints',
  sourcePrefix: 'endpoints',
  build(endpoints, context) {
    const { namespace, name } = endpoints.meta;
    const pods = new EndpointPods(context, namespace);
    const targets: LabelSet[] = [];
    for (const { ports, addresses, notReadyAddresses } of listOf(at(endpoints, 'subsets')).map(mapOf)) {
      for (const port of listOf(ports).map(mapOf)) {
        for (const [list, isReady] of [
          [addresses, true],
          [notReadyAddresses, false],
        ] as const) {
          for (const address of listOf(list).map(mapOf)) targets.push(targetOf(address, port, isReady, pods, context));
        }
      }
    }
    const labels = withoutEmpty([
      ...objectLabels(endpoints, 'endpoints'),
      ...namespaceLabels(endpoints, context),
      ...serviceLabels(namespace, name, context),
    ]);
    return { labels, targets: [...targets, ...pods.extraTargets()] };
  },
};

function targetOf(
  address: JsonMap,
  port: JsonMap,
  isReady: boolean,
  pods: EndpointPods,
  context: BuildContext,
): LabelSet {
  const reference = mapOf(address['targetRef']);
  const number = numberOf(port['port']);
  const protocol = textOf(port['protocol']);
  const nodeName = textOf(address['nodeName']);
  return withoutEmpty([
    [ADDRESS_LABEL, joinAddress(textOf(address['ip']), number ?? 0)],
    [`${PREFIX}endpoint_port_name`, textOf(port['name'])],
    [`${PREFIX}endpoint_port_protocol`, protocol],
    [`${PREFIX}endpoint_ready`, String(isReady)],
    [`${PREFIX}endpoint_address_target_kind`, textOf(reference['kind'])],
    [`${PREFIX}endpoint_address_target_name`, textOf(reference['name'])],
    [`${PREFIX}endpoint_node_name`, nodeName],
    [`${PREFIX}endpoint_hostname`, textOf(address['hostname'])],
    ...attachedNode(nodeName || nodeOf(reference), context),
    ...pods.labelsFor(reference, number, protocol),
  ]);
}

/** The name of the node that a reference leads to; empty where it leads elsewhere. */
export function nodeOf(reference: JsonMap): string {
  return reference['kind'] === 'Node' ? textOf(reference['name']) : '';
}

export function attachedNode(name: string, context: BuildContext): Labels {
  return context.attach.node && name !== '' ? (nodeLabels(name, context) ?? []) : [];
}

/** The service by its name and labels, without ports and type. */
export function serviceLabels(namespace: string, name: string, { lookup }: BuildContext): Labels {
  const service = name === '' ? undefined : lookup('services', namespace, name);
  if (service === undefined) return [];
  return [[`${PREFIX}service_name`, name], ...labelsAndAnnotations(service.meta, 'service')];
}
