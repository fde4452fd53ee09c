import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalProfileName, DELTA_PRESETS, PRESETS } from '../../src/config/presets.ts';
import type { ProfileConfig } from '../../src/config/scrape-config.ts';

/** `type>display/units aggregation flags`, in order. */
function typesOf(profile: ProfileConfig): string[] {
  return [...profile.sampleTypes].map(([type, { displayName, units, aggregation, isSampled }]) => {
    return `${type}>${displayName ?? ''}/${units ?? ''} ${aggregation}${isSampled ? ' sampled' : ''}`;
  });
}

const HEAP = [
  'inuse_objects>/objects average',
  'inuse_space>/bytes average',
  'alloc_objects>/objects sum',
  'alloc_space>/bytes sum',
];
const LOCKS = (name: string) => [
  `contentions>${name}_count/lock_samples sum`,
  `delay>${name}_duration/lock_nanoseconds sum`,
];

const presets: readonly (readonly [
  name: string,
  path: string,
  seconds: string | undefined,
  types: readonly string[],
])[] = [
  ['cpu', '/debug/pprof/profile', '10', ['samples>cpu/samples sum sampled']],
  ['mem', '/debug/pprof/heap', undefined, HEAP],
  ['allocs', '/debug/pprof/allocs', undefined, HEAP],
  ['goroutines', '/debug/pprof/goroutine', undefined, ['goroutine>goroutines/goroutines average']],
  ['mutex', '/debug/pprof/mutex', undefined, LOCKS('mutex')],
  ['block', '/debug/pprof/block', undefined, LOCKS('block')],
  ['fgprof', '/debug/fgprof', '10', ['samples>fgprof_samples/ sum sampled', 'time>fgprof/ sum']],
  ['threadcreate', '/debug/pprof/threadcreate', undefined, ['threadcreate>/ average']],
  ['goroutineleak', '/debug/pprof/goroutineleak', undefined, ['goroutineleak>goroutine_leak/goroutines average']],
  ['godeltaprof_memory', '/debug/pprof/delta_heap', undefined, HEAP],
  ['godeltaprof_mutex', '/debug/pprof/delta_mutex', undefined, LOCKS('mutex')],
  ['godeltaprof_block', '/debug/pprof/delta_block', undefined, LOCKS('block')],
];
for (const [name, path, seconds, types] of presets) {
  test(`preset ${name}`, () => {
    const profile = PRESETS.get(name);
    assert.ok(profile);
    assert.equal(profile.path, path);
    assert.deepEqual(profile.params.get('seconds'), seconds === undefined ? undefined : [seconds]);
    assert.deepEqual(profile.presetParams, profile.params);
    assert.deepEqual(typesOf(profile), types);
    assert.equal(profile.dropsUnlisted, false);
    assert.equal(profile.usesDeltaEndpoint, name.startsWith('godeltaprof'));
  });
}

test('what counts up is decided by the columns that come, so that no preset declares it', () => {
  for (const profile of [...PRESETS.values(), ...DELTA_PRESETS.values()]) {
    for (const { isCumulative } of profile.sampleTypes.values()) assert.equal(isCumulative, undefined);
  }
});

test('no other presets', () => assert.equal(PRESETS.size, presets.length));

for (const [name, path, standard, types] of [
  ['mem', 'delta_heap', 'heap', HEAP],
  ['mutex', 'delta_mutex', 'mutex', LOCKS('mutex')],
  ['block', 'delta_block', 'block', LOCKS('block')],
] as const) {
  test(`${name} with delta endpoints keeps its name and knows the way back`, () => {
    const profile = DELTA_PRESETS.get(name);
    assert.ok(profile);
    assert.equal(profile.name, name);
    assert.equal(profile.path, `/debug/pprof/${path}`);
    assert.equal(profile.standardPath, `/debug/pprof/${standard}`);
    assert.equal(profile.usesDeltaEndpoint, true);
    assert.deepEqual(typesOf(profile), types);
  });
}

for (const [alias, name] of [
  ['process_cpu', 'cpu'],
  ['profile', 'cpu'],
  ['memory', 'mem'],
  ['heap', 'mem'],
  ['goroutine', 'goroutines'],
  ['delta_heap', 'godeltaprof_memory'],
  ['delta_mutex', 'godeltaprof_mutex'],
  ['delta_block', 'godeltaprof_block'],
  ['cpu', 'cpu'],
  ['wall', 'wall'],
] as const) {
  test(`${alias} means ${name}`, () => assert.equal(canonicalProfileName(alias), name));
}
