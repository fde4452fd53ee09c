import { untilAborted } from './wait.ts';

/** Says that something changed, to one listener, who may be busy meanwhile: several changes then count as one. */
export class ChangeSignal {
  #isSet = false;
  #wake: () => void = () => {};

  notify(): void {
    this.#isSet = true;
    this.#wake();
  }

  /** Resolves when there was a change since the last call resolved, or the signal aborts. */
  async next(signal: AbortSignal): Promise<void> {
    if (!this.#isSet) {
      const set = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const stop = new AbortController();
      await Promise.race([set, untilAborted(AbortSignal.any([signal, stop.signal]))]);
      stop.abort();
    }
    this.#isSet = false;
  }
}
