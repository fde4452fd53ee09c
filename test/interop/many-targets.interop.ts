import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { start } from './parts/go-service.ts';
import { describe, rawTotals } from './support/oracle.ts';
import { freshDirectory } from './support/places.ts';
import { mustPull, readIndex } from './support/pyro-pull.ts';

const SNAPSHOTS = ['mem', 'goroutines', 'mutex', 'block'];

test('300 targets and 8 with CPU profiles are all written in one run of under 15 s', async (t) => {
  // As programs are in production: the heap sampled, collections when they are due.
  const flags = ['-exact=false', '-mem-profile-rate=524288'];
  // With the few megabytes that this program holds, each third profile would start a collection; no large program does so.
  const crowd = await start({ flags: [...flags, '-ports=300'], env: { GOGC: '400' } });
  t.after(() => crowd.stop());
  // A Go process makes one CPU profile at a time, so these have to be processes of their own.
  const busy = await Promise.all(Array.from({ length: 8 }, () => start({ flags: [...flags, '-load=0.05'] })));
  t.after(() => Promise.all(busy.map((service) => service.stop())));
  assert.equal(crowd.addresses.length, 300);

  const directory = freshDirectory('many');
  const config = join(directory, 'pyro-pull.yml');
  writeFileSync(
    config,
    `scrape-configs:
  - job-name: crowd
    enabled-profiles: [${SNAPSHOTS.join(', ')}]
    static-configs: [{application: crowd, targets: ${JSON.stringify(crowd.addresses)}}]
  - job-name: busy
    enabled-profiles: [cpu, ${SNAPSHOTS.join(', ')}]
    profiles: {cpu: {params: {seconds: ["1"]}}}
    static-configs: [{application: busy, targets: ${JSON.stringify(busy.map((service) => service.address))}}]
`,
  );
  const out = join(directory, 'profiles');
  const run = await mustPull(['scrape', '--config', config, '--out', out, '--window', '2s', '--write-empty', '--json']);
  const megabytes = Math.round(run.peakRssBytes / 2 ** 20);
  t.diagnostic(`wall time ${(run.wallMs / 1000).toFixed(2)} s, peak RSS ${megabytes} MB`);

  assert.doesNotMatch(run.stderr, /\(node:\d+\)/, 'no warning of Node');

  const index = readIndex(out);
  const count = (profile: string): number => index.filter((line) => line.profile === profile).length;
  assert.deepEqual([...SNAPSHOTS, 'cpu'].map(count), [308, 308, 308, 308, 8]);
  assert.equal(run.stdout.trim().split('\n').length, index.length + 1, 'a line for each profile and a summary');
  assert.ok(run.wallMs < 15_000, `${run.wallMs} ms`);

  // One file of each target: valid, and the same to both readers.
  for (const line of index.filter((_, number) => number % 37 === 0)) {
    const file = join(out, line.path);
    assert.deepEqual(await rawTotals(file), (await describe(file)).totals);
  }
});
