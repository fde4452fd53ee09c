import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

export interface PathProxy {
  /** `host:port`. */
  readonly address: string;
  /** The most requests that were under way at once, by path prefix. */
  mostAtOnce(prefix: string): number;
  /** The most at once of all prefixes together. */
  readonly mostOfAll: number;
  /** Answers other than 200, `status path`. */
  readonly refusals: readonly string[];
  stop(): Promise<void>;
}

export interface PathProxyOptions {
  /** A second request while one is under way is answered with this status. */
  readonly refusesSecond?: number;
}

/**
 * Stands before several programs as the proxy of a Kubernetes API server does: what comes below a prefix goes to the program
 * of that prefix. Counts what is under way.
 */
export async function startPathProxy(
  upstreams: Readonly<Record<string, string>>,
  { refusesSecond }: PathProxyOptions = {},
): Promise<PathProxy> {
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  const refusals: string[] = [];
  let mostOfAll = 0;
  const count = (prefix: string, step: number) => {
    const now = (running.get(prefix) ?? 0) + step;
    running.set(prefix, now);
    most.set(prefix, Math.max(most.get(prefix) ?? 0, now));
    mostOfAll = Math.max(
      mostOfAll,
      [...running.values()].reduce((sum, one) => sum + one, 0),
    );
  };
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/';
    const found = Object.entries(upstreams).find(([prefix]) => path.startsWith(prefix));
    if (found === undefined) return void outgoing.writeHead(404).end('404 page not found\n');
    const [prefix, upstream] = found;
    if (refusesSecond !== undefined && (running.get(prefix) ?? 0) > 0) {
      refusals.push(`${refusesSecond} ${path}`);
      return void outgoing.writeHead(refusesSecond).end('{"error":"too many concurrent profiling requests"}');
    }
    count(prefix, 1);
    outgoing.on('close', () => count(prefix, -1));
    forward(upstream, path.slice(prefix.length), incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    address: `127.0.0.1:${address.port}`,
    mostAtOnce: (prefix) => most.get(prefix) ?? 0,
    get mostOfAll() {
      return mostOfAll;
    },
    refusals,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(upstream: string, path: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const [host = '', port = ''] = upstream.split(':');
  const headers = { ...incoming.headers, host: upstream };
  const onward = request({ host, port, path, method: incoming.method, headers }, (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  outgoing.on('close', () => onward.destroy());
  onward.end();
}
