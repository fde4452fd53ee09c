import type { HttpAddress } from './address.ts';
import type { ResponseHead } from './response.ts';

export interface HttpRequest extends HttpAddress {
  /** Redirects are followed for GET and HEAD only. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | undefined;
  /** Besides those of the config. An `authorization` here is never replaced by a configured one. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | string | undefined;
  /** For the whole of it: token, connection, redirects, headers, body. */
  readonly timeoutMs: number;
  /**
   * A longer body fails with `BODY_TOO_LARGE`, a body of exactly this length does not. Infinity: no limit. It also bounds the
   * CPU time of reading: a second for each 64 MiB, at least one, then the request fails with `ANSWER_TOO_COSTLY`.
   */
  readonly maxBodyBytes: number;
  /**
   * A 2xx status is the answer, whatever becomes of its body: it may be cut, too long or never end, and what came of it by
   * then is the body. So it is with every other status without asking.
   */
  readonly statusDecides?: boolean | undefined;
  /**
   * The other end answers late by design: a profile with `seconds`, a blocking query, a watch. Such a request is not
   * counted against the connections that one origin may have.
   */
  readonly isHeld?: boolean | undefined;
  /** Cancels this request alone. Costs a listener; to stop a whole client, `destroy` it. */
  readonly signal?: AbortSignal | undefined;
  /** Called once, with the headers of the final answer. Must not throw. */
  readonly onHeaders?: ((head: ResponseHead) => void) | undefined;
  /** Takes the body of a 2xx answer piece by piece, as it comes, instead of the response. Must not throw. */
  readonly onData?: ((chunk: Uint8Array) => void) | undefined;
}
