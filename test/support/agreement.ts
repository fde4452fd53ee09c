import assert from 'node:assert/strict';
import type { DeltaResult } from '../../src/delta/engine.ts';
import type { NaiveOutcome } from './naive-delta.ts';
import { type ReadProfile, readProfile } from './read-profile.ts';
import { mappingContent, sampleContent, sampleIdentity, summedSamples } from './sample-identity.ts';

/** Fails unless the engine's answer is that of the naive delta, sample by sample, and its output a tidy profile. */
export function assertAgrees(actual: DeltaResult, expected: NaiveOutcome): void {
  if (expected.kind === 'held') {
    assert.equal(actual.kind, expected.reason);
    return;
  }
  assert.ok(actual.kind === 'delta', `${actual.kind} instead of a delta`);
  assert.equal(actual.isReset, expected.isReset, 'reset');
  const output = readProfile(actual.profile);
  assert.deepEqual([...summedSamples(output, expected.namesDecide)], [...expected.samples], 'samples');
  assert.equal(actual.clamped, expected.clamped, 'clamped samples');
  assert.equal(actual.samples, output.samples.length, 'number of samples');
  assertTidy(output, expected.namesDecide);
  assertTakenFrom(output, expected.profile);
}

/** No sample twice, none all zero, no table entry that nothing refers to. */
export function assertTidy(output: ReadProfile, namesDecide = false): void {
  const identities = output.samples.map((sample) => sampleIdentity(sample, namesDecide));
  assert.equal(new Set(identities).size, identities.length, 'a sample occurs twice');
  for (const { values } of output.samples) {
    assert.ok(
      values.some((value) => value !== 0n),
      `values ${values}`,
    );
  }
  const usedLocations = new Set(output.samples.flatMap(({ stack }) => stack));
  const usedFunctions = new Set([...usedLocations].flatMap(({ lines }) => lines.map((line) => line.function)));
  assert.deepEqual(new Set(output.locations), usedLocations, 'locations');
  assert.deepEqual(new Set(output.functions), usedFunctions, 'functions');
}

/** What is not subtracted is that of the snapshot, to the last flag. */
function assertTakenFrom(output: ReadProfile, snapshot: ReadProfile): void {
  const contents = new Set(snapshot.samples.map(sampleContent));
  for (const sample of output.samples) assert.ok(contents.has(sampleContent(sample)), sampleContent(sample));
  assert.deepEqual(output.mappings.map(mappingContent), snapshot.mappings.map(mappingContent));
  // A default that names none of the sample types says nothing.
  const hasDefault = snapshot.sampleTypes.some(({ type }) => type === snapshot.defaultSampleType);
  const defaultSampleType = hasDefault ? snapshot.defaultSampleType : '';
  assert.deepEqual(headerOf(output), headerOf({ ...snapshot, defaultSampleType }));
}

function headerOf(profile: ReadProfile): unknown {
  const { sampleTypes, periodType, period, comments, defaultSampleType, docUrl, dropFrames, keepFrames } = profile;
  return { sampleTypes, periodType, period, comments, defaultSampleType, docUrl, dropFrames, keepFrames };
}
