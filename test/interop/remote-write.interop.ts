import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuthority } from '../support/certificates.ts';
import { type GoService, start as startGoService } from './parts/go-service.ts';
import { start as startPyroscope } from './parts/pyroscope.ts';
import { type GateProxy, startGateProxy } from './support/gate-proxy.ts';
import { describe, totalOnStacks } from './support/oracle.ts';
import { freshDirectory } from './support/places.ts';
import { EXECUTABLE, mustPull, pyroPull, readIndex, type Written } from './support/pyro-pull.ts';
import { PyroscopeQuery } from './support/pyroscope-query.ts';

// The command line against a real server: what its query API gives back is what the files of the same run hold.

const PROFILES = ['cpu', 'mem', 'goroutines', 'mutex', 'block'] as const;

/** First part of the profile type, by profile; the same over both APIs. */
const SERIES: Readonly<Record<string, string>> = {
  cpu: 'process_cpu',
  mem: 'memory',
  mutex: 'mutex',
  block: 'block',
  goroutines: 'goroutines',
};

test('scrape --push: over both APIs the server has what the files of the run hold', async (t) => {
  const server = await started(t, startPyroscope());
  const service = await started(t, startGoService({ flags: ['-load=0.3'] }));
  const config = writeConfig(service, `remote-write:\n${remote(server.url, 'ingest')}${remote(server.url, 'push')}`);
  const out = freshDirectory('out');
  const run = mustPull(['scrape', '-c', config, '-o', out, '--window', '3s']);
  await workBetweenSnapshots(service);
  const { stderr } = await run;
  for (const api of ['ingest', 'push']) assert.match(stderr, new RegExp(`^remote ${api}: 5 sent$`, 'm'));
  const written = filesOf(out);
  assert.deepEqual(written.map(({ profile }) => profile).sort(), [...PROFILES].sort());
  const query = new PyroscopeQuery(server.url);
  for (const api of ['ingest', 'push']) {
    for (const line of written) await assertStored(query, `shop-${line.profile}-${api}`, line, { functions: true });
  }
});

test('a loop with --push: the server has the sum of all its files, and nothing is left in the queue', async (t) => {
  const server = await started(t, startPyroscope());
  const service = await started(t, startGoService({ flags: ['-load=0.3'] }));
  const config = writeConfig(service, '');
  const out = freshDirectory('out');
  const loop = spawn(process.execPath, [EXECUTABLE, 'scrape', '--loop', '-c', config, '-o', out, '--push', server.url]);
  t.after(() => void loop.kill('SIGKILL'));
  let said = '';
  loop.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const enough = () => PROFILES.every((profile) => filesOf(out).filter((line) => line.profile === profile).length >= 4);
  while (!enough()) {
    assert.equal(loop.exitCode, null, said);
    await service.do('alloc?site=dropped&n=50&size=1024');
    await service.do('contend?n=3');
    await service.do('block?n=3');
    await sleep(200);
  }
  loop.kill('SIGTERM');
  await once(loop, 'close');
  assert.equal(loop.exitCode, 0, said);
  const written = filesOf(out);
  assert.match(said, new RegExp(`^remote \\S+: ${written.length} sent$`, 'm'));
  const query = new PyroscopeQuery(server.url);
  for (const profile of PROFILES) {
    const totals: Record<string, number> = {};
    for (const { file } of written.filter((line) => line.profile === profile)) {
      for (const [type, total] of Object.entries((await describe(file)).totals))
        totals[type] = (totals[type] ?? 0) + total;
    }
    for (const [type, total] of Object.entries(totals)) {
      // Of instantaneous types the server gives an average over a step.
      if (profile === 'goroutines' || type.startsWith('inuse_') || total === 0) continue;
      assert.equal(
        await query.total(`shop-${profile}`, await profileTypeOf(query, profile, type)),
        total,
        `${profile} ${type}`,
      );
    }
  }
});

test('push: a directory and a file, resumed; what the server refused is sent with --retry once it is set right', async (t) => {
  let server = await startPyroscope({ flags: ['-validation.max-profile-size-bytes=600'] });
  t.after(() => server.stop());
  const { url } = server;
  const service = await started(t, startGoService({ flags: ['-load=0.3'] }));
  const config = writeConfig(service, `remote-write:\n${remote(url, 'push')}`);
  const out = freshDirectory('out');
  const scraping = mustPull(['scrape', '-c', writeConfig(service, ''), '-o', out, '--window', '2s']);
  await workBetweenSnapshots(service);
  await scraping;
  const written = filesOf(out);

  const refused = await pyroPull(['push', out, '-c', config, '--json']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^error: remote push: .* refused for good, moved to rejected\/: HTTP 400: .*exceeds/m);
  const [summary] = JSON.parse(refused.stdout).remotes;
  assert.ok(summary.rejected > 0 && summary.accepted + summary.rejected === written.length, refused.stdout);

  await server.stop();
  server = await startPyroscope({ port: Number(new URL(url).port) });
  const retried = await mustPull(['push', '--retry', '-c', config]);
  assert.equal(retried.stdout, `remote push: ${summary.rejected} profile${summary.rejected === 1 ? '' : 's'} sent\n`);
  const query = new PyroscopeQuery(url);
  const [biggest] = written.filter(({ profile }) => profile === 'mem');
  assert.ok(biggest);
  await assertStored(query, 'shop-mem-push', biggest, { functions: true });

  const again = await mustPull(['push', out, '-c', config]);
  assert.equal(again.stdout, `remote push: 0 profiles sent, ${written.length} sent before\n`);
  await assertStored(query, 'shop-mem-push', biggest, { functions: true });
  await mustPull(['push', biggest.file, '--push', url, '--label', 'service_name=alone'], { cwd: out });
  await assertStored(query, 'alone', biggest, { functions: true });
});

const doors = [
  {
    name: 'TLS, basic auth and a tenant of the config',
    authorization: `Basic ${Buffer.from('me:hunter2').toString('base64')}`,
    tls: true,
    remotes: (url: string) =>
      `remote-write:\n  - { url: ${url}, name: main, tenant-id: team-a, basic-auth: { username: me, password: hunter2 }, tls-config: { ca-file: ca.pem } }\n`,
    env: {},
  },
  {
    name: 'a bearer token and a tenant of the environment, with --push',
    authorization: 'Bearer token-1',
    argv: true,
    remotes: () => '',
    env: { PYROSCOPE_AUTH_TOKEN: 'token-1', PYROSCOPE_TENANT_ID: 'team-a' },
  },
  {
    name: 'the mapping of the old server',
    authorization: 'Bearer token-1',
    remotes: (url: string) =>
      `remote-write:\n  enabled: true\n  targets:\n    main: { address: ${url}, auth-token: token-1, tenant-id: team-a, tags: { via: old } }\n`,
    env: {},
  },
];
for (const { name, authorization, tls, argv, remotes, env } of doors) {
  test(`through a proxy that wants credentials: ${name}`, async (t) => {
    const server = await started(t, startPyroscope({ flags: ['-auth.multitenancy-enabled=true'] }));
    const service = await started(t, startGoService({ flags: ['-load=0.3'] }));
    const authority = createAuthority();
    const certificate = authority.issue('localhost', { hosts: ['127.0.0.1'] });
    const gate: GateProxy = await started(
      t,
      startGateProxy(server.url, { authorization, ...(tls && { certificate }) }),
    );
    const config = writeConfig(service, remotes(gate.url));
    writeFileSync(join(config, '../ca.pem'), authority.cert);
    const out = freshDirectory('out');
    const command = [
      'scrape',
      '-c',
      config,
      '-o',
      out,
      '--profile',
      'goroutines',
      ...(argv ? ['--push', gate.url] : []),
    ];
    await mustPull(command, { env });
    assert.deepEqual([gate.passed, gate.refused], [1, 0]);
    const [line] = filesOf(out);
    assert.ok(line);
    await assertStored(new PyroscopeQuery(server.url, 'team-a'), 'shop-goroutines', line, { functions: false });
    assert.deepEqual(await new PyroscopeQuery(server.url, 'team-b').profileTypes(), []);
    if (!argv) return;

    const wrong = await pyroPull(command, { env: { ...env, PYROSCOPE_AUTH_TOKEN: 'wrong-token' } });
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /paused, nothing is sent and 1 profile waits in the queue: HTTP 401/);
    const right = await mustPull(command, { env });
    assert.match(right.stderr, /^remote \S+: 2 sent$/m);
  });
}

async function started<T extends { stop(): Promise<void> }>(t: TestContext, starting: Promise<T>): Promise<T> {
  const one = await starting;
  t.after(() => one.stop());
  return one;
}

/**
 * A job and a service for each profile. 1.6.0 stores all that it gets, but its answers miss a stack now and then where
 * profiles of several types share a service.
 */
function writeConfig(service: GoService, more: string): string {
  const jobs = PROFILES.map(
    (profile) => `  - job-name: ${profile}
    scrape-interval: 1s
    enabled-profiles: [${profile}]
    profiles: {cpu: {params: {seconds: ["1"]}}}
    static-configs: [{application: shop-${profile}, targets: ["${service.address}"]}]\n`,
  );
  const file = join(freshDirectory('config'), 'pyro-pull.yml');
  writeFileSync(file, `scrape-configs:\n${jobs.join('')}${more}`);
  return file;
}

/** A remote that keeps its profiles apart from those of others at the same server. */
function remote(url: string, api: string): string {
  const rule = `{ source-labels: [__name__], target-label: service_name, replacement: $1-${api} }`;
  return `  - { url: ${url}, name: ${api}, api: ${api}, queue: { dir: queue }, write-relabel-configs: [${rule}] }\n`;
}

async function workBetweenSnapshots(service: GoService): Promise<void> {
  for (const endpoint of ['heap', 'mutex', 'block']) {
    while ((await service.served(endpoint)).length === 0) await sleep(20);
  }
  await service.do('alloc?site=kept&n=300&size=64');
  await service.do('alloc?site=dropped&n=2000&size=1024');
  await service.do('park?n=17');
  await service.do('contend?n=20');
  await service.do('block?n=30');
  await service.do('publish');
}

function filesOf(out: string): Written[] {
  return readIndex(out).map((line) => ({ ...line, file: join(out, line.path) }));
}

async function assertStored(
  query: PyroscopeQuery,
  service: string,
  line: Written,
  { functions }: { functions: boolean },
): Promise<void> {
  const file = await describe(line.file);
  for (const [type, total] of Object.entries(file.totals)) {
    if (total === 0) continue;
    const profileType = await profileTypeOf(query, line.profile, type);
    const what = `${service} ${profileType}`;
    assert.equal(await query.total(service, profileType), total, what);
    if (!functions) continue;
    const readBack = await describe(await query.merged(service, profileType));
    assert.deepEqual(readBack.totals, { [type]: totalOnStacks(file, type) }, what);
    assert.deepEqual(unequal(columnOf(readBack.functions, type), columnOf(file.functions, type)), [], what);
  }
}

async function profileTypeOf(query: PyroscopeQuery, profile: string, type: string): Promise<string> {
  const start = `${SERIES[profile]}:${type}:`;
  const types = await query.profileTypes();
  const found = types.filter((one) => one.startsWith(start));
  assert.equal(found.length, 1, `${start} among ${types.join(', ')}`);
  return found[0] ?? '';
}

/** One column of the sums by function, without the functions that have none of it. */
function columnOf(functions: Readonly<Record<string, Readonly<Record<string, number>>>>, type: string) {
  const column = new Map<string, number>();
  for (const [fn, values] of Object.entries(functions)) {
    // The server leaves out what Go's compiler says of type parameters, on purpose.
    const shown = fn.replace(/\[go\.shape\..*\]/, '[...]');
    if (values[type]) column.set(shown, (column.get(shown) ?? 0) + values[type]);
  }
  return column;
}

/** What differs, rather than two columns of hundreds of functions. */
function unequal(actual: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): string[] {
  assert.ok(expected.size > 0);
  return [...new Set([...actual.keys(), ...expected.keys()])]
    .filter((fn) => actual.get(fn) !== expected.get(fn))
    .map((fn) => `${fn}: ${actual.get(fn)} instead of ${expected.get(fn)}`);
}
