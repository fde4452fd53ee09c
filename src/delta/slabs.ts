/** A place in a slab: a number, so that who keeps a hundred thousand keeps no object for each. Never negative. */
export type Slot = number;

/** Of memory: the least that is taken at once. With a few slots of each size little of it lies idle. */
const SLAB_BYTES = 16 * 1024;
/** What is larger gains nothing by it. */
export const MAX_SLOT_BYTES = 2048;
const MIN_SLOT_BYTES = 64;
/** The lower bits of a slot number its place, the others its slab. */
const PLACE_BITS = 8;
const NONE = -1;

/**
 * Small pieces of memory, many to a buffer: one that has a buffer of its own takes some 250 bytes beside what it holds, in
 * V8's heap and outside of it. Pieces of one size share slabs, and a new one goes to the first slab with room, so that the
 * last ones run empty and go.
 */
export class Slabs {
  readonly #slabs: (Slab | undefined)[] = [];
  /** Numbers of slabs that are gone. */
  readonly #vacant: number[] = [];
  /** By size: the numbers of the slabs with room, in order. */
  readonly #open = new Map<number, number[]>();

  /** Of memory, in use or not. */
  get bytes(): number {
    return (this.#slabs.length - this.#vacant.length) * SLAB_BYTES;
  }

  /** A place for at least so many bytes, up to `MAX_SLOT_BYTES`. It may hold what was there before. */
  take(bytes: number): Slot {
    const slotBytes = slotBytesFor(bytes);
    const open = this.#open.get(slotBytes) ?? [];
    this.#open.set(slotBytes, open);
    const number = open[0] ?? this.#add(slotBytes, open);
    const slab = this.#slabs[number]!;
    const place = slab.take();
    if (slab.isFull) open.shift();
    return (number << PLACE_BITS) | place;
  }

  /** The bytes of a slot, good until it is freed. */
  view(slot: Slot): DataView {
    const slab = this.#slabs[slot >> PLACE_BITS]!;
    return new DataView(slab.buffer, (slot & ((1 << PLACE_BITS) - 1)) * slab.slotBytes, slab.slotBytes);
  }

  free(slot: Slot): void {
    const number = slot >> PLACE_BITS;
    const slab = this.#slabs[number]!;
    const open = this.#open.get(slab.slotBytes)!;
    if (slab.isFull) open.splice(placeInOrder(open, number), 0, number);
    slab.free(slot & ((1 << PLACE_BITS) - 1));
    if (slab.used > 0) return;
    open.splice(placeInOrder(open, number), 1);
    this.#slabs[number] = undefined;
    this.#vacant.push(number);
  }

  #add(slotBytes: number, open: number[]): number {
    const number = this.#vacant.pop() ?? this.#slabs.length;
    this.#slabs[number] = new Slab(slotBytes);
    open.push(number);
    return number;
  }
}

/** Slots of one size. Those that were freed form a chain, each naming the next in its first bytes. */
class Slab {
  readonly buffer = new ArrayBuffer(SLAB_BYTES);
  readonly slotBytes: number;
  used = 0;
  /** From here on all are as new. */
  #untouched = 0;
  #firstFreed = NONE;

  constructor(slotBytes: number) {
    this.slotBytes = slotBytes;
  }

  get isFull(): boolean {
    return (this.used + 1) * this.slotBytes > SLAB_BYTES;
  }

  take(): number {
    this.used += 1;
    const place = this.#firstFreed;
    if (place === NONE) return this.#untouched++;
    this.#firstFreed = this.#link(place)[0]!;
    return place;
  }

  free(place: number): void {
    this.used -= 1;
    this.#link(place)[0] = this.#firstFreed;
    this.#firstFreed = place;
  }

  #link(place: number): Int32Array {
    return new Int32Array(this.buffer, place * this.slotBytes, 1);
  }
}

/** In steps of 16 bytes, for large ones of 64. */
function slotBytesFor(bytes: number): number {
  const step = bytes <= 512 ? 16 : 64;
  return Math.max(MIN_SLOT_BYTES, Math.ceil(bytes / step) * step);
}

/** Where a number is in an ordered list, or would be. */
function placeInOrder(numbers: readonly number[], number: number): number {
  let [from, to] = [0, numbers.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (numbers[middle]! < number) from = middle + 1;
    else to = middle;
  }
  return from;
}
