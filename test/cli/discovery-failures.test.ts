import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { run } from '../../src/cli/run.ts';
import { startFakeConsul } from '../support/fake-consul.ts';
import { podOf, startFakeKubernetes } from '../support/fake-kubernetes.ts';
import { type Answer, answers, startFakeTarget } from '../support/fake-target.ts';
import { memoryIo } from '../support/memory-io.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const broken: Answer = answers.body('gone wrong', {}, 500);
const silent: Answer = () => {};

/** A source with one target, which a test can let fail. */
interface Source {
  /** The discovery block of its job. */
  readonly block: object;
  /** Undefined: it is well again. */
  answer(answer: Answer | undefined): void;
  /** Ends what it holds open, so that it is asked again. */
  stir(): void;
  /** It is asked again within seconds. */
  readonly isSoonAsked: boolean;
}

const SOURCES: Readonly<Record<string, (t: TestContext, dir: string) => Promise<Source>>> = {
  async http(t) {
    let answer: Answer | undefined;
    const good = answers.body('[{"targets":["10.0.0.7:8080"]}]', { 'content-type': 'application/json' });
    const server = await startFakeTarget(t, (request, response) => (answer ?? good)(request, response));
    return {
      block: { 'http-sd-configs': [{ url: server.url, 'refresh-interval': '200ms' }] },
      answer: (next) => {
        answer = next;
      },
      stir: () => {},
      isSoonAsked: true,
    };
  },
  async consul(t) {
    const consul = await startFakeConsul(t);
    const instance = { Node: { Node: 'n', Address: '10.0.0.7' }, Service: { ID: 'w', Port: 8080 }, Checks: [] };
    consul.setService('web', [instance]);
    return {
      block: { 'consul-sd-configs': [{ server: consul.url, 'refresh-interval': '50ms' }] },
      answer: (next) => {
        for (const path of ['/v1/catalog/services', '/v1/health/service/web']) consul.override(path, next);
      },
      stir: () => consul.endWaits(),
      isSoonAsked: false,
    };
  },
  async kubernetes(t) {
    const api = await startFakeKubernetes(t);
    api.set('pods', podOf('w', '10.0.0.7'));
    return {
      block: { 'kubernetes-sd-configs': [{ role: 'pod', 'api-server': api.server.url }] },
      answer: (next) => {
        api.override = next;
      },
      stir: () => api.cutWatches(),
      isSoonAsked: true,
    };
  },
  async file(_, dir) {
    const good = '[{"targets":["10.0.0.7:8080"]}]';
    const file = join(dir, 't.json');
    writeFileSync(file, good);
    return {
      block: { 'file-sd-configs': [{ files: ['t.json'], 'refresh-interval': '200ms' }] },
      answer: (next) => writeFileSync(file, next === undefined ? good : '[{'),
      stir: () => {},
      isSoonAsked: true,
    };
  },
};

/** A job with the source, and one with a static target beside it. */
async function world(t: TestContext, mechanism: string) {
  const dir = temporaryDirectory(t);
  const source = (await SOURCES[mechanism]?.(t, dir)) ?? assert.fail();
  const shared = {
    'enabled-profiles': ['mem'],
    'relabel-configs': [{ 'target-label': '__name__', replacement: 'a' }],
  };
  const jobs = [
    { 'job-name': 'found', ...shared, ...source.block },
    { 'job-name': 'fixed', ...shared, 'static-configs': [{ targets: ['10.0.0.1:1'] }] },
  ];
  writeFileSync(join(dir, 'pyro-pull.yml'), JSON.stringify({ 'scrape-configs': jobs }));
  return { source, io: memoryIo({ cwd: dir }) };
}

for (const mechanism of Object.keys(SOURCES)) {
  test(`${mechanism}: a run whose discovery fails goes on with the other targets and ends with 1`, async (t) => {
    const { source, io } = await world(t, mechanism);
    source.answer(broken);
    assert.equal(await run(['targets'], io), 1);
    assert.match(io.out(), /job found: 0 active targets/);
    assert.match(io.out(), /mem +http:\/\/10\.0\.0\.1:1\//);
    assert.match(io.err(), new RegExp(`error: job found: discovery failed: ${mechanism}-sd-configs\\[0\\]: `));
  });

  test(`${mechanism}: a source that fails keeps its targets, says so once, and says when it works again`, {
    timeout: 120_000,
  }, async (t) => {
    const { source, io } = await world(t, mechanism);
    const code = run(['targets', '--watch', '--json'], io);
    t.after(() => io.signal('SIGINT'));
    const sees = async (pattern: RegExp) => {
      const endMs = Date.now() + 30_000;
      while (!pattern.test(io.out())) {
        assert.ok(Date.now() < endMs, `no ${pattern} in ${io.out()}${io.err()}`);
        await setTimeout(20);
      }
    };
    await sees(/"type":"added","job":"found".*10\.0\.0\.7:8080/);
    source.answer(broken);
    source.stir();
    await sees(/discovery-failed/);
    await setTimeout(300);
    source.answer(undefined);
    if (source.isSoonAsked) await sees(/discovery-recovered/);
    io.signal('SIGINT');
    assert.equal(await code, 0);
    const lines: { type: string; error?: string }[] = io
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const count = (type: string) => lines.filter((line) => line.type === type).length;
    assert.deepEqual([count('added'), count('removed'), count('changed')], [2, 0, 0]);
    assert.equal(count('discovery-recovered'), source.isSoonAsked ? 1 : 0);
    const told = lines.flatMap(({ error }) => error ?? []);
    assert.equal(new Set(told).size, told.length);
  });
}

for (const mechanism of ['http', 'consul', 'kubernetes']) {
  test(`${mechanism}: what does not answer in time is left out, and the run ends with 1`, async (t) => {
    const { source, io } = await world(t, mechanism);
    source.answer(silent);
    const startedMs = Date.now();
    assert.equal(await run(['scrape', '--dry-run', '--discovery-timeout', '400ms'], io), 1);
    assert.ok(Date.now() - startedMs < 10_000);
    assert.match(io.out(), /10\.0\.0\.1:1\/debug\/pprof\/heap/);
    assert.match(io.err(), new RegExp(`${mechanism}-sd-configs\\[0\\]: (no full answer within 400ms|.*timeout)`));
  });
}

test('dns: a name that is none fails by itself, and the run ends with 1', async (t) => {
  const dir = temporaryDirectory(t);
  const job = `{job-name: j, enabled-profiles: [mem], dns-sd-configs: [{names: ["${'x'.repeat(64)}."], type: A, port: 1}]}`;
  writeFileSync(join(dir, 'pyro-pull.yml'), `scrape-configs: [${job}]\n`);
  const io = memoryIo({ cwd: dir });
  assert.equal(await run(['targets'], io), 1);
  assert.match(io.err(), /dns-sd-configs\[0\]: can't look up A records of x+\.: it is not a DNS name/);
});
