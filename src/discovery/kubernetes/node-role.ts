import { ADDRESS_LABEL, INSTANCE_LABEL, withoutEmpty } from '../../labels/label-set.ts';
import { joinAddress } from '../join-address.ts';
import { listOf, mapOf, numberOf, textOf } from '../json.ts';
import { sanitizeLabelName } from '../label-name.ts';
import { type Labels, objectLabels, PREFIX } from './meta-labels.ts';
import { at, type KubernetesObject } from './objects.ts';
import type { Role } from './role.ts';

/** Which address is taken, as in Prometheus. */
const ADDRESS_TYPES = ['InternalIP', 'InternalDNS', 'ExternalIP', 'ExternalDNS', 'LegacyHostIP', 'Hostname'];

/** One target a node: its kubelet. */
export const nodeRole: Role = {
  resource: 'nodes',
  sourcePrefix: 'node',
  build(node) {
    const addresses = addressesOf(node);
    const address = ADDRESS_TYPES.map((type) => addresses.get(type)).find((one) => one !== undefined);
    if (address === undefined) return undefined;
    const port = numberOf(at(node, 'status', 'daemonEndpoints', 'kubeletEndpoint', 'Port')) ?? 0;
    const target: Labels = [
      [ADDRESS_LABEL, joinAddress(address, port)],
      [INSTANCE_LABEL, node.meta.name],
    ];
    for (const [type, one] of addresses) target.push([`${PREFIX}node_address_${sanitizeLabelName(type)}`, one]);
    const labels = withoutEmpty([
      ...objectLabels(node, 'node'),
      [`${PREFIX}node_provider_id`, textOf(at(node, 'spec', 'providerID'))],
      ...conditionLabels(node),
    ]);
    return { labels, targets: [withoutEmpty(target)] };
  },
};

/** The first address of each type. */
function addressesOf(node: KubernetesObject): Map<string, string> {
  const found = new Map<string, string>();
  for (const { type, address } of listOf(at(node, 'status', 'addresses')).map(mapOf)) {
    if (textOf(address) !== '' && !found.has(textOf(type))) found.set(textOf(type), textOf(address));
  }
  return found;
}

function conditionLabels(node: KubernetesObject): Labels {
  return listOf(at(node, 'status', 'conditions'))
    .map(mapOf)
    .map(({ type, status }) => [
      `${PREFIX}node_condition_${sanitizeLabelName(textOf(type).toLowerCase())}`,
      textOf(status).toLowerCase(),
    ]);
}
