import type { LabelSet } from '../labels/label-set.ts';

/**
 * The labels of one discovered target: its own, then its group's, then the job's defaults; each only where there is none yet.
 * Merged each time they are asked for: there are thousands of these sets, and most are never looked at again.
 */
export class DiscoveredLabels implements LabelSet {
  readonly #own: LabelSet;
  readonly #group: LabelSet;
  readonly #defaults: LabelSet;

  constructor(own: LabelSet, group: LabelSet, defaults: LabelSet) {
    this.#own = own;
    this.#group = group;
    this.#defaults = defaults;
  }

  merged(): ReadonlyMap<string, string> {
    const labels = new Map<string, string>();
    for (const source of [this.#own, this.#group, this.#defaults]) {
      for (const [name, value] of source) if (value !== '' && !labels.has(name)) labels.set(name, value);
    }
    return labels;
  }

  get size(): number {
    return this.merged().size;
  }

  get(name: string): string | undefined {
    return this.merged().get(name);
  }

  has(name: string): boolean {
    return this.merged().has(name);
  }

  forEach(visit: (value: string, name: string, labels: LabelSet) => void): void {
    for (const [name, value] of this.merged()) visit(value, name, this);
  }

  entries(): ReturnType<LabelSet['entries']> {
    return this.merged().entries();
  }

  keys(): ReturnType<LabelSet['keys']> {
    return this.merged().keys();
  }

  values(): ReturnType<LabelSet['values']> {
    return this.merged().values();
  }

  [Symbol.iterator](): ReturnType<LabelSet['entries']> {
    return this.entries();
  }
}
