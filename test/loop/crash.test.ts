import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { buildProfile } from '../support/build-profile.ts';
import { answers, startFakeTarget } from '../support/fake-target.ts';
import { GoHeap } from '../support/go-heap.ts';
import { runModule } from '../support/source-module.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function startProcess(t: TestContext, cwd: string): ChildProcess {
  const args = runModule('src/cli/dev.ts', 'scrape', '--loop', '-c', 'pyro-pull.yml');
  const child = spawn(process.execPath, args, { cwd, stdio: 'inherit' });
  t.after(() => void child.kill('SIGKILL'));
  return child;
}

function readIndex(dir: string): { from: number; until: number }[] {
  try {
    const lines = readFileSync(join(dir, 'profiles/index.ndjson'), 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => {
      const { from, until } = JSON.parse(line);
      return { from: Date.parse(from), until: Date.parse(until) };
    });
  } catch {
    return [];
  }
}

async function untilWritten(dir: string, files: number): Promise<void> {
  for (let waited = 0; readIndex(dir).length < files; waited += 50) {
    assert.ok(waited < 30_000, `${readIndex(dir).length} files instead of ${files}`);
    await sleep(50);
  }
}

/** Until the snapshot of the last written file is kept, too: it is kept after the file is written. */
async function untilKept(dir: string): Promise<void> {
  const index = statSync(join(dir, 'profiles/index.ndjson')).mtimeMs;
  const states = join(dir, 'profiles/.state');
  const newest = () => Math.max(...readdirSync(states).map((name) => statSync(join(states, name)).mtimeMs));
  for (let waited = 0; newest() < index; waited += 50) {
    assert.ok(waited < 30_000, 'the snapshot was not kept');
    await sleep(50);
  }
}

test('after kill -9 the next delta begins where the last written one ended', async (t) => {
  const heap = new GoHeap({ samples: 20 });
  let answered = 0;
  let limit = 0;
  // Holds the request that comes after the last one of interest, so that the kill meets no scrape half done.
  const target = await startFakeTarget(t, (request, response) => {
    if (answered === limit) return;
    answered += 1;
    heap.advance({ changed: 0.5 });
    answers.profile(gzipSync(buildProfile(heap.snapshot())))(request, response);
  });
  const dir = temporaryDirectory(t);
  const job = {
    'job-name': 'shop',
    'scrape-interval': '1s',
    'enabled-profiles': ['mem'],
    'static-configs': [{ application: 'shop', targets: [target.address] }],
  };
  writeFileSync(join(dir, 'pyro-pull.yml'), JSON.stringify({ 'scrape-configs': [job] }));
  for (const files of [2, 4]) {
    limit = files + 1; // the first snapshot of all gives no file
    const child = startProcess(t, dir);
    await untilWritten(dir, files);
    await untilKept(dir);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const entries = readIndex(dir);
  for (const [index, { from }] of entries.slice(1).entries()) {
    const gapMs = from - (entries[index]?.until ?? 0);
    assert.ok(Math.abs(gapMs) <= 1, `${gapMs} ms are in no interval, or in two`);
  }
});
