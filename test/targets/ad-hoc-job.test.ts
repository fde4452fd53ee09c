import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscoveryPool } from '../../src/discovery/discovery-pool.ts';
import { adHocConfig } from '../../src/targets/ad-hoc-job.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';

async function targetsOf(...args: string[]) {
  const [job] = adHocConfig(args).scrapeConfigs;
  assert.ok(job !== undefined);
  const { groups } = await new DiscoveryPool().once(job, { signal: new AbortController().signal, timeoutMs: 1000 });
  const result = targetsFromGroups(job, groups);
  assert.deepEqual([result.rejected, result.dropped, result.warnings], [[], [], []]);
  return result.targets;
}

test('one address gives five profiles of the job cli', async () => {
  const targets = await targetsOf('shop:6060');
  assert.deepEqual(
    targets.map(({ url }) => url),
    [
      'http://shop:6060/debug/pprof/profile?seconds=10',
      'http://shop:6060/debug/pprof/heap',
      'http://shop:6060/debug/pprof/goroutine',
      'http://shop:6060/debug/pprof/mutex',
      'http://shop:6060/debug/pprof/block',
    ],
  );
  assert.deepEqual(Object.fromEntries(targets[0]?.labels ?? []), {
    __name__: 'shop',
    instance: 'shop:6060',
    job: 'cli',
  });
  assert.equal(targets[0]?.scrapeIntervalMs, 10_000);
});

const heaps: readonly [argument: string, url: string, application: string][] = [
  ['localhost', 'http://localhost:80/debug/pprof/heap', 'localhost'],
  ['http://shop:6060', 'http://shop:6060/debug/pprof/heap', 'shop'],
  ['http://shop:6060/', 'http://shop:6060/debug/pprof/heap', 'shop'],
  ['HTTPS://shop', 'https://shop:443/debug/pprof/heap', 'shop'],
  ['https://shop/team/a/', 'https://shop:443/team/a/debug/pprof/heap', 'shop'],
  ['shop:6060/team', 'http://shop:6060/team/debug/pprof/heap', 'shop'],
  ['http://shop:6060/debug/pprof', 'http://shop:6060/debug/pprof/heap', 'shop'],
  ['http://shop:6060/debug/pprof/', 'http://shop:6060/debug/pprof/heap', 'shop'],
  ['http://shop:6060/x/debug/pprof/heap?debug=1#top', 'http://shop:6060/x/debug/pprof/heap', 'shop'],
  ['shop:6060/debug/pprof/profile?seconds=30', 'http://shop:6060/debug/pprof/heap', 'shop'],
  ['http://shop/a%20b', 'http://shop:80/a%20b/debug/pprof/heap', 'shop'],
  ['[::1]:6060', 'http://[::1]:6060/debug/pprof/heap', '__1'],
  ['::1', 'http://[::1]:80/debug/pprof/heap', '__1'],
  ['10.0.0.1:1', 'http://10.0.0.1:1/debug/pprof/heap', '10.0.0.1'],
];
for (const [argument, url, application] of heaps) {
  test(`${argument} is scraped at ${url}`, async () => {
    const heap = (await targetsOf(argument)).find(({ profile }) => profile.name === 'mem');
    assert.deepEqual([heap?.url, heap?.labels.get('__name__')], [url, application]);
  });
}

test('each argument has its own scheme and path', async () => {
  const targets = await targetsOf('http://a:1/x', 'https://b:2');
  assert.deepEqual(
    targets.filter(({ profile }) => profile.name === 'block').map(({ url }) => url),
    ['http://a:1/x/debug/pprof/block', 'https://b:2/debug/pprof/block'],
  );
});

const refused: readonly [argument: string, message: RegExp, hint: RegExp][] = [
  ['', /there is no host/, /host:port/],
  [':6060', /no host in address/, /localhost/],
  ['6060', /only a number/, /localhost:6060/],
  ['ftp://h', /scheme "ftp" not supported/, /http or https/],
  ['http://u:p@h:1', /^address "http:\/\/<secret>@h:1": user and password/, /basic-auth/],
  ['http://h:1/x?y=1', /has no query/, /params/],
  ['h:x', /port "x" is not a number/, /1 to 65535/],
  ['http://h/%', /not encoded right/, /%25/],
];
for (const [argument, message, hint] of refused) {
  test(`refuses "${argument}"`, () => {
    assert.throws(
      () => adHocConfig([argument]),
      (error) => {
        assert.ok(error instanceof Error && 'hint' in error);
        assert.equal(error.name, 'UsageError');
        assert.match(error.message, message);
        assert.match(String(error.hint), hint);
        return true;
      },
    );
  });
}

test('a unix socket is a target, named after its file', async () => {
  const [cpu] = await targetsOf('unix:///run/checkout.sock');
  assert.equal(cpu?.url, 'unix:///run/checkout.sock:/debug/pprof/profile?seconds=10');
  assert.equal(cpu?.labels.get('__name__'), 'checkout');
  assert.equal(cpu?.labels.get('instance'), 'unix:///run/checkout.sock');
});
