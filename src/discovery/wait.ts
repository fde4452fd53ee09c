import { setTimeout } from 'node:timers/promises';

/** Time as discovery sees it, so that a test can rule it. */
export interface WaitDeps {
  /** Unix milliseconds. */
  now(): number;
  /** Resolves after the time, or early when the signal aborts. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const REAL_TIME: WaitDeps = {
  now: Date.now,
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }).catch(ignoreAbort),
};

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
