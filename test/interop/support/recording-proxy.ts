import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { freshDirectory } from './places.ts';

/** One response that went through the proxy. */
export interface Recorded {
  readonly path: string;
  readonly status: number;
  /** The body, unchanged, as a file. */
  readonly file: string;
}

export interface RecordingProxy {
  /** `host:port` to scrape instead of the program's own. */
  readonly address: string;
  /** Whether a path (without its query) was asked for, answered or not. */
  requested(path: string): boolean;
  /** Lets the requests go on that `holdsSecond` holds. */
  release(): void;
  /** Good answers to a path (without its query), in order. */
  answers(path: string): readonly Recorded[];
  stop(): Promise<void>;
}

export interface RecordingProxyOptions {
  /** The second request for a path, and each later one, waits until `release` is called: the first snapshot is then taken, the second is not. */
  readonly holdsSecond?: boolean;
}

/** Stands before a program and keeps a copy of each profile that it sends, so that a result can be checked against it. */
export async function startRecordingProxy(
  upstream: string,
  { holdsSecond = false }: RecordingProxyOptions = {},
): Promise<RecordingProxy> {
  const directory = freshDirectory('recorded');
  mkdirSync(directory, { recursive: true });
  const recorded: Recorded[] = [];
  const requested = new Set<string>();
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = createServer(async (incoming, outgoing) => {
    const path = incoming.url ?? '/';
    if (holdsSecond && requested.has(withoutQuery(path))) await released;
    requested.add(withoutQuery(path));
    const [host = '', port = ''] = upstream.split(':');
    const headers = { ...incoming.headers, host: upstream };
    const onward = request({ host, port, path, method: incoming.method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks);
        const file = join(directory, `${recorded.length}.pb.gz`);
        writeFileSync(file, body);
        recorded.push({ path, status: response.statusCode ?? 0, file });
        // Written only now: who has the answer finds it recorded.
        outgoing.writeHead(response.statusCode ?? 502, response.headers).end(body);
      });
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    onward.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    address: `127.0.0.1:${address.port}`,
    requested: (path) => requested.has(path),
    release,
    answers: (path) => recorded.filter((one) => one.status === 200 && withoutQuery(one.path) === path),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function withoutQuery(path: string): string {
  return path.split('?')[0] ?? path;
}
