import { ConfigError, StateError, UsageError } from '../errors.ts';

/** Everything went well. */
export const EXIT_OK = 0;
/** It ran, and something failed; everything else was done. */
export const EXIT_FAILED = 1;
/** Wrong usage or invalid config: nothing was scraped. */
export const EXIT_USAGE = 2;
export const EXIT_SIGINT = 130;
export const EXIT_SIGTERM = 143;

export function exitCodeOfSignal(signal: 'SIGINT' | 'SIGTERM'): number {
  return signal === 'SIGINT' ? EXIT_SIGINT : EXIT_SIGTERM;
}

export function exitCodeOfError(error: unknown): number {
  return error instanceof UsageError || error instanceof ConfigError || error instanceof StateError
    ? EXIT_USAGE
    : EXIT_FAILED;
}
