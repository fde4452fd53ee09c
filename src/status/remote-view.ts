/** A remote and the queue before it, at the moment it is asked. Counts are since the start of this process. */
export interface RemoteView {
  readonly name: string;
  /** Without credentials. */
  readonly url: string;
  /** `paused`: nothing gets through until somebody mends the set-up; `down`: tried again by itself. */
  readonly state: 'up' | 'down' | 'paused';
  /** What the last attempt that failed was answered; undefined where none has failed since the last good one. */
  readonly lastFailure: string | undefined;
  readonly queued: number;
  readonly queuedBytes: number;
  /** Bytes that the queue may hold. */
  readonly maxBytes: number;
  readonly inFlight: number;
  readonly accepted: number;
  /** Refused for good, kept on disk. */
  readonly rejected: number;
  readonly retries: number;
  /** Fell out of the queue undelivered. */
  readonly dropped: number;
  readonly corrupt: number;
  /** Not for this remote, by its relabel rules. */
  readonly filtered: number;
}
