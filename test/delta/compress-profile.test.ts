import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { compressedBody, compressProfile } from '../../src/delta/compress-profile.ts';
import { Random } from '../support/random.ts';

function noise(length: number): Uint8Array {
  const random = new Random(1);
  return Uint8Array.from({ length }, () => random.below(200));
}

for (const length of [0, 1, 20_000, 300_000]) {
  test(`compresses ${length} bytes`, async () => {
    const bytes = noise(length);
    const body = await compressedBody(bytes);
    assert.deepEqual(new Uint8Array(gunzipSync(body)), bytes);
    assert.deepEqual(new Uint8Array(body), new Uint8Array(compressProfile(bytes)), 'the same on either thread');
  });
}

test('leaves alone what is gzip', async () => {
  const body = compressProfile(noise(300_000));
  assert.equal(await compressedBody(body), body);
});
