import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTargetFilter, type FilterFlags } from '../../src/cli/target-filter.ts';
import { adHocConfig } from '../../src/targets/ad-hoc-job.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';

const config = adHocConfig(['a:1', 'b:2']);

/** What of two instances with five profiles each the flags leave: `a mem`. */
async function wanted(flags: Partial<FilterFlags>): Promise<string[]> {
  const { isWanted } = await createTargetFilter({ job: [], profile: [], match: [], ...flags }, config);
  const [job] = config.scrapeConfigs;
  assert.ok(job);
  const targets = ['a:1', 'b:2'].map(
    (address) =>
      new Map([
        ['__address__', address],
        ['__name__', 'app'],
        ['zone', address === 'a:1' ? 'eu-1' : 'us-1'],
      ]),
  );
  const found = targetsFromGroups(job, [{ source: 'test', labels: new Map(), targets }]).targets;
  return found.filter(isWanted).map(({ origin, profile }) => `${origin.hostname} ${profile.name}`);
}

test('without a flag everything is wanted', async () => assert.equal((await wanted({})).length, 10));

test('several flags of one kind widen', async () => {
  assert.deepEqual(await wanted({ profile: ['mem', 'cpu'], match: ['^a:1$', '^b:2$'] }), [
    'a cpu',
    'a mem',
    'b cpu',
    'b mem',
  ]);
});

test('flags of different kinds narrow', async () => {
  assert.deepEqual(await wanted({ profile: ['mem'], match: ['^a:'] }), ['a mem']);
});

test('--match looks at label values too, anywhere in them', async () => {
  assert.deepEqual(await wanted({ profile: ['mem'], match: ['us-'] }), ['b mem']);
});

test('--match does not look at the path, which all targets share', async () => {
  assert.deepEqual(await wanted({ match: ['debug'] }), []);
});

test('--profile takes the other names of a profile', async () => {
  assert.deepEqual(await wanted({ profile: ['heap'], match: ['^a:'] }), ['a mem']);
});
