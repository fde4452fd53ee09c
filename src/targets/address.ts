import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { domainToASCII } from 'node:url';
import { ValueError } from '../config/value-error.ts';
import type { TargetOrigin } from './target.ts';

const DEFAULT_PORTS: Readonly<Record<TargetOrigin['scheme'], number>> = { http: 80, https: 443 };

const ADDRESS_HINT = 'give host:port, an IPv6 address in brackets: [::1]:6060';

/**
 * Reads `__scheme__`, `__address__` and `__port__`. Host and port are split as Go does it; beyond that an IPv6 address may
 * stand without brackets, a `__port__` replaces the port, and what no HTTP client could ask is refused here instead of at
 * every scrape. `unix:///abs.sock` and `unix:./rel.sock` are unix sockets, relative ones below `socketDir`; where that is
 * undefined none is taken, since a service that lists targets could make this program speak to any socket of the machine.
 * Throws a `ValueError`.
 */
export function parseOrigin(address: string, scheme: string, port: string, socketDir?: string): TargetOrigin {
  if (address === '') throw new ValueError('no address', 'set __address__; a labelkeep rule may have removed it');
  const isSocket = isSocketAddress(address);
  if (!isSocket) refuseForeignParts(address);
  const lowerScheme = scheme.toLowerCase();
  if (lowerScheme !== '' && lowerScheme !== 'http' && lowerScheme !== 'https') {
    throw new ValueError(`scheme "${scheme}" not supported`, 'use http or https');
  }
  const knownScheme = lowerScheme === 'https' ? 'https' : 'http';
  if (isSocket) {
    return { scheme: knownScheme, hostname: address, port: 0, socketPath: socketPathOf(address, socketDir) };
  }
  const parts = splitHostPort(address);
  const portText = port === '' ? parts.port : port;
  return {
    scheme: knownScheme,
    hostname: parts.hostname,
    port: portText === '' ? DEFAULT_PORTS[knownScheme] : parsePort(portText, port === '' ? address : '__port__'),
  };
}

/** `host:port`, a unix socket as it was written; with brackets around an IPv6 address. */
export function formatHostPort({ hostname, port, socketPath }: Omit<TargetOrigin, 'scheme'>): string {
  if (socketPath !== undefined) return hostname;
  return hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Whether an address is `unix:` and the path of a socket. */
export function isSocketAddress(address: string): boolean {
  return address.startsWith('unix:');
}

const SOCKET_HINT = 'write unix:///run/app.sock, or unix:./app.sock relative to the file that it stands in';
/** What Linux has room for, without the zero at the end; macOS has 103. */
const MAX_SOCKET_PATH_BYTES = 107;

function socketPathOf(address: string, socketDir: string | undefined): string {
  if (socketDir === undefined) {
    throw new ValueError(
      `unix socket ${JSON.stringify(address)} from a source that may not name sockets of this machine`,
      'unix sockets are taken from static-configs, file-sd-configs and the command line',
    );
  }
  const rest = address.slice('unix:'.length);
  const written = rest.startsWith('///') ? rest.slice(2) : rest;
  if (written === '' || written.startsWith('//')) {
    throw new ValueError(`${JSON.stringify(address)} is not the path of a socket`, SOCKET_HINT);
  }
  if (/[\p{Cc}\p{Cs}]/u.test(written) || written.endsWith('/')) {
    throw new ValueError(`${JSON.stringify(address)} is not the path of a socket`, SOCKET_HINT);
  }
  const path = written.startsWith('/') ? written : join(socketDir, written);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new ValueError(
      `the path of the socket is longer than ${MAX_SOCKET_PATH_BYTES} bytes: ${path}`,
      'the system takes no longer one; make a symbolic link with a short path',
    );
  }
  return path;
}

function refuseForeignParts(address: string): void {
  // A URL may hold a password, which no message may show.
  const shown = address.replace(/^(.*\/\/)?[^/]*@/s, '$1<secret>@');
  if (address.includes('/')) {
    throw new ValueError(
      `"${shown}" is not a valid hostname`,
      'give host:port here; put the scheme in scheme (or __scheme__), the path in profiles.<name>.path',
    );
  }
  if (address.includes('@')) {
    throw new ValueError(`userinfo in address "${shown}"`, 'give host:port here, the password in basic-auth');
  }
  const bad = /[\s?#\\\p{Cc}\p{Cs}]/u.exec(address)?.[0];
  if (bad !== undefined)
    throw new ValueError(`${JSON.stringify(bad)} in address ${JSON.stringify(address)}`, ADDRESS_HINT);
}

function splitHostPort(address: string): { hostname: string; port: string } {
  if (isIPv6(address)) return { hostname: address, port: '' };
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(address);
  if (bracketed !== null) {
    const [, hostname = '', port = ''] = bracketed;
    if (!isIPv6(hostname)) throw new ValueError(`"${hostname}" is not an IPv6 address`, ADDRESS_HINT);
    return { hostname, port };
  }
  const [hostname = '', port = '', ...more] = address.split(':');
  if (more.length > 0) throw new ValueError(`too many colons in address "${address}"`, ADDRESS_HINT);
  if (hostname === '') throw new ValueError(`no host in address "${address}"`, 'write localhost to mean this machine');
  return { hostname: toAsciiHost(hostname), port };
}

function toAsciiHost(hostname: string): string {
  if (/^[\w.-]+$/.test(hostname)) return hostname;
  const ascii = /^[\p{L}\p{M}\p{N}_.-]+$/u.test(hostname) ? domainToASCII(hostname) : '';
  if (ascii === '') throw new ValueError(`"${hostname}" is not a valid hostname`, ADDRESS_HINT);
  return ascii;
}

function parsePort(text: string, where: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65_535) return port;
  const problem = Number.isNaN(port) ? `port "${text}" is not a number` : `port out of range: ${text}`;
  throw new ValueError(
    where === '__port__' ? `__port__: ${problem}` : `"${where}": ${problem}`,
    'ports are numbers from 1 to 65535',
  );
}
