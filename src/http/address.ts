import { HttpError } from '../errors.ts';
import { redactUrl } from '../safe-text/redact-url.ts';

/** Where to connect. In parts, because `URL` drops default ports and refuses IPv6 zones. */
export interface HttpOrigin {
  readonly scheme: 'http' | 'https';
  /** Without brackets: `::1`, `fe80::1%eth0`. Of a unix socket: as it was written, `unix:///run/app.sock`. */
  readonly hostname: string;
  /** Of a unix socket: 0. */
  readonly port: number;
  /** The file of a unix socket, which is connected to instead of host and port. No URL leads to one. */
  readonly socketPath?: string | undefined;
}

/** What a request line and its Host header are made from. */
export interface HttpAddress {
  readonly origin: HttpOrigin;
  /** Path and query, beginning with a slash. */
  readonly path: string;
  /** `user:password` of the URL, decoded; becomes HTTP Basic where nothing else is configured, as in Go and curl. */
  readonly userinfo?: string | undefined;
}

/** Splits a URL from a config file. Throws HttpError `INVALID_URL`. */
export function addressOf(url: string): HttpAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const origin = parsed && originOf(parsed);
  if (!parsed || !origin) {
    throw new HttpError('INVALID_URL', `"${redactUrl(url)}" is not an http or https URL`);
  }
  const { username, password } = parsed;
  const userinfo = username === '' && password === '' ? undefined : `${decode(username)}:${decode(password)}`;
  return { origin, path: `${parsed.pathname}${parsed.search}`, userinfo };
}

/** Undefined where the scheme is neither http nor https. */
export function originOf(url: URL): HttpOrigin | undefined {
  const scheme = url.protocol === 'http:' ? 'http' : url.protocol === 'https:' ? 'https' : undefined;
  if (!scheme) return undefined;
  const hostname = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return { scheme, hostname, port: url.port === '' ? defaultPort(scheme) : Number(url.port) };
}

function defaultPort(scheme: HttpOrigin['scheme']): number {
  return scheme === 'https' ? 443 : 80;
}

/** Userinfo in a URL is percent-encoded; what can't be decoded is taken as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `host:port`, IPv6 in brackets, zone kept: tells connections apart, and is what a CONNECT asks for. */
export function authorityOf({ hostname, port, socketPath }: HttpOrigin): string {
  if (socketPath !== undefined) return `unix:${socketPath}`;
  return `${bracketed(hostname)}:${port}`;
}

/**
 * The Host header: `localhost` for a unix socket; without the port where it is the scheme's own, and without an IPv6 zone, which means nothing to the
 * other end (RFC 6874).
 */
export function hostHeader({ scheme, hostname, port, socketPath }: HttpOrigin): string {
  if (socketPath !== undefined) return 'localhost';
  const zone = hostname.indexOf('%');
  const host = bracketed(zone === -1 ? hostname : hostname.slice(0, zone));
  return port === defaultPort(scheme) ? host : `${host}:${port}`;
}

function bracketed(hostname: string): string {
  return hostname.includes(':') ? `[${hostname}]` : hostname;
}
