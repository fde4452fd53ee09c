import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { type NameServer, start } from './parts/nsd.ts';
import { mounted } from './support/mounted.ts';
import { freshDirectory } from './support/places.ts';
import { EXECUTABLE } from './support/pyro-pull.ts';
import { runCommand } from './support/run-command.ts';
import { watchTargets } from './support/target-watch.ts';

const MANY = 200;

const RECORDS = `
@ NS ns1
@ NS ns2.other.example.
ns1 A 127.0.0.1
mail MX 10 mx1
mail MX 20 mx2.other.example.
db A 10.0.0.1
db A 10.0.0.2
db AAAA fd00::1
alias CNAME db
text TXT "no address"
_pprof._tcp SRV 0 5 6060 a
_pprof._tcp SRV 0 5 6061 b.other.example.
db.sub A 10.0.0.3
${Array.from({ length: MANY }, (_, index) => `many A 10.1.${index >> 8}.${index & 255}`).join('\n')}
`;

/** Starts the server and gives what makes it the system's resolver for one command. */
async function serve(t: TestContext, options: { readonly search?: string; readonly other?: string } = {}) {
  const server = await start(RECORDS);
  t.after(() => server.stop());
  return { server, resolver: resolverOf(server, options) };
}

function resolverOf(server: NameServer, { search, other }: { readonly search?: string; readonly other?: string }) {
  const file = join(freshDirectory('resolver'), 'resolv.conf');
  const servers = [other, server.address].filter((one) => one !== undefined);
  writeFileSync(
    file,
    `${servers.map((one) => `nameserver ${one}\n`).join('')}${search === undefined ? '' : `search ${search}\n`}`,
  );
  return (command: readonly string[]) => mounted([[file, '/etc/resolv.conf']], command);
}

function configOf(blocks: readonly object[]): string {
  const file = join(freshDirectory('config'), 'pyro-pull.yml');
  writeFileSync(
    file,
    `scrape-configs:
  - job-name: dns
    enabled-profiles: [mem]
    dns-sd-configs: ${JSON.stringify(blocks)}
    relabel-configs:
      - {target-label: __name__, replacement: shop}
      - {source-labels: [__meta_dns_name], target-label: record}
      - {source-labels: [__meta_dns_srv_record_target, __meta_dns_mx_record_target, __meta_dns_ns_record_target], separator: "", target-label: host}
`,
  );
  return file;
}

const shown = z.object({
  activeTargets: z.array(z.object({ url: z.string(), labels: z.record(z.string(), z.string()) })),
});

/** What `targets --json` says of a config: the address, the name and the host of each target. */
async function targetsOf(config: string, wrap: (command: readonly string[]) => string[]) {
  const [file = '', ...args] = wrap([process.execPath, EXECUTABLE, 'targets', '--json', '--config', config]);
  const { code, stdout, stderr } = await runCommand([file, ...args]);
  const targets = shown.parse(JSON.parse(stdout)).activeTargets;
  return {
    code,
    stderr,
    targets: targets.map(({ labels }) => [labels['instance'], labels['record'], labels['host'] ?? ''].join(' ')).sort(),
  };
}

test('each type of record gives its targets', async (t) => {
  const { resolver } = await serve(t);
  const blocks = [
    { names: ['db.test'], type: 'A', port: 6060 },
    { names: ['db.test.'], type: 'AAAA', port: 6060 },
    { names: ['_pprof._tcp.test'] },
    { names: ['mail.test'], type: 'MX', port: 80 },
    { names: ['test'], type: 'NS', port: 53 },
    { names: ['alias.test'], type: 'A', port: 6060 },
  ];
  const { code, targets, stderr } = await targetsOf(configOf(blocks), resolver);
  assert.equal(code, 0, stderr);
  assert.deepEqual(targets, [
    '10.0.0.1:6060 alias.test ',
    '10.0.0.1:6060 db.test ',
    '10.0.0.2:6060 alias.test ',
    '10.0.0.2:6060 db.test ',
    '[fd00::1]:6060 db.test. ',
    'a.test:6060 _pprof._tcp.test a.test.',
    'b.other.example:6061 _pprof._tcp.test b.other.example.',
    'mx1.test:80 mail.test mx1.test.',
    'mx2.other.example:80 mail.test mx2.other.example.',
    'ns1.test:53 test ns1.test.',
    'ns2.other.example:53 test ns2.other.example.',
  ]);
});

test('an answer too large for a datagram comes whole', async (t) => {
  const { resolver } = await serve(t);
  const { code, targets } = await targetsOf(configOf([{ names: ['many.test'], type: 'A', port: 1 }]), resolver);
  assert.equal(code, 0);
  assert.equal(targets.length, MANY);
});

test('a name that does not exist and one without such records give nothing, and that is no failure', async (t) => {
  const { resolver } = await serve(t);
  const config = configOf([{ names: ['gone.test', 'text.test', 'db.test'], type: 'A', port: 1 }]);
  const { code, targets, stderr } = await targetsOf(config, resolver);
  assert.deepEqual(targets, ['10.0.0.1:1 db.test ', '10.0.0.2:1 db.test ']);
  assert.equal(code, 0, stderr);
});

test('a name that the server fails on or refuses is told, and the others are there', async (t) => {
  const { resolver } = await serve(t);
  const config = configOf([{ names: ['a.broken.example', 'elsewhere.example', 'db.test'], type: 'A', port: 1 }]);
  const { code, targets, stderr } = await targetsOf(config, resolver);
  assert.equal(targets.length, 2);
  assert.equal(code, 1);
  assert.match(stderr, /A records of a\.broken\.example: SERVFAIL/);
  assert.match(stderr, /A records of elsewhere\.example: REFUSED/);
});

test('short names are completed with the search domains, and a dead first server is passed over', async (t) => {
  const { resolver } = await serve(t, { search: 'nowhere.test test', other: '127.0.0.1:9' });
  const config = configOf([{ names: ['db', 'db.sub'], type: 'A', port: 1 }]);
  const { code, targets, stderr } = await targetsOf(config, resolver);
  assert.deepEqual(targets, ['10.0.0.1:1 db ', '10.0.0.2:1 db ', '10.0.0.3:1 db.sub ']);
  assert.equal(code, 0, stderr);
});

test('the targets follow the zone, stay while the server is away, and go when the name does', async (t) => {
  const { server, resolver } = await serve(t);
  const config = configOf([{ names: ['db.test'], type: 'A', port: 1, 'refresh-interval': '1s' }]);
  const watch = watchTargets(t, config, { wrap: resolver });
  const has = (addresses: readonly string[], withinMs: number) =>
    watch.until(() => {
      const instances = watch.targets().map(({ labels }) => labels['instance']);
      return instances.sort().join() === addresses.join();
    }, withinMs);
  await has(['10.0.0.1:1', '10.0.0.2:1'], 10_000);
  await server.serve('db A 10.0.0.2\ndb A 10.0.0.9');
  await has(['10.0.0.2:1', '10.0.0.9:1'], 3_000);
  await server.stop();
  await watch.until(() => watch.failures().length > 0, 15_000);
  assert.match(watch.failures()[0] ?? '', /keeping 2 instances from the last good answer/);
  assert.equal(watch.targets().length, 2);
  const again = await start('other A 10.0.0.1', { port: Number(server.address.split(':')[1]) });
  t.after(() => again.stop());
  await has([], 15_000);
  assert.deepEqual(watch.failures(), []);
  assert.equal(watch.events.filter(({ type }) => type === 'discovery-failed').length, 1, 'told once');
});
