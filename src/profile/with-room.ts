import { freeNow } from './free-now.ts';

/** Arrays beyond this many elements are let go when a profile comes that needs far less. */
const LARGE = 2 ** 20;

/**
 * An array for so many ints that is only used for the profile at hand: the given one if it fits, without a promise about
 * its content. A new one has an eighth more: the next snapshot is a little larger, mostly, and room that isn't written to
 * costs nothing. One huge profile must not hold its memory for ever.
 */
export function withRoom(array: Int32Array, length: number): Int32Array {
  const isTooLarge = array.length > LARGE && length < array.length / 8;
  return array.length < length || isTooLarge ? new Int32Array(Math.max(length + (length >>> 3), 256)) : array;
}

/** Whether an array is let go rather than kept for the next profile. */
export function isLarge(array: Int32Array): boolean {
  return array.length > LARGE;
}

/**
 * The array if it may be kept for the next profile. A large one is freed now, and an empty one is given instead: V8 would let
 * it lie for a while, and whoever let go of it needs the memory.
 */
export function withoutRoom(array: Int32Array): Int32Array {
  if (!isLarge(array)) return array;
  freeNow(new Uint8Array(array.buffer));
  return new Int32Array(0);
}
