import type { LabelSet } from '../labels/label-set.ts';
import { JOB_LABEL } from '../labels/label-set.ts';
import { type Fnv1a, fnv1a, hashLabels, toHex } from './key.ts';

/** Gives the targets of a job their keys and finds those that are the same. */
export class Identities {
  readonly #jobName: string;
  /** Profile name by key. */
  readonly #claimed = new Map<string, string>();
  #lastLabels: LabelSet | undefined;
  #lastHash: Fnv1a | undefined;
  /** Path prefix by labels and profile name, of targets whose paths have one. */
  readonly #prefixes = new Map<string, string>();
  duplicates = 0;

  constructor(jobName: string) {
    this.#jobName = jobName;
  }

  /** Undefined where an equal target has been here before. */
  claim(labels: LabelSet, url: string, profileName: string): string | undefined {
    const hash = fnv1a(this.#hashOf(labels), url);
    const key = toHex(hash);
    const holder = this.#claimed.get(key);
    if (holder === undefined) {
      this.#claimed.set(key, profileName);
      return key;
    }
    if (holder !== profileName) {
      // Two profiles of one URL differ in what is made of the response, so each needs a state of its own.
      const own = toHex(fnv1a(hash, '\0', profileName));
      if (!this.#claimed.has(own)) {
        this.#claimed.set(own, profileName);
        return own;
      }
    }
    this.duplicates += 1;
    return undefined;
  }

  /**
   * Whether a target with the same labels and profile, but another path prefix, has been here before: two instances whose
   * profiles nobody could tell apart later, as pods behind one proxy.
   */
  isConfused(labels: LabelSet, prefix: string, profileName: string): boolean {
    if (prefix === '') return false;
    const key = `${toHex(this.#hashOf(labels))} ${profileName}`;
    const first = this.#prefixes.get(key);
    if (first === undefined) this.#prefixes.set(key, prefix);
    return first !== undefined && first !== prefix;
  }

  /** A rule may set `job` to the same value in two jobs; their targets are still two. */
  #hashOf(labels: LabelSet): Fnv1a {
    if (labels !== this.#lastLabels || this.#lastHash === undefined) {
      this.#lastLabels = labels;
      this.#lastHash = hashLabels(labels);
      if (labels.get(JOB_LABEL) !== this.#jobName) this.#lastHash = fnv1a(this.#lastHash, this.#jobName, '\0');
    }
    return this.#lastHash;
  }
}
