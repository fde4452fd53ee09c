import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGroups } from '../../src/discovery/read-groups.ts';
import { targetGroupOf } from '../../src/discovery/target-group-of.ts';
import { ConfigError } from '../../src/errors.ts';

function read(text: string) {
  return readGroups({ text, file: 't.json', format: 'json' }, (group, index) => targetGroupOf(group, `t:${index}`));
}

test('a long list is read on another thread, and gives the same groups', async () => {
  const many = Array.from({ length: 15_000 }, (_, i) => ({ targets: [`h${i}:1`], labels: { zone: `z${i % 7}` } }));
  const large = { targets: Array.from({ length: 40_000 }, (_, i) => `large-${i}:6060`), labels: { size: 'large' } };
  const written = [...many, large, { targets: ['last:1'] }];
  const text = JSON.stringify(written);
  assert.ok(text.length > 1024 * 1024);
  const { groups } = await read(text);
  assert.equal(groups.length, written.length);
  assert.deepEqual(
    groups.map(({ source, labels, targets }) => [
      source,
      Object.fromEntries(labels),
      targets.map((one) => one.get('__address__')),
    ]),
    written.map((group, index) => [`t:${index}`, 'labels' in group ? group.labels : {}, group.targets]),
  );
});

test('a fault in a long list is found as in a short one', async () => {
  const text = JSON.stringify([
    ...Array.from({ length: 40_000 }, (_, i) => ({ targets: [`h${i}:6060`] })),
    { targets: 5 },
  ]);
  await assert.rejects(
    read(text),
    (error) => error instanceof ConfigError && /must be a list/.test(error.problems[0]?.message ?? ''),
  );
});

test('thirty megabytes of nothing are refused before anything is built from them', async () => {
  const before = process.memoryUsage().heapUsed;
  await assert.rejects(
    read(`[${'0,'.repeat(15_000_000)}0]`),
    (error) => error instanceof ConfigError && /more than 2000000 values/.test(error.problems[0]?.message ?? ''),
  );
  assert.ok(process.memoryUsage().heapUsed - before < 100_000_000);
});
