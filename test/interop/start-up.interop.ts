import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { measureCpu } from './support/oracle.ts';
import { freshDirectory } from './support/places.ts';
import { EXECUTABLE } from './support/pyro-pull.ts';

// CPU time of the whole process against that of a Node that does nothing: what a user waits for at every call.
const limits: { name: string; args: readonly string[]; limit: number }[] = [
  { name: '--version', args: ['--version'], limit: 1.25 },
  { name: '--help', args: ['--help'], limit: 1.4 },
  { name: 'check of the quick-start config', args: ['check', 'pyro-pull.yml'], limit: 2.0 },
];

// The example that the documentation of Pyroscope's pull mode starts with.
const QUICK_START = `---
# A list of scrape configurations.
scrape-configs:
  # The job name assigned to scraped profiles by default.
  - job-name: pyroscope

    # How frequently to scrape targets by default.
    scrape-interval: 10s

    # The list of profiles to be scraped from the targets.
    enabled-profiles: [cpu, mem, goroutines, mutex, block]

    # List of labeled statically configured targets for this job.
    static-configs:
      - application: my-application-name
        spy-name: gospy
        targets:
          - hostname:6060
        labels:
          env: dev
`;
const ROUNDS = 41;

test('start-up costs little beside that of Node itself', async (t) => {
  const directory = freshDirectory('start-up');
  writeFileSync(join(directory, 'pyro-pull.yml'), QUICK_START);
  const node = process.execPath;
  const commands = [[node, '-e', '0'], ...limits.map(({ args }) => [node, EXECUTABLE, ...args])];
  await measureCpu(2, commands, directory); // what has to be read from disk is read
  const [floor, ...found] = await measureCpu(ROUNDS, commands, directory);
  t.diagnostic(`node -e 0 takes ${floor?.cpuMs.toFixed(0)} ms of CPU`);
  for (const [index, { name, limit }] of limits.entries()) {
    const ratio = found[index]?.cpuRatio ?? Number.NaN;
    t.diagnostic(`${name}: ${ratio.toFixed(2)} times that, limit ${limit}`);
    await t.test(`${name} stays under ${limit}`, () => assert.ok(ratio < limit, `${ratio.toFixed(3)}`));
  }
});
