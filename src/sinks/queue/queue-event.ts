import type { EntryMeta } from './entry-meta.ts';
import type { GateState } from './gate.ts';

/** What a queue has to tell its user, in the order in which it happens. */
export type QueueEvent =
  | { readonly type: 'accepted'; readonly meta: EntryMeta }
  /** Tried again in `waitMs`; the remote as a whole works. */
  | { readonly type: 'retrying'; readonly meta: EntryMeta; readonly answer: string; readonly waitMs: number }
  /** Tried often in vain while it holds back the later profiles of its series. */
  | { readonly type: 'stuck'; readonly meta: EntryMeta; readonly answer: string; readonly failures: number }
  /** By the remote, or by ourselves because we know that it will be; `hint` says what to do then. */
  | { readonly type: 'rejected'; readonly meta: EntryMeta; readonly answer: string; readonly hint: string | undefined }
  /** The remote takes nothing now. Told once for each time that it goes away. */
  | { readonly type: 'unavailable'; readonly answer: string; readonly queued: number }
  /** Nothing gets through until the set-up is mended: wrong credentials or address. */
  | { readonly type: 'misconfigured'; readonly answer: string; readonly queued: number }
  | { readonly type: 'available'; readonly queued: number }
  /** Fell out undelivered: over `max-bytes` or `max-age`. */
  | {
      readonly type: 'dropped';
      readonly name: string;
      readonly bound: 'max-bytes' | 'max-age';
      readonly isRejected: boolean;
    }
  | { readonly type: 'corrupt'; readonly name: string; readonly message: string }
  | { readonly type: 'disk-error'; readonly message: string };

/** Counts since the queue was opened, and what it holds now. */
export interface QueueStats {
  readonly accepted: number;
  readonly rejected: number;
  /** Attempts that failed and were or will be repeated. */
  readonly retries: number;
  readonly dropped: number;
  readonly corrupt: number;
  readonly queued: number;
  readonly queuedBytes: number;
  readonly inFlight: number;
  readonly gate: GateState;
  /** What the remote answered to the last attempt that failed; undefined since the last that did not. */
  readonly lastFailure: string | undefined;
}
