import type { ReadLabel, ReadLine, ReadLocation, ReadProfile } from './read-profile.ts';

/** One sample as a line of a table: `['leaf;caller{bytes=32}', 5n, 6n]`. */
export type PrintedSample = readonly [string, ...bigint[]];

/** The samples in their order, for comparison with a table that people read. */
export function printSamples(profile: Pick<ReadProfile, 'samples'>): PrintedSample[] {
  return profile.samples.map(({ stack, labels, values }) => {
    const printedLabels = labels.length > 0 ? `{${labels.map(printLabel).sort().join(',')}}` : '';
    return [`${stack.map(printLocation).join(';')}${printedLabels}`, ...values];
  });
}

/** `inlined+caller`, or `library:0x10` for a location without lines. */
function printLocation({ lines, mapping, address }: ReadLocation): string {
  if (lines.length > 0) return lines.map(printLine).join('+');
  return `${mapping?.filename ?? ''}:0x${address.toString(16)}`;
}

function printLine({ function: called, line }: ReadLine): string {
  return line === 0n ? called.name : `${called.name}:${line}`;
}

function printLabel({ key, str, num, unit }: ReadLabel): string {
  return `${key}=${str === undefined ? `${num}${unit}` : JSON.stringify(str)}`;
}
