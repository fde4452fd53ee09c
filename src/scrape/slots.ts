/**
 * A bound on what runs at once, first come first served. A request that only waits for the target's own measurement
 * takes no slot: it costs nothing here, and 64 CPU profiles of 30 s would otherwise block everything else.
 */
export class Slots {
  #free: number;
  #waiting: (() => void)[] = [];
  /** So many of the first have begun. Taking each off the front of a long array would move all others each time. */
  #started = 0;

  constructor(size: number) {
    this.#free = size;
  }

  /** Runs `work` as soon as a slot is free, and frees it whatever happens. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#take();
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  #take(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting[this.#started];
    if (next) {
      this.#started += 1;
      next();
    } else this.#free += 1;
    if (this.#started * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#started);
      this.#started = 0;
    }
  }
}
