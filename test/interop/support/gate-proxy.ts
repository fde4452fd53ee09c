import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

/** Stands before a server, as an operator's proxy does, and lets in who has the right credentials. */
export interface GateProxy {
  readonly url: string;
  /** Requests that were let in, and those that were not. */
  readonly passed: number;
  readonly refused: number;
  stop(): Promise<void>;
}

export interface GateOptions {
  /** The whole Authorization header. */
  readonly authorization: string;
  /** Speaks TLS with this certificate, in PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string };
}

export async function startGateProxy(upstream: string, options: GateOptions): Promise<GateProxy> {
  const counts = { passed: 0, refused: 0 };
  const { hostname, port } = new URL(upstream);
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    if (incoming.headers.authorization !== options.authorization) {
      counts.refused += 1;
      incoming.resume();
      outgoing.writeHead(401, { 'content-type': 'text/html' }).end('<h1>401 Authorization Required</h1>');
      return;
    }
    counts.passed += 1;
    const { authorization: _ours, ...headers } = incoming.headers;
    const { url: path, method } = incoming;
    const onward = request({ host: hostname, port, path, method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  };
  const server = options.certificate ? createTlsServer(options.certificate, handle) : createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    url: `${options.certificate ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    get passed() {
      return counts.passed;
    },
    get refused() {
      return counts.refused;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
