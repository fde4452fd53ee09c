import type { WaitDeps } from './wait.ts';

/** Told by a mechanism each time it has asked its source. */
export interface RefreshMeter {
  /** A full answer, or a watch that the source has accepted; whether anything changed does not matter. */
  succeeded(): void;
  failed(): void;
}

/** What a discoverer needs of the world. */
export interface DiscovererDeps extends WaitDeps {
  readonly meter?: RefreshMeter | undefined;
}
