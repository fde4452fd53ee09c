import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Profile } from 'pprof-format';
import { validateProfile } from '../../src/profile/validate-profile.ts';
import { assertAgrees } from '../support/agreement.ts';
import { EngineRun } from '../support/engine-run.ts';
import { NaiveDelta } from '../support/naive-delta.ts';
import { readProfile } from '../support/read-profile.ts';
import { inflated, recordedProfiles } from '../support/recorded-profiles.ts';

for (const [name, bodies] of recordedProfiles()) {
  test(`${name}: agrees with the naive delta`, () => {
    const run = new EngineRun();
    const naive = new NaiveDelta();
    for (const body of bodies) {
      const bytes = inflated(body);
      assertAgrees(run.next(bytes), naive.next(bytes));
    }
  });

  test(`${name}: pprof-format reads the delta, and says the same`, () => {
    const run = new EngineRun();
    run.next(inflated(bodies[0] ?? new Uint8Array(0)));
    const { profile } = run.delta(inflated(bodies[1] ?? new Uint8Array(0)));
    validateProfile(profile);

    const theirs = Profile.decode(profile);
    const addresses = new Map(theirs.location.map(({ id, address }) => [BigInt(id), BigInt(address)]));
    assert.deepEqual(
      theirs.sample.map(({ locationId, value }) => [
        locationId.map((id) => addresses.get(BigInt(id))),
        value.map((number) => BigInt(number)),
      ]),
      readProfile(profile).samples.map(({ stack, values }) => [stack.map(({ address }) => address), values]),
    );
  });
}

test('the recordings hold what the tests rely on: deltas without a reset, and new samples', () => {
  for (const [name, bodies] of recordedProfiles()) {
    const run = new EngineRun();
    const results = bodies.map((body) => run.next(inflated(body)));
    assert.ok(
      results.slice(1).some((result) => result.kind === 'delta' && result.samples > 0),
      name,
    );
    for (const result of results.slice(1)) assert.ok(result.kind === 'delta' && !result.isReset, name);
  }
});
