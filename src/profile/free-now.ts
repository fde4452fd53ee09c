import type { MessagePort } from 'node:worker_threads';

/** Below this size the garbage collector is in time with what dies young. */
const LARGE_BYTES = 256 * 1024;
/** What a call costs, two microseconds, is not worth less. */
const RECEIVED_BYTES = 512;

/** Closed: what is handed over to it reaches nobody and is freed. Made when it is first needed, which takes a while. */
let nowhere: MessagePort | undefined;

/**
 * Frees the memory behind large bytes at once; they are empty from then on, and so is every other view of their buffer.
 * V8 collects buffers by its own heap, which they hardly fill: without this the inflated profiles of several scrapes pile
 * up, tens of megabytes, before it looks.
 */
export function freeNow(bytes: Uint8Array): void {
  if (bytes.byteLength >= LARGE_BYTES) free(bytes);
}

/**
 * The same for bytes from the network, small ones too: undici's parser collects headers, views of what was received, in an
 * array as old as the connection. To V8 they are then old as well, and lie there, with the body, until a full collection.
 */
export function freeReceived(bytes: Uint8Array): void {
  // Less than half of a buffer may be a part of Node's pool.
  if (bytes.byteLength >= RECEIVED_BYTES && bytes.byteLength * 2 > bytes.buffer.byteLength) free(bytes);
}

function free({ buffer }: Uint8Array): void {
  if (!(buffer instanceof ArrayBuffer)) return;
  nowhere ??= closedPort();
  nowhere.postMessage(undefined, [buffer]);
}

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return port1;
}
