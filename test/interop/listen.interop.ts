import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { startChromium } from './support/chromium.ts';
import { needCommand } from './support/debian.ts';
import { goToolPprof } from './support/go-toolchain.ts';
import { keepAsking } from './support/load.ts';
import { freshDirectory } from './support/places.ts';
import { type Program, startProgram, untilAnswers, untilReady } from './support/program.ts';
import { EXECUTABLE, scrapeInto, theOnly } from './support/pyro-pull.ts';
import { runCommand } from './support/run-command.ts';

/** The built command as a service, on the demo. */
async function startLoop(): Promise<{ readonly program: Program; readonly address: string }> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const command = [process.execPath, EXECUTABLE, 'scrape', '--loop', '--demo', '--listen', address];
  const program = startProgram('loop', command, { cwd: freshDirectory('loop') });
  await untilAnswers(program, `http://${address}/-/ready`);
  return { program, address };
}

test('pyro-pull scrapes pyro-pull: its own profiles have the names of its functions', async () => {
  const { program, address } = await startLoop();
  const directory = freshDirectory('own-profiles');
  const config = join(directory, 'self.yml');
  writeFileSync(
    config,
    `scrape-configs:
  - job-name: self
    scrape-interval: 3s
    enabled-profiles: [cpu, mem]
    profiles: { cpu: { params: { seconds: ["3"] } } }
    static-configs: [{ application: pyro-pull, spy-name: nodespy, targets: ["${address}"] }]
`,
  );
  const stop = keepAsking(2, () => [`http://${address}/page/overview.json?filter=demo`, {}]);
  const written = await scrapeInto(join(directory, 'profiles'), ['--config', config]);
  await stop();
  await program.stop();
  for (const profile of ['cpu', 'mem']) {
    const top = await goToolPprof(['-top', '-nodecount=2000'], theOnly(written, profile).file);
    assert.match(top, / (overviewOf|jobOverview|hasWord|urgentFirst|rowOf)$/m, profile);
  }
});

test('promtool has nothing to say about the metrics', async () => {
  const { program, address } = await startLoop();
  try {
    // Its counters have their first values when something was scraped.
    const metrics = await untilReady(program, async () => {
      const text = await (await fetch(`http://${address}/metrics`)).text();
      return /^pyro_pull_scrapes_total\{.*outcome="finished"\}/m.test(text) ? text : undefined;
    });
    const promtool = await needCommand('promtool', 'prometheus');
    const { code, stdout, stderr } = await runCommand([promtool, 'check', 'metrics'], { input: metrics });
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
  } finally {
    await program.stop();
  }
});

test('the page of the command in a browser', async () => {
  const { program, address } = await startLoop();
  const browser = await startChromium();
  try {
    const page = await (await browser.window()).newPage();
    await page.goto(`http://${address}/`);
    await page.getByRole('button', { name: 'up 2' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/targets');
    assert.deepEqual(await page.locator('.job .target .profile').allInnerTexts(), ['cpu', 'mem']);
    await program.stop();
    await page.getByText('does not answer since').waitFor();
  } finally {
    await browser.close();
    await program.stop();
  }
});
