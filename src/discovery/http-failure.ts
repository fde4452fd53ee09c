import { HttpError } from '../errors.ts';

/** What is said of a request that failed. */
export interface RequestFailure {
  readonly message: string;
  readonly hint: string | undefined;
}

/** A failed request in words that fit a discovery block: the HTTP client's hints speak to the keys of a job. */
export function describeRequestFailure(error: unknown): RequestFailure {
  if (!(error instanceof HttpError)) throw error;
  const { code, message, hint } = error;
  if (code === 'BODY_TOO_LARGE') return { message, hint: undefined };
  if (hint === 'set scheme: https' || hint === 'set scheme: http') {
    return { message, hint: `the address should begin with ${hint.slice('set scheme: '.length)}://` };
  }
  return { message, hint };
}
