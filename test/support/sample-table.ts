import type { SampleType } from '../../src/profile/sample-type.ts';
import type { FrameSpec, LabelSpec, MappingSpec, ProfileSpec, SampleSpec } from './build-profile.ts';

/** Shorthand for the profiles of table tests. */

export const ALLOC_SPACE: SampleType = { type: 'alloc_space', unit: 'bytes' };
export const INUSE_SPACE: SampleType = { type: 'inuse_space', unit: 'bytes' };
export const SPACE: SampleType = { type: 'space', unit: 'bytes' };

export const APP: MappingSpec = { start: 0x40_0000n, limit: 0x80_0000n, filename: '/bin/app', buildId: 'X' };

/** A frame at an address in `APP`, a function of that name in it; the same name is always the same address. */
export function at(name: string): FrameSpec {
  let address = 0x40_1000n;
  for (const character of name)
    address = 0x40_1000n + (((address - 0x40_1000n) * 31n + BigInt(character.charCodeAt(0))) % 0x3f_0000n);
  return { address, mapping: APP, lines: [{ name }] };
}

/** A frame without an address, as runtimes other than Go write them. */
export function named(name: string, line = 0n): FrameSpec {
  return { lines: [{ name, line }] };
}

/** `sample('leaf;caller', [10n, 4n])`: addresses by name, leaf first; `''` is the empty stack. */
export function sample(
  stack: string | readonly FrameSpec[],
  values: readonly bigint[],
  labels: readonly LabelSpec[] = [],
): SampleSpec {
  if (typeof stack !== 'string') return { stack, values, labels };
  return { stack: stack === '' ? [] : stack.split(';').map(at), values, labels };
}

/** A heap-like profile; with one value a sample the cumulative column alone. */
export function snapshot(samples: readonly SampleSpec[], rest: Partial<ProfileSpec> = {}): ProfileSpec {
  const isNarrow = samples[0]?.values.length === 1;
  return {
    sampleTypes: isNarrow ? [ALLOC_SPACE] : [ALLOC_SPACE, INUSE_SPACE],
    periodType: SPACE,
    period: 524_288n,
    mappings: [APP],
    samples,
    ...rest,
  };
}
