import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Inputs that once found a fault or new ground, two files each: a good snapshot, and bytes that come after it. */
export const CORPUS = join(import.meta.dirname, '../../fixtures/profiles/corpus');

export interface CorpusCase {
  readonly name: string;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

const BEFORE = '.before.pb';

export function readCorpus(): CorpusCase[] {
  return readdirSync(CORPUS)
    .filter((file) => file.endsWith(BEFORE))
    .map((file) => file.slice(0, -BEFORE.length))
    .map((name) => ({
      name,
      before: new Uint8Array(readFileSync(join(CORPUS, `${name}${BEFORE}`))),
      after: new Uint8Array(readFileSync(join(CORPUS, `${name}.after.pb`))),
    }));
}

/** Writes a case under a name made of its content, and gives the path without the endings. */
export function saveCase(before: Uint8Array, after: Uint8Array, prefix: string): string {
  const hash = createHash('sha256').update(before).update(after).digest('hex').slice(0, 12);
  const path = join(CORPUS, `${prefix}-${hash}`);
  mkdirSync(CORPUS, { recursive: true });
  writeFileSync(`${path}${BEFORE}`, before);
  writeFileSync(`${path}.after.pb`, after);
  return path;
}
