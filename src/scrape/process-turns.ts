/**
 * One request at a time for each process, first come first served, across jobs. A Go process has one CPU profiler and refuses
 * a second user; other programs take one profiling request of any kind at a time.
 */
export class ProcessTurns {
  /** By instance address: the end of the last turn that was given out. */
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
