import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProfileError } from '../../src/errors.ts';
import { DEFAULT_PROFILE_LIMITS } from '../../src/profile/limits.ts';
import { validateProfile } from '../../src/profile/validate-profile.ts';

test('refuses more comments than the limit on bytes allows, before they fill the memory', () => {
  // One packed field of four million references to the empty string.
  const count = 4_000_000;
  const profile = new Uint8Array(count + 7);
  profile.set([
    0x32,
    0,
    0x6a,
    (count & 0x7f) | 0x80,
    ((count >> 7) & 0x7f) | 0x80,
    ((count >> 14) & 0x7f) | 0x80,
    count >> 21,
  ]);
  assert.throws(
    () => validateProfile(profile),
    (error) =>
      error instanceof ProfileError && error.code === 'PROFILE_LIMIT' && /1048576 comments/.test(error.message),
  );
  const limits = { ...DEFAULT_PROFILE_LIMITS, maxComments: count };
  assert.equal(validateProfile(profile, { limits }).samples, 0);
});
