import { ADDRESS_LABEL, withoutEmpty } from '../../labels/label-set.ts';
import { listOf, mapOf, numberOf, textOf } from '../json.ts';
import { type Labels, objectLabels, PREFIX } from './meta-labels.ts';
import { at, type KubernetesObject } from './objects.ts';
import { namespaceLabels, type Role } from './role.ts';

/** A target for each port of a service, by its name in the cluster's DNS. */
export const serviceRole: Role = {
  resource: 'services',
  sourcePrefix: 'svc',
  build(service, context) {
    const { namespace, name } = service.meta;
    const targets = listOf(at(service, 'spec', 'ports'))
      .map(mapOf)
      .map((port) => {
        const number = numberOf(port['port'])?.toString() ?? '';
        return withoutEmpty([
          [ADDRESS_LABEL, `${name}.${namespace}.svc:${number}`],
          [`${PREFIX}service_port_name`, textOf(port['name'])],
          [`${PREFIX}service_port_number`, number],
          [`${PREFIX}service_port_protocol`, textOf(port['protocol'])],
          ...typeLabels(service),
        ]);
      });
    return {
      labels: withoutEmpty([...objectLabels(service, 'service'), ...namespaceLabels(service, context)]),
      targets,
    };
  },
};

function typeLabels(service: KubernetesObject): Labels {
  const type = textOf(at(service, 'spec', 'type'));
  const labels: Labels = [[`${PREFIX}service_type`, type]];
  if (type === 'ExternalName') {
    labels.push([`${PREFIX}service_external_name`, textOf(at(service, 'spec', 'externalName'))]);
  } else labels.push([`${PREFIX}service_cluster_ip`, textOf(at(service, 'spec', 'clusterIP'))]);
  if (type === 'LoadBalancer') {
    const ips = listOf(at(service, 'status', 'loadBalancer', 'ingress'))
      .map((ingress) => textOf(mapOf(ingress)['ip']))
      .filter((ip) => ip !== '');
    const ip = ips.length > 0 ? ips.join(',') : textOf(at(service, 'spec', 'loadBalancerIP'));
    labels.push([`${PREFIX}service_loadbalancer_ip`, ip]);
  }
  return labels;
}
