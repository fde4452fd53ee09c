import type { ReadProfile } from './read-profile.ts';

/** Samples by their stack, function names leaf first: `leaf < caller < main`. Functions of one name count as one. */
export function stacksOf(profile: ReadProfile): Record<string, readonly bigint[]> {
  const sums = new Map<string, readonly bigint[]>();
  for (const { stack, values } of profile.samples) {
    const name = stack.flatMap((location) => location.lines.map((line) => line.function.name)).join(' < ');
    const before = sums.get(name);
    sums.set(name, before ? values.map((value, column) => value + (before[column] ?? 0n)) : values);
  }
  return Object.fromEntries(sums);
}
