import { sanitizeLabelName } from '../label-name.ts';
import type { KubernetesObject, ObjectMeta } from './objects.ts';

export const PREFIX = '__meta_kubernetes_';

/** A label before those with empty values are left out. */
export type Labels = [name: string, value: string][];

/** The namespace, name, labels and annotations that every kind of object gives. `role` is the word in the label names. */
export function objectLabels({ meta }: KubernetesObject, role: string): Labels {
  return [
    [`${PREFIX}namespace`, meta.namespace],
    [`${PREFIX}${role}_name`, meta.name],
    ...labelsAndAnnotations(meta, role),
  ];
}

/** Each label and annotation twice: its value, and that it is there, which an empty value would not show. */
export function labelsAndAnnotations({ labels, annotations }: ObjectMeta, role: string): Labels {
  const result: Labels = [];
  for (const [key, value] of labels) pushPair(result, `${PREFIX}${role}_label`, key, value);
  for (const [key, value] of annotations) pushPair(result, `${PREFIX}${role}_annotation`, key, value);
  return result;
}

function pushPair(result: Labels, prefix: string, key: string, value: string): void {
  const name = sanitizeLabelName(key);
  result.push([`${prefix}_${name}`, value], [`${prefix}present_${name}`, 'true']);
}
