import { isUtf8 } from 'node:buffer';
import { LABEL, MAPPING, PERIOD_TYPE, PROFILE, SAMPLE, SAMPLE_TYPE } from '../../profile/message-types.ts';
import { int64 } from '../../profile/profile-fault.ts';
import type { SampleType } from '../../profile/sample-type.ts';
import { forEachSample, validateProfile } from '../../profile/validate-profile.ts';
import { WireReader } from '../../profile/wire-reader.ts';

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
  /**
   * Samples whose values are all zero, or one of them negative: the server throws them away. Counted only where there is
   * no period type.
   */
  readonly uselessSamples: number;
  /** File name of the first mapping that has one: by convention the program. */
  readonly mainBinary: string | undefined;
  /** Whether a string is not UTF-8: servers refuse the whole profile for it. */
  readonly hasBadText: boolean;
}

const NANOS_PER_UNIT: ReadonlyMap<string, bigint> = new Map([
  ['nanoseconds', 1n],
  ['microseconds', 1_000n],
  ['milliseconds', 1_000_000n],
  ['seconds', 1_000_000_000n],
]);

export interface InspectOptions {
  /** The profile has been validated before. What is no profile may then pass for one. */
  readonly isValid: boolean;
}

/**
 * Looks through an uncompressed pprof for what a server minds, in one pass without an object for each sample. Throws
 * ProfileError for what is no profile.
 */
export function inspectProfile(pprof: Uint8Array, { isValid }: InspectOptions): ProfileFacts {
  if (!isValid) validateProfile(pprof);
  const scan = new Scan(pprof);
  const periodType = scan.periodType && scan.sampleType(scan.periodType);
  return {
    sampleTypes: scan.sampleTypes.map((sampleType) => scan.sampleType(sampleType)),
    samples: scan.samples,
    timeNanos: scan.timeNanos,
    durationNanos: scan.durationNanos,
    sampleRate: sampleRateOf(periodType, scan.period),
    hasPeriodType: periodType !== undefined,
    labelNames: [...new Set([...scan.labelNames].map((name) => scan.text(name)))],
    hasDuplicateLabels: scan.hasDuplicateLabels,
    maxLabelsPerSample: scan.maxLabelsPerSample,
    maxLabelValueBytes: longest([...scan.labelValues].map((value) => scan.bytesOf(value))),
    uselessSamples: periodType === undefined ? countUseless(pprof) : 0,
    hasBadText: scan.hasBadText,
    mainBinary: scan.mainBinary === 0 ? undefined : scan.text(scan.mainBinary),
  };
}

/** Not by spreading: there may be more values than a call can have arguments. */
function longest(sizes: readonly number[]): number {
  return sizes.reduce((most, size) => Math.max(most, size), 0);
}

/** String indexes of type and unit. */
type TypeIndexes = readonly [type: number, unit: number];

class Scan {
  readonly sampleTypes: TypeIndexes[] = [];
  periodType: TypeIndexes | undefined;
  samples = 0;
  timeNanos = 0n;
  durationNanos = 0n;
  period = 0n;
  readonly labelNames = new Set<number>();
  readonly labelValues = new Set<number>();
  hasDuplicateLabels = false;
  maxLabelsPerSample = 0;
  mainBinary = 0;
  hasBadText = false;
  readonly #pprof: Uint8Array;
  /** Start and end of each string. */
  readonly #strings: number[] = [];
  readonly #outer = new WireReader();
  readonly #inner = new WireReader(this.#outer);
  readonly #label = new WireReader(this.#inner);
  readonly #inSample: number[] = [];

  constructor(pprof: Uint8Array) {
    this.#pprof = pprof;
    for (const reader of [this.#outer, this.#inner, this.#label]) reader.bytes = pprof;
    const outer = this.#outer;
    outer.enter(PROFILE, -1, 0, pprof.length);
    while (outer.next()) this.#take(outer.field);
  }

  text(index: number): string {
    return Buffer.from(this.#pprof.subarray(this.#strings[index * 2], this.#strings[index * 2 + 1])).toString('utf8');
  }

  bytesOf(index: number): number {
    return (this.#strings[index * 2 + 1] ?? 0) - (this.#strings[index * 2] ?? 0);
  }

  sampleType([type, unit]: TypeIndexes): SampleType {
    return { type: this.text(type), unit: this.text(unit) };
  }

  #take(field: number): void {
    const { start, stop, lo, hi } = this.#outer;
    switch (field) {
      case 1:
        this.#inner.enter(SAMPLE_TYPE, this.sampleTypes.length, start, stop);
        this.sampleTypes.push(this.#readType());
        return;
      case 2:
        this.#inner.enter(SAMPLE, this.samples, start, stop);
        this.samples += 1;
        this.#readLabels();
        return;
      case 3:
        if (this.mainBinary !== 0) return;
        this.#inner.enter(MAPPING, -1, start, stop);
        while (this.#inner.next()) if (this.#inner.field === 5) this.mainBinary = this.#inner.lo;
        return;
      case 6:
        this.#strings.push(start, stop);
        this.hasBadText ||= !isUtf8(this.#pprof.subarray(start, stop));
        return;
      case 9:
        this.timeNanos = int64(lo, hi);
        return;
      case 10:
        this.durationNanos = int64(lo, hi);
        return;
      case 11:
        this.#inner.enter(PERIOD_TYPE, -1, start, stop);
        this.periodType = this.#readType();
        return;
      case 12:
        this.period = int64(lo, hi);
    }
  }

  #readType(): TypeIndexes {
    const reader = this.#inner;
    let type = 0;
    let unit = 0;
    while (reader.next()) {
      if (reader.field === 1) type = reader.lo;
      else unit = reader.lo;
    }
    return [type, unit];
  }

  #readLabels(): void {
    const sample = this.#inner;
    const label = this.#label;
    let labels = 0;
    while (sample.next()) {
      if (sample.field !== 3) continue;
      labels += 1;
      label.enter(LABEL, labels - 1, sample.start, sample.stop);
      let key = 0;
      let str = 0;
      while (label.next()) {
        if (label.field === 1) key = label.lo;
        else if (label.field === 2) str = label.lo;
      }
      if (str === 0) continue;
      if (this.#inSample.includes(key)) this.hasDuplicateLabels = true;
      this.#inSample.push(key);
      this.labelNames.add(key);
      this.labelValues.add(str);
    }
    if (labels === 0) return;
    this.maxLabelsPerSample = Math.max(this.maxLabelsPerSample, labels);
    this.#inSample.length = 0;
  }
}

function countUseless(pprof: Uint8Array): number {
  let useless = 0;
  forEachSample(pprof, {}, (values) => {
    if (isUseless(values)) useless++;
  });
  return useless;
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
