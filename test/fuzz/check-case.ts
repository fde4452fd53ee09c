import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { computeDelta, rewriteProfile } from '../../src/delta/engine.ts';
import { ProfileError } from '../../src/errors.ts';
import { checkInEngine, openInEngine } from '../../src/profile/engine-profile.ts';
import { DEFAULT_PROFILE_LIMITS } from '../../src/profile/limits.ts';
import { openProfile } from '../../src/profile/open-profile.ts';
import { ProfileBody } from '../../src/profile/profile-body.ts';
import { readProfileSummary } from '../../src/profile/profile-summary.ts';
import { validateProfile } from '../../src/profile/validate-profile.ts';
import { assertAgrees, assertTidy } from '../support/agreement.ts';
import { EngineRun, goColumns } from '../support/engine-run.ts';
import { isCumulativeInGo, NaiveDelta, naiveRewrite } from '../support/naive-delta.ts';
import { isExcused, MalformedProfile, readProfile } from '../support/read-profile.ts';
import { summedSamples } from '../support/sample-identity.ts';

const MAX_BYTES = 4 * 1024 * 1024;

/** Throws unless the readers and the engine do the right thing with any bytes that follow a good snapshot. */
export function checkProfile(good: Uint8Array, bytes: Uint8Array): void {
  // What is good to one reader of overridden references and bad to another proves nothing.
  if (resultOf(() => readProfile(bytes), MalformedProfile) !== undefined && isExcused(bytes)) return;
  checkReader(bytes);
  checkBody(bytes);
  checkBody(gzipSync(bytes, { level: 1 }));
  checkSteps([good, bytes, good]);
  checkSteps([bytes, bytes, good]);
  checkRewrite(bytes);
}

/** Throws unless a body is opened just as zlib opens it, or refused in words of ours. */
export function checkBody(body: Uint8Array): void {
  const opened = resultOf(() => openProfile(body, MAX_BYTES), ProfileError);
  const inEngine = openInEngine(new ProfileBody(body, MAX_BYTES), DEFAULT_PROFILE_LIMITS);
  if (opened === undefined) {
    assert.equal(inEngine, undefined, 'the engine opened what is refused');
    return;
  }
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  assert.deepEqual(Buffer.from(opened), isGzip ? gunzipSync(body) : Buffer.from(body));
  if (inEngine && checkInEngine(inEngine, DEFAULT_PROFILE_LIMITS)) {
    assert.deepEqual(inEngine.header, validateProfile(opened), 'the engine says something else of the profile');
  }
}

function checkReader(bytes: Uint8Array): void {
  const expected = resultOf(() => readProfile(bytes), MalformedProfile);
  const summary = resultOf(() => readProfileSummary(bytes), ProfileError);
  assert.equal(summary !== undefined, expected !== undefined, 'reader: accepted by one, refused by the other');
  if (!expected || !summary) return;
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
}

/** Snapshots in a row through the engine and the naive delta; one that is refused changes neither. */
function checkSteps(snapshots: readonly Uint8Array[]): void {
  const run = new EngineRun();
  const naive = new NaiveDelta();
  for (const bytes of snapshots) {
    const { state } = run;
    const expected = resultOf(() => naive.next(bytes), MalformedProfile);
    const actual = resultOf(() => run.next(bytes), ProfileError);
    assert.equal(actual !== undefined, expected !== undefined, 'engine: accepted by one, refused by the other');
    if (!actual || !expected) {
      assert.equal(run.state, state, 'a refused snapshot changed the state');
      continue;
    }
    assertAgrees(actual, expected);
    if (actual.kind !== 'delta') continue;
    validateProfile(actual.profile);
    // What comes out can be what goes in.
    const plan = (header: { readonly sampleTypes: Parameters<typeof goColumns>[0][] }) => ({
      columns: header.sampleTypes.map(goColumns),
      timeNanos: 0n,
      durationNanos: 0n,
    });
    computeDelta({
      profile: actual.profile,
      state: undefined,
      plan: (header) => plan({ sampleTypes: [...header.sampleTypes] }),
    });
  }
}

function checkRewrite(bytes: Uint8Array): void {
  const expected = resultOf(() => naiveRewrite(bytes, isCumulativeInGo), MalformedProfile);
  const actual = resultOf(
    () =>
      rewriteProfile({
        profile: bytes,
        plan: ({ sampleTypes }) => ({
          columns: sampleTypes.map((type) => (isCumulativeInGo(type) ? 'keep' : 'drop')),
          timeNanos: 5n,
          durationNanos: 7n,
        }),
      }),
    ProfileError,
  );
  assert.equal(actual !== undefined, expected !== undefined, 'rewrite: accepted by one, refused by the other');
  if (!actual || !expected) return;
  const output = readProfile(actual.profile);
  assertTidy(output, expected.namesDecide);
  assert.deepEqual([...summedSamples(output, expected.namesDecide)], [...expected.samples]);
  assert.equal(actual.clamped, expected.clamped);
  assert.deepEqual([output.timeNanos, output.durationNanos], [5n, 7n]);
  assert.deepEqual(output.sampleTypes, actual.header.sampleTypes.filter(isCumulativeInGo));
}

/** Undefined where it was refused as it should be; whatever else is thrown is a finding. */
function resultOf<Result>(action: () => Result, refusal: new (...args: never[]) => Error): Result | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof refusal) return undefined;
    throw error;
  }
}
