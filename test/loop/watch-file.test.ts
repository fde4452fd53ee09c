import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileStamp, watchFile } from '../../src/loop/watch-file.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Looks once for each of these states of the file; gives after which looks a change was told. */
async function changesIn(stamps: readonly (string | undefined)[]): Promise<number[]> {
  const stop = new AbortController();
  const told: number[] = [];
  let looks = -1;
  const stamp = async () => {
    looks += 1;
    return stamps[looks];
  };
  const sleep = async () => {
    if (looks === stamps.length - 1) stop.abort();
  };
  await watchFile('config.yml', () => told.push(looks), stop.signal, { sleep, stamp });
  return told;
}

const rows: { name: string; stamps: (string | undefined)[]; told: number[] }[] = [
  { name: 'nothing for a file that stays', stamps: ['a', 'a', 'a', 'a'], told: [] },
  { name: 'a change when the file has settled', stamps: ['a', 'b', 'b', 'b'], told: [2] },
  { name: 'one change for a file that is still being written', stamps: ['a', 'b', 'c', 'd', 'd', 'd'], told: [4] },
  { name: 'each of two changes', stamps: ['a', 'b', 'b', 'c', 'c'], told: [2, 4] },
  { name: 'nothing while the file is away', stamps: ['a', undefined, undefined, 'a', 'a'], told: [] },
  { name: 'a file that comes back as another', stamps: ['a', undefined, undefined, 'b', 'b'], told: [4] },
];
for (const { name, stamps, told } of rows) {
  test(`tells ${name}`, async () => assert.deepEqual(await changesIn(stamps), told));
}

test('the stamp changes with content and with a replaced file', async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, 'config.yml');
  assert.equal(await fileStamp(path), undefined);
  writeFileSync(path, 'one');
  const first = await fileStamp(path);
  assert.equal(await fileStamp(path), first);
  writeFileSync(join(dir, 'other'), 'two');
  renameSync(join(dir, 'other'), path);
  const second = await fileStamp(path);
  assert.notEqual(second, first);
  writeFileSync(path, 'three');
  assert.notEqual(await fileStamp(path), second);
  rmSync(path);
});
