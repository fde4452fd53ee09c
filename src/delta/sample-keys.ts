import type { ProfileIndex } from '../profile/profile-index.ts';
import { LABEL_FIELDS, type SampleReader } from '../profile/sample-reader.ts';
import { ContentHash, finalMix, type HashSeed, MULTIPLIER_A, MULTIPLIER_B } from './content-hash.ts';
import { hashLocations } from './location-hashes.ts';

const TEXT = 1;
const NUMBER = 2;

/**
 * The identity of a sample as a 64-bit key: its stack, leaf first, and the set of its labels, in whatever order. The key is
 * made of content alone. Ids, string indexes and the order of tables change with every snapshot.
 */
export class SampleKeys {
  /** The key of the sample that `make` was called for. */
  a = 0;
  b = 0;
  readonly #index: ProfileIndex;
  readonly #seed: HashSeed;
  readonly #hash: ContentHash;
  /** Two lanes for each location slot. */
  readonly #locations: Int32Array;
  /** Two lanes for each string that was in a label so far, by index. */
  readonly #strings = new Map<number, readonly [a: number, b: number]>();
  #labelsA = 0;
  #labelsB = 0;

  constructor(index: ProfileIndex, seed: HashSeed) {
    this.#index = index;
    this.#seed = seed;
    this.#hash = new ContentHash(seed);
    this.#locations = hashLocations(index, this.#hash);
  }

  make(sample: SampleReader): void {
    this.#hashStack(sample.stack, sample.depth);
    if (sample.labelCount === 0) {
      this.#labelsA = 0;
      this.#labelsB = 0;
    } else {
      this.#hashLabels(sample);
    }
    const a = Math.imul(this.a ^ sample.depth, MULTIPLIER_A);
    const b = Math.imul(this.b ^ sample.depth, MULTIPLIER_B);
    this.a = finalMix(((a ^ (a >>> 15)) + this.#labelsA) | 0);
    this.b = finalMix(((b ^ (b >>> 13)) + this.#labelsB) | 0);
  }

  #hashStack(stack: Int32Array, depth: number): void {
    const locations = this.#locations;
    let a = this.#seed.a;
    let b = this.#seed.b;
    for (let frame = 0; frame < depth; frame++) {
      const slot = stack[frame]! * 2;
      a = Math.imul(a ^ locations[slot]!, MULTIPLIER_A);
      b = Math.imul(b ^ locations[slot + 1]!, MULTIPLIER_B);
      a = (a << 13) | (a >>> 19);
      b = (b << 17) | (b >>> 15);
    }
    this.a = a;
    this.b = b;
  }

  /** Labels are added up: their order means nothing, and a label that occurs twice isn't one that occurs once. */
  #hashLabels({ labels, labelCount }: SampleReader): void {
    let sumA = 0;
    let sumB = 0;
    for (let at = 0; at < labelCount * LABEL_FIELDS; at += LABEL_FIELDS) {
      const [keyA, keyB] = this.#string(labels[at]!);
      const str = labels[at + 1]!;
      const [textA, textB] = this.#string(str === 0 ? labels[at + 4]! : str);
      const hash = this.#hash
        .start(str === 0 ? NUMBER : TEXT)
        .words(keyA, keyB)
        .words(textA, textB);
      if (str === 0) hash.int64(labels[at + 2]!, labels[at + 3]!);
      hash.finish();
      sumA = (sumA + hash.a) | 0;
      sumB = (sumB + hash.b) | 0;
    }
    this.#labelsA = sumA;
    this.#labelsB = sumB;
  }

  #string(index: number): readonly [a: number, b: number] {
    const known = this.#strings.get(index);
    if (known !== undefined) return known;
    const { bytes, strings } = this.#index;
    const hash = this.#hash.start(TEXT).bytes(bytes, strings.start(index), strings.end(index)).finish();
    const lanes = [hash.a, hash.b] as const;
    this.#strings.set(index, lanes);
    return lanes;
  }
}
