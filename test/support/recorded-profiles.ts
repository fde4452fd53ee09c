import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const DIRECTORY = join(import.meta.dirname, '../../fixtures/profiles/recorded');

/** Snapshots of real programs by name (`etcd-heap`), in the order in which they were taken; gzip'd, as they came. */
export function recordedProfiles(): Map<string, Uint8Array[]> {
  const series = new Map<string, Uint8Array[]>();
  for (const file of readdirSync(DIRECTORY).sort()) {
    const name = /^(.+)-\d+\.pb\.gz$/.exec(file)?.[1];
    if (name === undefined) continue;
    const body = new Uint8Array(readFileSync(join(DIRECTORY, file)));
    const earlier = series.get(name);
    if (earlier) earlier.push(body);
    else series.set(name, [body]);
  }
  return series;
}

export function inflated(body: Uint8Array): Uint8Array {
  return new Uint8Array(gunzipSync(body));
}
