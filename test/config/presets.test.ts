import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalProfileName, DELTA_PRESETS, PRESETS } from '../../src/config/presets.ts';
import type { ProfileConfig } from '../../src/config/scrape-config.ts';

/** `type>display/units aggregation flags`, in order. */
function typesOf(profile: ProfileConfig): string[] {
  return [...profile.sampleTypes].map(([type, { displayName, units, aggregation, isCumulative, isSampled }]) => {
    const flags = `${isCumulative ? ' cumulative' : ''}${isSampled ? ' sampled' : ''}`;
    return `${type}>${displayName ?? ''}/${units ?? ''} ${aggregation}${flags}`;
  });
}

const HEAP = ['inuse_objects>/objects average', 'inuse_space>/bytes average'];
const LOCKS = (name: string, flag: string) => [
  `contentions>${name}_count/lock_samples sum${flag}`,
  `delay>${name}_duration/lock_nanoseconds sum${flag}`,
];
const CUMULATIVE_HEAP = [...HEAP, 'alloc_objects>/objects sum cumulative', 'alloc_space>/bytes sum cumulative'];
const DELTA_HEAP = [...HEAP, 'alloc_objects>/objects sum', 'alloc_space>/bytes sum'];

const presets: readonly (readonly [
  name: string,
  path: string,
  seconds: string | undefined,
  types: readonly string[],
])[] = [
  ['cpu', '/debug/pprof/profile', '10', ['samples>cpu/samples sum sampled']],
  ['mem', '/debug/pprof/heap', undefined, CUMULATIVE_HEAP],
  ['allocs', '/debug/pprof/allocs', undefined, CUMULATIVE_HEAP],
  ['goroutines', '/debug/pprof/goroutine', undefined, ['goroutine>goroutines/goroutines average']],
  ['mutex', '/debug/pprof/mutex', undefined, LOCKS('mutex', ' cumulative')],
  ['block', '/debug/pprof/block', undefined, LOCKS('block', ' cumulative')],
  ['fgprof', '/debug/fgprof', '10', ['samples>fgprof_samples/ sum sampled', 'time>fgprof/ sum']],
  ['threadcreate', '/debug/pprof/threadcreate', undefined, ['threadcreate>/ average']],
  ['goroutineleak', '/debug/pprof/goroutineleak', undefined, ['goroutineleak>goroutine_leak/goroutines average']],
  ['godeltaprof_memory', '/debug/pprof/delta_heap', undefined, DELTA_HEAP],
  ['godeltaprof_mutex', '/debug/pprof/delta_mutex', undefined, LOCKS('mutex', '')],
  ['godeltaprof_block', '/debug/pprof/delta_block', undefined, LOCKS('block', '')],
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
    assert.equal(profile.isDeltaEndpoint, name.startsWith('godeltaprof'));
  });
}

test('no other presets', () => assert.equal(PRESETS.size, presets.length));

for (const [name, path, standard, types] of [
  ['mem', 'delta_heap', 'heap', DELTA_HEAP],
  ['mutex', 'delta_mutex', 'mutex', LOCKS('mutex', '')],
  ['block', 'delta_block', 'block', LOCKS('block', '')],
] as const) {
  test(`${name} with delta endpoints keeps its name and knows the way back`, () => {
    const profile = DELTA_PRESETS.get(name);
    assert.ok(profile);
    assert.equal(profile.name, name);
    assert.equal(profile.path, `/debug/pprof/${path}`);
    assert.equal(profile.standardPath, `/debug/pprof/${standard}`);
    assert.equal(profile.isDeltaEndpoint, true);
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
