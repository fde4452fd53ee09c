import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuredJob, saidOfJob } from '../support/config-problems.ts';

const HOUR_MS = 3_600_000;

for (const [lines, sample] of [
  ['sample: {count: 10}', { type: 'count', count: 10, rotateEveryMs: HOUR_MS }],
  ['sample: {ratio: 0.25, rotate-every: 30m}', { type: 'ratio', ratio: 0.25, rotateEveryMs: HOUR_MS / 2 }],
  ['sample: {ratio: 1, rotate_every: 1d}', { type: 'ratio', ratio: 1, rotateEveryMs: 24 * HOUR_MS }],
  // Ten snapshots of a target at least.
  ['scrape-interval: 30m\nsample: {count: 1}', { type: 'count', count: 1, rotateEveryMs: 5 * HOUR_MS }],
] as const) {
  test(lines, async () => assert.deepEqual((await configuredJob(lines)).sample, sample));
}

test('without one all targets are scraped', async () => {
  assert.equal((await configuredJob('')).sample, undefined);
});

for (const [lines, error] of [
  ['sample: {count: 0}', 'job.sample.count: "0" is not a whole number from 1 to 1000'],
  ['sample: {ratio: 0}', 'job.sample.ratio: "0" is not a number between 0 and 1'],
  ['sample: {ratio: 1.1}', 'job.sample.ratio: "1.1" is not a number between 0 and 1'],
  ['sample: {ratio: 10%}', 'job.sample.ratio: "10%" is not a number between 0 and 1'],
  ['sample: {count: 1, ratio: 0.5}', 'job.sample.ratio: "count" and "ratio" exclude each other'],
  ['sample: {rotate-every: 1h}', 'job.sample: says not how many'],
  [
    'scrape-interval: 1m\nsample: {count: 1, rotate-every: 2m}',
    'job.sample.rotate-every: 2m is too short: a delta needs two snapshots of a target',
  ],
] as const) {
  test(`${lines} is wrong`, async () => assert.deepEqual((await saidOfJob(lines)).errors, [error]));
}
