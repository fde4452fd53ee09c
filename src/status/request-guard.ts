import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** A request as far as it matters whether it may be answered at all. */
export interface GuardedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Whether what is asked for is a page for people: it has no effect and costs next to nothing. */
  readonly isPage: boolean;
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
 *   done, such as a CPU profile. A link on another site leads to a page for people and to nothing else, since a script can
 *   follow a link too. Browsers name the site in Sec-Fetch-Site, in the Origin of a POST, and in Referer where the address
 *   is neither loopback nor HTTPS, to which they send no Sec-Fetch-Site.
 */
export function refusalOf({ method, headers, isPage }: GuardedRequest, isOnLoopback: boolean): Refusal | undefined {
  const { host, origin, referer } = headers;
  if (isOnLoopback && host !== undefined && !isLocalName(hostnameOf(host))) {
    return { status: 421, message: `this is not ${JSON.stringify(host)}: ask for localhost, or use --listen` };
  }
  const isSafe = method === 'GET' || method === 'HEAD';
  const site = headers['sec-fetch-site'];
  const isFromElsewhere =
    site === 'cross-site' ||
    site === 'same-site' ||
    (origin !== undefined && !isSameOrigin(origin, host)) ||
    (site === undefined && referer !== undefined && !isSameOrigin(referer, host));
  if (!isFromElsewhere) return undefined;
  const isLink =
    isSafe &&
    (site === undefined || (headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'));
  return isLink && isPage ? undefined : OTHER_SITE;
}

const OTHER_SITE: Refusal = {
  status: 403,
  message: 'requests from other sites are refused: type the address, or open /targets and go on from there',
};

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
