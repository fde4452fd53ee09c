import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSoak } from '../../bench/soak/run-soak.ts';
import { faultsOf, reportOf } from '../../bench/soak/soak-report.ts';
import { needCommand } from './support/debian.ts';
import { freshDirectory } from './support/places.ts';
import { EXECUTABLE } from './support/pyro-pull.ts';

// The hour of it is run by hand: node --import tsx bench/soak.ts
test('a loop against targets, a server and a clock that fail: every delta is exact, through four kills -9', async (t) => {
  await needCommand('faketime', 'faketime'); // with the library that sets the clock of one process
  const figures = await runSoak({
    minutes: 1.5,
    targets: 40,
    intervalMs: 3000,
    seed: 20_261_122,
    dir: freshDirectory('soak'),
    executable: EXECUTABLE,
    say: (line) => t.diagnostic(line),
  });
  t.diagnostic(reportOf(figures));
  assert.deepEqual(faultsOf(figures, { isLong: false }), []);
  assert.ok(figures.clockJumps > 0, 'the clock could be set');
  assert.ok(figures.profiles > 500, `${figures.profiles} profiles`);
  assert.ok(figures.settled > 50, `${figures.settled} sums`);
});
