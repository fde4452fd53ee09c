import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** What a connection is doing; the earlier ones in this list have to go first. */
const ORDER = ['silent', 'idle', 'answering'] as const;
type Activity = (typeof ORDER)[number];

/**
 * Keeps a server's connections to a number, and has room for a new one always: the oldest connection goes that never sent a
 * request, else the oldest between two requests, else the oldest of all. So nobody who opens connections and leaves them
 * open keeps others out.
 */
export function makeRoom(server: Server, maxConnections: number): void {
  /** In the order in which they came. */
  const connections = new Map<Socket, Activity>();
  server.on('connection', (socket) => {
    if (connections.size >= maxConnections) oldestToGo(connections)?.destroy();
    connections.set(socket, 'silent');
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    connections.set(socket, 'answering');
    response.once('close', () => {
      if (connections.has(socket)) connections.set(socket, 'idle');
    });
  });
}

function oldestToGo(connections: Map<Socket, Activity>): Socket | undefined {
  for (const wanted of ORDER) {
    for (const [socket, activity] of connections) {
      if (activity !== wanted) continue;
      connections.delete(socket);
      return socket;
    }
  }
  return undefined;
}
