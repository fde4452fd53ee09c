import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import { groupOf, jobOf, type WrittenJob } from '../support/job-of.ts';

/** `profile format path?query` of the targets of a job. */
async function shown(written: WrittenJob, labels: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const job = await jobOf(written);
  const { targets } = targetsFromGroups(job, [groupOf({ application: 'a', targets: ['h:1'], labels })]);
  return targets.map(({ profile, format, pathAndQuery }) => `${profile.name} ${format} ${pathAndQuery}`);
}

const goroutines = (more: Readonly<Record<string, unknown>>): WrittenJob => ({
  'enabled-profiles': ['goroutines'],
  profiles: { goroutines: more },
});

for (const [debug, format] of [
  ['0', 'pprof'],
  ['1', 'text'],
  ['2', 'text'],
  ['00', 'pprof'],
  ['+1', 'text'],
  ['-1', 'pprof'],
  ['yes', 'pprof'],
] as const) {
  test(`debug=${debug} gives ${format}, as Go reads it`, async () => {
    const [target] = await shown(goroutines({ params: { debug: [debug] } }));
    assert.match(target ?? '', new RegExp(`^goroutines ${format} `));
  });
}

test('the parameters of a job, a profile and a label decide alike, as they end up in the URL', async () => {
  const TEXT = ['goroutines text /debug/pprof/goroutine?debug=2'];
  assert.deepEqual(await shown(goroutines({ params: { debug: ['2'] } })), TEXT);
  assert.deepEqual(await shown({ ...goroutines({}), params: { debug: ['2'] } }), TEXT);
  assert.deepEqual(await shown(goroutines({}), { __profile_goroutines_param_debug: '2' }), TEXT);
  assert.deepEqual(await shown(goroutines({ params: { debug: ['2'] } }), { __param_debug: '0' }), [
    'goroutines pprof /debug/pprof/goroutine?debug=0',
  ]);
});

test('format: text asks for text, format: pprof takes the answer for a profile whatever the parameters', async () => {
  assert.deepEqual(await shown(goroutines({ format: 'text' })), ['goroutines text /debug/pprof/goroutine?debug=2']);
  assert.deepEqual(await shown(goroutines({ format: 'pprof', params: { debug: ['2'] } })), [
    'goroutines pprof /debug/pprof/goroutine?debug=2',
  ]);
});

test('a CPU profile is pprof with debug, too: Go ignores it there', async () => {
  assert.deepEqual(await shown({ 'enabled-profiles': ['cpu'], params: { debug: ['2'] } }), [
    'cpu pprof /debug/pprof/profile?debug=2&seconds=10',
  ]);
});
