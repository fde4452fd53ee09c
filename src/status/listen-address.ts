import { isIPv4, isIPv6 } from 'node:net';
import { UsageError } from '../errors.ts';

/** Where the HTTP surface listens. */
export interface ListenAddress {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

const LOOPBACK = '127.0.0.1';
const EXAMPLES = ':9099 listens on loopback, 0.0.0.0:9099 on every IPv4 address, [::]:9099 on every address';

/**
 * Reads `host:port`. Without a host it is loopback, unlike in Go, where it is every address: what listens there shows
 * labels and profiles to whoever asks. Throws a UsageError.
 */
export function parseListenAddress(text: string): ListenAddress {
  const parts = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3] ?? Number.NaN);
  if (parts === null) throw invalid(text, 'is not an address with a port');
  if (port > 65_535) throw invalid(text, 'has a port over 65535');
  const [, bracketed, plain = ''] = parts;
  if (bracketed !== undefined) {
    if (!isIPv6(bracketed)) throw invalid(text, 'has no IPv6 address in its brackets');
    return { host: bracketed, port };
  }
  if (plain === '') return { host: LOOPBACK, port };
  // Digits and dots alone are never a name: 127.0.0.256 would be looked up in DNS.
  const isHost = /^[\d.]+$/.test(plain) ? isIPv4(plain) : /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(plain);
  if (!isHost) throw invalid(text, `has no valid host: ${JSON.stringify(plain)}`);
  return { host: plain, port };
}

function invalid(text: string, what: string): UsageError {
  return new UsageError(`--listen: ${JSON.stringify(text)} ${what}`, { hint: EXAMPLES });
}

/** `host:port` as in a URL. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
