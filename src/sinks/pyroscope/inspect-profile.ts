import { DEFAULT_PROFILE_LIMITS } from '../../profile/limits.ts';
import { ProfileIndex } from '../../profile/profile-index.ts';
import { LABEL_FIELDS, SampleReader } from '../../profile/sample-reader.ts';
import type { SampleType } from '../../profile/sample-type.ts';

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

const index = new ProfileIndex();
const reader = new SampleReader(index);

/** One pass over an uncompressed pprof. Throws ProfileError for what is none. */
export function inspectProfile(pprof: Uint8Array): ProfileFacts {
  try {
    index.fill(pprof, DEFAULT_PROFILE_LIMITS);
    reader.start(true);
    const values = new Int32Array(index.sampleTypes.length * 2);
    const names = new Set<number>();
    let hasDuplicateLabels = false;
    let maxLabelsPerSample = 0;
    let maxLabelValueBytes = 0;
    let uselessSamples = 0;
    for (let sample = 0; sample < index.sampleCount; sample++) {
      reader.read(sample, values, 0);
      if (isUseless(values)) uselessSamples++;
      if (reader.labelCount === 0) continue;
      maxLabelsPerSample = Math.max(maxLabelsPerSample, reader.labelCount);
      for (let label = 0; label < reader.labelCount; label++) {
        const key = reader.labels[label * LABEL_FIELDS]!;
        const text = reader.labels[label * LABEL_FIELDS + 1]!;
        if (text === 0) continue;
        names.add(key);
        maxLabelValueBytes = Math.max(maxLabelValueBytes, index.strings.end(text) - index.strings.start(text));
        for (let other = 0; other < label; other++) {
          const at = other * LABEL_FIELDS;
          if (reader.labels[at] === key && reader.labels[at + 1] !== 0) hasDuplicateLabels = true;
        }
      }
    }
    return {
      sampleTypes: index.sampleTypes,
      samples: index.sampleCount,
      timeNanos: index.timeNanos,
      durationNanos: index.durationNanos,
      sampleRate: sampleRateOf(index.periodType, index.period),
      hasPeriodType: index.periodType !== undefined,
      labelNames: [...new Set([...names].map((name) => index.strings.text(name)))],
      hasDuplicateLabels,
      maxLabelsPerSample,
      maxLabelValueBytes,
      uselessSamples,
      mainBinary: mainBinaryOf(index),
    };
  } finally {
    index.release();
  }
}

/** True for a sample that the server would remove. Two ints for each value: its low and its high half. */
export function isUseless(values: Int32Array): boolean {
  let isZero = true;
  for (let column = 0; column < values.length; column += 2) {
    const high = values[column + 1]!;
    if (high < 0) return true;
    if (high !== 0 || values[column] !== 0) isZero = false;
  }
  return isZero;
}

function mainBinaryOf({ symbols, strings }: ProfileIndex): string | undefined {
  for (const mapping of symbols.mappings) if (mapping && mapping.filename !== 0) return strings.text(mapping.filename);
  return undefined;
}

function sampleRateOf(periodType: SampleType | undefined, period: bigint): number | undefined {
  const nanos = periodType && NANOS_PER_UNIT.get(periodType.unit);
  if (nanos === undefined || period <= 0n) return undefined;
  const rate = Number(1_000_000_000n / (period * nanos));
  return rate > 0 ? rate : undefined;
}
