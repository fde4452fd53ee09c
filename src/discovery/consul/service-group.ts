import type { ConsulDiscoveryConfig } from '../../config/discovery-config.ts';
import { ADDRESS_LABEL, type LabelSet, withoutEmpty } from '../../labels/label-set.ts';
import { joinAddress } from '../join-address.ts';
import { listOf, mapOf, numberOf, textMapOf, textOf, textsOf } from '../json.ts';
import { sanitizeLabelName } from '../label-name.ts';
import type { TargetGroup } from '../target-group.ts';

const PREFIX = '__meta_consul_';

/** The group of one service: a target for each instance, healthy or not, as the health endpoint lists them. */
export function serviceGroup(
  service: string,
  datacenter: string,
  entries: readonly unknown[],
  { tagSeparator }: Pick<ConsulDiscoveryConfig, 'tagSeparator'>,
): TargetGroup {
  return {
    source: service,
    labels: withoutEmpty([
      [`${PREFIX}service`, service],
      [`${PREFIX}dc`, datacenter],
    ]),
    targets: entries.map((entry) => targetOf(entry, tagSeparator)),
  };
}

function targetOf(entry: unknown, separator: string): LabelSet {
  const { Node, Service, Checks } = mapOf(entry);
  const node = mapOf(Node);
  const service = mapOf(Service);
  const nodeAddress = textOf(node['Address']);
  const serviceAddress = textOf(service['Address']);
  const port = String(numberOf(service['Port']) ?? 0);
  // Separators at both ends, also around nothing, so that a regex needs no case for the first and last tag.
  const tags = [separator, textsOf(service['Tags']).join(separator), separator].join('');
  return withoutEmpty([
    [ADDRESS_LABEL, joinAddress(serviceAddress || nodeAddress, port)],
    [`${PREFIX}address`, nodeAddress],
    [`${PREFIX}node`, textOf(node['Node'])],
    [`${PREFIX}service_address`, serviceAddress],
    [`${PREFIX}service_port`, port],
    [`${PREFIX}service_id`, textOf(service['ID'])],
    [`${PREFIX}tags`, tags],
    [`${PREFIX}health`, healthOf(listOf(Checks))],
    [`${PREFIX}namespace`, textOf(service['Namespace'])],
    [`${PREFIX}partition`, textOf(service['Partition'])],
    ...prefixed('metadata_', node['Meta']),
    ...prefixed('service_metadata_', service['Meta']),
    ...prefixed('tagged_address_', node['TaggedAddresses']),
  ]);
}

function prefixed(prefix: string, map: unknown): [string, string][] {
  return [...textMapOf(map)].map(([key, value]) => [`${PREFIX}${prefix}${sanitizeLabelName(key)}`, value]);
}

/** The worst of all checks, as Consul's own client sums them up. Empty where a status is none that it knows. */
function healthOf(checks: readonly unknown[]): string {
  let hasCritical = false;
  let hasWarning = false;
  for (const check of checks) {
    const { CheckID, Status } = mapOf(check);
    const id = textOf(CheckID);
    if (id === '_node_maintenance' || id.startsWith('_service_maintenance:')) return 'maintenance';
    if (Status === 'critical') hasCritical = true;
    else if (Status === 'warning') hasWarning = true;
    else if (Status !== 'passing') return '';
  }
  return hasCritical ? 'critical' : hasWarning ? 'warning' : 'passing';
}
