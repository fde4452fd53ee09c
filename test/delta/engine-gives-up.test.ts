import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createDeltaTracker } from '../../src/delta/delta-tracker.ts';
import { buildProfile } from '../support/build-profile.ts';
import { GoHeap } from '../support/go-heap.ts';
import { concat, messageField, packedField, varintField } from '../support/protobuf-bytes.ts';
import { TrackerRun } from '../support/tracker-run.ts';

// In a process of its own, each profile larger than the one before: the memory of the engine in WebAssembly grows while it
// works on them, and then it finds out at the last sample that this one is not for it. The response has been freed by then.

/** A run to which an ordinary profile has come, but for its last sample. */
function runWith(samples: number, last: Uint8Array) {
  const run = new TrackerRun({ tracker: createDeltaTracker({ maxStateAgeMs: 86_400_000, ownsResponses: true }) });
  const profile = concat(buildProfile(new GoHeap({ samples }).snapshot()), last);
  return run.tracker.next(run.responseAt(gzipSync(profile), undefined, 15));
}

test('what the engine gives up on late, after its memory has grown, is taken nevertheless', async () => {
  const odd = messageField(2, packedField(1, [1]), packedField(2, [1, 1, 1, 1]), varintField(9, 1));
  const outcome = await runWith(4000, odd);
  assert.ok(outcome.kind === 'held' && outcome.reason === 'baseline');
});

test('what is wrong with it is named all the same', async () => {
  const bad = messageField(2, packedField(1, [1]), packedField(2, [1, 1]));
  await assert.rejects(runWith(16_000, bad), /sample\[16000\]\.value has 2 numbers/);
});
