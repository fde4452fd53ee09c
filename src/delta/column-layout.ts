import type { SampleType } from '../profile/sample-type.ts';
import type { ProfileHeader } from '../profile/validate-profile.ts';

/**
 * What becomes of one value column: `subtract` the previous snapshot's value (cumulative), `keep` the current value, or
 * `drop` the column from the output.
 */
export type ColumnUse = 'subtract' | 'keep' | 'drop';

/** The columns of a profile, by what becomes of them. */
export interface ColumnLayout {
  /** What two snapshots must have in common: all columns, which are subtracted, and the period type. */
  readonly shape: string;
  /** The columns to subtract by name, in an order that doesn't depend on the profile's. */
  readonly names: readonly string[];
  /** The profile's column for each of them. */
  readonly order: readonly number[];
  /** The columns of the output, in the profile's order. */
  readonly kept: readonly number[];
}

/** The layouts of all profiles so far, of which there are a handful; sorting names took a good part of a small delta. */
const known = new Map<string, ColumnLayout>();
const MAX_KNOWN = 1000;
const MAX_KEY_LENGTH = 2000;

export function columnLayout(header: ProfileHeader, uses: readonly ColumnUse[]): ColumnLayout {
  const { sampleTypes, periodType } = header;
  let key = periodType === undefined ? '' : nameForKey(periodType);
  for (let column = 0; column < sampleTypes.length; column++) {
    key += `\n${uses[column]}${nameForKey(sampleTypes[column]!)}`;
  }
  let layout = known.get(key);
  if (layout === undefined) {
    if (known.size === MAX_KNOWN) known.clear();
    layout = makeLayout(header, uses);
    if (key.length <= MAX_KEY_LENGTH) known.set(key, layout);
  }
  return layout;
}

/** With lengths, so that no two lists of names look the same. */
function nameForKey({ type, unit }: SampleType): string {
  return `${type.length},${unit.length},${type}${unit}`;
}

function makeLayout({ sampleTypes, periodType }: ProfileHeader, uses: readonly ColumnUse[]): ColumnLayout {
  const columnsWith = (matches: (use: ColumnUse) => boolean): number[] =>
    uses.flatMap((use, column) => (matches(use) ? [column] : []));
  const nameOf = (column: number): string => nameOfType(sampleTypes[column]!);
  const order = columnsWith((use) => use === 'subtract').sort((a, b) => compare(nameOf(a), nameOf(b)));
  const all = sampleTypes.map((_, column) => `${uses[column] === 'subtract' ? '-' : '='}${nameOf(column)}`);
  return {
    shape: [...all.sort(), periodType === undefined ? '' : nameOfType(periodType)].join('\n'),
    names: order.map(nameOf),
    order,
    kept: columnsWith((use) => use !== 'drop'),
  };
}

/** Two columns of one name keep the profile's order. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** JSON, so that no two pairs look the same. */
function nameOfType({ type, unit }: SampleType): string {
  return JSON.stringify([type, unit]);
}
