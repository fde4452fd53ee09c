/** Ints kept for a label: string indexes of key and str, the halves of num, string index of num_unit. */
export const LABEL_FIELDS = 5;

/** One sample as it was read, but for its values. The stack isn't kept: what is wanted of it is its hash. */
export class Sample {
  /** Locations of the stack. */
  depth = 0;
  /** Two hash lanes of the stack, made of those of its locations. */
  stackA = 0;
  stackB = 0;
  /** LABEL_FIELDS ints for each label. */
  labels: Int32Array = new Int32Array(16 * LABEL_FIELDS);
  labelCount = 0;

  /** Starts on another sample, with the seed of each lane. */
  clear(seedA: number, seedB: number): void {
    this.depth = 0;
    this.stackA = seedA;
    this.stackB = seedB;
    this.labelCount = 0;
  }

  /** Adds a location to the stack, by its hash lanes. */
  addLocation(a: number, b: number): void {
    this.stackA = withLocationA(this.stackA, a);
    this.stackB = withLocationB(this.stackB, b);
    this.depth++;
  }

  addLabel(key: number, str: number, numLo: number, numHi: number, unit: number): void {
    const at = this.labelCount++ * LABEL_FIELDS;
    if (at === this.labels.length) {
      const larger = new Int32Array(this.labels.length * 2);
      larger.set(this.labels);
      this.labels = larger;
    }
    const { labels } = this;
    labels[at] = key;
    labels[at + 1] = str;
    labels[at + 2] = numLo;
    labels[at + 3] = numHi;
    labels[at + 4] = unit;
  }
}

// The stack's hash starts from the seed of each lane and takes in location by location, leaf first. The lanes have
// different multipliers (odd, with bits all over) and rotations, so that what collides in one doesn't in the other.

/** Lane A of a stack and one location more. */
function withLocationA(lane: number, location: number): number {
  const mixed = Math.imul(lane ^ location, 0x9e3779b1);
  return (mixed << 13) | (mixed >>> 19);
}

/** Lane B of a stack and one location more. */
function withLocationB(lane: number, location: number): number {
  const mixed = Math.imul(lane ^ location, 0x85ebca6b);
  return (mixed << 17) | (mixed >>> 15);
}
