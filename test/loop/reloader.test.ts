import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, PyroPullError } from '../../src/errors.ts';
import { EMPTY_LABELS } from '../../src/labels/label-set.ts';
import type { LoopEvent } from '../../src/loop/loop-event.ts';
import { Reloader } from '../../src/loop/reloader.ts';
import type { LoopSettings } from '../../src/loop/scrape-loop.ts';
import { adHocConfig } from '../../src/targets/ad-hoc-job.ts';

function reloaderOf(load: () => Promise<LoopSettings>) {
  const applied: LoopSettings[] = [];
  const events: LoopEvent[] = [];
  const clock = { nowMs: 1_000 };
  const reloader = new Reloader('pyro-pull.yml', {
    load,
    apply: (settings) => applied.push(settings),
    now: () => clock.nowMs,
    onEvent: (event) => events.push(event),
  });
  return { reloader, applied, events, clock };
}

const settings = (): LoopSettings => ({
  config: adHocConfig(['h:1']),
  isWanted: () => true,
  labels: EMPTY_LABELS,
  writeEmpty: false,
});

test('a good config is taken over', async () => {
  const next = settings();
  const { reloader, applied, events, clock } = reloaderOf(async () => next);
  clock.nowMs = 5_000;
  assert.deepEqual(await reloader.reload(), { isGood: true });
  assert.deepEqual(applied, [next]);
  assert.deepEqual(events, [{ type: 'reloaded', jobs: 1 }]);
  assert.deepEqual(reloader.view, {
    path: 'pyro-pull.yml',
    loadedAtMs: 5_000,
    isLastReloadGood: true,
    lastReloadError: undefined,
  });
});

test('a broken one keeps the old, says why, and a good one heals it', async () => {
  const error = new ConfigError('pyro-pull.yml', []);
  let isBroken = true;
  const { reloader, applied, events, clock } = reloaderOf(async () => {
    if (isBroken) throw error;
    return settings();
  });
  clock.nowMs = 5_000;
  assert.deepEqual(await reloader.reload(), { isGood: false, error });
  assert.deepEqual(applied, []);
  assert.deepEqual(events, [{ type: 'reload-failed', error }]);
  assert.equal(reloader.view.loadedAtMs, 1_000);
  assert.equal(reloader.view.isLastReloadGood, false);
  assert.equal(reloader.view.lastReloadError, error);
  isBroken = false;
  await reloader.reload();
  assert.equal(reloader.view.isLastReloadGood, true);
});

test('any other error is one that can be shown', async () => {
  const { reloader } = reloaderOf(async () => {
    throw new Error('EACCES');
  });
  const result = await reloader.reload();
  assert.ok(!result.isGood && result.error instanceof PyroPullError);
  assert.equal(result.error.code, 'RELOAD');
});

test('what asks during a reload shares one more that begins after it', async () => {
  const finish: (() => void)[] = [];
  let loads = 0;
  const { reloader } = reloaderOf(async () => {
    loads += 1;
    await new Promise<void>((resolve) => finish.push(resolve));
    return settings();
  });
  const all = [reloader.reload(), reloader.reload(), reloader.reload()];
  assert.equal(loads, 1);
  finish[0]?.();
  await all[0];
  while (finish.length < 2) await new Promise((resolve) => setImmediate(resolve));
  finish[1]?.();
  await Promise.all(all);
  assert.equal(loads, 2);
});
