import { Session } from 'node:inspector';

/** Which blocks of the given source folders run, from V8's precise coverage. */
export class BlockCoverage {
  readonly #session = new Session();
  readonly #folders: readonly string[];

  constructor(folders: readonly string[]) {
    this.#folders = folders;
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The blocks that ran since the last call, each with the power of two of how often: a loop gone round twice is news. */
  take(): Set<string> {
    const blocks = new Set<string>();
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      for (const { url, functions } of result) {
        if (!this.#folders.some((folder) => url.includes(folder))) continue;
        for (const { startOffset, endOffset, count } of functions.flatMap(({ ranges }) => ranges)) {
          if (count > 0) blocks.add(`${url}:${startOffset}-${endOffset}:${Math.min(2, Math.floor(Math.log2(count)))}`);
        }
      }
    });
    return blocks;
  }

  stop(): void {
    this.#post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  #post(method: string, parameters?: Record<string, unknown>): void {
    this.#session.post(method, parameters, (error) => {
      if (error) throw error;
    });
  }
}
