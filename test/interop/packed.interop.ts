import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { goToolPprof } from './support/go-toolchain.ts';
import { describe } from './support/oracle.ts';
import { freshDirectory, REPOSITORY } from './support/places.ts';
import { readIndex } from './support/pyro-pull.ts';
import { mustRun, runCommand } from './support/run-command.ts';

test('the packed package, installed elsewhere, scrapes the demo service into files that go tool pprof opens', async (t) => {
  const directory = freshDirectory('packed');
  const tarball = (
    await mustRun(['npm', 'pack', '--silent', '--pack-destination', directory], { cwd: REPOSITORY })
  ).trim();
  writeFileSync(join(directory, 'package.json'), '{"private": true}\n');
  await mustRun(['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`], { cwd: directory });

  const run = await runCommand(['npx', '--no-install', 'pyro-pull', 'scrape', '--demo'], { cwd: directory });
  assert.equal(run.code, 0, run.stderr);
  t.diagnostic(`wall time ${(run.wallMs / 1000).toFixed(1)} s`);
  assert.ok(run.wallMs < 60_000);

  const out = join(directory, 'profiles');
  const index = readIndex(out);
  const profiles = index.map((line) => line.profile);
  assert.ok(profiles.includes('cpu') && profiles.includes('mem'), `${profiles}`);
  for (const line of index) {
    const file = join(out, line.path);
    const { samples, lowest } = await describe(file);
    assert.equal(line.samples, samples);
    assert.ok(lowest >= 0);
    assert.match(await goToolPprof(['-top'], file), /flat\s+flat%/);
  }
});
