import type { SampleType } from '../../src/profile/sample-type.ts';
import { MalformedProfile, type ReadMapping, type ReadProfile, readProfile } from './read-profile.ts';
import { hasAmbiguousAddress, summedSamples, undeletedName } from './sample-identity.ts';

/**
 * The delta of cumulative profiles, a second time: a map from whole identities to BigInts, no hash, no order, no reuse. Slow,
 * and right by being short; the engine must agree with it on every profile.
 */
export class NaiveDelta {
  readonly #isCumulative: (type: SampleType) => boolean;
  #previous: Snapshot | undefined;

  constructor(isCumulative: (type: SampleType) => boolean = isCumulativeInGo) {
    this.#isCumulative = isCumulative;
  }

  /** Takes the next snapshot, uncompressed. Throws `MalformedProfile` and stays as it was if it is not one. */
  next(bytes: Uint8Array): NaiveOutcome {
    const profile = readProfile(bytes);
    const namesDecide = this.#previous?.namesDecide || hasAmbiguousAddress(profile);
    const current = this.#snapshot(profile, namesDecide);
    const previous = this.#previous;
    if (!previous || previous.shape !== current.shape) {
      this.#previous = current;
      return { kind: 'held', reason: previous ? 'types-changed' : 'baseline' };
    }
    if (previous.namesDecide !== namesDecide) {
      this.#previous = current;
      return { kind: 'held', reason: 'baseline' };
    }

    const isReset = hasReset(previous, current);
    let clamped = 0;
    const samples = new Map<string, bigint[]>();
    for (const [identity, values] of summedSamples(profile, namesDecide)) {
      const last = isReset ? undefined : previous.entries.get(identity);
      let isClamped = false;
      const out = profile.sampleTypes.map((type, column) => {
        const value = values[column] ?? 0n;
        if (!this.#isCumulative(type)) return value;
        const difference = value - (last?.values.get(typeName(type)) ?? 0n);
        if (difference >= 0n) return difference;
        isClamped = true;
        return 0n;
      });
      if (isClamped) clamped++;
      if (out.some((value) => value !== 0n)) samples.set(identity, out);
    }

    if (!isReset) {
      for (const [identity, entry] of previous.entries) {
        if (current.entries.has(identity) || entry.missed + 1 > REMEMBERED_SNAPSHOTS) continue;
        current.entries.set(identity, { ...entry, missed: entry.missed + 1 });
      }
    }
    this.#previous = current;
    return { kind: 'delta', isReset, clamped, samples, profile, namesDecide };
  }

  #snapshot(profile: ReadProfile, namesDecide: boolean): Snapshot {
    const entries = new Map<string, Entry>();
    for (const [identity, values] of summedSamples(profile, namesDecide)) {
      if (values.some((value) => value > MAX_INT64 || value < -MAX_INT64 - 1n)) {
        throw new MalformedProfile('equal samples sum to over 64 bits');
      }
      if (profile.sampleTypes.some((type, column) => this.#isCumulative(type) && (values[column] ?? 0n) < 0n)) {
        throw new MalformedProfile('a count since the start of a process is negative');
      }
      const cumulative = new Map<string, bigint>();
      for (const [column, type] of profile.sampleTypes.entries()) {
        if (this.#isCumulative(type)) cumulative.set(typeName(type), values[column] ?? 0n);
      }
      entries.set(identity, { values: cumulative, missed: 0 });
    }
    const types = profile.sampleTypes.map(typeName).sort();
    const period = profile.periodType ? typeName(profile.periodType) : typeName({ type: '', unit: '' });
    return { namesDecide, entries, shape: JSON.stringify([types, period]), main: profile.mappings[0] };
  }
}

export type NaiveOutcome =
  | { readonly kind: 'held'; readonly reason: 'baseline' | 'types-changed' }
  | {
      readonly kind: 'delta';
      readonly isReset: boolean;
      /** Samples that fell without a reset. */
      readonly clamped: number;
      /** By `sampleIdentity`, in the column order of the profile; none is all zero. */
      readonly samples: ReadonlyMap<string, readonly bigint[]>;
      /** For `sampleIdentity`. */
      readonly namesDecide: boolean;
      /** The snapshot that the delta ends with. */
      readonly profile: ReadProfile;
    };

/** A sample that vanished is compared with what was last seen of it if it was missing in no more snapshots than that. */
export const REMEMBERED_SNAPSHOTS = 5;

const MAX_INT64 = 2n ** 63n - 1n;

interface Snapshot {
  /** One address stood for two functions, now or in an earlier snapshot. */
  readonly namesDecide: boolean;
  readonly entries: Map<string, Entry>;
  readonly shape: string;
  readonly main: ReadMapping | undefined;
}

interface Entry {
  /** Cumulative columns only, by type and unit. */
  readonly values: ReadonlyMap<string, bigint>;
  /** Snapshots in a row without it. */
  readonly missed: number;
}

/** The columns that Go's runtime counts up from the start of the process. */
export function isCumulativeInGo({ type, unit }: SampleType): boolean {
  return ['alloc_objects/count', 'alloc_space/bytes', 'contentions/count', 'delay/nanoseconds'].includes(
    `${type}/${unit}`,
  );
}

function hasReset(previous: Snapshot, current: Snapshot): boolean {
  if (previous.main && current.main && mainIdentity(previous.main) !== mainIdentity(current.main)) return true;
  const columns = new Set([...previous.entries.values()].flatMap(({ values }) => [...values.keys()]));
  return [...columns].some((column) => {
    const before = presentValues(previous, column);
    const after = presentValues(current, column);
    const lost = [...before].map(([identity, value]) => max(0n, value - (after.get(identity) ?? 0n)));
    const total = sum(before.values());
    return sum(after.values()) < total || 2n * sum(lost) > total;
  });
}

function presentValues({ entries }: Snapshot, column: string): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const [identity, entry] of entries) if (entry.missed === 0) values.set(identity, entry.values.get(column) ?? 0n);
  return values;
}

function mainIdentity(main: ReadMapping): string {
  return JSON.stringify([main.buildId, undeletedName(main.filename), `${main.start}`]);
}

function typeName({ type, unit }: SampleType): string {
  return JSON.stringify([type, unit]);
}

function sum(values: Iterable<bigint>): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** What `rewriteProfile` must come to: duplicates summed, negative values 0, all-zero samples and dropped columns left out. */
export function naiveRewrite(
  bytes: Uint8Array,
  isKept: (type: SampleType) => boolean,
): {
  readonly samples: ReadonlyMap<string, readonly bigint[]>;
  readonly clamped: number;
  readonly namesDecide: boolean;
} {
  const profile = readProfile(bytes);
  const { samples: read, sampleTypes } = profile;
  const namesDecide = hasAmbiguousAddress(profile);
  let clamped = 0;
  const samples = new Map<string, bigint[]>();
  for (const [identity, values] of summedSamples({ samples: read }, namesDecide)) {
    if (values.some((value) => value > MAX_INT64 || value < -MAX_INT64 - 1n)) {
      throw new MalformedProfile('equal samples sum to over 64 bits');
    }
    const counts = values.map((_, column) => isCumulativeInGo(sampleTypes[column]!));
    if (values.some((value, column) => value < 0n && counts[column])) clamped++;
    const out = values
      .map((value, column) => (counts[column] ? max(0n, value) : value))
      .filter((_, column) => isKept(sampleTypes[column]!));
    if (out.some((value) => value !== 0n)) samples.set(identity, out);
  }
  return { samples, clamped, namesDecide };
}
