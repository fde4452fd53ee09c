import type { Overview } from './overview.ts';

/** How often the page asks while all is well, and how long it waits after failures. */
const EVERY_MS = 2000;
const LONGEST_WAIT_MS = 15_000;
const TIMEOUT_MS = 10_000;

export interface PollingDeps {
  readonly query: () => string;
  readonly onOverview: (overview: Overview) => void;
  /** The server does not answer, or with something else. */
  readonly onGone: (message: string) => void;
}

/** Asks for the overview again and again, but not for a page that nobody looks at. */
export class Polling {
  readonly #deps: PollingDeps;
  #timer: number | undefined;
  #asking: AbortController | undefined;
  #failures = 0;

  constructor(deps: PollingDeps) {
    this.#deps = deps;
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#stop();
      else this.askNow();
    });
  }

  /** At once: what the user wants to see has changed. An answer on its way is for something else. */
  askNow(): void {
    this.#stop();
    void this.#ask();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  async #ask(): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    const timeout = setTimeout(() => asking.abort(new Error('no answer in 10 s')), TIMEOUT_MS);
    let answer: Overview | Error;
    try {
      answer = await fetchOverview(this.#deps.query(), asking.signal);
    } catch (error) {
      answer = error instanceof Error ? error : new Error(String(error));
    } finally {
      clearTimeout(timeout);
    }
    if (this.#asking !== asking || (asking.signal.aborted && document.hidden)) return;
    if (answer instanceof Error) {
      this.#failures += 1;
      this.#deps.onGone(answer.message);
    } else {
      this.#failures = 0;
      this.#deps.onOverview(answer);
    }
    const waitMs = Math.min(EVERY_MS * 2 ** Math.min(this.#failures, 5), LONGEST_WAIT_MS);
    if (!document.hidden) this.#timer = setTimeout(() => void this.#ask(), waitMs);
  }
}

async function fetchOverview(query: string, signal: AbortSignal): Promise<Overview> {
  const response = await fetch(`/page/overview.json?${query}`, { signal, credentials: 'omit' });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}
