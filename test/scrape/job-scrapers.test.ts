import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { JobScrapers } from '../../src/scrape/job-scrapers.ts';
import { ProcessTurns } from '../../src/scrape/process-turns.ts';
import { buildProfile } from '../support/build-profile.ts';
import { answers, startFakeTarget } from '../support/fake-target.ts';
import { sample, snapshot } from '../support/sample-table.ts';
import { targetAt } from '../support/scrape-target.ts';

const body = gzipSync(new Uint8Array([0x0a, 0x00]));

test('a connection outlives a reload that leaves the HTTP settings as they are', async (t) => {
  const server = await startFakeTarget(t, answers.profile(body));
  const scrapers = new JobScrapers({});
  const target = targetAt(server);
  await scrapers.scrape(target);
  scrapers.retain([{ ...target.job, scrapeIntervalMs: 5, http: structuredClone(target.job.http) }]);
  await scrapers.scrape(target);
  assert.equal(server.connections, 1);
  scrapers.close();
});

test('other HTTP settings mean another connection', async (t) => {
  const server = await startFakeTarget(t, answers.profile(body));
  const scrapers = new JobScrapers({});
  const target = targetAt(server);
  await scrapers.scrape(target);
  const next = targetAt(server, { http: { followRedirects: false } });
  scrapers.retain([next.job]);
  await scrapers.scrape(next);
  assert.equal(server.connections, 2);
  scrapers.close();
});

test('CPU profiles of one address come one after the other, a failed one does not hold up the next', async () => {
  const turns = new ProcessTurns();
  const order: string[] = [];
  const work =
    (name: string, fails = false) =>
    async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
      if (fails) throw new Error(name);
    };
  const runs = [turns.run('a:1', work('one', true)), turns.run('a:1', work('two')), turns.run('b:1', work('other'))];
  await Promise.allSettled(runs);
  const ofA = order.filter((entry) => !entry.startsWith('other'));
  assert.deepEqual(ofA, ['one begins', 'one ends', 'two begins', 'two ends']);
  assert.ok(order.indexOf('other begins') < order.indexOf('one ends'));
  await assert.rejects(runs[0] ?? Promise.resolve(), /one/);
});

test('a TLS port behind one path of an address that answers over http is not laid to its scheme', async (t) => {
  const profile = gzipSync(buildProfile(snapshot([sample('main', [1n])])));
  const server = await startFakeTarget(t, {
    '/debug/pprof/heap': answers.profile(profile),
    '/debug/pprof/block': answers.status(400, 'Client sent an HTTP request to an HTTPS server.\n'),
  });
  const scrapers = new JobScrapers({});
  t.after(() => scrapers.close());
  const heap = targetAt(server);
  const block = { ...targetAt(server, { path: '/debug/pprof/block' }), origin: heap.origin };
  await assert.rejects(scrapers.scrape(block), { code: 'TLS_EXPECTED', hint: 'set scheme: https' });
  await scrapers.scrape(heap);
  await assert.rejects(scrapers.scrape(block), { hint: /other profiles of this address answer over http/ });
});
