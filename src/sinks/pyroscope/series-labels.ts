import { byName, type LabelSet, NAME_LABEL, SERVICE_NAME_LABEL } from '../../labels/label-set.ts';

const SPY_LABEL = 'pyroscope_spy';
/** What the server adds to a series besides the labels of the profile: `__name__`, `__delta__`, the service, the spy. */
export const ADDED_LABELS = 4;

export interface SeriesLabels {
  /** `service_name`, else the application. */
  readonly service: string;
  /** All others that go to the server, by name. */
  readonly own: readonly (readonly [name: string, value: string])[];
}

/** `/ingest` drops names that begin with `__`; left out for both APIs so that they make the same series. */
export function seriesLabelsOf(labels: LabelSet): SeriesLabels {
  const service = labels.get(SERVICE_NAME_LABEL) ?? labels.get(NAME_LABEL) ?? 'unknown_service';
  const own = [...labels].filter(
    ([name, value]) => !name.startsWith('__') && name !== SERVICE_NAME_LABEL && name !== SPY_LABEL && value !== '',
  );
  return { service, own: own.sort(byName) };
}

/**
 * The `name` parameter of `/ingest`: `app{label=value,…}`. There is no quoting, so what would end a value (`,` and `}`)
 * or is no text (control characters) becomes `_`, and so does what an application can't have in the service's name. A
 * `service_name` label beside it would keep that name with a 2.x server, but makes a 1.x server refuse the profile.
 */
export function ingestName(labels: LabelSet): string {
  const { service, own } = seriesLabelsOf(labels);
  const application = service.trim().replace(/[^a-zA-Z0-9_.\-/]/g, '_') || 'unknown_service';
  const pairs = own.map(([name, value]) => `${name}=${ingestValue(value)}`);
  return `${application}{${pairs.join(',')}}`;
}

function ingestValue(value: string): string {
  return value.replace(/[,}\p{Cc}]/gu, '_');
}

/** The labels of a series for the push API. `__delta__` says that there is nothing left to subtract. */
export function pushLabels(
  labels: LabelSet,
  seriesName: string,
  spyName: string,
): readonly (readonly [name: string, value: string])[] {
  const { service, own } = seriesLabelsOf(labels);
  const added: [string, string][] = [
    ['__delta__', 'false'],
    [NAME_LABEL, seriesName],
    [SPY_LABEL, spyName],
    [SERVICE_NAME_LABEL, service],
  ];
  return [...added, ...own].sort(byName);
}
