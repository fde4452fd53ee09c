import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockDirectory } from '../../src/directory-lock.ts';
import { StateError } from '../../src/errors.ts';
import { MODULE_FLAGS, moduleUrl } from '../support/source-module.ts';

const options = { what: 'queue', hint: 'stop it' };

async function scratch(t: { after(fn: () => Promise<void>): void }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'pyro-lock-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A process that takes the lock, says so, and waits to be killed. */
function spawnHolder(dir: string) {
  const lockModule = moduleUrl('src/directory-lock.ts');
  const script = `import(${JSON.stringify(lockModule)}).then(async ({ lockDirectory }) => {
    try {
      await lockDirectory(${JSON.stringify(dir)}, { what: 'queue', hint: 'x' });
      process.stdout.write('held');
      setInterval(() => {}, 1000);
    } catch (error) { process.stdout.write(error.code); }
  });`;
  return spawn(process.execPath, [...MODULE_FLAGS, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('the second one is refused with the owner named', async (t) => {
  const dir = await scratch(t);
  const lock = await lockDirectory(dir, options);
  await assert.rejects(lockDirectory(dir, options), (error: unknown) => {
    assert.ok(error instanceof StateError);
    assert.equal(error.code, 'LOCKED');
    assert.match(
      error.message,
      new RegExp(`^the queue .* is in use by another pyro-pull \\(process ${process.pid} on`),
    );
    return true;
  });
  await lock.release();
  await (await lockDirectory(dir, options)).release();
  assert.deepEqual(await readdir(dir), []);
});

test('a lock of a killed process is taken over', async (t) => {
  const dir = await scratch(t);
  const holder = spawnHolder(dir);
  const [said] = await once(holder.stdout, 'data');
  assert.equal(String(said), 'held');
  await assert.rejects(lockDirectory(dir, options), { code: 'LOCKED' });
  holder.kill('SIGKILL');
  await once(holder, 'close');
  await (await lockDirectory(dir, options)).release();
});

test('of several that start together at most one gets the lock that a dead process left', async (t) => {
  const dir = await scratch(t);
  const dead = { pid: 999_999_999, host: 'h', boot: '', namespace: '', started: '1', since: '' };
  await writeFile(join(dir, '.lock-1-old'), JSON.stringify(dead));
  await utimes(join(dir, '.lock-1-old'), 1, 1);
  const all = [1, 2, 3, 4].map(() =>
    lockDirectory(dir, options).then(
      (lock) => lock,
      () => undefined,
    ),
  );
  const locks = (await Promise.all(all)).filter((lock) => lock !== undefined);
  assert.ok(locks.length <= 1);
  await Promise.all(locks.map((lock) => lock.release()));
});

test('a process id that was given to another process holds nothing', async (t) => {
  const dir = await scratch(t);
  const lock = await lockDirectory(dir, options);
  const [name] = await readdir(dir);
  const owner: unknown = JSON.parse(await readFile(join(dir, name ?? ''), 'utf8'));
  assert.ok(typeof owner === 'object' && owner !== null && 'started' in owner);
  if (owner.started === '') return t.skip('no /proc on this system');
  await lock.release();
  await writeFile(join(dir, '.lock-x'), JSON.stringify({ ...owner, started: '1' }));
  await (await lockDirectory(dir, options)).release();
});

test('a directory that cannot be made is a StateError', async (t) => {
  const dir = await scratch(t);
  await writeFile(join(dir, 'file'), '');
  await assert.rejects(lockDirectory(join(dir, 'file', 'queue'), options), { name: 'StateError', code: 'STATE_DIR' });
});
