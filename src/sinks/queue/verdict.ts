/** What became of one attempt to deliver a profile. */
export type Verdict =
  | { readonly type: 'accepted' }
  /** Not sent, because the remote has it already. */
  | { readonly type: 'known' }
  /** Nothing wrong with the profile; the remote can't take it now. */
  | {
      readonly type: 'unavailable';
      readonly answer: string;
      /** How long the remote asked us to stay away, in milliseconds. */
      readonly retryAfterMs: number | undefined;
    }
  /** Perhaps the profile is at fault, perhaps the remote: tried again, but only so many times in all. */
  | {
      readonly type: 'doubtful';
      readonly answer: string;
      readonly maxAttempts: number;
      readonly retryAfterMs: number | undefined;
    }
  /** The remote will never take it. */
  | { readonly type: 'rejected'; readonly answer: string }
  /** Wrong address or credentials: no profile gets through until somebody mends it. */
  | { readonly type: 'misconfigured'; readonly answer: string };
