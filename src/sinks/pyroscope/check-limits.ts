import type { PushLimits } from '../../config/scrape-config.ts';
import { formatByteLimit } from '../../http/format-byte-limit.ts';
import type { ProfileFacts } from './inspect-profile.ts';
import { ADDED_LABELS, type SeriesLabels } from './series-labels.ts';

/** Something that the server would refuse, and what to do about it. */
export interface LimitFault {
  readonly message: string;
  readonly hint: string;
}

/** Looks for what a server refuses, before it is sent. The first fault found, or undefined. */
export function findLimitFault(
  { service, own }: SeriesLabels,
  sampleLabelNames: readonly string[],
  facts: Pick<ProfileFacts, 'samples' | 'maxLabelsPerSample' | 'maxLabelValueBytes' | 'sampleTypes'>,
  pprofBytes: number,
  limits: PushLimits,
): LimitFault | undefined {
  if (isOver(pprofBytes, limits.maxProfileBytes)) {
    return fault(
      `the profile has ${formatByteLimit(pprofBytes)} inflated, the server takes ${formatByteLimit(limits.maxProfileBytes)}`,
      'max_profile_size_bytes',
      'max-profile-bytes',
    );
  }
  if (isOver(facts.samples, limits.maxSamples)) {
    return fault(
      `the profile has ${facts.samples} samples, the server takes ${limits.maxSamples}`,
      'max_profile_stacktrace_samples',
      'max-samples',
    );
  }
  if (isOver(facts.maxLabelsPerSample, limits.maxLabelsPerSample)) {
    return fault(
      `a sample has ${facts.maxLabelsPerSample} labels, the server takes ${limits.maxLabelsPerSample}`,
      'max_profile_stacktrace_sample_labels',
      'max-labels-per-sample',
      'set sample-labels: drop for the job',
    );
  }
  const dashed = facts.sampleTypes.find(({ type }) => type.includes('-'));
  if (dashed !== undefined) {
    return {
      message: `the sample type "${dashed.type}" has a dash, which no server takes`,
      hint: 'set sample-labels: sanitize for the job, which sends it under another name',
    };
  }
  const names = new Set([...own.map(([name]) => name), ...sampleLabelNames]);
  if (isOver(names.size + ADDED_LABELS, limits.maxLabelNames)) {
    return fault(
      `the series has ${names.size + ADDED_LABELS} labels with the ${ADDED_LABELS} of the server${
        sampleLabelNames.length === 0 ? '' : ` and the ${sampleLabelNames.length} of its samples`
      }, the server takes ${limits.maxLabelNames}`,
      'max_label_names_per_series',
      'max-label-names',
      'drop some with a labeldrop rule in write-relabel-configs',
    );
  }
  const longName = [...names].find((name) => isOver(Buffer.byteLength(name), limits.maxLabelNameBytes));
  if (longName !== undefined) {
    return fault(
      `the label name "${longName.slice(0, 60)}…" has ${Buffer.byteLength(longName)} bytes, the server takes ${limits.maxLabelNameBytes}`,
      'max_label_name_length',
      'max-label-name-bytes',
      'drop it with a labeldrop rule in write-relabel-configs',
    );
  }
  const values: (readonly [string, string])[] = [['service_name', service], ...own];
  const longValue = values.find(([, value]) => isOver(Buffer.byteLength(value), limits.maxLabelValueBytes));
  const longest = longValue ? Buffer.byteLength(longValue[1]) : facts.maxLabelValueBytes;
  if (isOver(longest, limits.maxLabelValueBytes)) {
    return fault(
      `${longValue ? `the value of label "${longValue[0]}"` : 'a label of a sample'} has ${longest} bytes, the server takes ${limits.maxLabelValueBytes}`,
      'max_label_value_length',
      'max-label-value-bytes',
      longValue ? 'drop it with a labeldrop rule in write-relabel-configs' : 'set sample-labels: drop for the job',
    );
  }
  return undefined;
}

function isOver(value: number, limit: number): boolean {
  return limit > 0 && value > limit;
}

function fault(message: string, serverSetting: string, ourSetting: string, otherwise?: string): LimitFault {
  const raise = `raise ${serverSetting} on the server and limits.${ourSetting} of this remote`;
  return { message, hint: otherwise === undefined ? raise : `${otherwise}, or ${raise}` };
}
