import { ADDRESS_LABEL, type LabelSet, withoutEmpty } from '../../labels/label-set.ts';
import { joinAddress } from '../join-address.ts';
import { type JsonMap, numberOf, textOf } from '../json.ts';
import { type Labels, PREFIX } from './meta-labels.ts';
import { type KubernetesObject, keyOf } from './objects.ts';
import { type Container, containerLabels, containersOf, podIp, podLabels, portLabels } from './pod-role.ts';
import type { BuildContext } from './role.ts';

interface SeenPod {
  readonly pod: KubernetesObject;
  /** Port numbers that an endpoint leads to. */
  readonly ports: Set<number>;
}

/** The pods behind the addresses of one object, and their ports that no endpoint leads to. */
export class EndpointPods {
  readonly #context: BuildContext;
  /** The namespace of the object, in which a reference without one lies. */
  readonly #namespace: string;
  readonly #seen = new Map<string, SeenPod>();

  constructor(context: BuildContext, namespace: string) {
    this.#context = context;
    this.#namespace = namespace;
  }

  /**
   * What the pod that a reference names adds to a target with this port: its labels and those of the container that declares
   * the port. `protocol` is that of the endpoint where it is to stand for the container's.
   */
  labelsFor(reference: JsonMap, port: number | undefined, protocol?: string): Labels {
    if (reference['kind'] !== 'Pod') return [];
    const namespace = textOf(reference['namespace']) || this.#namespace;
    const pod = this.#context.lookup('pods', namespace, textOf(reference['name']));
    if (pod === undefined) return [];
    const seen = this.#seen.get(keyOf(pod.meta)) ?? { pod, ports: new Set<number>() };
    this.#seen.set(keyOf(pod.meta), seen);
    if (port !== undefined) seen.ports.add(port);
    const declared = declarationsOf(pod).filter((one) => one.number === port);
    // Where several containers declare the port, the last one names it, as in Prometheus.
    const last = declared.at(-1);
    const labels = labelsOf(pod, this.#context);
    if (last !== undefined) {
      labels.push(...containerLabels(last.container), ...portLabels(last.port));
      if (protocol !== undefined) labels.push([`${PREFIX}pod_container_port_protocol`, protocol]);
    }
    return labels;
  }

  /** A target for each declared port of these pods that no endpoint leads to. */
  extraTargets(): LabelSet[] {
    const seen = [...this.#seen].sort(([a], [b]) => (a < b ? -1 : 1));
    return seen.flatMap(([, { pod, ports }]) => {
      const ip = podIp(pod);
      if (ip === '') return [];
      return declarationsOf(pod)
        .filter(({ number }) => !ports.has(number))
        .map(({ container, port, number }) =>
          withoutEmpty([
            [ADDRESS_LABEL, joinAddress(ip, number)],
            ...containerLabels(container),
            ...portLabels(port),
            ...labelsOf(pod, this.#context),
          ]),
        );
    });
  }
}

interface Declaration {
  readonly container: Container;
  readonly port: JsonMap;
  readonly number: number;
}

function declarationsOf(pod: KubernetesObject): Declaration[] {
  return containersOf(pod).flatMap((container) =>
    container.ports.map((port) => ({ container, port, number: numberOf(port['containerPort']) ?? 0 })),
  );
}

/** Without the namespace, which the group has. */
function labelsOf(pod: KubernetesObject, context: BuildContext): Labels {
  return podLabels(pod, context).filter(([name]) => name !== `${PREFIX}namespace`);
}
