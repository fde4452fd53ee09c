import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** A request as far as it matters whether it may be answered at all. */
export interface GuardedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** An answer instead of what was asked for. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/**
 * Why a request is not answered; undefined where it is. There is no login, so a web page that the user happens to have
 * open must not be able to use the user's browser to read what is here, nor to do anything.
 *
 * - DNS rebinding: the page's own host name suddenly means our address, and all rules of the browser are on its side. A
 *   server that listens on loopback is asked as `localhost` or by an IP address, and under no other name. One that listens
 *   elsewhere can't know its names; whoever can reach its address can read it anyway.
 * - Requests across sites: the page can't read the answers, as there is no CORS header, but would have what it asked for
 *   done. Following a link to here is fine. Browsers say so in Sec-Fetch-Site, or by the Origin of a POST.
 */
export function refusalOf({ method, headers }: GuardedRequest, isOnLoopback: boolean): Refusal | undefined {
  const { host, origin } = headers;
  if (isOnLoopback && host !== undefined && !isLocalName(hostnameOf(host))) {
    return { status: 421, message: `this is not ${JSON.stringify(host)}: ask for localhost, or use --listen` };
  }
  const isSafe = method === 'GET' || method === 'HEAD';
  const site = headers['sec-fetch-site'];
  const isLink = isSafe && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if ((site === 'cross-site' || site === 'same-site') && !isLink) {
    return { status: 403, message: 'requests from other sites are refused' };
  }
  if (!isSafe && origin !== undefined && !isSameOrigin(origin, host)) {
    return { status: 403, message: 'requests from other sites are refused' };
  }
  return undefined;
}

/** Whether only this machine can connect to an address. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || address === '::ffff:127.0.0.1' || /^127\./.test(address);
}

function isLocalName(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || isIP(hostname) !== 0;
}

/** Without port and brackets, in lower case. */
function hostnameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1];
  return (bracketed ?? host.replace(/:\d*$/, '')).toLowerCase();
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
