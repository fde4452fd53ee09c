import { exitCodeOfSignal } from './exit-code.ts';
import type { Io } from './io.ts';
import type { Log } from './log.ts';

export interface Signals {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** The first signal that came. */
  received(): 'SIGINT' | 'SIGTERM' | undefined;
  stopListening(): void;
}

/** The first signal stops a command in order, the second at once. */
export function listenForSignals(io: Io, log: Log): Signals {
  const stop = new AbortController();
  let first: 'SIGINT' | 'SIGTERM' | undefined;
  const stopListening = io.onSignal((signal) => {
    if (first !== undefined) {
      io.exit(exitCodeOfSignal(signal));
      return;
    }
    first = signal;
    log.warn(`${signal}: stopping, what is complete is kept (once more stops at once)`);
    stop.abort();
  });
  return { signal: stop.signal, received: () => first, stopListening };
}

/** Resolves as soon as the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
