import type { DiscoveryError, PyroPullError } from '../errors.ts';
import type { PullEvent } from '../pull.ts';
import type { RejectedTarget, Target } from '../targets/target.ts';

/** Everything worth telling about a loop, in the order it happens: for the log, for metrics, for a test. */
export type LoopEvent =
  | Exclude<PullEvent, { readonly type: 'planned' | 'discovery-failed' }>
  | RoundEvent
  /** Slots that went by without a scrape, because the one before took too long. */
  | { readonly type: 'missed'; readonly target: Target; readonly slots: number }
  /** The first failure after a success, or ever. */
  | { readonly type: 'down'; readonly target: Target; readonly error: PyroPullError }
  /** The first success after failures. */
  | { readonly type: 'up'; readonly target: Target; readonly failures: number; readonly downMs: number }
  /** The target does not have this profile (404). Told once, until it answers. */
  | { readonly type: 'absent'; readonly target: Target; readonly error: PyroPullError }
  /** A saved snapshot that can't be used: the next one is the first again. */
  | { readonly type: 'state-ignored'; readonly target: Target; readonly why: 'torn' | 'version' }
  /** A failure or warning that was not in force before. */
  | { readonly type: 'discovery-failed'; readonly jobName: string; readonly error: DiscoveryError }
  | { readonly type: 'discovery-recovered'; readonly jobName: string }
  | { readonly type: 'rejected'; readonly rejected: RejectedTarget }
  | {
      readonly type: 'targets-changed';
      readonly jobName: string;
      readonly added: number;
      readonly removed: number;
      readonly total: number;
    }
  | { readonly type: 'reloaded'; readonly jobs: number }
  | { readonly type: 'reload-failed'; readonly error: PyroPullError }
  /** Somebody has set the wall clock: all slots were computed anew. */
  | { readonly type: 'clock-jumped' }
  /** A fault of ours. The loop goes on. */
  | { readonly type: 'fault'; readonly error: unknown };

/** The end of each scrape, whatever came of it. */
export interface RoundEvent {
  readonly type: 'round';
  readonly target: Target;
  readonly outcome: RoundOutcome;
  /** From the slot to the request, never negative; undefined where none was sent or the wall clock jumped meanwhile. */
  readonly latenessMs: number | undefined;
  /** From the request to the last byte of its answer, or to its failure; undefined where none was sent. */
  readonly durationMs: number | undefined;
  /** Length of the response as received; undefined where there was none. */
  readonly bytes: number | undefined;
}

/** `failed`: no good response; `unwritten`: a good one whose profile no sink could take. */
export type RoundOutcome = 'finished' | 'empty' | 'held' | 'failed' | 'absent' | 'unwritten' | 'cancelled';
