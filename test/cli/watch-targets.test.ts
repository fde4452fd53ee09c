import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { run } from '../../src/cli/run.ts';
import { podOf, startFakeKubernetes } from '../support/fake-kubernetes.ts';
import { memoryIo } from '../support/memory-io.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** `pyro-pull targets --watch` on a discovery file that the test writes. */
function watched(t: TestContext, ...flags: string[]) {
  const cwd = temporaryDirectory(t);
  const write = (text: string) => {
    writeFileSync(join(cwd, 'new'), text);
    renameSync(join(cwd, 'new'), join(cwd, 't.json'));
  };
  const job = '{job-name: shop, enabled-profiles: [mem], file-sd-configs: [{files: [t.json]}]}';
  writeFileSync(join(cwd, 'pyro-pull.yml'), `scrape-configs: [${job}]\n`);
  const io = memoryIo({ cwd });
  t.after(() => io.signal('SIGINT'));
  return {
    io,
    write,
    set: (addresses: readonly string[], env: string) =>
      write(JSON.stringify([{ targets: addresses, application: 'a', labels: { env } }])),
    start: () => run(['targets', '--watch', ...flags], io),
    /** Until this is on standard output or error. */
    async sees(pattern: RegExp): Promise<void> {
      const endMs = Date.now() + 20_000;
      while (!pattern.test(io.out() + io.err())) {
        assert.ok(Date.now() < endMs, `no ${pattern} in ${io.out()}${io.err()}`);
        await setTimeout(10);
      }
    },
  };
}

test('each change is a line, and SIGINT is a clean end', { timeout: 60_000 }, async (t) => {
  const w = watched(t);
  w.set(['a:1', 'b:2'], 'dev');
  const code = w.start();
  await w.sees(/job shop: 2 active targets, 0 dropped instances, 0 rejected/);
  w.set(['a:1'], 'dev');
  await w.sees(/job shop: 1 active target,/);
  w.set(['a:1', 'c:3'], 'prod');
  await w.sees(/\+ shop mem http:\/\/c:3/);
  w.io.signal('SIGINT');
  assert.equal(await code, 0);
  assert.equal(w.io.err(), '');
  assert.deepEqual(
    w.io
      .out()
      .trim()
      .split('\n')
      .map((line) => line.replace(/^\d\d:\d\d:\d\d /, '').replace('/debug/pprof/heap {__name__="a", ', ' {')),
    [
      '+ shop mem http://a:1 {env="dev", instance="a:1", job="shop"}',
      '+ shop mem http://b:2 {env="dev", instance="b:2", job="shop"}',
      'job shop: 2 active targets, 0 dropped instances, 0 rejected',
      '- shop mem http://b:2 {env="dev", instance="b:2", job="shop"}',
      'job shop: 1 active target, 0 dropped instances, 0 rejected',
      '~ shop mem http://a:1/debug/pprof/heap {env="dev" -> "prod"}',
      '+ shop mem http://c:3 {env="prod", instance="c:3", job="shop"}',
      'job shop: 2 active targets, 0 dropped instances, 0 rejected',
    ],
  );
});

test('--json: one object a line, failures of discovery too; what is known stays', { timeout: 60_000 }, async (t) => {
  const w = watched(t, '--json');
  w.set(['a:1'], 'dev');
  const code = w.start();
  await w.sees(/"type":"state"/);
  w.write('[{');
  await w.sees(/"type":"discovery-failed"/);
  w.set(['a:1'], 'prod');
  await w.sees(/"type":"changed"/);
  await w.sees(/"type":"discovery-recovered"/);
  w.io.signal('SIGTERM');
  assert.equal(await code, 0);
  const lines: { type: string; [key: string]: unknown }[] = w.io
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ type }) => type).sort(), [
    'added',
    'changed',
    'discovery-failed',
    'discovery-recovered',
    'state',
  ]);
  const changed = lines.find(({ type }) => type === 'changed');
  assert.deepEqual(changed?.['labelsBefore'], { __name__: 'a', env: 'dev', instance: 'a:1', job: 'shop' });
  assert.deepEqual(changed?.['labels'], { __name__: 'a', env: 'prod', instance: 'a:1', job: 'shop' });
  const failed = lines.find(({ type }) => type === 'discovery-failed');
  assert.match(String(failed?.['error']), /t\.json:1:\d: .*keeping 1 instance/);
  assert.match(w.io.err(), /error: job shop: discovery failed: /);
  assert.match(w.io.err(), /job shop: discovery works again/);
});

test('static targets are shown once and the watch goes on', { timeout: 60_000 }, async (t) => {
  const cwd = temporaryDirectory(t);
  const job = '{job-name: s, enabled-profiles: [mem], static-configs: [{application: a, targets: ["h:1"]}]}';
  writeFileSync(join(cwd, 'pyro-pull.yml'), `scrape-configs: [${job}]\n`);
  const io = memoryIo({ cwd });
  const code = run(['targets', '--watch'], io);
  while (!io.out().includes('job s: 1 active target')) await setTimeout(10);
  assert.equal(await Promise.race([code, setTimeout(100, 'goes on')]), 'goes on');
  io.signal('SIGINT');
  assert.equal(await code, 0);
});

test('--watch and --explain do not go together', async (t) => {
  const w = watched(t, '--explain');
  assert.equal(await w.start(), 2);
});

test('five jobs on one API server make one watch', { timeout: 60_000 }, async (t) => {
  const cwd = temporaryDirectory(t);
  const api = await startFakeKubernetes(t);
  api.set('pods', podOf('w', '10.0.0.7'));
  const jobs = [1, 2, 3, 4, 5].map((number) => ({
    'job-name': `j${number}`,
    'enabled-profiles': ['mem'],
    'kubernetes-sd-configs': [{ role: 'pod', 'api-server': api.server.url }],
    'relabel-configs': [{ 'target-label': '__name__', replacement: 'a' }],
  }));
  writeFileSync(join(cwd, 'pyro-pull.yml'), JSON.stringify({ 'scrape-configs': jobs }));
  const io = memoryIo({ cwd });
  t.after(() => io.signal('SIGINT'));
  const code = run(['targets', '--watch'], io);
  while ((io.out().match(/job j\d: 1 active target/g) ?? []).length < 5 || api.watches().length === 0)
    await setTimeout(10);
  io.signal('SIGINT');
  assert.equal(await code, 0);
  assert.equal(api.lists().length, 1);
  assert.equal(api.watchRequests().length, 1);
});
