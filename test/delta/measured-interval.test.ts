import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeltaProfile } from '../../src/delta/delta-outcome.ts';
import { buildProfile } from '../support/build-profile.ts';
import { sample } from '../support/sample-table.ts';
import { nanos, passedOn, START_NANOS, TrackerRun } from '../support/tracker-run.ts';

interface Answer {
  /** Seconds from the request to the last byte. */
  readonly took: number;
  /** The profile's own time, in seconds from the request; undefined: none. */
  readonly time?: number;
  /** The profile's own duration in seconds; undefined: none. */
  readonly duration?: number;
}

/** The profile of a target that was asked for 10 s of CPU. */
async function cpuProfile({ took, time, duration }: Answer): Promise<DeltaProfile> {
  const run = new TrackerRun({ profile: 'cpu', seconds: 10 });
  const body = buildProfile({
    sampleTypes: [{ type: 'samples', unit: 'count' }],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: 10_000_000n,
    samples: [sample('main', [3n])],
    timeNanos: time === undefined ? 0n : START_NANOS + nanos(time),
    durationNanos: duration === undefined ? 0n : nanos(duration),
  });
  const response = run.responseAt(body, undefined, took);
  const requestedAtMs = response.respondedAtMs - took * 1000;
  const outcome = await run.tracker.next({ ...response, requestedAtMs, durationMs: took * 1000 });
  return passedOn(outcome).outcome;
}

const seconds = ({ fromNanos, untilNanos }: DeltaProfile) => [
  Number(fromNanos - START_NANOS) / 1e9,
  Number(untilNanos - START_NANOS) / 1e9,
];

test('a measurement lasts as long as the profile says, from the time that it says', async () => {
  assert.deepEqual(seconds(await cpuProfile({ took: 10.2, time: 0.1, duration: 10 })), [0.1, 10.1]);
});

test('a measurement without a duration lasts as long as it was asked for', async () => {
  const profile = await cpuProfile({ took: 10.2, time: 0.1 });
  assert.deepEqual(seconds(profile), [0.1, 10.1]);
  assert.equal(profile.isPartial, false);
});

test('of a CPU profile that is answered at once and has no duration, the interval is that of the request, and partial', async () => {
  for (const time of [undefined, 0]) {
    const profile = await cpuProfile({ took: 0.005, ...(time !== undefined && { time }) });
    assert.deepEqual(seconds(profile), [0, 0.005], `time ${time}`);
    assert.equal(profile.isPartial, true);
  }
});

test('of a CPU profile that is answered at once with a duration, the interval ends with the answer', async () => {
  const profile = await cpuProfile({ took: 0.005, duration: 10 });
  assert.deepEqual(seconds(profile), [-9.995, 0.005]);
  assert.equal(profile.isPartial, false);
});

test('a target whose clock is a little ahead has measured until its answer, and not until later', async () => {
  assert.deepEqual(seconds(await cpuProfile({ took: 10.1, time: 2, duration: 10 })), [0.1, 10.1]);
});

test('a profile of the seconds before the request keeps its time', async () => {
  assert.deepEqual(seconds(await cpuProfile({ took: 0.005, time: -30, duration: 30 })), [-30, 0]);
});
