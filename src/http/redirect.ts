import { HttpError } from '../errors.ts';
import { redactUrl } from '../safe-text/redact-url.ts';
import { type HttpAddress, type HttpOrigin, originOf } from './address.ts';
import { headerOf, type ResponseHeaders } from './response.ts';

/** As in Go's net/http. */
export const MAX_REDIRECTS = 10;

/** Stands for the current origin while `URL` resolves a location: the origin itself may be one that `URL` refuses. */
const HERE = 'here.invalid';

const FOLLOWED: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Whether an answer asks for another request. A redirect without a location is an answer like any other. */
export function isRedirect(status: number, headers: ResponseHeaders): boolean {
  return FOLLOWED.has(status) && headerOf(headers, 'location') !== undefined;
}

/** Where a redirect leads. Throws HttpError `BAD_REDIRECT`. */
export function nextAddress(from: HttpAddress, location: string): HttpAddress {
  const base = `${from.origin.scheme}://${HERE}${from.path}`;
  const url = URL.canParse(location, base) ? new URL(location, base) : undefined;
  const origin = url && originOf(url);
  if (!url || !origin) {
    throw new HttpError('BAD_REDIRECT', `redirected to "${redactUrl(location)}", which is not an http or https URL`);
  }
  return { origin: origin.hostname === HERE ? from.origin : origin, path: `${url.pathname}${url.search}` };
}

/**
 * Whether credentials for the first host may go to this one: it is the same host, on whatever port, and not in clear after
 * TLS. Once a redirect has led elsewhere, the caller withholds them for good, even if a later one leads back.
 */
export function keepsCredentials(first: HttpOrigin, next: HttpOrigin): boolean {
  const isDowngrade = first.scheme === 'https' && next.scheme === 'http';
  return first.hostname.toLowerCase() === next.hostname.toLowerCase() && !isDowngrade;
}
