import { Worker } from 'node:worker_threads';

const MAX_INPUT_BYTES = 1024 * 1024;
/** The header in the shared memory: number of the case, lengths of its two inputs. */
const HEADER_INTS = 3;

/** Another thread that ends the process, with the inputs on disk, when one case takes too long: a hang cannot tell itself. */
export class Watchdog {
  readonly #header: Int32Array;
  readonly #inputs: Uint8Array;
  readonly #worker: Worker;

  constructor(limitMs: number, saveAs: string) {
    const memory = new SharedArrayBuffer(HEADER_INTS * 4 + 2 * MAX_INPUT_BYTES);
    this.#header = new Int32Array(memory, 0, HEADER_INTS);
    this.#inputs = new Uint8Array(memory, HEADER_INTS * 4);
    this.#worker = new Worker(WATCH, { eval: true, workerData: { memory, limitMs, saveAs } });
    this.#worker.unref();
  }

  /** To be called before each case. */
  show(before: Uint8Array, after: Uint8Array): void {
    this.#inputs.set(before.subarray(0, MAX_INPUT_BYTES));
    this.#inputs.set(after.subarray(0, MAX_INPUT_BYTES), before.length);
    this.#header[1] = before.length;
    this.#header[2] = after.length;
    Atomics.add(this.#header, 0, 1);
  }

  stop(): Promise<number> {
    return this.#worker.terminate();
  }
}

/** Plain JavaScript, as the loader of TypeScript is not in the worker. */
const WATCH = `
  const { mkdirSync, writeFileSync } = require('node:fs');
  const { dirname } = require('node:path');
  const { memory, limitMs, saveAs } = require('node:worker_threads').workerData;
  const header = new Int32Array(memory, 0, ${HEADER_INTS});
  let seen = 0;
  setInterval(() => {
    const now = Atomics.load(header, 0);
    if (now !== seen || now === 0) { seen = now; return; }
    const inputs = Buffer.from(memory, ${HEADER_INTS * 4});
    mkdirSync(dirname(saveAs), { recursive: true });
    writeFileSync(saveAs + '.before.pb', inputs.subarray(0, header[1]));
    writeFileSync(saveAs + '.after.pb', inputs.subarray(header[1], header[1] + header[2]));
    require('node:fs').writeSync(2, 'fuzz: case ' + now + ' took over ' + limitMs + ' ms; saved as ' + saveAs + '.*.pb\\n');
    process.kill(process.pid, 'SIGKILL');
  }, limitMs);
`;
