import type { MessagePort } from 'node:worker_threads';

/** Below this size the garbage collector is in time, and a call costs more than it saves. */
const LARGE_BYTES = 256 * 1024;

/** Closed: what is handed over to it reaches nobody and is freed. Made when it is first needed, which takes a while. */
let nowhere: MessagePort | undefined;

/**
 * Frees the memory behind large bytes at once; they are empty from then on, and so is every other view of their buffer.
 * V8 collects buffers by its own heap, which they hardly fill: without this the inflated profiles of several scrapes pile
 * up, tens of megabytes, before it looks.
 */
export function freeNow({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < LARGE_BYTES || !(buffer instanceof ArrayBuffer)) return;
  nowhere ??= closedPort();
  nowhere.postMessage(undefined, [buffer]);
}

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return port1;
}
