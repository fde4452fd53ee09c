import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type GoServiceOptions, start } from './parts/go-service.ts';
import { writeConfig } from './support/config-file.ts';
import { describe } from './support/oracle.ts';
import { startPathProxy } from './support/path-proxy.ts';
import { freshDirectory } from './support/places.ts';
import { pyroPull, readIndex, scrapeInto, theOnly } from './support/pyro-pull.ts';

// Profiles of Go that are not asked for every day, and programs that can't be asked for everything at once.

async function startService(t: TestContext, options: GoServiceOptions = {}) {
  const service = await start(options);
  t.after(() => service.stop());
  return service;
}

async function startProxy(t: TestContext, ...args: Parameters<typeof startPathProxy>) {
  const proxy = await startPathProxy(...args);
  t.after(() => proxy.stop());
  return proxy;
}

test('a goroutine dump with debug=2 is a text file with each goroutine, as the program gives it', async (t) => {
  const service = await startService(t);
  await service.do('park?n=17');
  const more = '    profiles: { goroutines: { params: { debug: ["2"] } } }\n';
  const config = writeConfig({ profiles: ['goroutines'], targets: [service.address], more });
  const { path, file, ...line } = theOnly(await scrapeInto(freshDirectory('out'), ['--config', config]), 'goroutines');
  assert.match(path, /\/goroutines\/[^/]+\.txt\.gz$/);
  assert.equal(line['kind'], 'text');
  const text = gunzipSync(readFileSync(file)).toString();
  assert.equal(text.match(/^main\.parked\(/gm)?.length, 17);
});

test('leaked goroutines are counted as the program leaked them', async (t) => {
  const service = await startService(t, { build: 'leaks' });
  await service.do('leak?n=7');
  await service.do('park?n=3');
  const config = writeConfig({ profiles: ['goroutineleak'], targets: [service.address] });
  const line = theOnly(await scrapeInto(freshDirectory('out'), ['--config', config]), 'goroutineleak');
  assert.equal(line['kind'], 'state');
  const { programFunctions } = await describe(line.file);
  assert.equal(programFunctions['main.leaked']?.['goroutineleak'], 7);
  assert.equal(programFunctions['main.parked'], undefined);
});

test('a program without the goroutine leak profile gets the build setting as a hint', async (t) => {
  const service = await startService(t);
  const config = writeConfig({ profiles: ['goroutineleak'], targets: [service.address] });
  const { code, stderr } = await pyroPull(['scrape', '--out', freshDirectory('out'), '--config', config]);
  assert.equal(code, 1);
  assert.match(stderr, /HTTP 404.*GOEXPERIMENT=goroutineleakprofile/);
});

const PROFILES = ['cpu', 'mem', 'goroutines'];

for (const status of [429, 409]) {
  test(`a program that answers ${status} to a second profiling request is asked one by one in an exclusive job`, async (t) => {
    const service = await startService(t, { flags: ['-exact=false', '-load', '0.5'] });
    const proxy = await startProxy(t, { '': service.address }, { refusesSecond: status });
    const more = '    exclusive: true\n    scrape-interval: 4s\n';
    const config = writeConfig({ profiles: PROFILES, targets: [proxy.address], more });
    const out = freshDirectory('out');
    const { code, stderr } = await pyroPull(['scrape', '--out', out, '--config', config]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(proxy.refusals, []);
    assert.equal(proxy.mostOfAll, 1);
    assert.deepEqual(
      readIndex(out)
        .map(({ profile }) => profile)
        .sort(),
      [...PROFILES].sort(),
    );
  });
}

test('pods behind the proxy of one API server are scraped at the same time, and are instances of their own', async (t) => {
  const [one, two] = [await startService(t, LOADED), await startService(t, LOADED)];
  const prefixOf = (pod: string) => `/api/v1/namespaces/shop/pods/${pod}:6060/proxy`;
  const proxy = await startProxy(t, { [prefixOf('one')]: one.address, [prefixOf('two')]: two.address });
  const rule = (label: string, replacement: string) =>
    `      - { source-labels: [pod], target-label: ${label}, replacement: "${replacement}" }\n`;
  const more = `        labels: { pod: one }
      - application: shop
        targets: ["${proxy.address}"]
        labels: { pod: two }
    scrape-interval: 3s
    relabel-configs:
${rule('instance', '$1')}${rule('__profile_cpu_path', `${prefixOf('$1')}/debug/pprof/profile`)}${rule('__profile_mem_path', `${prefixOf('$1')}/debug/pprof/heap`)}`;
  const config = writeConfig({ profiles: ['cpu', 'mem'], targets: [proxy.address], more });
  const out = freshDirectory('out');
  const { code, stderr } = await pyroPull(['scrape', '--out', out, '--config', config]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /scraping 4 profiles of 2 instances into/);
  assert.match(stderr, /2 instances up/);
  const cpu = readIndex(out).filter(({ profile }) => profile === 'cpu');
  assert.deepEqual(cpu.map(({ labels }) => labels['instance']).sort(), ['one', 'two']);
  const [first, second] = cpu;
  assert.ok(first && second && first.from < second.until && second.from < first.until, 'one after the other');
});

const LOADED: GoServiceOptions = { flags: ['-exact=false', '-load', '0.3'] };
