import type { ProfileBody } from '../profile/profile-body.ts';
import type { Target } from '../targets/target.ts';

/** One good response of a target: checked to be a pprof body within the limits, not yet decoded. */
export interface ScrapedProfile {
  readonly target: Target;
  readonly content: ProfileBody;
  /** Unix milliseconds of our clock when the request was sent. */
  readonly requestedAtMs: number;
  /** Unix milliseconds of our clock when the response's headers arrived. */
  readonly respondedAtMs: number;
  /** Monotonic milliseconds (performance.now) when the headers arrived; differences of it are true elapsed time. */
  readonly monotonicMs: number;
  /** Time from sending the request to the last byte, in milliseconds. */
  readonly durationMs: number;
}
