/** `host:port`, an IPv6 address in brackets: Go's net.JoinHostPort. */
export function joinAddress(host: string, port: number | string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
