import { ADDRESS_LABEL, type LabelSet, withoutEmpty } from '../../labels/label-set.ts';
import { joinAddress } from '../join-address.ts';
import { booleanText, type JsonMap, listOf, mapOf, numberOf, textMapOf, textOf, textsOf } from '../json.ts';
import { sanitizeLabelName } from '../label-name.ts';
import { EndpointPods } from './endpoint-pods.ts';
import { attachedNode, nodeOf, serviceLabels } from './endpoints-role.ts';
import { type Labels, objectLabels, PREFIX } from './meta-labels.ts';
import { at, type KubernetesObject } from './objects.ts';
import { type BuildContext, namespaceLabels, type Role } from './role.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const SLICE = `${PREFIX}endpointslice_`;

/** As the endpoints role, from the slices that replace Endpoints. */
export const endpointsliceRole: Role = {
  resource: 'endpointslices',
  sourcePrefix: 'endpointslice',
  build(slice, context) {
    const { namespace, labels: own } = slice.meta;
    const service = own.get(SERVICE_NAME) ?? '';
    const labels = withoutEmpty([
      ...objectLabels(slice, 'endpointslice'),
      [`${SLICE}address_type`, textOf(at(slice, 'addressType'))],
      ...namespaceLabels(slice, context),
      ...serviceLabels(namespace, service, context),
    ]);
    if (isSecondFamily(slice, context.lookup('services', namespace, service))) return { labels, targets: [] };
    const pods = new EndpointPods(context, namespace);
    const targets: LabelSet[] = [];
    const ports = listOf(at(slice, 'ports')).map(mapOf);
    for (const endpoint of listOf(at(slice, 'endpoints')).map(mapOf)) {
      for (const port of ports) {
        for (const address of textsOf(endpoint['addresses'])) {
          targets.push(targetOf(address, endpoint, port, pods, context));
        }
      }
    }
    return { labels, targets: [...targets, ...pods.extraTargets()] };
  },
};

/** A dual-stack service has slices for both families, which lead to the same pods. */
function isSecondFamily(slice: KubernetesObject, service: KubernetesObject | undefined): boolean {
  if (service === undefined) return false;
  const policy = at(service, 'spec', 'ipFamilyPolicy');
  if (policy !== 'PreferDualStack' && policy !== 'RequireDualStack') return false;
  const [first] = textsOf(at(service, 'spec', 'ipFamilies'));
  return first !== undefined && first !== at(slice, 'addressType');
}

function targetOf(
  address: string,
  endpoint: JsonMap,
  port: JsonMap,
  pods: EndpointPods,
  context: BuildContext,
): LabelSet {
  const number = numberOf(port['port']);
  const reference = mapOf(endpoint['targetRef']);
  const conditions = mapOf(endpoint['conditions']);
  const nodeName = textOf(endpoint['nodeName']);
  return withoutEmpty([
    [ADDRESS_LABEL, number === undefined ? address : joinAddress(address, number)],
    [`${SLICE}port`, number?.toString() ?? ''],
    [`${SLICE}port_name`, textOf(port['name'])],
    [`${SLICE}port_protocol`, textOf(port['protocol'])],
    [`${SLICE}port_app_protocol`, textOf(port['appProtocol'])],
    [`${SLICE}endpoint_conditions_ready`, booleanText(conditions['ready'])],
    [`${SLICE}endpoint_conditions_serving`, booleanText(conditions['serving'])],
    [`${SLICE}endpoint_conditions_terminating`, booleanText(conditions['terminating'])],
    [`${SLICE}endpoint_hostname`, textOf(endpoint['hostname'])],
    [`${SLICE}endpoint_node_name`, nodeName],
    [`${SLICE}endpoint_zone`, textOf(endpoint['zone'])],
    [`${SLICE}address_target_kind`, textOf(reference['kind'])],
    [`${SLICE}address_target_name`, textOf(reference['name'])],
    ...topologyLabels(endpoint),
    ...attachedNode(nodeOf(reference) || nodeName, context),
    ...pods.labelsFor(reference, number),
  ]);
}

function topologyLabels({ deprecatedTopology }: JsonMap): Labels {
  return [...textMapOf(deprecatedTopology)].flatMap(([key, value]): Labels => {
    const name = sanitizeLabelName(key);
    return [
      [`${SLICE}endpoint_topology_${name}`, value],
      [`${SLICE}endpoint_topology_present_${name}`, 'true'],
    ];
  });
}
