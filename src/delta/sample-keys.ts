import type { ProfileIndex } from '../profile/profile-index.ts';
import { LABEL_FIELDS, type Sample } from '../profile/sample.ts';
import { ContentHash, finalMix, type HashSeed, withWordA, withWordB } from './content-hash.ts';
import { hashMainMapping, LocationHashes } from './location-hashes.ts';

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
  readonly #hash = new ContentHash();
  readonly #locations = new LocationHashes();
  /** Hashes of the strings that were in a label so far, by index. */
  readonly #strings = new Map<number, StringLanes>();
  /** The last label, without its number, and what `startLabel` made of it. */
  #lastKey = -1;
  #lastStr = 0;
  #lastUnit = 0;
  #lastA = 0;
  #lastB = 0;

  constructor(index: ProfileIndex) {
    this.#index = index;
  }

  /**
   * To be called when the index has been filled. `namesDecide`: the names of functions belong to locations that have an
   * address, too. Gives whether they do: also where the profile has one address for two functions.
   */
  start(seed: HashSeed, namesDecide = false): boolean {
    this.#hash.seed = seed;
    const isAmbiguous = this.#locations.fill(this.#index, this.#hash, namesDecide);
    if (isAmbiguous) this.#locations.fill(this.#index, this.#hash, true);
    this.#strings.clear();
    this.#lastKey = -1;
    return namesDecide || isAmbiguous;
  }

  /** Two hash lanes for each location, at twice its slot. */
  get locations(): Int32Array {
    return this.#locations.lanes;
  }

  hashMainMapping(): readonly [a: number, b: number] {
    return hashMainMapping(this.#index, this.#hash);
  }

  /** The sample's stack must have been read with the hashes of its locations. */
  make(sample: Sample): void {
    let a = sample.stackA ^ sample.depth;
    let b = sample.stackB ^ sample.depth;
    if (sample.labelCount > 0) {
      this.#addLabels(sample.labels, sample.labelCount);
      a = (a + this.a) | 0;
      b = (b + this.b) | 0;
    }
    this.a = finalMix(a);
    this.b = finalMix(b);
  }

  /** Labels are added up: their order means nothing, and a label that occurs twice isn't one that occurs once. */
  #addLabels(labels: Int32Array, labelCount: number): void {
    let sumA = 0;
    let sumB = 0;
    for (let at = 0; at < labelCount * LABEL_FIELDS; at += LABEL_FIELDS) {
      const key = labels[at]!;
      const str = labels[at + 1]!;
      const unit = labels[at + 4]!;
      if (key !== this.#lastKey || str !== this.#lastStr || unit !== this.#lastUnit) this.#startLabel(key, str, unit);
      let a = this.#lastA;
      let b = this.#lastB;
      if (str === 0) {
        a = withWordA(withWordA(a, labels[at + 2]!), labels[at + 3]!);
        b = withWordB(withWordB(b, labels[at + 2]!), labels[at + 3]!);
      }
      sumA = (sumA + finalMix(a)) | 0;
      sumB = (sumB + finalMix(b)) | 0;
    }
    this.a = sumA;
    this.b = sumB;
  }

  /** Hashes key and string, or key and unit of a number. In a heap profile these are the same for every sample. */
  #startLabel(key: number, str: number, unit: number): void {
    const name = this.#string(key);
    const text = this.#string(str === 0 ? unit : str);
    const { a, b } = this.#hash
      .start(str === 0 ? NUMBER : TEXT)
      .words(name.a, name.b)
      .words(text.a, text.b);
    this.#lastKey = key;
    this.#lastStr = str;
    this.#lastUnit = unit;
    this.#lastA = a;
    this.#lastB = b;
  }

  #string(index: number): StringLanes {
    const known = this.#strings.get(index);
    if (known !== undefined) return known;
    const { bytes, strings } = this.#index;
    const { a, b } = this.#hash.start(TEXT).bytes(bytes, strings.start(index), strings.end(index)).finish();
    const lanes = { a, b };
    this.#strings.set(index, lanes);
    return lanes;
  }
}

interface StringLanes {
  readonly a: number;
  readonly b: number;
}
