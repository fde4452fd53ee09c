import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { ConsulDiscoveryConfig } from '../../src/config/discovery-config.ts';
import { DEFAULT_HTTP_CLIENT } from '../../src/config/http-client-config.ts';
import { ConsulDiscoverer } from '../../src/discovery/consul/consul-discoverer.ts';
import { serviceGroup } from '../../src/discovery/consul/service-group.ts';
import { REAL_TIME } from '../../src/discovery/wait.ts';
import { type FakeConsul, startFakeConsul } from '../support/fake-consul.ts';
import { answers, type Cleanup, type FakeTarget } from '../support/fake-target.ts';
import { FakeWait } from '../support/fake-wait.ts';
import { addressesIn, labelsOf, mergePatch, plainGroup, readVectors } from '../support/vectors.ts';
import { watching } from '../support/watching.ts';

const SIGNAL = new AbortController().signal;
const NAME = 'consul-sd-configs[0]';

const ENTRY = {
  Node: {
    Node: 'n1',
    Address: '10.0.0.1',
    Meta: { 'rack-id': 'r1' },
    TaggedAddresses: { lan: '10.0.0.1', wan: '1.2.3.4' },
  },
  Service: { ID: 'web-1', Service: 'web', Address: '', Port: 8080, Tags: ['v1', 'go'], Meta: {} },
  Checks: [{ CheckID: 'serfHealth', Status: 'passing' }],
};

const TARGET = {
  '@': '10.0.0.1:8080',
  address: '10.0.0.1',
  node: 'n1',
  tags: ',v1,go,',
  service_port: '8080',
  service_id: 'web-1',
  health: 'passing',
  metadata_rack_id: 'r1',
  tagged_address_lan: '10.0.0.1',
  tagged_address_wan: '1.2.3.4',
};

for (const { id, situation, entry, target } of readVectors('consul.yml')) {
  test(`${id}: ${situation}`, () => {
    const tagSeparator = id === 'C16' ? ';' : ',';
    const group = serviceGroup('web', 'dc1', [mergePatch(ENTRY, entry)], { tagSeparator });
    assert.deepEqual(plainGroup(group), {
      source: 'web',
      labels: { __meta_consul_service: 'web', __meta_consul_dc: 'dc1' },
      targets: [labelsOf(mergePatch(TARGET, target), '__meta_consul_')],
    });
  });
}

function configOf({ address }: Pick<FakeTarget, 'address'>, options: Partial<ConsulDiscoveryConfig> = {}) {
  const config: ConsulDiscoveryConfig = {
    mechanism: 'consul',
    server: address,
    scheme: 'http',
    pathPrefix: undefined,
    token: undefined,
    datacenter: undefined,
    namespace: undefined,
    partition: undefined,
    tagSeparator: ',',
    allowStale: true,
    refreshIntervalMs: 30_000,
    services: [],
    tags: [],
    nodeMeta: new Map(),
    filter: undefined,
    healthFilter: undefined,
    http: DEFAULT_HTTP_CLIENT,
    ...options,
  };
  return config;
}

function once(consul: Pick<FakeTarget, 'address'>, options: Partial<ConsulDiscoveryConfig> = {}) {
  return new ConsulDiscoverer(configOf(consul, options), NAME, REAL_TIME, {}).once(SIGNAL);
}

function watch(t: Cleanup, consul: FakeConsul, options: Partial<ConsulDiscoveryConfig> = {}) {
  const time = new FakeWait();
  return { time, ...watching(t, new ConsulDiscoverer(configOf(consul, options), NAME, time, {}), time) };
}

/** An instance of a service at an address. */
function instance(address: string) {
  return mergePatch(ENTRY, { Service: { Address: address } });
}

/** Paths with queries, decoded where it reads better. */
function asked({ requests }: Pick<FakeTarget, 'requests'>, prefix = '/v1/'): string[] {
  return requests.map(({ path }) => decodeURIComponent(path)).filter((path) => path.startsWith(prefix));
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await setImmediate();
}

test('a run asks for the datacenter, the catalog and each service, and waits for nothing', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1'), instance('10.1.0.2')]);
  consul.setService('db', [instance('10.2.0.1')]);
  const update = await once(consul);
  assert.deepEqual([update.failures, update.warnings], [[], []]);
  assert.deepEqual(addressesIn(update), ['10.2.0.1:8080', '10.1.0.1:8080', '10.1.0.2:8080']);
  assert.deepEqual(
    new Set(asked(consul)),
    new Set([
      '/v1/agent/self',
      '/v1/catalog/services?stale',
      '/v1/health/service/web?stale',
      '/v1/health/service/db?stale',
    ]),
  );
});

test('an empty catalog gives no groups', async (t) => {
  const { groups, failures } = await once(await startFakeConsul(t));
  assert.deepEqual([groups, failures], [[], []]);
});

test('named services are asked for without the catalog', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  assert.deepEqual(addressesIn(await once(consul, { services: ['web', 'web'] })), ['10.1.0.1:8080']);
  assert.deepEqual(asked(consul), ['/v1/agent/self', '/v1/health/service/web?stale']);
});

test('with tags the catalog is asked for and must have all of them, and so does the health query', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')], ['a', 'b', 'c']);
  consul.setService('api', [instance('10.1.0.2')], ['a']);
  consul.setService('db', [instance('10.1.0.3')], ['a', 'b']);
  assert.deepEqual(addressesIn(await once(consul, { services: ['web', 'api'], tags: ['a', 'b'] })), ['10.1.0.1:8080']);
  assert.deepEqual(asked(consul, '/v1/health'), ['/v1/health/service/web?stale&tag=a&tag=b']);
});

test('the queries carry what the config says', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  const { groups } = await once(consul, {
    allowStale: false,
    datacenter: 'dc2',
    namespace: 'team',
    partition: 'p1',
    nodeMeta: new Map([['k', 'v w']]),
    filter: 'ServiceName != "x"',
    healthFilter: 'Node.Meta.a == "b"',
  });
  assert.equal(groups[0]?.labels.get('__meta_consul_dc'), 'dc2');
  assert.deepEqual(asked(consul), [
    '/v1/catalog/services?dc=dc2&ns=team&partition=p1&node-meta=k:v w&filter=ServiceName != "x"',
    '/v1/health/service/web?dc=dc2&ns=team&partition=p1&node-meta=k:v w&filter=Node.Meta.a == "b"',
  ]);
});

test('a path prefix stands before /v1, a service name is escaped', async (t) => {
  const consul = await startFakeConsul(t);
  await once(consul, { pathPrefix: '/consul/', services: ['a/b c'], datacenter: 'x' });
  assert.deepEqual(
    consul.requests.map(({ path }) => path),
    ['/consul/v1/health/service/a%2Fb%20c?dc=x&stale'],
  );
});

test('the token is a header, is not in the URL and does not follow a redirect to another host', async (t) => {
  const other = await startFakeConsul(t);
  const consul = await startFakeConsul(t);
  other.setService('web', [instance('10.1.0.1')]);
  const options = { token: 'hunter2', services: ['web'], datacenter: 'x' };
  await once(consul, options);
  assert.equal(consul.requests[0]?.headers['x-consul-token'], 'hunter2');
  assert.ok(!consul.requests[0]?.path.includes('hunter2'));
  consul.override(
    '/v1/health/service/web',
    answers.redirect(`http://localhost:${other.origin.port}/v1/health/service/web`),
  );
  await once(consul, options);
  assert.equal(other.requests.length, 1);
  assert.equal(other.requests[0]?.headers['x-consul-token'], undefined);
});

test('a token that is sent in the clear to another machine is warned of', async () => {
  const { warnings } = await once(
    { address: '192.0.2.1:8500' },
    {
      token: 't',
      http: {
        ...DEFAULT_HTTP_CLIENT,
        proxy: { url: 'http://127.0.0.1:1', fromEnvironment: false, noProxy: undefined, connectHeaders: new Map() },
      },
    },
  );
  assert.deepEqual(warnings, [`${NAME}: the token goes to 192.0.2.1:8500 without encryption: use https`]);
});

test('what ACLs leave out is warned of', async (t) => {
  const consul = await startFakeConsul(t);
  const headers = { 'x-consul-index': '5', 'x-consul-results-filtered-by-acls': 'true' };
  consul.override('/v1/catalog/services', answers.body('{"web":[]}', headers));
  consul.override('/v1/health/service/web', answers.body('[]', headers));
  const { warnings } = await once(consul, { token: 't' });
  assert.match(warnings.join('\n'), /all of the list of services: .*\n.*all of service web: /);
});

const REFUSALS = [
  {
    name: '403',
    path: '/v1/health/service/web',
    answer: answers.status(403, 'rpc error: Permission denied'),
    message: /\/v1\/health\/service\/web: HTTP 403 Forbidden: rpc error: Permission denied/,
    keeps: ['db'],
  },
  {
    name: 'no JSON',
    path: '/v1/health/service/web',
    answer: answers.body('<html>'),
    message: /the answer is no JSON/,
    keeps: ['db'],
  },
  {
    name: 'no list',
    path: '/v1/health/service/web',
    answer: answers.body('{}'),
    message: /no JSON list/,
    keeps: ['db'],
  },
  {
    name: 'a catalog that fails',
    path: '/v1/catalog/services',
    answer: answers.status(500, ''),
    message: /\/v1\/catalog\/services: HTTP 500 Internal Server Error;/,
    keeps: [],
  },
  {
    name: 'an agent that fails',
    path: '/v1/agent/self',
    answer: answers.status(500, ''),
    message: /\/v1\/agent\/self: HTTP 500/,
    keeps: [],
  },
];
for (const { name, path, answer, message, keeps } of REFUSALS) {
  test(`${name} is a failure of the run, which leaves the other services`, async (t) => {
    const consul = await startFakeConsul(t);
    consul.setService('web', [instance('10.1.0.1')]);
    consul.setService('db', [instance('10.2.0.1')]);
    consul.override(path, answer);
    const { groups, failures } = await once(consul);
    assert.equal(failures.length, 1);
    assert.equal(failures[0]?.code, 'SD_CONSUL_FAILED');
    assert.match(failures[0]?.message ?? '', message);
    assert.deepEqual(
      groups.map(({ source }) => source),
      keeps,
    );
  });
}

test('the first update is complete; a change wakes a held query and comes at the next tick', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  consul.setService('db', [instance('10.2.0.1')]);
  const { next, time } = watch(t, consul, { refreshIntervalMs: 1000 });
  assert.deepEqual(addressesIn(await next()), ['10.2.0.1:8080', '10.1.0.1:8080']);
  const changed = next();
  await until(() => consul.held().length === 3);
  consul.setService('web', [instance('10.1.0.1'), instance('10.1.0.2')]);
  assert.deepEqual(addressesIn(await changed), ['10.2.0.1:8080', '10.1.0.1:8080', '10.1.0.2:8080']);
  assert.ok(time.sleeps.every((ms) => ms <= 1000));
  assert.ok(asked(consul).includes('/v1/health/service/web?stale&index=11&wait=120000ms'));
});

test('the end of a wait without a change is no news, and is asked again with the same index', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  const { next, silentUntil, time } = watch(t, consul, { services: ['web'], refreshIntervalMs: 1000 });
  await next();
  let waits = 0;
  await silentUntil(() => {
    if (consul.held().length === 1 && waits < 3) {
      waits += 1;
      time.clock.advance(120_000);
      consul.endWaits();
    }
    return waits === 3 && consul.held().length === 1;
  });
  assert.deepEqual(
    new Set(asked(consul, '/v1/health').slice(1)),
    new Set(['/v1/health/service/web?stale&index=11&wait=120000ms']),
  );
});

test('an answer without news before the end of the wait may be that of an agent that stops: the next wait is brief', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  const { next, silentUntil, time } = watch(t, consul, { services: ['web'], refreshIntervalMs: 1000 });
  await next();
  const waits = () => asked(consul, '/v1/health').map((path) => /wait=\d+ms/.exec(path)?.[0]);
  await silentUntil(() => consul.held().length === 1);
  consul.endWaits();
  await silentUntil(() => consul.held().length === 1 && waits().length === 3);
  time.clock.advance(1_000);
  consul.endWaits();
  await silentUntil(() => waits().length === 4);
  assert.deepEqual(waits(), [undefined, 'wait=120000ms', 'wait=1000ms', 'wait=120000ms']);
});

test('an index that moves without a change is no news', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  const { next, silentUntil } = watch(t, consul, { services: ['web'], refreshIntervalMs: 1000 });
  await next();
  let isMoved = false;
  await silentUntil(() => {
    if (consul.held().length === 1 && !isMoved) {
      isMoved = true;
      consul.setService('web', [instance('10.1.0.1')]);
    }
    return asked(consul).some((path) => path.includes('index=12'));
  });
});

test('an index that falls is forgotten, the targets stay', async (t) => {
  const consul = await startFakeConsul(t);
  const answer = (index: number) =>
    answers.body(JSON.stringify([instance('10.1.0.1')]), { 'x-consul-index': String(index) });
  consul.override('/v1/health/service/web', answer(10));
  const { next, silentUntil } = watch(t, consul, { services: ['web'], refreshIntervalMs: 1000 });
  await next();
  consul.override('/v1/health/service/web', answer(3));
  await silentUntil(() => asked(consul, '/v1/health').length >= 5);
  assert.deepEqual(
    asked(consul, '/v1/health')
      .slice(0, 4)
      .map((path) => /index=\d+/.exec(path)?.[0]),
    [undefined, 'index=10', undefined, 'index=3'],
  );
});

test('a missing index is taken for 1', async (t) => {
  const consul = await startFakeConsul(t);
  consul.override('/v1/health/service/web', answers.body('[]'));
  const { next, silentUntil } = watch(t, consul, { services: ['web'], refreshIntervalMs: 1000 });
  await next();
  await silentUntil(() => asked(consul, '/v1/health').length >= 3);
  assert.match(asked(consul, '/v1/health')[2] ?? '', /index=1&/);
});

test('a service that leaves the catalog goes, and its query is ended', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  consul.setService('db', [instance('10.2.0.1')]);
  const { next } = watch(t, consul);
  await next();
  const changed = next();
  await until(() => consul.held().length === 3);
  consul.removeService('db');
  assert.deepEqual(addressesIn(await changed), ['10.1.0.1:8080']);
  await until(() => !consul.held().includes('/v1/health/service/db'));
});

test('a service that appears is followed', async (t) => {
  const consul = await startFakeConsul(t);
  const { next } = watch(t, consul);
  assert.deepEqual((await next()).groups, []);
  const changed = next();
  await until(() => consul.held().length === 1);
  consul.setService('web', [instance('10.1.0.1')]);
  assert.deepEqual(addressesIn(await changed), ['10.1.0.1:8080']);
});

test('a service that fails keeps its targets, is said once and asked again after 15 s with the same index', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  const { next, silentUntil, time } = watch(t, consul, { services: ['web'], refreshIntervalMs: 1000 });
  await next();
  consul.override('/v1/health/service/web', answers.status(500, 'No cluster leader'));
  consul.endWaits();
  const failed = next();
  await until(() => {
    consul.endWaits();
    return asked(consul, '/v1/health').length >= 2;
  });
  const update = await failed;
  assert.deepEqual(addressesIn(update), ['10.1.0.1:8080']);
  assert.match(
    update.failures[0]?.message ?? '',
    /HTTP 500 .*: No cluster leader; keeping 1 instance from the last good answer/,
  );
  const count = asked(consul, '/v1/health').length;
  time.sleeps.length = 0;
  await silentUntil(() => asked(consul, '/v1/health').length >= count + 3);
  assert.deepEqual(new Set(time.sleeps), new Set([15_000]));
  // A server that is back answers soon, whatever its index is.
  assert.deepEqual(
    new Set(asked(consul, '/v1/health').slice(-3)),
    new Set(['/v1/health/service/web?stale&index=11&wait=1000ms']),
  );
  consul.override('/v1/health/service/web', undefined);
  consul.setService('web', [instance('10.1.0.1')]);
  assert.deepEqual((await next()).failures, []);
});

test('while the agent gives no datacenter there are no groups, and it is asked every 15 s', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  consul.override('/v1/agent/self', answers.status(500, ''));
  const { next, silentUntil, time } = watch(t, consul);
  const first = await next();
  assert.deepEqual([first.groups, first.failures.length], [[], 1]);
  await silentUntil(() => asked(consul).length >= 3);
  assert.deepEqual(new Set(time.sleeps), new Set([15_000]));
  assert.deepEqual(asked(consul, '/v1/catalog'), []);
  consul.override('/v1/agent/self', undefined);
  const healed = await next();
  assert.deepEqual([addressesIn(healed), healed.failures], [['10.1.0.1:8080'], []]);
});

test('stopping a watch ends its queries', async (t) => {
  const consul = await startFakeConsul(t);
  consul.setService('web', [instance('10.1.0.1')]);
  const stop = new AbortController();
  const time = new FakeWait();
  const updates = new ConsulDiscoverer(configOf(consul), NAME, time, {}).watch(stop.signal);
  await updates.next();
  const last = updates.next();
  await until(() => {
    if (time.clock.nextIn !== undefined) time.clock.advance(time.clock.nextIn);
    return consul.held().length === 2;
  });
  stop.abort();
  assert.equal((await last).done, true);
  await until(() => consul.held().length === 0);
});
