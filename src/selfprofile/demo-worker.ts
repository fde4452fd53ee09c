import { createServer } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { CpuProfiler } from './cpu-profile.ts';
import { loadShop } from './demo-load.ts';
import type { DemoWorkerData, DemoWorkerReady } from './demo-service.ts';
import { DemoShop } from './demo-shop.ts';
import { HeapProfiler } from './heap-profile.ts';
import { createPprofHandler } from './pprof-handler.ts';

// The thread of the demo service, started by startDemoService. It profiles itself alone: V8's profilers see one thread.

const { host, port, counter }: DemoWorkerData = workerData;
const requests = new Int32Array(counter);
// Finer than by default, so that the few seconds of a demo show more than the largest functions.
const serveProfiles = createPprofHandler({
  cpu: new CpuProfiler({ samplingIntervalMicros: 4_000 }),
  heap: HeapProfiler.start({ samplingIntervalBytes: 64 * 1024 }),
});
const shop = new DemoShop();

const server = createServer((req, res) => {
  if (serveProfiles(req, res)) return;
  if (shop.handle(req, res)) Atomics.add(requests, 0, 1);
  else res.writeHead(404).end();
});
server.listen(port, host, () => {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the demo service listens on no port');
  const ready: DemoWorkerReady = { port: address.port };
  parentPort?.postMessage(ready);
  // A fault of the load is one of the demo: it ends the thread, and startDemoService tells.
  loadShop(host, address.port).catch((error: unknown) => {
    throw error;
  });
});
