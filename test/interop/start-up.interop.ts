import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { measureCpu } from './support/oracle.ts';
import { freshDirectory } from './support/places.ts';
import { EXECUTABLE } from './support/pyro-pull.ts';

// CPU time of the whole process, medians of runs in turns: what a user waits for at every call.
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
const ROUNDS = 31;

let measured: Awaited<ReturnType<typeof measureCpu>>;

before(async () => {
  const directory = freshDirectory('start-up');
  writeFileSync(join(directory, 'pyro-pull.yml'), QUICK_START);
  const node = process.execPath;
  const commands = [[node, '-e', '0'], ...limits.map(({ args }) => [node, EXECUTABLE, ...args])];
  await measureCpu(2, commands, directory); // what has to be read from disk is read
  // What else the machine does can push a median up for a while, but not down: the best of three counts.
  for (let attempt = 0; attempt < 3; attempt++) {
    const found = await measureCpu(ROUNDS, commands, directory);
    measured = found.map((one, index) =>
      (measured?.[index]?.cpuRatio ?? Infinity) < one.cpuRatio ? measured[index]! : one,
    );
    if (limits.every(({ limit }, index) => ratioOf(index) < limit)) break;
  }
});

for (const [index, { name, limit }] of limits.entries()) {
  test(`${name} takes less than ${limit} times the CPU of node -e 0`, (t) => {
    t.diagnostic(`${name}: ${ratioOf(index).toFixed(2)} times ${measured[0]?.cpuMs.toFixed(0)} ms, limit ${limit}`);
    assert.ok(ratioOf(index) < limit, ratioOf(index).toFixed(3));
  });
}

function ratioOf(index: number): number {
  return measured[index + 1]?.cpuRatio ?? Number.NaN;
}
