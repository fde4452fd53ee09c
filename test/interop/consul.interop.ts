import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type ConsulAgent, type ConsulOptions, start } from './parts/consul.ts';
import { freshDirectory } from './support/places.ts';
import { pyroPull } from './support/pyro-pull.ts';
import { type TargetWatch, watchTargets } from './support/target-watch.ts';

/** What a change may take to reach the targets with a refresh interval of a second. */
const SOON_MS = 2_000;
/** Consul is asked again 15 s after a failure. */
const RETRY_MS = 15_000;

async function startConsul(t: TestContext, options: ConsulOptions = {}): Promise<ConsulAgent> {
  const agent = await start(options);
  t.after(() => agent.stop());
  return agent;
}

function configOf(agent: Pick<ConsulAgent, 'address'>, block: object = {}): string {
  const file = join(freshDirectory('config'), 'pyro-pull.yml');
  const blocks = [{ server: agent.address, 'refresh-interval': '1s', ...block }];
  writeFileSync(
    file,
    `scrape-configs:
  - job-name: consul
    enabled-profiles: [mem]
    consul-sd-configs: ${JSON.stringify(blocks)}
    relabel-configs:
      - {source-labels: [__meta_consul_service], regex: consul, action: drop}
      - {target-label: __name__, replacement: shop}
      - {regex: __meta_consul_(.+), action: labelmap}
`,
  );
  return file;
}

/** An instance of a service on 127.0.0.1 with a check that nothing but us changes. */
function instance(name: string, port: number, more: object = {}): object {
  return { ID: `${name}-${port}`, Name: name, Port: port, Check: { TTL: '1h', Status: 'passing' }, ...more };
}

async function register(agent: ConsulAgent, ...instances: readonly object[]): Promise<void> {
  for (const one of instances) await agent.ask('PUT', '/v1/agent/service/register', one);
}

async function setCheck(agent: ConsulAgent, id: string, state: 'pass' | 'warn' | 'fail'): Promise<void> {
  await agent.ask('PUT', `/v1/agent/check/${state}/service:${id}`);
}

/** Waits for these instances: `web-1 passing, web-2 critical`. */
function until(watch: TargetWatch, expected: string, withinMs = SOON_MS): Promise<void> {
  return watch.until(() => {
    const found = watch.targets().map(({ labels }) => `${labels['service_id']} ${labels['health']}`);
    return found.sort().join(', ') === expected;
  }, withinMs);
}

const shown = z.object({
  activeTargets: z.array(z.object({ url: z.string(), labels: z.record(z.string(), z.string()) })),
});

/** What `targets --json` says of a config. */
async function targetsOf(config: string) {
  const { code, stdout, stderr } = await pyroPull(['targets', '--json', '--config', config]);
  const { activeTargets: targets } = shown.parse(JSON.parse(stdout));
  return { code, stderr, targets, ids: targets.map(({ labels }) => labels['service_id']).sort() };
}

test('services that come, fail, recover and go are followed within two seconds', async (t) => {
  const agent = await startConsul(t);
  const watch = watchTargets(t, configOf(agent));
  await until(watch, '', 10_000);
  await register(agent, instance('web', 1));
  await until(watch, 'web-1 passing');
  await register(agent, instance('web', 2), instance('db', 3));
  await until(watch, 'db-3 passing, web-1 passing, web-2 passing');
  await setCheck(agent, 'web-2', 'fail');
  await until(watch, 'db-3 passing, web-1 passing, web-2 critical');
  await setCheck(agent, 'web-1', 'warn');
  await until(watch, 'db-3 passing, web-1 warning, web-2 critical');
  await setCheck(agent, 'web-2', 'pass');
  await until(watch, 'db-3 passing, web-1 warning, web-2 passing');
  await agent.ask('PUT', '/v1/agent/service/maintenance/db-3?enable=true&reason=work');
  await until(watch, 'db-3 maintenance, web-1 warning, web-2 passing');
  await agent.ask('PUT', '/v1/agent/service/deregister/web-1');
  await until(watch, 'db-3 maintenance, web-2 passing');
  await agent.ask('PUT', '/v1/agent/service/deregister/db-3');
  await until(watch, 'web-2 passing');
  await agent.ask('PUT', '/v1/agent/service/deregister/web-2');
  await until(watch, '');
  assert.deepEqual(watch.failures(), []);
});

test('fifty changes in a row all arrive, and the last within two seconds', async (t) => {
  const agent = await startConsul(t);
  const watch = watchTargets(t, configOf(agent));
  await until(watch, '', 10_000);
  const expected: string[] = [];
  for (let port = 1; port <= 50; port++) {
    await register(agent, instance(`s${port % 7}`, port));
    expected.push(`s${port % 7}-${port} passing`);
    await sleep(100);
  }
  await until(watch, expected.sort().join(', '));
});

test('instances show their labels: node, tags, metadata, tagged addresses', async (t) => {
  const agent = await startConsul(t);
  await agent.ask('PUT', '/v1/catalog/register', {
    Node: 'rack-7',
    Address: '127.0.0.7',
    NodeMeta: { 'rack-id': 'r7' },
    TaggedAddresses: { wan: '127.0.1.7' },
    Service: { ID: 'api-1', Service: 'api', Port: 7000, Tags: ['v1', 'go'], Meta: { 'spy-name': 'gospy' } },
    Checks: [{ Node: 'rack-7', CheckID: 'c', Name: 'c', ServiceID: 'api-1', Status: 'warning' }],
  });
  await register(agent, instance('team/web', 1, { Address: '127.0.0.9' }));
  const { code, targets, stderr } = await targetsOf(configOf(agent));
  assert.equal(code, 0, stderr);
  const [odd, api] = targets.sort((a, b) => (a.url < b.url ? 1 : -1)).map(({ labels }) => labels);
  assert.deepEqual(api, {
    __name__: 'shop',
    address: '127.0.0.7',
    dc: 'dc1',
    health: 'warning',
    instance: '127.0.0.7:7000',
    job: 'consul',
    metadata_rack_id: 'r7',
    node: 'rack-7',
    service: 'api',
    service_id: 'api-1',
    service_metadata_spy_name: 'gospy',
    service_port: '7000',
    tagged_address_wan: '127.0.1.7',
    tags: ',v1,go,',
  });
  assert.equal(odd?.['service'], 'team/web');
  assert.equal(odd?.['instance'], '127.0.0.9:1');
});

test('services, tags, node metadata and both filters narrow what is found', async (t) => {
  const agent = await startConsul(t);
  await register(
    agent,
    instance('web', 1, { Tags: ['go', 'v1'] }),
    instance('web', 2, { Tags: ['go'] }),
    instance('db', 3, { Tags: ['go', 'v1'], Meta: { tier: 'gold' } }),
  );
  await agent.ask('PUT', '/v1/catalog/register', {
    Node: 'edge',
    Address: '127.0.0.7',
    NodeMeta: { zone: 'z1' },
    Service: { ID: 'web-9', Service: 'web', Port: 9, Tags: ['rust'] },
  });
  const rows: readonly (readonly [block: object, ids: readonly string[]])[] = [
    [{}, ['db-3', 'web-1', 'web-2', 'web-9']],
    [{ services: ['web', 'none'] }, ['web-1', 'web-2', 'web-9']],
    [{ tags: ['v1', 'go'] }, ['db-3', 'web-1']],
    [{ 'node-meta': { zone: 'z1' } }, ['web-9']],
    [{ filter: 'ServiceName == "db"' }, ['db-3']],
    [{ 'health-filter': 'Service.Meta.tier == "gold"' }, ['db-3']],
    [{ 'allow-stale': false, datacenter: 'dc1' }, ['db-3', 'web-1', 'web-2', 'web-9']],
  ];
  const found = await Promise.all(rows.map(([block]) => targetsOf(configOf(agent, block))));
  for (const [index, { code, ids, stderr }] of found.entries()) {
    assert.deepEqual([code, ids], [0, rows[index]?.[1]], `${JSON.stringify(rows[index]?.[0])}: ${stderr}`);
  }
});

test('what Consul refuses is told with its reason', async (t) => {
  const agent = await startConsul(t);
  await register(agent, instance('web', 1));
  const filter = await targetsOf(configOf(agent, { 'health-filter': 'Service.Nonsense == "x"' }));
  assert.equal(filter.code, 1);
  assert.match(filter.stderr, /\/v1\/health\/service\/web: HTTP 500 .*Service\.Nonsense/);
  const elsewhere = await targetsOf(configOf(agent, { datacenter: 'mars' }));
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.stderr, /No path to datacenter/);
});

test('an ACL token sees what its policy allows, and is told what it may not', async (t) => {
  const agent = await startConsul(t, { managementToken: '5b8e7c1e-0000-4000-8000-000000000001' });
  await register(agent, instance('web', 1), instance('db', 2));
  const tokenFor = async (name: string, rules: string): Promise<string> => {
    await agent.ask('PUT', '/v1/acl/policy', { Name: name, Rules: rules });
    const made = await agent.ask('PUT', '/v1/acl/token', { Policies: [{ Name: name }] });
    return z.object({ SecretID: z.string() }).parse(made).SecretID;
  };
  const nodes = 'node_prefix "" { policy = "read" } agent_prefix "" { policy = "read" }';
  const all = await tokenFor('all', `service_prefix "" { policy = "read" } ${nodes}`);
  const webOnly = await tokenFor('web-only', `service "web" { policy = "read" } ${nodes}`);

  const seesAll = await targetsOf(configOf(agent, { token: all }));
  assert.deepEqual([seesAll.code, seesAll.ids], [0, ['db-2', 'web-1']], seesAll.stderr);
  const seesSome = await targetsOf(configOf(agent, { token: webOnly }));
  assert.deepEqual(seesSome.ids, ['web-1']);
  assert.match(seesSome.stderr, /the token may not see all of the list of services/);
  const none = await targetsOf(configOf(agent));
  assert.equal(none.code, 1);
  assert.match(none.stderr, /\/v1\/agent\/self: HTTP 403 .*Permission denied/);
  assert.match(none.stderr, /the token needs service:read, node:read and agent:read/);
  const wrong = await targetsOf(configOf(agent, { token: '00000000-0000-4000-8000-000000000000' }));
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /HTTP 403 .*ACL not found/);
  assert.doesNotMatch(wrong.stderr, /00000000-0000-4000/);
});

// Side by side, since they wait for Consul's retries.
describe('a restart', { concurrency: true }, () => {
  test('while the agent is away its last answer stands and that is said once; afterwards changes are followed again', async (t) => {
    const dataDirectory = join(freshDirectory('consul'), 'data');
    const agent = await startConsul(t, { dataDirectory });
    const port = Number(agent.address.split(':')[1]);
    await register(agent, instance('web', 1), instance('db', 2));
    const watch = watchTargets(t, configOf(agent));
    await until(watch, 'db-2 passing, web-1 passing', 10_000);
    await agent.stop();
    await watch.until(() => watch.failures().length > 0, 5_000);
    assert.match(watch.failures()[0] ?? '', /; keeping/);
    const again = await startConsul(t, { dataDirectory, port });
    await watch.until(() => watch.failures().length === 0, RETRY_MS + 10_000);
    // It checks nothing by itself, so it knows no better than that the checks of its services have run out.
    await until(watch, 'db-2 critical, web-1 critical');
    await register(again, instance('web', 3));
    await until(watch, 'db-2 critical, web-1 critical, web-3 passing');
    assert.ok(watch.events.every(({ type }) => type !== 'removed'));
    const told = watch.events.flatMap((event) => (event.type === 'discovery-failed' ? [event.error] : []));
    assert.equal(told.length, 4, `the catalog and three services:\n${told.join('\n')}`);
  });

  test('an agent that has forgotten everything is followed from its new beginning', async (t) => {
    const agent = await startConsul(t);
    const port = Number(agent.address.split(':')[1]);
    // So that the indices of the new agent are far below those of the old one.
    for (let i = 0; i < 50; i++) await register(agent, instance('web', 1, { Tags: [`t${i}`] }));
    const watch = watchTargets(t, configOf(agent));
    await until(watch, 'web-1 passing', 10_000);
    // A restart between two questions would not be seen before the end of the next wait; by then all are held.
    await sleep(2_000);
    await agent.stop();
    const again = await startConsul(t, { port });
    await register(again, instance('web', 2));
    await until(watch, 'web-2 passing', RETRY_MS + 10_000);
    await register(again, instance('web', 3));
    await until(watch, 'web-2 passing, web-3 passing');
  });
});
