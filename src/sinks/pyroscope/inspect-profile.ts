import type { SampleType } from '../../profile/sample-type.ts';
import { forEachSample } from '../../profile/validate-profile.ts';
import { filenameOf, forEachField, MAPPING, readLabel, SAMPLE, SAMPLE_LABEL, STRING_TABLE } from './pprof-message.ts';

/** What decides whether a server takes a profile, besides its stacks. */
export interface ProfileFacts {
  readonly sampleTypes: readonly SampleType[];
  readonly samples: number;
  /** Unix nanoseconds; 0 where the profile has none. */
  readonly timeNanos: bigint;
  readonly durationNanos: bigint;
  /** Hz, from the period where that is a time. */
  readonly sampleRate: number | undefined;
  readonly hasPeriodType: boolean;
  /** Names of the samples' text labels. Numeric ones never leave the server's door. */
  readonly labelNames: readonly string[];
  /** True where a sample has two labels of one name. */
  readonly hasDuplicateLabels: boolean;
  readonly maxLabelsPerSample: number;
  readonly maxLabelValueBytes: number;
  /** Samples whose values are all zero, or one of them negative: the server throws them away. */
  readonly uselessSamples: number;
  /** File name of the first mapping that has one: by convention the program. */
  readonly mainBinary: string | undefined;
}

const NANOS_PER_UNIT: ReadonlyMap<string, bigint> = new Map([
  ['nanoseconds', 1n],
  ['microseconds', 1_000n],
  ['milliseconds', 1_000_000n],
  ['seconds', 1_000_000_000n],
]);

/** Validates an uncompressed pprof and looks at its labels. Throws ProfileError for what is no profile. */
export function inspectProfile(pprof: Uint8Array): ProfileFacts {
  let uselessSamples = 0;
  const header = forEachSample(pprof, { allowNegative: true }, (values) => {
    if (isUseless(values)) uselessSamples++;
  });
  const { sampleTypes, samples, timeNanos, durationNanos, periodType, period } = header;
  return {
    sampleTypes,
    samples,
    timeNanos,
    durationNanos,
    sampleRate: sampleRateOf(periodType, period),
    hasPeriodType: periodType !== undefined,
    uselessSamples,
    ...inspectTables(pprof),
  };
}

type TableFacts = Pick<
  ProfileFacts,
  'labelNames' | 'hasDuplicateLabels' | 'maxLabelsPerSample' | 'maxLabelValueBytes' | 'mainBinary'
>;

function inspectTables(pprof: Uint8Array): TableFacts {
  const strings: Uint8Array[] = [];
  const names = new Set<number>();
  const values = new Set<number>();
  let hasDuplicateLabels = false;
  let maxLabelsPerSample = 0;
  let mainBinary = 0;
  const inSample = new Set<number>();
  forEachField(pprof, ({ number, content }) => {
    if (number === STRING_TABLE) strings.push(content);
    else if (number === MAPPING && mainBinary === 0) mainBinary = filenameOf(content);
    else if (number === SAMPLE) {
      let labels = 0;
      inSample.clear();
      forEachField(content, (field) => {
        if (field.number !== SAMPLE_LABEL) return;
        labels += 1;
        const { key, str } = readLabel(field.content);
        if (str === 0) return;
        if (inSample.has(key)) hasDuplicateLabels = true;
        inSample.add(key);
        names.add(key);
        values.add(str);
      });
      maxLabelsPerSample = Math.max(maxLabelsPerSample, labels);
    }
  });
  const textAt = (index: number) => Buffer.from(strings[index] ?? []).toString('utf8');
  let maxLabelValueBytes = 0;
  for (const value of values) maxLabelValueBytes = Math.max(maxLabelValueBytes, strings[value]?.length ?? 0);
  return {
    labelNames: [...new Set([...names].map(textAt))],
    hasDuplicateLabels,
    maxLabelsPerSample,
    maxLabelValueBytes,
    mainBinary: mainBinary === 0 ? undefined : textAt(mainBinary),
  };
}

/** True for a sample that the server would remove. Two ints for each value: its low and its high half. */
function isUseless(values: Int32Array): boolean {
  let isZero = true;
  for (let column = 0; column < values.length; column += 2) {
    const high = values[column + 1] ?? 0;
    if (high < 0) return true;
    if (high !== 0 || values[column] !== 0) isZero = false;
  }
  return isZero;
}

function sampleRateOf(periodType: SampleType | undefined, period: bigint): number | undefined {
  const nanos = periodType && NANOS_PER_UNIT.get(periodType.unit);
  if (nanos === undefined || period <= 0n) return undefined;
  const rate = Number(1_000_000_000n / (period * nanos));
  return rate > 0 ? rate : undefined;
}
