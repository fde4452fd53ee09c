import { Worker, type WorkerOptions } from 'node:worker_threads';

/** The service that `--demo` scrapes: a small shop under a load of its own, with its real profiles at Go's paths. */
export interface DemoService {
  /** `host:port`. */
  readonly address: string;
  /** How many requests the shop has served so far, those for profiles not counted. */
  requests(): number;
  close(): Promise<void>;
}

export interface DemoServiceOptions {
  readonly host?: string;
  /** 0 for any free port. */
  readonly port?: number;
}

/** Handed to the worker. */
export interface DemoWorkerData {
  readonly host: string;
  readonly port: number;
  /** One int32: requests served. */
  readonly counter: SharedArrayBuffer;
}

/** The worker's first and only message. */
export interface DemoWorkerReady {
  readonly port: number;
}

/**
 * Starts the demo service in a thread of its own, so that its profiles show the shop and not the scraper. Rejects when
 * it can't start. The service alone keeps no process alive.
 */
export async function startDemoService(options: DemoServiceOptions = {}): Promise<DemoService> {
  const { host = '127.0.0.1', port = 0 } = options;
  const counter = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const workerData: DemoWorkerData = { host, port, counter };
  const worker = startWorker({ name: 'pyro-pull-demo', workerData });
  const ready = await new Promise<DemoWorkerReady>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('exit', (code) => reject(new Error(`the demo service ended with code ${code} before it was ready`)));
    // Stays on: a service that fails later on is noticed by whoever scrapes it, and must not end the process.
    worker.on('error', reject);
  });
  worker.unref();
  return {
    address: `${host}:${ready.port}`,
    requests: () => Atomics.load(new Int32Array(counter), 0),
    close: async () => {
      await worker.terminate();
    },
  };
}

/** The worker is a file of its own also in the bundle, beside the chunk that this module is part of. */
function startWorker(options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./demo-worker.js', import.meta.url), options);
  // From source: tsx's hooks don't reach into threads, so the thread registers them again.
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const entry = JSON.stringify(new URL('./demo-worker.ts', import.meta.url).href);
  return new Worker(`import(${tsx}).then(({ register }) => (register(), import(${entry})))`, {
    ...options,
    eval: true,
  });
}

/** A scrape config for the service, in the words of any other. */
export function demoScrapeConfigText(address: string): string {
  return `scrape-configs:
  - job-name: demo
    scrape-interval: 5s
    enabled-profiles: [cpu, mem]
    profiles:
      cpu:
        params:
          seconds: ["5"]
    static-configs:
      - application: pyro-pull-demo
        spy-name: nodespy
        targets: ["${address}"]
`;
}
