import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createDeltaTracker, type DeltaTracker } from '../../src/delta/delta-tracker.ts';
import { buildProfile } from '../support/build-profile.ts';
import { GoHeap } from '../support/go-heap.ts';
import { concat, messageField, packedField, varintField } from '../support/protobuf-bytes.ts';
import { readProfile } from '../support/read-profile.ts';
import { inflated } from '../support/recorded-profiles.ts';
import { sample } from '../support/sample-table.ts';
import { TrackerRun } from '../support/tracker-run.ts';

const heap = new GoHeap({ samples: 4000 });
const snapshots = [0, 1].map(() => {
  heap.advance({ changed: 0.5 });
  return buildProfile(heap.snapshot());
});
const [first = new Uint8Array(), second = new Uint8Array()] = snapshots;

function owner(): DeltaTracker {
  return createDeltaTracker({ maxStateAgeMs: 86_400_000, ownsResponses: true });
}

test('a response gives its memory back; the delta made of it stays', async () => {
  assert.ok(second.length > 300_000);
  const run = new TrackerRun({ tracker: owner() });
  await run.nextBytes(first, 0);
  const scraped = run.responseAt(gzipSync(second, { level: 0 }), new Uint8Array(second), 15);
  const outcome = await run.tracker.next(scraped);
  assert.deepEqual([scraped.content.body.length, scraped.content.pprof.length], [0, 0]);
  assert.ok(outcome.kind === 'profile' && readProfile(inflated(outcome.body)).samples.length > 0);
  run.tracker.keep(run.target.key);
});

test('so does a small one, which would lie there as long as what the parser keeps of its headers', async () => {
  const heapOfFew = new GoHeap({ samples: 10 });
  const run = new TrackerRun({ tracker: owner() });
  // A copy: what zlib gives may be a part of a larger buffer.
  const received = new Uint8Array(gzipSync(buildProfile(heapOfFew.snapshot()), { level: 0 }));
  const scraped = run.responseAt(received, undefined, 0);
  await run.tracker.next(scraped);
  assert.ok(received.buffer.byteLength === 0 && scraped.content.body.length === 0);
  assert.equal(run.tracker.hasBaseline(run.target, scraped.respondedAtMs), true);
});

test('a snapshot whose result was lost is compared again, after what it came from is gone', async () => {
  const run = new TrackerRun({ tracker: owner() });
  for (const [at, bytes] of [first, second, second].entries()) {
    const scraped = run.responseAt(gzipSync(bytes, { level: 0 }), new Uint8Array(bytes), at * 15);
    const outcome = await run.tracker.next(scraped);
    if (at === 1) run.tracker.undo(run.target.key);
    else run.tracker.keep(run.target.key);
    if (at === 2) assert.ok(outcome.kind === 'profile' && outcome.samples > 0 && !outcome.isReset);
  }
});

test('what is passed on as it came is not released', async () => {
  const run = new TrackerRun({ tracker: owner(), profile: 'goroutines' });
  const goroutines = buildProfile({
    sampleTypes: [{ type: 'goroutine', unit: 'count' }],
    samples: Array.from({ length: 8000 }, (_, at) => sample(`main;${at}`, [7n])),
  });
  const body = gzipSync(goroutines, { level: 0 });
  const scraped = run.responseAt(body, new Uint8Array(goroutines), 0);
  const outcome = await run.tracker.next(scraped);
  assert.equal(scraped.content.pprof.length, 0);
  assert.ok(outcome.kind === 'profile');
  assert.deepEqual(new Uint8Array(gunzipSync(outcome.body)), goroutines);
});

test('a response whose memory was given back is still there for the engine that takes what is not ordinary', async () => {
  const run = new TrackerRun({ tracker: owner() });
  await run.nextBytes(first, 0);
  // The engine in WebAssembly has it, and finds this only when it comes to the samples.
  const odd = concat(second, messageField(2, packedField(1, [1]), packedField(2, [1, 1, 1, 1]), varintField(9, 1)));
  const scraped = run.responseAt(gzipSync(odd, { level: 0 }), undefined, 15);
  const outcome = await run.tracker.next(scraped);
  assert.equal(scraped.content.body.length, 0);
  const reference = new TrackerRun();
  await reference.nextBytes(first, 0);
  const expected = await reference.nextBytes(odd, 15);
  assert.ok(outcome.kind === 'profile' && expected.kind === 'profile' && outcome.samples > 1000);
  assert.deepEqual(inflated(outcome.body), inflated(expected.body));
});
