import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { run } from '../../src/cli/run.ts';
import { plainText } from '../../src/safe-text/laid-out.ts';
import { buildProfile } from '../support/build-profile.ts';
import { answers, startFakeTarget, startRawServer } from '../support/fake-target.ts';
import { assertSafe, HOSTILE, HOSTILE_HEADER } from '../support/hostile-text.ts';
import { plainRequest } from '../support/http-request.ts';
import { memoryIo } from '../support/memory-io.ts';
import { sample, snapshot } from '../support/sample-table.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

// Hostile text planted wherever a stranger may put some must come out nowhere as it is: not on the terminal, in no log, in
// no answer of the HTTP surface, in no index or queue, in no name of a file.

const PROFILE = gzipSync(
  buildProfile({
    ...snapshot([{ ...sample(`main${HOSTILE};park`, [3n]), labels: [{ key: HOSTILE, str: HOSTILE }] }], {
      sampleTypes: [{ type: `goroutine${HOSTILE}`, unit: `count${HOSTILE}` }],
      timeNanos: BigInt(Date.now()) * 1_000_000n,
    }),
    comments: [HOSTILE],
  }),
);

/** A config in JSON with escapes, as YAML takes no control characters. */
function written(config: unknown): string {
  return plainText(JSON.stringify(config));
}

interface World {
  readonly dir: string;
  readonly config: Record<string, unknown>;
  readonly remoteUrl: string;
}

async function world(t: TestContext): Promise<World> {
  const dir = temporaryDirectory(t);
  const good = await startFakeTarget(t, { '/debug/pprof/goroutine': answers.profile(PROFILE) });
  const bad = await startRawServer(t, (socket) => {
    const body = Buffer.from(HOSTILE);
    socket.on('data', () => {
      socket.write(`HTTP/1.1 500 ${HOSTILE_HEADER}\r\nContent-Type: text/${HOSTILE_HEADER}\r\n`, 'latin1');
      socket.write(`Content-Length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
  });
  const away = await startRawServer(t, (socket) => {
    socket.on('data', () => {
      socket.end(`HTTP/1.1 302 x\r\nLocation: ftp://${HOSTILE_HEADER}/\r\nContent-Length: 0\r\n\r\n`, 'latin1');
    });
  });
  const odd = await startFakeTarget(t, { '/debug/pprof/goroutine': answers.status(200, `<html>${HOSTILE}`) });
  const remote = await startFakeTarget(t, answers.status(400, JSON.stringify({ message: HOSTILE })));
  const labels = { service_name: HOSTILE, instance: HOSTILE, weird: HOSTILE, __meta_weird: HOSTILE };
  writeFileSync(
    join(dir, 'sd.json'),
    JSON.stringify([
      { targets: [good.address, bad.address, away.address, odd.address], labels: { __name__: 'svc', ...labels } },
      { targets: [`${HOSTILE}:1`], labels: { __name__: HOSTILE } },
    ]),
  );
  writeFileSync(join(dir, 'broken.json'), JSON.stringify([{ targets: [good.address], [HOSTILE]: HOSTILE }]));
  const job = {
    'job-name': HOSTILE,
    'scrape-interval': '1s',
    'enabled-profiles': ['goroutines'],
    'file-sd-configs': [{ files: ['sd.json'] }],
    'http-sd-configs': [{ url: `${bad.url}/sd?a=${encodeURIComponent(HOSTILE)}` }],
    'relabel-configs': [
      { 'target-label': 'made', replacement: HOSTILE },
      { 'source-labels': ['weird'], regex: 'drop.*', action: 'drop' },
    ],
  };
  const config = {
    'scrape-configs': [job, { ...job, 'job-name': 'drops', 'relabel-configs': [{ action: 'drop', regex: '.*' }] }],
    'external-labels': { outside: HOSTILE },
  };
  return { dir, config, remoteUrl: remote.url };
}

/** Every text of every file below the directory, and every name; the inputs are not among them. */
function assertFilesSafe(dir: string, inputs: ReadonlySet<string>): void {
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (inputs.has(entry.name)) continue;
    assertSafe(entry.name, `the name of ${JSON.stringify(path)}`);
    if (entry.isFile() && /\.(json|ndjson)$/.test(entry.name)) assertSafe(readFileSync(path, 'utf8'), path);
  }
}

const INPUTS = new Set(['sd.json', 'broken.json', 'pyro-pull.yml', 'bad.yml']);

test('hostile text comes out of no command as it is', { timeout: 120_000 }, async (t) => {
  const { dir, config, remoteUrl } = await world(t);
  writeFileSync(join(dir, 'pyro-pull.yml'), written(config));
  const bad = {
    ...config,
    [HOSTILE]: HOSTILE,
    'scrape-configs': [
      { 'job-name': HOSTILE, 'scrape-interval': HOSTILE, 'enabled-profiles': [HOSTILE], [HOSTILE]: 1 },
      { 'job-name': HOSTILE, 'file-sd-configs': [{ files: ['broken.json'] }] },
    ],
  };
  writeFileSync(join(dir, 'bad.yml'), written(bad));
  writeFileSync(join(dir, 'a.pb.gz'), PROFILE);
  const noisy = ['--log-level', 'debug', '--push-deadline', '300ms'];
  for (const argv of [
    ['scrape', ...noisy],
    ['scrape', ...noisy, '--json', '--log-format', 'json', '-o', 'profiles', '--push', remoteUrl],
    ['scrape', ...noisy, '--log-format', 'logfmt', '--push', remoteUrl],
    ['scrape', '--dry-run'],
    ['scrape', '--dry-run', '--json'],
    ['scrape', '--job', HOSTILE, '--profile', HOSTILE],
    ['scrape', HOSTILE],
    ['check'],
    ['check', '--json'],
    ['check', '--print-rules'],
    ['check', 'bad.yml'],
    ['check', 'bad.yml', '--json'],
    ['check', `${HOSTILE}.yml`],
    ['targets'],
    ['targets', '--json'],
    ['targets', '--explain'],
    ['targets', '--explain', '--json'],
    ['delta', 'a.pb.gz', 'a.pb.gz', '-o', `d.pb.gz`],
    ['delta', 'a.pb.gz', 'a.pb.gz', '-o', `d.pb.gz`, '--json'],
    ['delta', `${HOSTILE}.pb.gz`, 'a.pb.gz', '-o', `d.pb.gz`],
    ['push', 'profiles', 'a.pb.gz', '--push', remoteUrl, '--push-deadline', '300ms'],
    ['push', 'profiles', '--push', remoteUrl, '--push-deadline', '300ms', '--json', '--retry'],
    [`--${HOSTILE.replaceAll(/[\r\n\t]/g, '')}`],
  ]) {
    const io = memoryIo({ cwd: dir, env: { FORCE_COLOR: '1' } });
    await run(argv, io);
    const what = JSON.stringify(argv).slice(0, 60);
    assertSafe(io.out(), `stdout of ${what}`, { hasColours: true });
    assertSafe(io.err(), `stderr of ${what}`, { hasColours: true });
    assert.doesNotMatch(io.err(), /internal error/, what);
  }
  assertFilesSafe(dir, INPUTS);
});

test('rules that are printed still mean what was written', async (t) => {
  const { dir, config } = await world(t);
  writeFileSync(join(dir, 'pyro-pull.yml'), written(config));
  const io = memoryIo({ cwd: dir });
  await run(['check', '--print-rules'], io);
  const [job] = parse(io.out())['scrape-configs'];
  assert.equal(job['job-name'], HOSTILE);
  assert.equal(job['relabel-configs'][0].replacement, HOSTILE);
});

test('JSON still says what the stranger wrote', async (t) => {
  const { dir, config } = await world(t);
  writeFileSync(join(dir, 'pyro-pull.yml'), written(config));
  const io = memoryIo({ cwd: dir });
  await run(['targets', '--json'], io);
  const { activeTargets } = JSON.parse(io.out());
  assert.equal(activeTargets[0].labels.weird, HOSTILE);
  assert.equal(activeTargets[0].job, HOSTILE);
});

test('hostile text comes out of no answer of a loop, and not into its log or its files', {
  timeout: 60_000,
}, async (t) => {
  const { dir, config, remoteUrl } = await world(t);
  writeFileSync(join(dir, 'pyro-pull.yml'), written(config));
  const io = memoryIo({ cwd: dir });
  const argv = ['scrape', '--loop', '--listen', ':0', '-o', 'profiles', '--push', remoteUrl, '--log-level', 'debug'];
  const ended = run([...argv, '--grace', '10ms'], io);
  for (let waited = 0; !(io.err().includes(': down: ') && io.err().includes('listening on')); waited += 20) {
    assert.ok(waited < 10_000, io.err());
    await sleep(20);
  }
  const port = Number(/127\.0\.0\.1:(\d+)\/targets/.exec(io.err())?.[1]);
  writeFileSync(join(dir, 'pyro-pull.yml'), written({ ...config, [HOSTILE]: HOSTILE }));
  const jobName = encodeURIComponent(HOSTILE);
  for (const [path, method] of [
    ['/-/ready', 'GET'],
    ['/-/reload', 'POST'],
    ['/metrics', 'GET'],
    ['/api/v1/targets', 'GET'],
    [`/page/overview.json?dropped=${jobName}&dropped=drops&open=${jobName}`, 'GET'],
    [`/${jobName}`, 'GET'],
  ] as const) {
    const { text } = await plainRequest(port, path, { method });
    assertSafe(text, path);
  }
  const { text } = await plainRequest(port, '/metrics');
  assert.match(text, /pyro_pull_targets\{job="evil\\\\u001b\[31mred/);
  assert.doesNotMatch(text.replaceAll('\\\\', ''), /\\[^n"]/, 'only escapes that the format has');
  const { data } = JSON.parse((await plainRequest(port, '/api/v1/targets')).text);
  assert.equal(data.activeTargets[0].scrapePool, HOSTILE);
  io.signal('SIGTERM');
  await ended;
  assertSafe(io.err(), 'the log');
  assert.doesNotMatch(io.err(), /internal error/);
  assertFilesSafe(dir, INPUTS);
});
