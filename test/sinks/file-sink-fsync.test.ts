import assert from 'node:assert/strict';
import fs, { readlinkSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createFileSink } from '../../src/sinks/file/file-sink.ts';
import { finishedProfile } from '../support/finished-profile.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const skip = process.platform !== 'linux' && 'only /proc tells which file a descriptor is of';

/** What is synced from now on, relative to a directory; files by their directory. */
function recordSyncs(t: TestContext, dir: string): string[] {
  const synced: string[] = [];
  const { fsync } = fs;
  const record: typeof fsync = Object.assign((fd: number, done: fs.NoParamCallback) => {
    synced.push(readlinkSync(`/proc/self/fd/${fd}`).slice(dir.length + 1));
    fsync(fd, done);
  }, fsync);
  fs.fsync = record;
  syncBuiltinESMExports();
  t.after(() => {
    fs.fsync = fsync;
    syncBuiltinESMExports();
  });
  return synced;
}

test('with fsync the way to a file is on the device, once, and again where it was removed and made anew', {
  skip,
}, async (t) => {
  const dir = temporaryDirectory(t);
  const sink = await createFileSink({ dir, fsync: true });
  const synced = recordSyncs(t, dir);
  const directoriesOfWrite = async () => {
    synced.length = 0;
    await sink.write(finishedProfile());
    return synced.filter((path) => !path.includes('.tmp') && path !== 'index.ndjson');
  };
  const leaf = 'shop/checkout/localhost_6060/cpu';
  const way = [leaf, 'shop/checkout/localhost_6060', 'shop/checkout', 'shop', ''];
  assert.deepEqual(await directoriesOfWrite(), way);
  assert.deepEqual(await directoriesOfWrite(), [leaf]);
  rmSync(join(dir, 'shop/checkout'), { recursive: true });
  assert.deepEqual(await directoriesOfWrite(), [leaf, 'shop/checkout/localhost_6060', 'shop/checkout', 'shop']);
  assert.deepEqual(await directoriesOfWrite(), [leaf]);
  await sink.close();
});
