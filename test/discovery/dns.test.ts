import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DnsDiscoveryConfig } from '../../src/config/discovery-config.ts';
import { createDnsDiscoverer } from '../../src/discovery/dns/dns-discoverer.ts';
import { candidateNames, parseResolverConfig, type ResolverConfig } from '../../src/discovery/dns/resolver-config.ts';
import { REAL_TIME } from '../../src/discovery/wait.ts';
import { type FakeDns, type FakeRecord, startFakeDns } from '../support/fake-dns.ts';
import type { Cleanup } from '../support/fake-target.ts';
import { FakeWait } from '../support/fake-wait.ts';
import { freePort } from '../support/free-port.ts';
import { addressesIn, fieldsOf, labelsOf, listOf, plainGroup, readVectors } from '../support/vectors.ts';
import { watching } from '../support/watching.ts';

const SIGNAL = new AbortController().signal;
const NAME = 'dns-sd-configs[0]';
const NO_SEARCH: Pick<ResolverConfig, 'search' | 'ndots'> = { search: [], ndots: 1 };

function configOf(options: Partial<DnsDiscoveryConfig>): DnsDiscoveryConfig {
  return { mechanism: 'dns', names: [], type: 'A', port: 6060, refreshIntervalMs: 30_000, ...options };
}

function once(
  dns: Pick<FakeDns, 'address'>,
  config: Partial<DnsDiscoveryConfig>,
  search: Partial<typeof NO_SEARCH> = {},
) {
  const resolver = async () => ({ servers: [dns.address], ...NO_SEARCH, ...search });
  return createDnsDiscoverer(configOf(config), NAME, REAL_TIME, resolver).once(SIGNAL);
}

function watchNames(t: Cleanup, dns: FakeDns, names: readonly string[]) {
  const time = new FakeWait();
  const resolver = async () => ({ servers: [dns.address], ...NO_SEARCH });
  return watching(t, createDnsDiscoverer(configOf({ names }), NAME, time, resolver), time);
}

function addresses(...list: string[]): FakeRecord[] {
  return list.map((address) => ({ type: 'A', address }));
}

function recordOf(type: DnsDiscoveryConfig['type'], value: unknown): FakeRecord {
  if (type === 'SRV') {
    const { target, port } = fieldsOf(value);
    return { type, target: String(target), port: Number(port) };
  }
  return type === 'A' || type === 'AAAA' ? { type, address: String(value) } : { type, target: String(value) };
}

function typeOf(word: unknown): DnsDiscoveryConfig['type'] {
  const type = String(word ?? 'SRV').toUpperCase();
  if (type === 'A' || type === 'AAAA' || type === 'SRV' || type === 'MX' || type === 'NS') return type;
  throw new Error(`no such type: ${type}`);
}

for (const { id, config, answer, targets } of readVectors('dns.yml')) {
  const { names, type: word, port } = fieldsOf(config);
  const type = typeOf(word);
  test(`${id}: a target for each ${type} record`, async (t) => {
    const dns = await startFakeDns(t);
    const [name = ''] = listOf(names).map(String);
    dns.answers.set(
      `${name} ${type}`,
      listOf(fieldsOf(answer)[type]).map((value) => recordOf(type, value)),
    );
    const { groups, failures } = await once(dns, {
      names: [name],
      type,
      port: port === undefined ? undefined : Number(port),
    });
    assert.deepEqual(failures, []);
    assert.deepEqual(groups.map(plainGroup), [
      { source: name, labels: {}, targets: listOf(targets).map((target) => labelsOf(target, '__meta_dns_')) },
    ]);
  });
}

for (const [what, gone] of [
  ['does not exist any more', 'NXDOMAIN'],
  ['has no records any more', []],
] as const) {
  test(`a name that ${what} loses its targets`, async (t) => {
    const dns = await startFakeDns(t);
    dns.answers.set('a.test A', addresses('10.0.0.1'));
    const watch = watchNames(t, dns, ['a.test']);
    assert.deepEqual(addressesIn(await watch.next()), ['10.0.0.1:6060']);
    dns.answers.set('a.test A', gone);
    const update = await watch.next();
    assert.deepEqual([addressesIn(update), update.failures], [[], []]);
  });
}

for (const code of ['SERVFAIL', 'REFUSED'] as const) {
  test(`a name whose servers answer ${code} keeps its targets, other names are updated`, async (t) => {
    const dns = await startFakeDns(t);
    dns.answers.set('a.test A', addresses('10.0.0.1'));
    dns.answers.set('b.test A', addresses('10.0.1.1'));
    const watch = watchNames(t, dns, ['a.test', 'b.test']);
    assert.deepEqual(addressesIn(await watch.next()), ['10.0.0.1:6060', '10.0.1.1:6060']);
    dns.answers.set('a.test A', code);
    dns.answers.set('b.test A', addresses('10.0.1.2'));
    const update = await watch.next();
    assert.deepEqual(addressesIn(update), ['10.0.0.1:6060', '10.0.1.2:6060']);
    assert.equal(update.failures[0]?.code, 'SD_DNS_FAILED');
    assert.match(update.failures[0]?.message ?? '', new RegExp(`A records of a.test: ${code}.*; keeping 1 instance`));
    const asked = dns.questions.length;
    await watch.silentUntil(() => dns.questions.length > asked + 6);
    dns.answers.set('a.test A', addresses('10.0.0.1'));
    assert.deepEqual((await watch.next()).failures, []);
  });
}

test('a dead first server does no harm', async (t) => {
  const dns = await startFakeDns(t);
  dns.answers.set('a.test A', addresses('10.0.0.1'));
  const servers = [`127.0.0.1:${await freePort()}`, dns.address];
  const resolver = async () => ({ servers, ...NO_SEARCH });
  const update = await createDnsDiscoverer(configOf({ names: ['a.test'] }), NAME, REAL_TIME, resolver).once(SIGNAL);
  assert.deepEqual([addressesIn(update), update.failures], [['10.0.0.1:6060'], []]);
});

test('where no server can be reached the run says so', async () => {
  const { groups, failures } = await once({ address: `127.0.0.1:${await freePort()}` }, { names: ['a.test'] });
  assert.deepEqual(groups, []);
  assert.match(failures[0]?.message ?? '', /no name server could be reached; there has been no good answer/);
});

test('a cut answer is asked for again over TCP', async (t) => {
  const dns = await startFakeDns(t);
  dns.answers.set('a.test A', { truncated: addresses('10.0.0.1', '10.0.0.2') });
  assert.deepEqual(addressesIn(await once(dns, { names: ['a.test'] })), ['10.0.0.1:6060', '10.0.0.2:6060']);
});

test('the same records in another order are no news', async (t) => {
  const dns = await startFakeDns(t);
  dns.answers.set('a.test A', addresses('10.0.0.1', '10.0.0.2'));
  const watch = watchNames(t, dns, ['a.test']);
  await watch.next();
  dns.answers.set('a.test A', addresses('10.0.0.2', '10.0.0.1'));
  await watch.silentUntil(() => dns.questions.length >= 4);
});

test('a refresh comes at each tick of the interval', async (t) => {
  const dns = await startFakeDns(t);
  dns.answers.set('a.test A', addresses('10.0.0.1'));
  const time = new FakeWait();
  const resolver = async () => ({ servers: [dns.address], ...NO_SEARCH });
  const watch = watching(t, createDnsDiscoverer(configOf({ names: ['a.test'] }), NAME, time, resolver), time);
  await watch.next();
  await watch.silentUntil(() => dns.questions.length >= 4);
  assert.deepEqual(new Set(time.sleeps), new Set([30_000]));
});

test('short names are completed by the search domains, up to the first that exists', async (t) => {
  const dns = await startFakeDns(t);
  dns.answers.set('db A', addresses('10.0.0.9'));
  const search = ['a.test', 'b.test'];
  assert.deepEqual(addressesIn(await once(dns, { names: ['db'] }, { search })), ['10.0.0.9:6060']);
  assert.deepEqual(dns.questions, ['db.a.test A', 'db.b.test A', 'db A']);
  dns.answers.set('db.a.test A', []);
  assert.deepEqual(addressesIn(await once(dns, { names: ['db'] }, { search })), []);
  assert.deepEqual(dns.questions.slice(3), ['db.a.test A']);
});

test('a candidate that fails is passed over, and makes the name fail where no other exists', async (t) => {
  const dns = await startFakeDns(t);
  dns.answers.set('db.a.test A', 'SERVFAIL');
  const failed = await once(dns, { names: ['db'] }, { search: ['a.test'] });
  assert.equal(failed.failures.length, 1);
  dns.answers.set('db A', addresses('10.0.0.9'));
  const found = await once(dns, { names: ['db'] }, { search: ['a.test'] });
  assert.deepEqual([addressesIn(found), found.failures], [['10.0.0.9:6060'], []]);
});

test('a run that is stopped rejects with the reason of its signal', async (t) => {
  const dns = await startFakeDns(t);
  dns.answers.set('a.test A', 'silent');
  const stop = new AbortController();
  const resolver = async () => ({ servers: [dns.address], ...NO_SEARCH });
  const answer = createDnsDiscoverer(configOf({ names: ['a.test'] }), NAME, REAL_TIME, resolver).once(stop.signal);
  setImmediate(() => stop.abort(new Error('enough')));
  await assert.rejects(answer, { message: 'enough' });
});

const SEARCH = { search: ['a.test', 'b.test'], ndots: 1 };
const CANDIDATES = [
  { name: 'db', config: SEARCH, asked: ['db.a.test', 'db.b.test', 'db'] },
  { name: 'db.svc', config: SEARCH, asked: ['db.svc', 'db.svc.a.test', 'db.svc.b.test'] },
  { name: 'db.svc', config: { ...SEARCH, ndots: 5 }, asked: ['db.svc.a.test', 'db.svc.b.test', 'db.svc'] },
  { name: 'db.', config: SEARCH, asked: ['db.'] },
  { name: 'db', config: NO_SEARCH, asked: ['db'] },
];
for (const { name, config, asked } of CANDIDATES) {
  test(`${name} with ndots ${config.ndots} and ${config.search.length} domains is asked for as ${asked.join(', ')}`, () => {
    assert.deepEqual(candidateNames(name, config), asked);
  });
}

const FILES = [
  {
    text: 'nameserver 10.0.0.1\nsearch a.test b.test.\noptions ndots:5 edns0\n',
    search: ['a.test', 'b.test'],
    ndots: 5,
  },
  { text: 'domain a.test\n', search: ['a.test'], ndots: 1 },
  { text: 'search a.test\ndomain b.test # last\n', search: ['b.test'], ndots: 1 },
  { text: '# search a.test\n; options ndots:3\n', search: [], ndots: 1 },
  { text: 'search .\noptions ndots:99\n', search: [], ndots: 15 },
  { text: '', search: [], ndots: 1 },
];
for (const { text, search, ndots } of FILES) {
  test(`resolv.conf ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseResolverConfig(text), { servers: undefined, search, ndots });
  });
}
