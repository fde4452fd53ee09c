import type { ReadProfile } from './read-profile.ts';

/** Samples by their stack, function names leaf first: `leaf < caller < main`. */
export function stacksOf(profile: ReadProfile): Record<string, readonly bigint[]> {
  return Object.fromEntries(
    profile.samples.map(({ stack, values }) => [
      stack.flatMap((location) => location.lines.map((line) => line.function.name)).join(' < '),
      values,
    ]),
  );
}
