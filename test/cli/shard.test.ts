import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { run } from '../../src/cli/run.ts';
import { memoryIo } from '../support/memory-io.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const ADDRESSES = Array.from({ length: 9 }, (_, i) => `10.0.0.${i}:6060`);

/** What `pyro-pull targets` takes with these flags. */
async function targets(
  t: TestContext,
  flags: readonly string[],
  { env = {}, head = '' }: { env?: Record<string, string>; head?: string } = {},
) {
  const cwd = temporaryDirectory(t);
  const job = `{job-name: shop, enabled-profiles: [mem], static-configs: [{application: a, targets: ${JSON.stringify(ADDRESSES)}}]}`;
  writeFileSync(join(cwd, 'pyro-pull.yml'), `${head}\nscrape-configs: [${job}]\n`);
  const io = memoryIo({ cwd, env: { HOSTNAME: 'laptop', ...env } });
  const code = await run(['targets', ...flags], io);
  return { code, err: io.err(), out: io.out(), addresses: io.out().match(/(?<=http:\/\/)[\d.:]+/g) ?? [] };
}

test('--shard takes a part, and the parts together are all', async (t) => {
  const parts = await Promise.all(['0/3', '1/3', '2/3'].map((shard) => targets(t, ['--shard', shard])));
  assert.deepEqual(parts.flatMap(({ addresses }) => addresses).sort(), ADDRESSES);
  assert.match(
    parts[0]?.out ?? '',
    /dropped \{__address__="10\.0\.0\.\d:6060".*: it belongs to shard [12] of 3, this is shard 0/,
  );
});

test('the flag wins over the config', async (t) => {
  const head = 'shard: 1/3';
  const [ofConfig, same, other] = await Promise.all([
    targets(t, [], { head }),
    targets(t, ['--shard', '1/3']),
    targets(t, ['--shard', '0/3'], { head }),
  ]);
  assert.deepEqual(ofConfig.addresses, same.addresses);
  assert.notDeepEqual(ofConfig.addresses, other.addresses);
});

for (const [why, env] of [
  ["a StatefulSet's pod", { HOSTNAME: 'pyro-pull-2' }],
  ['an Indexed Job', { JOB_COMPLETION_INDEX: '2', HOSTNAME: 'pyro-pull-0' }],
] as const) {
  test(`auto is the number of ${why}`, async (t) => {
    const [auto, two] = await Promise.all([targets(t, ['--shard', 'auto/3'], { env }), targets(t, ['--shard', '2/3'])]);
    assert.deepEqual(auto.addresses, two.addresses);
  });
}

for (const [why, flag, env, message] of [
  ['no number', 'auto/3', {}, /shard auto\/3: host name "laptop" does not end with a number\n {2}auto is for pods/],
  ['too large a number', 'auto/3', { HOSTNAME: 'p-3' }, /there is no shard 3 of 3, which host name "p-3" asks for/],
  ['a wrong index', 'auto/3', { JOB_COMPLETION_INDEX: 'x' }, /JOB_COMPLETION_INDEX "x" does not end with a number/],
  ['no shard', '3/3', {}, /there is no shard 3 of 3 \(they are 0 to 2\)/],
  ['no total', 'auto', {}, /write auto\/N/],
] as const) {
  test(`${why} is wrong usage`, async (t) => {
    const { code, err } = await targets(t, ['--shard', flag], { env });
    assert.equal(code, 2);
    assert.match(err, message);
  });
}

test('scrape takes its shard too', async (t) => {
  const cwd = temporaryDirectory(t);
  const job = `{job-name: shop, enabled-profiles: [mem], static-configs: [{application: a, targets: ${JSON.stringify(ADDRESSES)}}]}`;
  writeFileSync(join(cwd, 'c.yml'), `shard: auto/3\nscrape-configs: [${job}]\n`);
  const io = memoryIo({ cwd, env: { HOSTNAME: 'p-1' } });
  assert.equal(await run(['scrape', '-c', 'c.yml', '--dry-run', '--json'], io), 0, io.err());
  const { addresses } = await targets(t, ['--shard', '1/3']);
  assert.deepEqual([...new Set(io.out().match(/10\.0\.0\.\d:6060/g))].sort(), [...addresses].sort());
});

test('a shard that has no target has nothing to do, which is no failure', async (t) => {
  const cwd = temporaryDirectory(t);
  writeFileSync(
    join(cwd, 'c.yml'),
    'scrape-configs: [{job-name: j, enabled-profiles: [mem], static-configs: [{application: a, targets: ["10.0.0.2:6060"]}]}]',
  );
  const io = memoryIo({ cwd });
  assert.equal(await run(['scrape', '-c', 'c.yml', '--shard', '1/2'], io), 0, io.err());
  assert.match(io.err(), /no target at the moment/);
});
