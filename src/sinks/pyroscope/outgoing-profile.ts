import type { SampleTypeConfig, ScrapeConfig } from '../../config/scrape-config.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import type { ColumnMeta } from '../queue/entry-meta.ts';
import type { FinishedProfile } from '../sink.ts';

/** A profile on its way to a remote: what a scrape made, or what lies in a file. */
export interface OutgoingProfile {
  /** Profile name: `cpu`, `mem` … */
  readonly profile: string;
  /** Before the remote's tags and write relabelling. */
  readonly labels: LabelSet;
  readonly spyName: string;
  /** Plain or gzip'd pprof. */
  readonly body: Uint8Array;
  /** The body was validated when it was scraped. */
  readonly isValid: boolean;
  /** Unix nanoseconds; undefined where only the profile itself can tell. */
  readonly interval: { readonly fromNanos: bigint; readonly untilNanos: bigint } | undefined;
  readonly columns: ReadonlyMap<string, ColumnMeta>;
  readonly sampleLabels: ScrapeConfig['sampleLabels'];
  /** See `EntryMeta`. */
  readonly file: string | undefined;
  readonly pushId: string | undefined;
}

export function outgoingOf({ target, labels, body, fromNanos, untilNanos }: FinishedProfile): OutgoingProfile {
  return {
    profile: target.profile.name,
    labels,
    spyName: target.spyName,
    body,
    isValid: true,
    interval: { fromNanos, untilNanos },
    columns: columnsOf(target.profile.sampleTypes),
    sampleLabels: target.job.sampleLabels,
    file: undefined,
    pushId: undefined,
  };
}

export function columnsOf(sampleTypes: ReadonlyMap<string, SampleTypeConfig>): ReadonlyMap<string, ColumnMeta> {
  const columns = new Map<string, ColumnMeta>();
  for (const [type, { displayName, units, aggregation }] of sampleTypes) {
    columns.set(type, { displayName, units, aggregation });
  }
  return columns;
}
