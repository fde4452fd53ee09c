import type { DiscoveryError } from '../errors.ts';
import type { TargetGroup } from './target-group.ts';

/** What a discoverer knows at one moment. */
export interface DiscoveryUpdate {
  /** The full set, not a difference: what failed to refresh is here as it was last good. */
  readonly groups: readonly TargetGroup[];
  /** What could not be read this time; empty where all is well. */
  readonly failures: readonly DiscoveryError[];
  /** Oddities worth a warning that lose no target, such as an empty group. */
  readonly warnings: readonly string[];
}

/** One source of targets of one job. */
export interface Discoverer {
  /** For messages: `file-sd-configs[0]`. */
  readonly name: string;
  /** One full answer. Never rejects but for the signal: a source that fails is a failure in the update. */
  once(signal: AbortSignal): Promise<DiscoveryUpdate>;
  /** Full answers, the first at once and then whenever something changed, until the signal. */
  watch(signal: AbortSignal): AsyncIterable<DiscoveryUpdate>;
}
