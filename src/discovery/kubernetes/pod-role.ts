import { ADDRESS_LABEL, withoutEmpty } from '../../labels/label-set.ts';
import { joinAddress } from '../join-address.ts';
import { type JsonMap, listOf, mapOf, numberOf, textOf } from '../json.ts';
import { type Labels, objectLabels, PREFIX } from './meta-labels.ts';
import { at, type KubernetesObject } from './objects.ts';
import { type BuildContext, NO_TARGETS, namespaceLabels, nodeLabels, type Role } from './role.ts';

/** A target for each declared port of each container; a container without ports gives the bare address. */
export const podRole: Role = {
  resource: 'pods',
  sourcePrefix: 'pod',
  build(pod, context) {
    const ip = podIp(pod);
    if (ip === '') return NO_TARGETS;
    const node = context.attach.node ? nodeLabels(textOf(at(pod, 'spec', 'nodeName')), context) : [];
    // Also how a selector for nodes leaves out pods.
    if (node === undefined) return NO_TARGETS;
    const targets = containersOf(pod).flatMap((container) => {
      const common: Labels = [
        ...containerLabels(container),
        [`${PREFIX}pod_container_id`, containerId(pod, container)],
      ];
      if (container.ports.length === 0) return [withoutEmpty([[ADDRESS_LABEL, ip], ...common])];
      return container.ports.map((port) =>
        withoutEmpty([
          [ADDRESS_LABEL, joinAddress(ip, numberOf(port['containerPort']) ?? 0)],
          ...common,
          ...portLabels(port),
        ]),
      );
    });
    const labels = withoutEmpty([...podLabels(pod, context), ...namespaceLabels(pod, context), ...node]);
    return { labels, targets };
  },
};

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly isInit: boolean;
  readonly ports: readonly JsonMap[];
}

export function podIp(pod: KubernetesObject): string {
  return textOf(at(pod, 'status', 'podIP'));
}

/** Containers, then init containers, each in the order of the spec. */
export function containersOf(pod: KubernetesObject): Container[] {
  const read = (list: unknown, isInit: boolean): Container[] =>
    listOf(list)
      .map(mapOf)
      .map(({ name, image, ports }) => ({
        name: textOf(name),
        image: textOf(image),
        isInit,
        ports: listOf(ports).map(mapOf),
      }));
  return [...read(at(pod, 'spec', 'containers'), false), ...read(at(pod, 'spec', 'initContainers'), true)];
}

export function containerLabels({ name, image, isInit }: Container): Labels {
  return [
    [`${PREFIX}pod_container_name`, name],
    [`${PREFIX}pod_container_image`, image],
    [`${PREFIX}pod_container_init`, String(isInit)],
  ];
}

export function portLabels(port: JsonMap): Labels {
  return [
    [`${PREFIX}pod_container_port_name`, textOf(port['name'])],
    [`${PREFIX}pod_container_port_number`, numberOf(port['containerPort'])?.toString() ?? ''],
    [`${PREFIX}pod_container_port_protocol`, textOf(port['protocol'])],
  ];
}

function containerId(pod: KubernetesObject, { name, isInit }: Container): string {
  const statuses = at(pod, 'status', isInit ? 'initContainerStatuses' : 'containerStatuses');
  const status = listOf(statuses)
    .map(mapOf)
    .find((one) => one['name'] === name);
  return textOf(status?.['containerID']);
}

/** What the other roles attach to the targets of a pod as well. */
export function podLabels(pod: KubernetesObject, context: BuildContext): Labels {
  const { controller, uid } = pod.meta;
  return [
    ...objectLabels(pod, 'pod'),
    [`${PREFIX}pod_ip`, podIp(pod)],
    [`${PREFIX}pod_ready`, readiness(pod)],
    [`${PREFIX}pod_phase`, textOf(at(pod, 'status', 'phase'))],
    [`${PREFIX}pod_node_name`, textOf(at(pod, 'spec', 'nodeName'))],
    [`${PREFIX}pod_host_ip`, textOf(at(pod, 'status', 'hostIP'))],
    [`${PREFIX}pod_uid`, uid],
    [`${PREFIX}pod_controller_kind`, controller?.kind ?? ''],
    [`${PREFIX}pod_controller_name`, controller?.name ?? ''],
    ...ownerLabels(pod, context),
  ];
}

function readiness(pod: KubernetesObject): string {
  const ready = listOf(at(pod, 'status', 'conditions'))
    .map(mapOf)
    .find(({ type }) => type === 'Ready');
  return textOf(ready?.['status']).toLowerCase() || 'unknown';
}

/** Who owns the owner: a Deployment behind a ReplicaSet, a CronJob behind a Job. */
function ownerLabels({ meta }: KubernetesObject, { lookup, attach }: BuildContext): Labels {
  const { namespace, controller } = meta;
  if (controller === undefined) return [];
  const ownerOf = (resource: 'replicasets' | 'jobs', kind: string): string => {
    const owner = lookup(resource, namespace, controller.name)?.meta.controller;
    return owner?.kind === kind ? owner.name : '';
  };
  if (controller.kind === 'ReplicaSet' && attach.deployment) {
    return [[`${PREFIX}pod_deployment_name`, ownerOf('replicasets', 'Deployment')]];
  }
  if (controller.kind !== 'Job') return [];
  return [
    [`${PREFIX}pod_job_name`, attach.job ? controller.name : ''],
    [`${PREFIX}pod_cronjob_name`, attach.cronjob ? ownerOf('jobs', 'CronJob') : ''],
  ];
}
