import { isIPv6 } from 'node:net';
import { quote } from './document/tree.ts';

export interface AddressFault {
  readonly message: string;
  readonly hint: string;
}

/**
 * Why the address of a static target, as written in a config, can never be asked, and what to write instead. Undefined for one
 * that can. Discovered addresses are judged where targets are built; these have a place in a file.
 */
export function staticAddressFault(address: string): AddressFault | undefined {
  // A variable that is not expanded has a warning of its own.
  if (address.startsWith('unix:') || address.includes('$')) return undefined;
  const shown = quote(address);
  for (const find of FAULTS) {
    const found = find(address);
    if (found !== undefined) return { message: found.message.replace('@', () => shown), hint: found.hint };
  }
  return undefined;
}

/** The address stands for `@` in the message. */
type FindFault = (address: string) => AddressFault | undefined;

const FAULTS: readonly FindFault[] = [emptyAddress, template, url, quotesOrSpaces, ipv6, wildcard, port, host];

function emptyAddress(address: string): AddressFault | undefined {
  return address === '' ? { message: 'the address is empty', hint: 'write localhost:6060' } : undefined;
}

function template(address: string): AddressFault | undefined {
  return address.includes('{{') ? { message: '@ is not host:port', hint: 'render the template first' } : undefined;
}

function url(address: string): AddressFault | undefined {
  if (!/[/@?#\\]/.test(address)) return undefined;
  const [, scheme, rest = ''] = /^(?:(https?):\/\/)?([^/?#\\]*)/i.exec(address) ?? [];
  const hostPort = rest.slice(rest.lastIndexOf('@') + 1);
  const parts = [`write ${hostPort === '' || staticAddressFault(hostPort) !== undefined ? 'host:port' : hostPort}`];
  if (scheme !== undefined) parts.push('the scheme goes into scheme');
  if (/[^/:]\/[^/]/.test(address)) parts.push('the path into profiles.<name>.path');
  return { message: '@ is not host:port', hint: parts.join('; ') };
}

/** Word processors and chats write their own quotes, which YAML takes for letters. */
function quotesOrSpaces(address: string): AddressFault | undefined {
  const bad = /[\s\p{Cc}\p{Cf}"'`\u2018-\u201f\u00ab\u00bb]/u.exec(address)?.[0];
  if (bad === undefined) return undefined;
  const rest = address.replace(/[\s\p{Cc}\p{Cf}"'`\u2018-\u201f\u00ab\u00bb]/gu, '');
  const what = /\s/.test(bad) ? 'a space' : /\p{P}|`/u.test(bad) ? `a quote (${bad})` : 'an invisible character';
  return { message: `@ has ${what} in it`, hint: rewritten(rest) };
}

function ipv6(address: string): AddressFault | undefined {
  if (/^\[[^[\]]*\](?::\d+)?$/.test(address)) {
    const inner = address.slice(1, address.indexOf(']'));
    if (isIPv6(inner)) return undefined;
    return { message: `@: ${quote(inner)} is not an IPv6 address`, hint: 'as in [::1]:6060' };
  }
  if (!/[[\]]|:.*:/.test(address)) return undefined;
  // `::1:6060` is an address of its own, but nobody means it.
  const [, front = '', end = ''] = /^\[?(.*?)\]?:(\d{4,5})$/.exec(address) ?? [];
  if (isIPv6(front) && Number(end) <= 65_535) {
    return { message: '@ is an IPv6 address without brackets', hint: `write "[${front}]:${end}"` };
  }
  if (isIPv6(address)) return undefined;
  return { message: '@ has too many colons for host:port', hint: 'an IPv6 address stands in brackets: "[::1]:6060"' };
}

function wildcard(address: string): AddressFault | undefined {
  if (isIPv6(address) || !(address.includes('*') || address.startsWith(':'))) return undefined;
  const written = /:(\d+)$/.exec(address)?.[1] ?? '6060';
  const what = address.includes('*') ? '@ is a pattern, and a target is one host' : '@ names no host';
  return { message: what, hint: `write localhost:${written} for this machine, or one target for each host` };
}

const PORTS: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
]);

function port(address: string): AddressFault | undefined {
  const colon = address.lastIndexOf(':');
  if (colon === -1 || isIPv6(address)) return undefined;
  const written = address.slice(colon + 1);
  const hostname = address.slice(0, colon);
  // As Prometheus, which then takes the port of the scheme.
  if (written === '') return undefined;
  if (!/^\d+$/.test(written)) {
    const number = PORTS.get(written.toLowerCase());
    const hint = number === undefined ? 'write its number, as in localhost:6060' : `write ${hostname}:${number}`;
    return { message: `@: port ${quote(written)} is not a number`, hint };
  }
  if (Number(written) >= 1 && Number(written) <= 65_535) return undefined;
  return { message: `@: there is no port ${quote(written)}`, hint: 'ports are numbers from 1 to 65535' };
}

function host(address: string): AddressFault | undefined {
  if (address.startsWith('[') || isIPv6(address)) return undefined;
  const [hostname = ''] = address.split(':', 1);
  const bad = /[^\p{L}\p{M}\p{N}_.-]/u.exec(hostname)?.[0];
  if (bad === undefined) return undefined;
  const rest = address.replace(/[^\p{L}\p{M}\p{N}_.:-]/gu, '');
  return { message: `@: a host name has no ${quote(bad)}`, hint: rewritten(rest) };
}

/** Only a fix that works is suggested. */
function rewritten(address: string): string {
  return staticAddressFault(address) === undefined ? `write ${address}` : 'write host:port, as in localhost:6060';
}
