import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseShard } from '../../src/config/shard.ts';
import { judgeConfig, showProblem } from '../support/config-problems.ts';

const JOB = 'scrape-configs: [{job-name: j, enabled-profiles: [cpu], static-configs: [{targets: ["h:1"]}]}]';

for (const [text, shard] of [
  ['0/1', { index: 0, total: 1 }],
  ['2/3', { index: 2, total: 3 }],
  ['auto/12', { index: 'auto', total: 12 }],
] as const) {
  test(`${text} is a shard`, () => assert.deepEqual(parseShard(text), shard));
}

for (const [text, message] of [
  ['3/3', /there is no shard 3 of 3/],
  ['0/0', /"0\/0" is not a shard/],
  ['1', /"1" is not a shard/],
  ['-1/3', /is not a shard/],
  ['1.5/3', /is not a shard/],
  ['', /is not a shard/],
  ['auto', /does not say how many/],
  ['0/10001', /too many/],
] as const) {
  test(`"${text}" is no shard`, () => assert.throws(() => parseShard(text), { message }));
}

test('the config has it at the top', async () => {
  const { config, errors } = await judgeConfig(`shard: auto/3\n${JOB}`);
  assert.deepEqual(errors.map(showProblem), []);
  assert.deepEqual(config?.shard, { index: 'auto', total: 3 });
});

test('a wrong one is shown at its place', async () => {
  const { errors } = await judgeConfig(`shard: 3/3\n${JOB}`);
  assert.deepEqual(errors.map(showProblem), ['1:8 shard: there is no shard 3 of 3 (they are 0 to 2)']);
});
