import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import type { HttpOrigin } from './address.ts';

/**
 * Whether a NO_PROXY list says that an origin is reached without a proxy. The rules of Go's `httpproxy` package, which
 * Prometheus uses: loopback and `localhost` never take a proxy; `*` is everything; an entry is an IP address, a CIDR block
 * or a domain (`a.b` with its subdomains, `.a.b` and `*.a.b` the subdomains alone), each with an optional port.
 */
export function isExemptFromProxy(origin: HttpOrigin, noProxy: string): boolean {
  const host = zoneless(origin.hostname.toLowerCase());
  if (host === 'localhost' || isLoopback(host)) return true;
  return noProxy
    .toLowerCase()
    .split(',')
    .some((entry) => matches(entry.trim(), host, origin.port));
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (/^[^/]+\/\d+$/.test(entry)) return isInBlock(host, entry);
  const [name, entryPort] = splitPort(entry);
  if (name === '' || (entryPort !== '' && entryPort !== String(port))) return false;
  if (isIP(name)) return isIP(host) !== 0 && isInBlock(host, `${name}/${isIPv4(name) ? 32 : 128}`);
  const suffix = name.replace(/^\*(?=\.)/, '');
  return suffix.startsWith('.') ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`);
}

function splitPort(entry: string): [host: string, port: string] {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(entry);
  if (bracketed) return [bracketed[1] ?? '', bracketed[2] ?? ''];
  if (isIPv6(entry)) return [entry, ''];
  const colon = entry.lastIndexOf(':');
  return colon === -1 ? [entry, ''] : [entry.slice(0, colon), entry.slice(colon + 1)];
}

function isInBlock(host: string, block: string): boolean {
  const slash = block.indexOf('/');
  const network = block.slice(0, slash);
  const prefix = Number(block.slice(slash + 1));
  const family = isIPv4(network) ? 'ipv4' : 'ipv6';
  if (!isIP(network) || !isIP(host) || prefix > (family === 'ipv4' ? 32 : 128)) return false;
  if (isIPv4(host) !== (family === 'ipv4')) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family);
  return list.check(host, family);
}

/** An IPv6 address may name a zone: `fe80::1%eth0`. */
function zoneless(host: string): string {
  return host.split('%', 1)[0] ?? host;
}

function isLoopback(host: string): boolean {
  return isIPv4(host) ? host.startsWith('127.') : isIPv6(host) && isInBlock(host, '::1/128');
}
