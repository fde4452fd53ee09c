import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { lockDirectory } from '../../src/directory-lock.ts';
import { createAuthority } from '../support/certificates.ts';
import { type FakePyroscope, type ReceivedProfile, startFakePyroscope } from '../support/fake-pyroscope.ts';
import { startFakeTarget } from '../support/fake-target.ts';
import { freePort } from '../support/free-port.ts';
import { readProfile } from '../support/read-profile.ts';
import { remoteWorld } from '../support/remote-world.ts';

// What a user of remote write sees, through the command line.

const SCRAPE = ['scrape', '-c', 'CONFIG'];

const remoteWrite = (server: Pick<FakePyroscope, 'url'>, more = '', queue = ''): string =>
  `remote-write:\n  - url: ${server.url}\n    name: main\n    queue: { min-backoff: 10ms, max-backoff: 50ms${queue} }\n${more.replace(/^(?=.)/gm, '    ')}`;

const labelsOf = (received: ReceivedProfile | undefined) => Object.fromEntries(received?.labels ?? []);

test('scrape sends to the remotes of its config, and says so', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  w.configure(remoteWrite(server));
  const { code, out, err } = await w.pyroPull(SCRAPE);
  assert.equal(code, 0, err);
  assert.match(out, /^goroutines +127\.0\.0\.1:\d+ +1 +\d+ B +-$/m);
  assert.match(err, /^remote main: 1 sent$/m);
  assert.equal(server.accepted().length, 1);
  assert.deepEqual(w.queued('profiles/.queue/main'), []);
});

test('what is left at the deadline stays queued, is counted, and goes first with the next run', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  server.answer = () => ({ fault: 'stall' });
  w.configure(remoteWrite(server));
  const first = await w.pyroPull([...SCRAPE, '--push-deadline', '150ms', '--json']);
  assert.equal(first.code, 1);
  assert.match(first.err, /^error: remote main: 0 sent, 1 still queued: the next run sends them first$/m);
  const lines = first.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(lines[0].outcome, 'queued');
  assert.deepEqual(lines.at(-1).remotes, [{ remote: 'main', accepted: 0, rejected: 0, dropped: 0, queued: 1 }]);
  assert.equal(w.queued('profiles/.queue/main').length, 1);

  server.answer = () => ({});
  const second = await w.pyroPull(SCRAPE);
  assert.equal(second.code, 0, second.err);
  assert.match(second.err, /^remote main: 2 sent$/m);
  const times = server.accepted().map(({ query }) => BigInt(query.get('until') ?? 0));
  assert.ok(times.length === 2 && (times[0] ?? 0n) < (times[1] ?? 0n));
});

const lastWords = [
  { answer: {}, outcome: 'accepted', remote: { outcome: 'accepted' } },
  {
    answer: { status: 400, body: JSON.stringify({ message: 'no such thing' }) },
    outcome: 'refused',
    remote: { outcome: 'refused', code: 400, answer: 'HTTP 400: no such thing' },
  },
  {
    answer: { status: 503, body: 'come back' },
    outcome: 'queued',
    remote: { outcome: 'queued', code: 503, answer: 'HTTP 503: come back' },
  },
] as const;

for (const { answer, outcome, remote } of lastWords) {
  test(`--json says what became of a profile at its remote: ${outcome}`, async (t) => {
    const w = await remoteWorld(t);
    const server = await startFakePyroscope(t);
    server.answer = () => answer;
    w.configure(remoteWrite(server));
    const flags = ['--push-deadline', '300ms', '--json'];
    const jsonOf = async (argv: readonly string[]) => {
      const { out } = await w.pyroPull([...argv, ...flags]);
      return out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    };
    const [pushed, summary] = await jsonOf(['scrape', '-c', 'CONFIG']);
    assert.deepEqual([pushed.outcome, pushed.remotes], [outcome, [{ remote: 'main', ...remote }]]);
    assert.deepEqual([summary.summary.written, summary.summary.toSend], [0, 1]);
    const [both] = await jsonOf(['scrape', '-c', 'CONFIG', '-o', 'out']);
    assert.deepEqual([both.outcome, both.remotes], ['written', [{ remote: 'main', ...remote }]]);
  });
}

test('a run without files says that nothing is written', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  w.configure(remoteWrite(server));
  const { err } = await w.pyroPull(['scrape', '-c', 'CONFIG']);
  assert.match(err, /^1 profile to send; /m);
  assert.doesNotMatch(err, /written/);
});

const troubles = [
  {
    name: 'a server that is down',
    answer: undefined,
    says: /^warning: remote main: takes nothing now, 1 profile waits in the queue: connection refused$/m,
    keeps: 'queued',
  },
  {
    name: 'a server that is overloaded and says for how long',
    answer: { status: 503, headers: { 'retry-after': '3600' } },
    says: /^warning: remote main: takes nothing now, 1 profile waits in the queue: HTTP 503: status 503$/m,
    keeps: 'queued',
  },
  {
    name: 'wrong credentials',
    answer: { status: 401, body: '{"code":"unauthenticated","message":"no org id"}' },
    says: /^error: remote main: paused, nothing is sent and 1 profile waits in the queue: HTTP 401: no org id\n {2}check the credentials and the tenant-id of this remote$/m,
    keeps: 'queued',
  },
  {
    name: 'a wrong address',
    answer: { status: 404, body: '404 page not found' },
    says: /^error: remote main: paused, .*: HTTP 404: 404 page not found\n {2}check the url: it is the address of the server, without \/ingest$/m,
    keeps: 'queued',
  },
  {
    name: 'a redirect',
    answer: { status: 307, headers: { location: 'https://elsewhere/' }, body: 'moved' },
    says: /^error: remote main: goroutines of \S+ refused for good, moved to rejected\/: HTTP 307 to https:\/\/elsewhere\/: moved\n {2}a push is never sent on: give the address/m,
    keeps: 'rejected',
  },
  {
    name: 'a profile that is too old',
    answer: { status: 422, body: '{"message":"profile is outside of ingestion window"}' },
    says: /^error: remote main: goroutines of .* refused for good.*ingestion window\n {2}set -validation\.reject-older-than on the server/m,
    keeps: 'rejected',
  },
] as const;
for (const { name, answer, says, keeps } of troubles) {
  test(`${name}: said with what to do, exit code 1, and nothing is lost`, async (t) => {
    const w = await remoteWorld(t);
    const server = answer ? await startFakePyroscope(t) : { url: `http://127.0.0.1:${await freePort()}` };
    if (answer && 'answer' in server) server.answer = () => answer;
    w.configure(remoteWrite(server));
    const { code, err } = await w.pyroPull([...SCRAPE, '--push-deadline', '400ms']);
    assert.equal(code, 1);
    assert.match(err, says);
    const path = keeps === 'queued' ? 'profiles/.queue/main' : 'profiles/.queue/main/rejected';
    assert.equal(w.queued(path).length, 1);
    assert.doesNotMatch(err, /internal error| at /);
  });
}

test('a second process on a queue says who has it, and exits with 2 before it scrapes', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  w.configure(remoteWrite(server));
  const lock = await lockDirectory(join(w.dir, 'profiles/.queue/main'), { what: 'queue', hint: '' });
  for (const argv of [SCRAPE, [...SCRAPE, '--loop'], ['push', '--retry', '-c', 'CONFIG']]) {
    const { code, err } = await w.pyroPull(argv);
    assert.equal(code, 2);
    assert.match(err, /^pyro-pull: the queue \S+main is in use by another pyro-pull \(process \d+ on/m);
    assert.match(err, /wait until it has ended, or give this one a queue\.dir of its own/);
  }
  await lock.release();
  assert.equal(w.target.requests.length, 0);
});

test('corrupt entries are set aside with one warning each, a crowd of them as one, and stop nothing', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  server.answer = () => ({ status: 503 });
  w.configure(remoteWrite(server));
  for (let run = 0; run < 9; run++) await w.pyroPull([...SCRAPE, '--push-deadline', '1ms']);
  const queue = join(w.dir, 'profiles/.queue/main');
  const names = w.queued('profiles/.queue/main').sort();
  assert.equal(names.length, 9);
  for (const name of names.slice(0, 4)) writeFileSync(join(queue, `${name}.json`), 'garbage');
  for (const name of names.slice(4, 8)) truncateSync(join(queue, `${name}.pb.gz`), 10);
  server.answer = () => ({});
  const { code, err } = await w.pyroPull(SCRAPE);
  assert.equal(code, 0, err);
  assert.equal(err.match(/^warning: remote main: \S+ set aside in corrupt\/: /gm)?.length, 5);
  assert.match(err, /^warning: remote main: 3 more entries set aside in corrupt\/$/m);
  assert.match(err, /^remote main: 2 sent$/m);
  assert.equal(readdirSync(join(queue, 'corrupt')).length, 16);
});

test('a crowd of refusals is told by its first ones', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  server.answer = () => ({ status: 400, body: '{"message":"no"}' });
  w.configure(remoteWrite(server));
  for (let run = 0; run < 8; run++) {
    server.answer = () => (run < 7 ? { status: 503 } : { status: 400, body: '{"message":"no"}' });
    const { err } = await w.pyroPull([...SCRAPE, '--push-deadline', run < 7 ? '1ms' : '10s']);
    if (run < 7) continue;
    assert.equal(err.match(/refused for good, moved to rejected\/: HTTP 400: no$/gm)?.length, 5);
    assert.match(err, /^error: remote main: 3 more profiles refused for good: HTTP 400$/m);
    assert.match(err, /0 sent, 8 refused \(kept in rejected\/; pyro-pull push --retry sends them again\)/);
  }
  server.answer = () => ({});
  const again = await w.pyroPull(['push', '--retry', '-c', 'CONFIG']);
  assert.deepEqual([again.code, again.out], [0, 'remote main: 8 profiles sent\n']);
  assert.deepEqual(w.queued('profiles/.queue/main/rejected'), []);
});

test('labels: external ones where they are missing, tags over all, then the rules of this remote alone', async (t) => {
  const w = await remoteWorld(t);
  const [one, two] = [await startFakePyroscope(t), await startFakePyroscope(t)];
  const rules =
    'write-relabel-configs:\n  - { action: labeldrop, regex: job }\n  - { target-label: dc, replacement: west }\n';
  w.configure(
    `external-labels: { cluster: eu-1, env: no }\n${remoteWrite(one, rules)}  - url: ${two.url}\n    name: two\n    api: push\n`,
  );
  const { code, err } = await w.pyroPull([...SCRAPE, '--label', 'env=prod']);
  assert.equal(code, 0, err);
  const instance = w.target.address;
  assert.deepEqual(labelsOf(one.received[0]), { __name__: 'shop', cluster: 'eu-1', dc: 'west', env: 'prod', instance });
  assert.deepEqual(labelsOf(two.received[0]), {
    __delta__: 'false',
    __name__: 'goroutines',
    cluster: 'eu-1',
    env: 'prod',
    instance,
    job: 'shop',
    pyroscope_spy: 'gospy',
    service_name: 'shop',
  });
});

test('profiles that the rules of a remote drop are not sent', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  w.configure(remoteWrite(server, 'write-relabel-configs: [{ action: drop, source-labels: [job], regex: shop }]\n'));
  const { code, err } = await w.pyroPull(SCRAPE);
  assert.equal(code, 0, err);
  assert.match(err, /^remote main: 0 sent$/m);
  assert.equal(server.received.length, 0);
});

const policies = [
  {
    policy: 'sanitize',
    arrives: ['pebble_x', 'ok'],
    says: /labels of samples changed for the server: pebble\.x → pebble_x/,
  },
  { policy: 'drop', arrives: ['ok'], says: /labels of samples changed for the server: pebble\.x left out/ },
  { policy: 'keep', arrives: ['pebble.x', 'ok'], says: /^remote main: 1 sent$/m },
] as const;
for (const { policy, arrives, says } of policies) {
  test(`sample-labels: ${policy}`, async (t) => {
    const w = await remoteWorld(t, {
      sampleLabels: [
        { key: 'pebble.x', str: 'a' },
        { key: 'ok', str: 'b' },
      ],
    });
    const server = await startFakePyroscope(t);
    w.configure(remoteWrite(server), `sample-labels: ${policy}`);
    const { code, err } = await w.pyroPull(SCRAPE);
    assert.equal(code, 0, err);
    assert.match(err, says);
    const [received] = server.received;
    const [only] = readProfile(gunzipSync(received?.profile ?? new Uint8Array())).samples;
    assert.deepEqual(
      only?.labels.map(({ key }) => key),
      arrives,
    );
    assert.deepEqual(only?.values, [3n]);
  });
}

test('a target with a wrong clock is named once, and its profiles come with our time', async (t) => {
  const w = await remoteWorld(t, { clockAheadMs: 2 * 3_600_000 });
  const server = await startFakePyroscope(t);
  w.configure(remoteWrite(server));
  const { code, err } = await w.pyroPull(SCRAPE);
  assert.equal(code, 0, err);
  assert.deepEqual(err.match(/^.*clock.*$/gm), [
    `warning: ${w.target.address} has a clock 2 hours ahead of ours; our time is used instead: set its clock`,
  ]);
  const { timeNanos } = readProfile(gunzipSync(server.received[0]?.profile ?? new Uint8Array()));
  assert.ok(Math.abs(Number(timeNanos / 1_000_000n) - Date.now()) < 60_000);
});

test('what the server would refuse is not sent: the limit and the mend are named', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  w.configure(remoteWrite(server, 'limits: { max-profile-bytes: 100B }\n'));
  const { code, out, err } = await w.pyroPull([...SCRAPE, '--json']);
  assert.equal(code, 1);
  assert.match(
    err,
    /^error: remote main: goroutines of \S+ refused for good, moved to rejected\/: not sent: the profile has \d+ bytes inflated, the server takes 100 bytes\n {2}raise max_profile_size_bytes on the server and limits\.max-profile-bytes of this remote$/m,
  );
  assert.equal(JSON.parse(out.split('\n')[0] ?? '').outcome, 'refused');
  assert.equal(server.received.length, 0);
  assert.equal(w.queued('profiles/.queue/main/rejected').length, 1);
});

const environments = [
  {
    name: 'the address of the environment, with its user, password and tenant',
    argv: [],
    env: { PYROSCOPE_BASIC_AUTH_USER: 'me', PYROSCOPE_BASIC_AUTH_PASSWORD: 'hunter2', PYROSCOPE_TENANT_ID: 'team-a' },
    headers: { authorization: `Basic ${Buffer.from('me:hunter2').toString('base64')}`, 'x-scope-orgid': 'team-a' },
  },
  {
    name: 'the address of the environment, with its token',
    argv: [],
    env: { PYROSCOPE_AUTH_TOKEN: 'tok' },
    headers: { authorization: 'Bearer tok', 'x-scope-orgid': undefined },
  },
] as const;
for (const { name, argv, env, headers } of environments) {
  test(`where nothing names a remote: ${name}`, async (t) => {
    const w = await remoteWorld(t);
    const server = await startFakePyroscope(t);
    const result = await w.pyroPull([...SCRAPE, ...argv], { PYROSCOPE_SERVER_ADDRESS: server.url, ...env });
    assert.equal(result.code, 0, result.err);
    const [received] = server.received;
    assert.equal(received?.headers.authorization, headers.authorization);
    assert.equal(received?.headers['x-scope-orgid'], headers['x-scope-orgid']);
  });
}

test('the remote-write mapping of the old server is a list of remotes', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  w.configure(`remote-write:
  enabled: true
  targets:
    eu:
      address: ${server.url}
      auth-token: tok
      tenant-id: team-a
      tags: { dc: west }
      headers: { X-Extra: "1" }
      timeout: 3s`);
  const { code, err } = await w.pyroPull(SCRAPE);
  assert.equal(code, 0, err);
  assert.match(err, /^remote eu: 1 sent$/m);
  const [received] = server.received;
  assert.equal(received?.headers.authorization, 'Bearer tok');
  assert.equal(received?.headers['x-scope-orgid'], 'team-a');
  assert.equal(received?.headers['x-extra'], '1');
  assert.equal(labelsOf(received)['dc'], 'west');
});

test('over TLS with a CA of the config, and OAuth2 tokens', async (t) => {
  const w = await remoteWorld(t);
  const authority = createAuthority();
  const { cert, key } = authority.issue('localhost', { hosts: ['127.0.0.1'] });
  writeFileSync(join(w.dir, 'ca.pem'), authority.cert);
  const tokens = await startFakeTarget(t, {
    '/token': (_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: 'fresh', token_type: 'Bearer', expires_in: 3600 }));
    },
  });
  const seen: (string | undefined)[] = [];
  const server = createTlsServer({ cert, key }, (request, response) => {
    seen.push(request.headers.authorization);
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close().closeAllConnections());
  const address = server.address();
  const url = `https://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  const oauth = `oauth2: { client-id: me, client-secret: hunter2, token-url: "${tokens.url}/token" }\n`;
  w.configure(remoteWrite({ url }, oauth));
  const distrusted = await w.pyroPull([...SCRAPE, '--push-deadline', '2s']);
  assert.equal(distrusted.code, 1);
  assert.match(distrusted.err, /takes nothing now, .*certificate/);
  w.configure(remoteWrite({ url }, `${oauth}tls-config: { ca-file: ca.pem }\n`));
  const trusted = await w.pyroPull(SCRAPE);
  assert.equal(trusted.code, 0, trusted.err);
  assert.deepEqual(seen, ['Bearer fresh', 'Bearer fresh']);
});

test('through a proxy of the config', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  const through: string[] = [];
  const proxy = await startFakeTarget(t, {});
  w.configure(remoteWrite(server, `proxy-url: ${proxy.url}\n`));
  await w.pyroPull([...SCRAPE, '--push-deadline', '200ms']);
  for (const { method, path } of proxy.requests) through.push(`${method} ${path.split('?')[0]}`);
  assert.ok(through.length > 0, 'the proxy was asked');
  assert.equal(server.received.length, 0, 'nobody went around it');
});

test('push sends what scrape wrote and what it could not send, each once', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  const out = join(w.dir, 'out');
  const argv = ['push', out, '--push', server.url];
  assert.equal((await w.pyroPull([...SCRAPE, '-o', out])).code, 0);
  assert.equal((await w.pyroPull([...SCRAPE, '-o', out])).code, 0);
  assert.deepEqual(await w.pyroPull(argv), { code: 0, out: `remote ${nameOf(server)}: 2 profiles sent\n`, err: '' });
  assert.deepEqual(await w.pyroPull(argv), {
    code: 0,
    out: `remote ${nameOf(server)}: 0 profiles sent, 2 sent before\n`,
    err: '',
  });
  assert.equal(server.received.length, 2);
  assert.deepEqual(readdirSync(w.dir).sort(), ['out', 'pyro-pull.yml'], 'the queue is where scrape has it');
  rmSync(join(out, '.queue'), { recursive: true });
  assert.match((await w.pyroPull([...argv, '--json'])).out, /"accepted": 2/);
});

test('push takes .prof and .pgo files of a directory, and an error names its file', async (t) => {
  const w = await remoteWorld(t);
  const server = await startFakePyroscope(t);
  const dir = join(w.dir, 'files');
  mkdirSync(dir);
  for (const name of ['bad.prof', 'worse.pgo']) writeFileSync(join(dir, name), '<html>');
  const { code, err } = await w.pyroPull(['push', dir, '--push', server.url]);
  assert.equal(code, 1);
  for (const name of ['bad.prof', 'worse.pgo']) assert.ok(err.includes(`${join(dir, name)}: `), err);
});

test('push without anything to push is wrong usage', async (t) => {
  const w = await remoteWorld(t);
  const { code, err } = await w.pyroPull(['push', '--push', 'http://localhost:1']);
  assert.equal(code, 2);
  assert.match(err, /nothing to push\n {2}name profile files, or a directory that scrape wrote; --retry alone/);
});

function nameOf({ url }: FakePyroscope): string {
  return url.replace('http://', '');
}
