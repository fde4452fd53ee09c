import assert from 'node:assert/strict';
import test from 'node:test';
import { addressOf } from '../../src/http/address.ts';
import { keepsCredentials, nextAddress } from '../../src/http/redirect.ts';
import { type Answer, answers, startFakeTarget } from '../support/fake-target.ts';
import { failureOf, get, testClient, textOf } from '../support/http-client.ts';

const secret = { authorization: { type: 'Bearer', credentials: { value: 'token' } } };

for (const status of [301, 302, 303, 307, 308]) {
  test(`a ${status} is followed, with the credentials on the same host`, async (t) => {
    const target = await startFakeTarget(t, {
      '/old': answers.redirect('/new?x=1', status),
      '/new': answers.status(200, 'here'),
    });
    assert.equal(textOf(await get(testClient(t, secret), target, '/old')), 'here');
    assert.deepEqual(
      target.requests.map(({ method, path, headers }) => [method, path, headers.authorization]),
      [
        ['GET', '/old', 'Bearer token'],
        ['GET', '/new?x=1', 'Bearer token'],
      ],
    );
  });
}

test('follow-redirects: false gives the redirect itself', async (t) => {
  const target = await startFakeTarget(t, answers.redirect('/new', 308));
  const response = await get(testClient(t, { followRedirects: false }), target);
  assert.equal(response.status, 308);
  assert.equal(response.headers['location'], '/new');
  assert.equal(target.requests.length, 1);
});

test('a POST is never redirected', async (t) => {
  const target = await startFakeTarget(t, answers.redirect('/new', 307));
  const response = await get(testClient(t), target, '/', { method: 'POST', body: 'x' });
  assert.equal(response.status, 307);
  assert.equal(target.requests.length, 1);
});

test('a redirect without a location is an answer like any other', async (t) => {
  const target = await startFakeTarget(t, answers.status(302, 'nowhere'));
  assert.equal(textOf(await get(testClient(t), target)), 'nowhere');
});

test('other 3xx are answers', async (t) => {
  const target = await startFakeTarget(t, answers.status(304, '', { location: '/x' }));
  assert.equal((await get(testClient(t), target)).status, 304);
});

test('ten redirects are followed', async (t) => {
  const target = await startFakeTarget(t, countdown());
  assert.equal(textOf(await get(testClient(t), target, '/10')), 'arrived');
});

test('eleven are not', async (t) => {
  const target = await startFakeTarget(t, countdown());
  const error = await failureOf(get(testClient(t), target, '/11'));
  assert.equal(error.code, 'TOO_MANY_REDIRECTS');
  assert.equal(error.message, 'stopped after 10 redirects');
});

function countdown(): Answer {
  return (request, response) => {
    const left = Number(request.url?.slice(1));
    (left > 0 ? answers.redirect(`/${left - 1}`) : answers.status(200, 'arrived'))(request, response);
  };
}

test('credentials and configured headers stay behind when a redirect leaves the host, and do not come back', async (t) => {
  // 127.0.0.1 and localhost are two hosts, and one server can be both.
  const target = await startFakeTarget(t, (request, response) => {
    const { port } = target.origin;
    const next: Readonly<Record<string, string>> = {
      '/1': `http://localhost:${port}/2`,
      '/2': `http://127.0.0.1:${port}/3`,
    };
    const location = next[request.url ?? ''];
    (location ? answers.redirect(location) : answers.status(200, 'end'))(request, response);
  });
  const headers = new Map([['X-Key', { values: [{ value: 'secret' }] }]]);
  const client = testClient(t, { ...secret, headers });
  await get(client, target, '/1', { headers: { cookie: 'a=b', accept: '*/*' } });
  assert.deepEqual(
    target.requests.map(({ path, headers: sent }) => [
      path,
      sent.authorization,
      sent['x-key'],
      sent.cookie,
      sent.accept,
    ]),
    [
      ['/1', 'Bearer token', 'secret', 'a=b', '*/*'],
      ['/2', undefined, undefined, undefined, '*/*'],
      ['/3', undefined, undefined, undefined, '*/*'],
    ],
  );
});

test('another port of the same host gets the credentials, as in Go', async (t) => {
  const other = await startFakeTarget(t, answers.status(200, 'ok'));
  const target = await startFakeTarget(t, answers.redirect(`${other.url}/x`));
  await get(testClient(t, secret), target);
  assert.equal(other.requests[0]?.headers.authorization, 'Bearer token');
});

test('the callbacks hear of the final answer only', async (t) => {
  const target = await startFakeTarget(t, { '/old': answers.redirect('/new'), '/new': answers.status(200, 'here') });
  const statuses: number[] = [];
  const pieces: string[] = [];
  await get(testClient(t), target, '/old', {
    onHeaders: ({ status }) => statuses.push(status),
    onData: (chunk) => pieces.push(Buffer.from(chunk).toString()),
  });
  assert.deepEqual(statuses, [200]);
  assert.deepEqual(pieces, ['here']);
});

test('the deadline is for all hops together', async (t) => {
  const target = await startFakeTarget(t, answers.late(300, answers.redirect('/again')));
  const error = await failureOf(get(testClient(t), target, '/', { timeoutMs: 1000 }));
  assert.match(error.message, /^timeout after 1s while /);
  assert.ok(target.requests.length >= 2);
});

test('a redirect to something else than HTTP is an error that shows no password', async (t) => {
  const target = await startFakeTarget(t, answers.redirect('ftp://u:hidden@files/x'));
  const error = await failureOf(get(testClient(t), target));
  assert.equal(error.code, 'BAD_REDIRECT');
  assert.equal(error.message, 'redirected to "ftp://u:xxxxx@files/x", which is not an http or https URL');
});

const zoned = { origin: { scheme: 'http', hostname: 'fe80::1%eth0', port: 6060 }, path: '/a/b?c' } as const;
for (const { location, hostname, path } of [
  { location: '/x', hostname: 'fe80::1%eth0', path: '/x' },
  { location: 'y?z=1', hostname: 'fe80::1%eth0', path: '/a/y?z=1' },
  { location: '//[::1]:6060/x', hostname: '::1', path: '/x' },
  { location: 'http://shop/x', hostname: 'shop', path: '/x' },
]) {
  test(`${location} leads from an IPv6 address with a zone to ${hostname}${path}`, () => {
    const next = nextAddress(zoned, location);
    assert.equal(next.origin.hostname, hostname);
    assert.equal(next.path, path);
  });
}

for (const { from, to, keeps } of [
  { from: 'http://shop', to: 'http://shop', keeps: true },
  { from: 'http://shop', to: 'http://SHOP:8080', keeps: true },
  { from: 'http://shop', to: 'https://shop', keeps: true },
  { from: 'https://shop', to: 'http://shop', keeps: false },
  { from: 'http://shop', to: 'http://eu.shop', keeps: false },
  { from: 'http://shop', to: 'http://shop.evil', keeps: false },
]) {
  test(`credentials for ${from} are ${keeps ? '' : 'not '}sent on to ${to}`, () => {
    assert.equal(keepsCredentials(addressOf(from).origin, addressOf(to).origin), keeps);
  });
}
