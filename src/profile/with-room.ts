/** Arrays beyond this many elements are let go when a profile comes that needs far less. */
export const LARGE = 2 ** 20;

/**
 * An array for so many ints that is only used for the profile at hand: the given one if it fits, without a promise about
 * its content. A new one has an eighth more: the next snapshot is a little larger, mostly, and room that isn't written to
 * costs nothing. One huge profile must not hold its memory for ever.
 */
export function withRoom(array: Int32Array, length: number): Int32Array {
  const isTooLarge = array.length > LARGE && length < array.length / 8;
  return array.length < length || isTooLarge ? new Int32Array(Math.max(length + (length >>> 3), 256)) : array;
}
