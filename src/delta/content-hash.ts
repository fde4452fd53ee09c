import { randomBytes } from 'node:crypto';

/**
 * The two secret halves that a state's keys are made with. A state takes its seed along when it is saved, so that keys
 * made by another process fit.
 */
export interface HashSeed {
  readonly a: number;
  readonly b: number;
}

/** Never leaves the process but with a saved state. */
export const PROCESS_SEED: HashSeed = { a: randomBytes(4).readInt32LE(0), b: randomBytes(4).readInt32LE(0) };

/**
 * A 64-bit hash of content in two 32-bit lanes, each with its own seed, multiplier (odd, with bits all over) and shift. Parts go in with their kind or
 * length, so that no two sequences of parts read the same.
 *
 * Each step is a bijection of the lane for a given word and of the word for a given lane; `finish` spreads every bit over
 * the whole lane. Two different contents get the same key with a chance of about 2^-64: among the 50,000 samples of a very
 * large profile and as many old ones, some two do with 2.7e-10. That is one wrong number, of one stack, in four billion
 * such scrapes, which isn't worth keeping the stacks themselves for. The seed is there for the hostile: without it nobody
 * can make a profile whose stacks collide, or fill a table with keys for one place.
 */
export class ContentHash {
  a = 0;
  b = 0;
  seed: HashSeed = { a: 0, b: 0 };

  start(kind: number): this {
    this.a = this.seed.a;
    this.b = this.seed.b;
    return this.word(kind);
  }

  word(word: number): this {
    return this.words(word, word);
  }

  /** Another word for each lane: the two halves of a hash. */
  words(forA: number, forB: number): this {
    this.a = withWordA(this.a, forA);
    this.b = withWordB(this.b, forB);
    return this;
  }

  int64(lo: number, hi: number): this {
    return this.word(lo).word(hi);
  }

  bytes(bytes: Uint8Array, start: number, end: number): this {
    this.word(end - start);
    let pos = start;
    for (; pos + 4 <= end; pos += 4) {
      this.word(bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24));
    }
    for (; pos < end; pos++) this.word(bytes[pos]!);
    return this;
  }

  finish(): this {
    this.a = finalMix(this.a);
    this.b = finalMix(this.b);
    return this;
  }
}

/** Lane A and one word more. */
export function withWordA(lane: number, word: number): number {
  const mixed = Math.imul(lane ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** Lane B and one word more. */
export function withWordB(lane: number, word: number): number {
  const mixed = Math.imul(lane ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

/** The finalizer of MurmurHash3 (public domain): every bit of the input changes each bit of the output with a chance of a half. */
export function finalMix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
