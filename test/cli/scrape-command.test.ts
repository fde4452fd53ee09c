import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { run } from '../../src/cli/run.ts';
import { buildProfile } from '../support/build-profile.ts';
import { type Answer, type FakeTarget, startFakeTarget } from '../support/fake-target.ts';
import { freePort } from '../support/free-port.ts';
import { type MemoryIo, memoryIo } from '../support/memory-io.ts';
import { readProfile } from '../support/read-profile.ts';
import { ALLOC_SPACE, INUSE_SPACE, sample, snapshot } from '../support/sample-table.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const GOROUTINES = gzipSync(
  buildProfile(
    snapshot([sample('main;park', [3n])], {
      sampleTypes: [{ type: 'goroutine', unit: 'count' }],
      timeNanos: BigInt(Date.now()) * 1_000_000n,
    }),
  ),
);

const body =
  (bytes: Uint8Array | string, status = 200): Answer =>
  (_, response) => {
    response.writeHead(status).end(bytes);
  };

/** A heap whose one stack has allocated more at each request. */
function growingHeap(): Answer {
  let allocated = 1000n;
  return (_, response) => {
    allocated += 500n;
    const heap = snapshot([sample('main;work', [allocated, 40n])], {
      sampleTypes: [ALLOC_SPACE, INUSE_SPACE],
      timeNanos: BigInt(Date.now()) * 1_000_000n,
    });
    response.end(gzipSync(buildProfile(heap)));
  };
}

interface World {
  readonly dir: string;
  readonly io: MemoryIo;
  readonly target: FakeTarget;
  /** Runs `scrape` with a config of one job. */
  scrape(job: string, ...argv: string[]): Promise<number>;
  /** Paths below the output directory. */
  files(): string[];
  index(): Record<string, unknown>[];
}

async function world(t: { after(run: () => void): void }, answers: Readonly<Record<string, Answer>>): Promise<World> {
  const dir = temporaryDirectory(t);
  const io = memoryIo({ cwd: dir });
  const target = await startFakeTarget(t, answers);
  const out = join(dir, 'profiles');
  const files = () =>
    existsSync(out)
      ? readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(out, path)).isFile())
      : [];
  return {
    dir,
    io,
    target,
    files,
    scrape: (job, ...argv) => {
      writeFileSync(join(dir, 'pyro-pull.yml'), `scrape-configs:\n  - job-name: j\n${job.replace(/^/gm, '    ')}\n`);
      return run(['scrape', ...argv], io);
    },
    index: () =>
      existsSync(join(out, 'index.ndjson'))
        ? readFileSync(join(out, 'index.ndjson'), 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line))
        : [],
  };
}

const jobOf = (target: FakeTarget, profiles: string, more = '') =>
  `enabled-profiles: [${profiles}]\n${more}static-configs: [{application: app, targets: ["${target.address}"]}]`;

test('the delta of two snapshots is written, readable, with its line in the index', async (t) => {
  const w = await world(t, { '/debug/pprof/heap': growingHeap() });
  assert.equal(await w.scrape(jobOf(w.target, 'mem'), '--window', '1ms'), 0, w.io.err());
  const [entry, ...more] = w.index();
  assert.equal(more.length, 0);
  const file = join(w.dir, 'profiles', String(entry?.['path']));
  assert.deepEqual(
    readProfile(gunzipSync(readFileSync(file))).samples.map(({ values }) => values),
    [[500n, 40n]],
  );
  assert.equal(entry?.['profile'], 'mem');
  assert.match(w.io.out(), /PROFILE +INSTANCE +SAMPLES +SIZE +FILE\nmem /);
  assert.match(w.io.err(), /scraping 1 profile of 1 instance into profiles; two snapshots 1ms apart\n/);
  assert.match(w.io.err(), /1 profile written .*; 1 instance up/);
});

test('with a state directory the next run starts where the last one ended', async (t) => {
  const w = await world(t, { '/debug/pprof/heap': growingHeap() });
  const argv = ['--state-dir', 'state', '--window', '1ms'];
  assert.equal(await w.scrape(jobOf(w.target, 'mem'), ...argv), 0);
  assert.equal(await w.scrape(jobOf(w.target, 'mem'), ...argv), 0);
  assert.equal(w.target.requests.length, 3, 'two for the first run, one for the second');
  const [first, second] = w.index();
  assert.equal(second?.['from'], first?.['until']);
});

test('a torn state is a warning, and the target starts afresh', async (t) => {
  const w = await world(t, { '/debug/pprof/heap': growingHeap() });
  const argv = ['--state-dir', 'state', '--window', '1ms'];
  await w.scrape(jobOf(w.target, 'mem'), ...argv);
  for (const name of readdirSync(join(w.dir, 'state')).filter((file) => file.endsWith('.state'))) {
    const file = join(w.dir, 'state', name);
    writeFileSync(file, readFileSync(file).subarray(0, -3));
  }
  assert.equal(await w.scrape(jobOf(w.target, 'mem'), ...argv), 0);
  assert.match(w.io.err(), /saved snapshot is torn/);
  assert.equal(w.target.requests.length, 4);
});

test('--json is one object for each profile and a summary, and nothing else on stdout', async (t) => {
  const w = await world(t, { '/debug/pprof/goroutine': body(GOROUTINES), '/debug/pprof/mutex': body('gone', 404) });
  assert.equal(await w.scrape(jobOf(w.target, 'goroutines, mutex'), '--json', '--window', '1ms'), 1);
  const lines = w.io
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [summary] = lines.splice(-1);
  const byProfile = new Map(lines.map((line) => [line.profile, line]));
  assert.equal(byProfile.get('goroutines').outcome, 'written');
  assert.equal(byProfile.get('goroutines').samples, 1);
  assert.equal(byProfile.get('mutex').outcome, 'failed');
  assert.equal(byProfile.get('mutex').error.code, 'PROFILE_NOT_FOUND');
  assert.equal(summary.summary.written, 1);
  assert.equal(summary.summary.failed, 1);
});

test('--dry-run says what would happen and touches nothing', async (t) => {
  const w = await world(t, {});
  assert.equal(await w.scrape(jobOf(w.target, 'mem, goroutines'), '--dry-run', '--state-dir', 'state'), 0);
  assert.equal(w.target.requests.length, 0);
  assert.deepEqual(readdirSync(w.dir), ['pyro-pull.yml']);
  assert.match(w.io.out(), /mem +twice, 10s apart +http:.*\ngoroutines +once /);
});

test('--label and external labels reach the index', async (t) => {
  const w = await world(t, { '/debug/pprof/goroutine': body(GOROUTINES) });
  assert.equal(await w.scrape(jobOf(w.target, 'goroutines'), '--label', 'run=42', '--label', 'job=mine'), 0);
  assert.deepEqual(w.index()[0]?.['labels'], { __name__: 'app', instance: w.target.address, job: 'mine', run: '42' });
});

test('--profile, --job and --match narrow a run', async (t) => {
  const w = await world(t, { '/debug/pprof/goroutine': body(GOROUTINES) });
  const job = jobOf(w.target, 'mem, goroutines, block');
  assert.equal(await w.scrape(job, '--profile', 'goroutine', '--job', 'j', '--match', '^127\\.0'), 0, w.io.err());
  assert.deepEqual(
    w.target.requests.map(({ path }) => path),
    ['/debug/pprof/goroutine'],
  );
  assert.equal(await w.scrape(job, '--match', 'nowhere'), 1);
  assert.match(w.io.err(), /no target to scrape/);
});

test('a signal keeps what is complete and gives 130', async (t) => {
  const w = await world(t, {
    '/debug/pprof/goroutine': body(GOROUTINES),
    '/debug/pprof/block': () => w.io.signal('SIGINT'),
  });
  const code = await w.scrape(jobOf(w.target, 'goroutines, block'), '--window', '1h', '--profile', 'block');
  assert.equal(code, 130);
  assert.doesNotMatch(w.io.err(), /failed/);
});

const usage: readonly (readonly [name: string, argv: readonly string[], says: RegExp])[] = [
  ['a flag that is none', ['scrape', '--bogus'], /unknown option '--bogus'/],
  ['a command that is none', ['scrap'], /unknown command 'scrap'\n\(Did you mean scrape\?\)/],
  ['no config anywhere', ['scrape'], /there is no pyro-pull\.yml/],
  ['a config that is not there', ['scrape', '-c', 'gone.yml'], /gone\.yml/],
  [
    'a config and targets',
    ['scrape', '-c', 'x.yml', 'h:1'],
    /--config and addresses on the command line do not go together/,
  ],
  ['one round and a loop', ['scrape', 'h:1', '--once', '--loop', '--dry-run'], /--once and --loop do not go together/],
  ['a loop with a window', ['scrape', 'h:1', '--loop', '--window', '5s'], /--window and --loop do not go together/],
  ['a config to watch in one round', ['scrape', 'h:1', '--watch-config'], /--watch-config goes with --loop only/],
  ['an address to serve one round at', ['scrape', 'h:1', '--listen', ':0'], /--listen goes with --loop only/],
  ['an unset variable as directory', ['scrape', 'h:1', '--out', ''], /--out is empty/],
  ['an unset variable as state', ['scrape', 'h:1', '--state-dir='], /--state-dir is empty/],
  ['an unset variable as config', ['scrape', '--config', ''], /--config is empty/],
  ['the demo and targets', ['scrape', '--demo', 'h:1'], /--demo and addresses/],
  [
    'a window without a unit',
    ['scrape', 'h:1', '--window', '10'],
    /--window .*"10" is not a duration \(the unit is missing: write 10s for seconds\)/,
  ],
  ['no concurrency at all', ['scrape', 'h:1', '--concurrency', '0'], /whole number from 1/],
  ['a label without a value', ['scrape', 'h:1', '--label', 'x'], /--label x: not NAME=VALUE/],
  ['a match that is no expression', ['scrape', 'h:1', '--match', '('], /--match \(/],
  ['a profile that is none', ['scrape', 'h:1', '--profile', 'cpuu'], /--profile cpuu: there is no such profile/],
  ['a job that is none', ['scrape', 'h:1', '--job', 'x'], /--job x: the config has no such job/],
  ['a target that is only a number', ['scrape', '6060'], /give host:port: localhost:6060/],
  ['no command', [], /Usage: pyro-pull/],
  ['delta without a place for it', ['delta', 'a', 'b'], /required option '-o, --output <file>'/],
];
for (const [name, argv, says] of usage) {
  test(`wrong usage: ${name}: exit code 2, one message, nothing touched`, async (t) => {
    const dir = temporaryDirectory(t);
    const io = memoryIo({ cwd: dir });
    assert.equal(await run(argv, io), 2);
    assert.match(io.err() + io.out(), says);
    assert.doesNotMatch(io.err(), /\n\s+at /);
    assert.deepEqual(readdirSync(dir), []);
  });
}

const heap = gzipSync(
  buildProfile(snapshot([sample('main;work', [10n, 4n])], { sampleTypes: [ALLOC_SPACE, INUSE_SPACE] })),
);
const malformed: readonly (readonly [name: string, body: Uint8Array | string, says: RegExp])[] = [
  ['nothing', '', /empty body/],
  ['gzip of nothing', gzipSync(''), /empty body/],
  ['half of a gzip', heap.subarray(0, heap.length / 2), /gzip ends early/],
  ['gzip without its trailer', heap.subarray(0, -8), /gzip ends early/],
  ['gzip and text', Buffer.concat([heap, Buffer.from('oops')]), /gzip is followed by/],
  ['gzip and zeros', Buffer.concat([heap, Buffer.alloc(4)]), /gzip is followed by/],
  ['gzip in gzip in gzip', gzipSync(gzipSync(heap)), /gzip/],
  ['a bomb', gzipSync(Buffer.alloc(8 * 1024 * 1024)), /1MiB/],
  ['a zlib stream', deflateSync(gunzipSync(heap)), /zlib/],
  ['a page', '<html><body>login</body></html>', /HTML page, not a profile/],
  ['JSON', '{"error":"no"}', /JSON/],
  ['text', 'something went wrong', /something went wrong/],
  ['the old text format', 'heap profile: 1: 2 [3: 4] @ heap/1048576\n', /text|legacy/],
  ['a trace', `go 1.21 trace\0\0\0${'x'.repeat(50)}`, /trace/],
  ['cut protobuf', gzipSync(gunzipSync(heap).subarray(0, -1)), /byte \d+/],
  ['two profiles in one', Buffer.concat([heap, heap]), /concatenated|twice|second|string|an earlier/],
];

test('every malformed answer is one clear line; other targets are unharmed, nothing half-written is left', async (t) => {
  const w = await world(t, {
    ...Object.fromEntries(malformed.map(([, bytes], index) => [`/bad/${index}`, body(bytes)])),
    '/good': growingHeap(),
  });
  const group = (path: string) =>
    `  - {application: "app", targets: ["${w.target.address}"], labels: {__profile_mem_path: ${path}, path: "${path}"}}`;
  const paths = [...malformed.map((_, index) => `/bad/${index}`), '/good'];
  const job = `enabled-profiles: [mem]\nbody-size-limit: 1MiB\nstatic-configs:\n${paths.map(group).join('\n')}`;
  assert.equal(await w.scrape(job, '--window', '1ms', '--json'), 1);

  const results = new Map<string, { outcome: string; error?: { message: string } }>();
  for (const line of w.io.out().trim().split('\n').slice(0, -1)) {
    const result = JSON.parse(line);
    results.set(result.labels.path, result);
  }
  for (const [index, [name, , says]] of malformed.entries()) {
    const result = results.get(`/bad/${index}`);
    assert.equal(result?.outcome, 'failed', name);
    assert.match(result?.error?.message ?? '', says, name);
    assert.doesNotMatch(result?.error?.message ?? '', /\n/, name);
  }
  assert.equal(results.get('/good')?.outcome, 'written');
  assert.doesNotMatch(w.io.err(), /\n\s+at /);
  assert.equal(w.index().length, 1);
  assert.deepEqual(w.files().sort(), ['index.ndjson', String(w.index()[0]?.['path'])].sort());
});

test('targets that are down are one line together, with what to do', async (t) => {
  const w = await world(t, { '/debug/pprof/goroutine': body(GOROUTINES) });
  const port = await freePort();
  const job = `enabled-profiles: [goroutines, mutex]
static-configs:
  - {application: app, targets: ["127.0.0.1:${port}"]}
  - {application: app, targets: ["${w.target.address}"], labels: {__profile_mutex_enabled: "false"}}`;
  assert.equal(await w.scrape(job, '--window', '1ms'), 1);
  const failures = w.io.err().match(/^error: .*$/gm);
  assert.equal(failures?.length, 1);
  assert.match(failures[0] ?? '', /\(and 1 more\): connection refused — nothing listens on port/);
  assert.equal(w.index().length, 1);
});

test('a round leaves no more files than output.max-bytes allows', async (t) => {
  const w = await world(t, { '/debug/pprof/goroutine': body(GOROUTINES) });
  const job = jobOf(w.target, 'goroutines');
  assert.equal(await w.scrape(job), 0);
  const [first] = w.files().filter((path) => path !== 'index.ndjson');
  const config = readFileSync(join(w.dir, 'pyro-pull.yml'), 'utf8');
  writeFileSync(
    join(w.dir, 'pyro-pull.yml'),
    `${config}output: { dir: profiles, max-bytes: ${GOROUTINES.length + 50} }\n`,
  );
  assert.equal(await run(['scrape'], w.io), 0);
  assert.match(w.io.err(), /removed 1 old file/);
  assert.equal(w.index().length, 1);
  assert.ok(!w.files().includes(first ?? ''));
});

test('two runs on one state directory: the second one says so and gives 2', async (t) => {
  const w = await world(t, { '/debug/pprof/heap': growingHeap() });
  const first = w.scrape(jobOf(w.target, 'mem'), '--state-dir', 'state', '--window', '1s');
  while (w.target.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const io = memoryIo({ cwd: w.dir });
  assert.equal(await run(['scrape', '--state-dir', 'state'], io), 2);
  assert.match(io.err(), /state directory .* is in use by another pyro-pull/);
  assert.equal(await first, 0);
});

test('a goroutine dump with debug=2 is a file of text, known to the index, and no profile to open', async (t) => {
  const dump = 'goroutine 1 [select, 5 minutes]:\nmain.main()\n\t/src/main.go:10 +0x1d\n';
  const { scrape, target, files, index, dir, io } = await world(t, { '/debug/pprof/goroutine': body(dump) });
  const job = `enabled-profiles: [goroutines]
profiles: { goroutines: { params: { debug: ["2"] } } }
static-configs: [{ application: a, targets: ["${target.address}"] }]`;
  assert.equal(await scrape(job), 0, io.err());
  assert.deepEqual(
    target.requests.map(({ path }) => path),
    ['/debug/pprof/goroutine?debug=2'],
  );
  const [path = ''] = files().filter((file) => file.endsWith('.txt.gz'));
  assert.match(path, /goroutines\/[\dTZ.]+\.txt\.gz$/);
  assert.equal(gunzipSync(readFileSync(join(dir, 'profiles', path))).toString(), dump);
  assert.equal(index()[0]?.['path'], path);
  assert.equal(index()[0]?.['kind'], 'text');
  assert.match(io.out(), /goroutines +\S+ +- /);
  assert.doesNotMatch(io.err(), /go tool pprof/);
});
