import type { FileKind } from '../config/file-kind.ts';
import type { ScrapeConfig } from '../config/scrape-config.ts';
import { type LabelSet, NAME_LABEL, SERVICE_NAME_LABEL } from '../labels/label-set.ts';

/** Where an application name came from: a label, or the job's name. */
export type ApplicationSource =
  | typeof NAME_LABEL
  | typeof SERVICE_NAME_LABEL
  | (typeof SERVICE_LIKE_LABELS)[number]
  | 'job-name';

export interface Application {
  readonly name: string;
  readonly source: ApplicationSource;
}

/** Labels that usually name a service, best first. */
const SERVICE_LIKE_LABELS = [
  'app_kubernetes_io_name',
  'app',
  'service',
  '__meta_kubernetes_pod_container_name',
] as const;

/**
 * The application of a target, from its labels as the rules left them (`__meta_` ones included): `__name__`, which is what
 * `application` of a group becomes, else `service_name`. In files of systems that know no application the next best label, or
 * the job's name, stands in, as Alloy infers a `service_name`; what an application name may not have becomes `_` there.
 * Undefined where there is none.
 */
export function chooseApplication(
  labels: LabelSet,
  { jobName, kind }: Pick<ScrapeConfig, 'jobName' | 'kind'>,
): Application | undefined {
  const name = labels.get(NAME_LABEL);
  if (name !== undefined) return { name, source: NAME_LABEL };
  const service = labels.get(SERVICE_NAME_LABEL);
  if (service !== undefined) return { name: asName(service), source: SERVICE_NAME_LABEL };
  if (!infersApplication(kind)) return undefined;
  for (const source of SERVICE_LIKE_LABELS) {
    const value = labels.get(source);
    if (value !== undefined) return { name: asName(value), source };
  }
  return { name: asName(jobName), source: 'job-name' };
}

/** All that an application may be taken from, best first. */
export function possibleSources(kind: FileKind): readonly ApplicationSource[] {
  const labels = [NAME_LABEL, SERVICE_NAME_LABEL] as const;
  return infersApplication(kind) ? [...labels, ...SERVICE_LIKE_LABELS, 'job-name'] : labels;
}

/** Whether a target without an application gets one all the same. */
export function infersApplication(kind: FileKind): boolean {
  return kind !== 'pyroscope';
}

/** A service may be called `shop/cart`. */
function asName(text: string): string {
  return text.replace(/[^A-Za-z0-9_.-]/g, '_');
}
