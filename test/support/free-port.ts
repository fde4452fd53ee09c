import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Above the last port that `fetch` and browsers refuse to ask (10080). */
const FIRST_PORT = 11_000;
/** Where the system's own choice of ports begins if it does not say: Linux's default, and below that of other systems. */
const DEFAULT_EPHEMERAL_PORT = 32_768;
/** How far apart two processes with neighbouring ids begin. */
const PORTS_OF_A_PROCESS = 97;

let given = 0;

/**
 * A TCP port of 127.0.0.1 that nothing listens on. It lies below the ports that the system gives to connections and to
 * servers that ask for port 0, so neither can take it before it is used, nor between two servers that use it in turn.
 * One process gets each port once, and processes begin at different ports. Throws when every port of the range is taken.
 */
export async function freePort(): Promise<number> {
  const ports = firstEphemeralPort() - FIRST_PORT;
  for (let tried = 0; tried < ports; tried++) {
    const port = FIRST_PORT + ((process.pid * PORTS_OF_A_PROCESS + given) % ports);
    given += 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + ports - 1} is free`);
}

function firstEphemeralPort(): number {
  let first = DEFAULT_EPHEMERAL_PORT;
  try {
    first = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  } catch {
    // only Linux has this file
  }
  // A system that gives away all ports leaves no others.
  return first > FIRST_PORT + PORTS_OF_A_PROCESS ? first : DEFAULT_EPHEMERAL_PORT;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
