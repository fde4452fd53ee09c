import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProfileError } from '../../src/errors.ts';
import { readProfileSummary } from '../../src/profile/profile-summary.ts';
import { validateProfile } from '../../src/profile/validate-profile.ts';
import { buildProfile } from '../support/build-profile.ts';
import { mutateProfile } from '../support/mutate-profile.ts';
import { historyArbitrary, layoutArbitrary, propertyRuns } from '../support/profile-arbitraries.ts';
import { Random } from '../support/random.ts';
import { isExcused, MalformedProfile, type ReadProfile, readProfile } from '../support/read-profile.ts';

const history = historyArbitrary({ length: 2 });

function readOrUndefined(bytes: Uint8Array): ReadProfile | undefined {
  try {
    return readProfile(bytes);
  } catch (error) {
    if (error instanceof MalformedProfile) return undefined;
    throw error;
  }
}

test('says of every profile what the second reader says of it', () => {
  fc.assert(
    fc.property(history, layoutArbitrary, ({ snapshots: [snapshot] }, layout) => {
      assert.ok(snapshot);
      const bytes = buildProfile(snapshot, layout);
      const expected = readProfile(bytes);
      const summary = readProfileSummary(bytes);
      assert.deepEqual(summary, {
        sampleTypes: expected.sampleTypes,
        samples: expected.samples.length,
        timeNanos: expected.timeNanos,
        durationNanos: expected.durationNanos,
        periodType: expected.periodType,
        period: expected.period,
        notUtf8: expected.notUtf8,
        totals: expected.sampleTypes.map((_, column) =>
          expected.samples.reduce((sum: bigint, { values }) => sum + (values[column] ?? 0n), 0n),
        ),
      });
    }),
    propertyRuns(150),
  );
});

test('refuses exactly what the second reader refuses, each time as a ProfileError', () => {
  fc.assert(
    fc.property(history, layoutArbitrary, fc.noShrink(fc.nat()), ({ snapshots: [snapshot] }, layout, seed) => {
      assert.ok(snapshot);
      const random = new Random(seed);
      const good = buildProfile(snapshot, { ...layout, padding: 0 });
      for (let round = 0; round < 8; round++) {
        const bytes = mutateProfile(good, random);
        const isGood = readOrUndefined(bytes) !== undefined;
        if (isGood && isExcused(bytes)) continue;
        if (isGood) validateProfile(bytes);
        else assert.throws(() => validateProfile(bytes), ProfileError, Buffer.from(bytes).toString('hex'));
      }
    }),
    propertyRuns(150),
  );
});

test('random bytes end in a ProfileError or a profile', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        validateProfile(bytes);
      } catch (error) {
        assert.ok(error instanceof ProfileError, String(error));
      }
    }),
    propertyRuns(1000),
  );
});
