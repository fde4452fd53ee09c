/**
 * One CPU profile at a time for each address, first come first served, across jobs: a Go process has one CPU profiler and
 * refuses a second user.
 */
export class CpuTurns {
  /** By address: the end of the last turn that was given out. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when all that came before it for this address has ended, well or badly. */
  async run<T>(address: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(address);
    const done = before === undefined ? work() : before.then(work);
    const end = done.catch(() => undefined);
    this.#last.set(address, end);
    try {
      return await done;
    } finally {
      if (this.#last.get(address) === end) this.#last.delete(address);
    }
  }
}
