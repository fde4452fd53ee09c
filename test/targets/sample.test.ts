import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SampleConfig } from '../../src/config/scrape-config.ts';
import { chooseSample } from '../../src/targets/sample.ts';

const ROTATION_MS = 3_600_000;
const STEP_MS = ROTATION_MS / 60;
const NOW_MS = 1_700_000_000_000;

function count(n: number): SampleConfig {
  return { type: 'count', count: n, rotateEveryMs: ROTATION_MS };
}

function ratio(r: number): SampleConfig {
  return { type: 'ratio', ratio: r, rotateEveryMs: ROTATION_MS };
}

function fleet(size: number): string[] {
  return Array.from({ length: size }, (_, i) => `10.0.${i >> 8}.${i & 255}:6060`);
}

function lost(before: ReadonlySet<string>, after: ReadonlySet<string>): string[] {
  return [...before].filter((address) => !after.has(address));
}

test('a count is exact, and all where there are no more', () => {
  for (const size of [1, 7, 10, 11, 500]) {
    assert.equal(chooseSample(fleet(size), count(10), NOW_MS).chosen.size, Math.min(10, size));
  }
});

test('the same addresses give the same sample, in whatever order and however often they come', () => {
  const addresses = fleet(300);
  const turned = [...addresses, ...addresses].reverse();
  for (const config of [count(20), ratio(0.1)]) {
    assert.deepEqual(
      [...chooseSample(addresses, config, NOW_MS).chosen].sort(),
      [...chooseSample(turned, config, NOW_MS).chosen].sort(),
    );
  }
});

test('a ratio is kept about', () => {
  const { chosen } = chooseSample(fleet(10_000), ratio(0.1), NOW_MS);
  assert.ok(chosen.size > 900 && chosen.size < 1100, `${chosen.size} of 10000`);
});

test('with a ratio no target depends on another', () => {
  const addresses = fleet(500);
  const all = chooseSample(addresses, ratio(0.3), NOW_MS).chosen;
  for (const address of addresses) {
    assert.equal(chooseSample([address], ratio(0.3), NOW_MS).chosen.has(address), all.has(address));
  }
});

test('targets that come or go move hardly any other of a count', () => {
  const before = chooseSample(fleet(500), count(20), NOW_MS).chosen;
  const grown = chooseSample(fleet(525), count(20), NOW_MS).chosen;
  assert.ok(lost(before, grown).length <= 4, `${lost(before, grown).length} of 20 lost to 25 newcomers`);
  const [one = ''] = before;
  const without = fleet(500).filter((address) => address !== one);
  assert.deepEqual(lost(before, chooseSample(without, count(20), NOW_MS).chosen), [one]);
});

for (const [name, config] of [
  ['count', count(20)],
  ['ratio', ratio(0.04)],
] as const) {
  test(`${name}: few change at one moment, all within about a rotation`, () => {
    const addresses = fleet(500);
    const start = chooseSample(addresses, config, NOW_MS);
    let previous = start.chosen;
    let most = 0;
    for (let step = 1; step <= 60; step++) {
      const next = chooseSample(addresses, config, NOW_MS + step * STEP_MS).chosen;
      most = Math.max(most, lost(previous, next).length);
      previous = next;
    }
    assert.ok(most <= 6, `${most} changed at once`);
    assert.ok(lost(start.chosen, previous).length >= start.chosen.size * 0.7);
  });

  test(`${name}: a target stays for about a rotation at least, so that there are deltas of it`, () => {
    const addresses = fleet(500);
    const since = new Map<string, number>();
    const stays: number[] = [];
    for (let step = 0; step < 300; step++) {
      const { chosen } = chooseSample(addresses, config, NOW_MS + step * STEP_MS);
      for (const address of chosen) if (!since.has(address)) since.set(address, step);
      for (const [address, first] of since) {
        if (chosen.has(address)) continue;
        if (first > 0) stays.push(step - first);
        since.delete(address);
      }
    }
    const short = stays.filter((steps) => steps < 60);
    assert.ok(stays.length > 30);
    assert.ok(short.length <= stays.length * 0.15, `${short.length} of ${stays.length} stays were cut short`);
  });

  test(`${name}: everybody has a turn`, () => {
    const addresses = fleet(50);
    const seen = new Set<string>();
    for (let rotation = 0; rotation < 200; rotation++) {
      for (const address of chooseSample(addresses, config, NOW_MS + rotation * ROTATION_MS).chosen) seen.add(address);
    }
    assert.equal(seen.size, 50);
  });

  test(`${name}: nothing changes before the end that is told`, () => {
    const addresses = fleet(500);
    const { chosen, validUntilMs } = chooseSample(addresses, config, NOW_MS);
    assert.ok(validUntilMs > NOW_MS && validUntilMs <= NOW_MS + STEP_MS + 1);
    assert.deepEqual(chooseSample(addresses, config, validUntilMs - 1).chosen, chosen);
  });
}
