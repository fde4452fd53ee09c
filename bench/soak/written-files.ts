import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Ledger } from './ledger.ts';

interface Line {
  readonly path: string;
  readonly sha256: string;
  readonly reset: boolean;
}

/** Follows the index of an output directory, and gives each file that it names to the ledger. */
export class WrittenFiles {
  readonly #dir: string;
  readonly #ledger: Ledger;
  #offset = 0;
  #rest = '';
  #reading: Promise<void> = Promise.resolve();

  constructor(dir: string, ledger: Ledger) {
    this.#dir = dir;
    this.#ledger = ledger;
  }

  /** Reads what was added since. `isTorn`: the writer was killed, so that the last line may be half of one. */
  read(isTorn = false): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read(isTorn));
    return this.#reading;
  }

  async #read(isTorn: boolean): Promise<void> {
    const index = join(this.#dir, 'index.ndjson');
    if (!existsSync(index)) return;
    const { size } = statSync(index);
    if (size > this.#offset) {
      const file = await open(index);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(size - this.#offset), 0, undefined, this.#offset);
      await file.close();
      this.#offset += bytesRead;
      this.#rest += buffer.toString('utf8', 0, bytesRead);
    }
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const [number, line] of lines.entries()) {
      if (line !== '') this.#take(line);
      if (number % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
    }
    if (isTorn) this.#rest = '';
  }

  #take(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text);
    } catch {
      this.#ledger.breaches.push({ where: 'index', what: `no line of JSON: ${text.slice(0, 80)}` });
      return;
    }
    const file = join(this.#dir, line.path);
    try {
      const body = readFileSync(file);
      const hash = createHash('sha256').update(body).digest('hex');
      if (hash !== line.sha256) this.#ledger.breaches.push({ where: line.path, what: 'is not what the index says' });
      this.#ledger.take(gunzipSync(body), line.reset, line.path);
    } catch (error) {
      this.#ledger.breaches.push({ where: line.path, what: String(error) });
    }
  }
}
