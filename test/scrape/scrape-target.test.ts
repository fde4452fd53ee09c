import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ScrapeError } from '../../src/errors.ts';
import type { HttpClientOptions } from '../../src/http/client.ts';
import { waitsForTarget } from '../../src/scrape/scrape-target.ts';
import type { ScrapedProfile } from '../../src/scrape/scraped-profile.ts';
import { createScraper, type Scraper } from '../../src/scrape/scraper.ts';
import type { Target } from '../../src/targets/target.ts';
import { buildProfile } from '../support/build-profile.ts';
import { createAuthority } from '../support/certificates.ts';
import { type Answer, answers, type FakeTarget, startFakeTarget } from '../support/fake-target.ts';
import { freePort } from '../support/free-port.ts';
import { sample, snapshot } from '../support/sample-table.ts';
import { type TargetChanges, targetAt } from '../support/scrape-target.ts';

const pprof = buildProfile(snapshot([sample('main;work', [1n, 2n])], { timeNanos: 1_700_000_000_000_000_000n }));
const gzip = gzipSync(pprof);

function scraperOf(t: TestContext, target: Target, options: HttpClientOptions = {}): Scraper {
  const scraper = createScraper(target.job, options);
  t.after(() => scraper.destroy());
  return scraper;
}

function scrape(t: TestContext, fake: FakeTarget, changes: TargetChanges = {}): Promise<ScrapedProfile> {
  const target = targetAt(fake, changes);
  return scraperOf(t, target).scrape(target);
}

async function failureOf(scraping: Promise<unknown>): Promise<ScrapeError> {
  try {
    await scraping;
  } catch (error) {
    assert.ok(error instanceof ScrapeError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'the scrape did not fail' });
}

test('a good answer is a scraped profile', async (t) => {
  const fake = await startFakeTarget(t, answers.profile(gzip));
  const target = targetAt(fake, { path: '/debug/pprof/heap?gc=1' });
  let ticks = 5;
  const clock = { now: () => 1_700_000_000_000 + ticks, monotonic: () => ticks };
  const scraped = await scraperOf(t, target, { clock }).scrape(target, {
    onHeaders: () => {
      ticks = 9;
    },
  });
  assert.equal(scraped.target, target);
  assert.deepEqual(Buffer.from(scraped.content.body), gzip);
  assert.deepEqual(Buffer.from(scraped.content.pprof), Buffer.from(pprof));
  assert.equal(scraped.requestedAtMs, 1_700_000_000_005);
  assert.equal(scraped.respondedAtMs, 1_700_000_000_005);
  assert.equal(scraped.monotonicMs, 5);
  assert.equal(scraped.durationMs, 4);
  assert.equal(fake.requests[0]?.path, '/debug/pprof/heap?gc=1');
  assert.match(fake.requests[0]?.headers['user-agent'] ?? '', /^pyro-pull\/\d+\.\d+\.\d+/);
});

test('a plain protobuf is good too', async (t) => {
  const fake = await startFakeTarget(t, answers.profile(pprof));
  assert.deepEqual(Buffer.from((await scrape(t, fake)).content.body), Buffer.from(pprof));
});

test('headers that come only after the measurement are waited for', async (t) => {
  const fake = await startFakeTarget(t, answers.late(300, answers.profile(gzip)));
  const scraped = await scrape(t, fake, { path: '/debug/pprof/profile?seconds=1', profileName: 'cpu', seconds: 1 });
  assert.ok(scraped.durationMs >= 250);
});

test('a profile that measures does not hold up the others of the same target', async (t) => {
  const fake = await startFakeTarget(t, {
    '/debug/pprof/profile': answers.never(),
    '/debug/pprof/heap': answers.profile(gzip),
  });
  const cpu = targetAt(fake, { path: '/debug/pprof/profile?seconds=10', profileName: 'cpu', seconds: 10 });
  const heap = targetAt(fake);
  const scraper = scraperOf(t, heap, { maxConnectionsPerOrigin: 1 });
  const measuring = failureOf(scraper.scrape(cpu));
  while (fake.requests.length === 0) await new Promise(setImmediate);
  await scraper.scrape(heap);
  assert.equal(waitsForTarget(cpu), true);
  assert.equal(waitsForTarget(heap), false);
  scraper.destroy();
  assert.equal((await measuring).code, 'CANCELLED');
});

test('a signal destroys the scraper', async (t) => {
  const fake = await startFakeTarget(t, answers.never());
  const controller = new AbortController();
  const target = targetAt(fake);
  const scraper = scraperOf(t, target, { signal: controller.signal });
  const scraping = failureOf(scraper.scrape(target));
  while (fake.requests.length === 0) await new Promise(setImmediate);
  controller.abort();
  assert.equal((await scraping).code, 'CANCELLED');
  assert.equal((await failureOf(scraper.scrape(target))).code, 'CANCELLED');
});

test('close lets a scrape under way end', async (t) => {
  const fake = await startFakeTarget(t, answers.late(30, answers.profile(gzip)));
  const target = targetAt(fake);
  const scraper = scraperOf(t, target);
  const scraping = scraper.scrape(target);
  while (fake.requests.length === 0) await new Promise(setImmediate);
  scraper.close();
  await scraping;
});

const bad: readonly {
  name: string;
  answer: Answer;
  changes?: TargetChanges;
  code: string;
  message: RegExp;
  hint?: string;
}[] = [
  {
    name: 'says nothing',
    answer: answers.never(),
    changes: { timeoutMs: 50 },
    code: 'TIMEOUT',
    message: /^timeout after 50ms while waiting for headers$/,
  },
  {
    name: 'measures longer than the timeout',
    answer: answers.never(),
    changes: { timeoutMs: 50, seconds: 10, profileName: 'cpu' },
    code: 'TIMEOUT',
    message: /^timeout after 50ms while waiting for headers$/,
    hint: 'raise scrape-timeout above the 10s that cpu takes',
  },
  {
    name: 'drips',
    answer: answers.drip(gzip, 20),
    changes: { timeoutMs: 100 },
    code: 'TIMEOUT',
    message: /^timeout after 100ms in the body, after \d+ bytes$/,
  },
  { name: 'cuts the connection', answer: answers.cutOff(gzip, 10), code: 'CONNECTION', message: /^body ends early: / },
  {
    name: 'cuts the gzip',
    answer: answers.profile(gzip.subarray(0, -10)),
    code: 'GZIP_TRUNCATED',
    message: /^gzip ends early$/,
  },
  {
    name: 'answers 500',
    answer: answers.pprofError(500, 'Could not enable CPU profiling: cpu profiling already in use'),
    code: 'CPU_PROFILER_BUSY',
    message: /^HTTP 500 Internal Server Error: Could not enable/,
  },
  {
    name: 'answers with a page',
    answer: answers.body('<html>Sign in</html>', { 'content-type': 'text/html' }),
    code: 'NOT_A_PROFILE',
    message: /^HTML page, not a profile: "<html>Sign in<\/html>"$/,
    hint: 'check port and path; a proxy or a login page may have answered',
  },
  {
    name: 'sends too much',
    answer: answers.endless(),
    changes: { bodySizeLimitBytes: 1024 * 1024 },
    code: 'BODY_TOO_LARGE',
    message: /^body over 1MiB$/,
    hint: 'raise body-size-limit of job shop if that is a real profile',
  },
  {
    name: 'sends a gzip bomb',
    answer: answers.profile(gzipSync(Buffer.alloc(8 * 1024 * 1024))),
    changes: { bodySizeLimitBytes: 1024 * 1024 },
    code: 'BODY_TOO_LARGE',
    message: /^profile over 1MiB uncompressed$/,
    hint: 'raise body-size-limit of job shop if that is a real profile',
  },
  {
    name: 'sends an empty body',
    answer: answers.profile(Buffer.alloc(0)),
    code: 'EMPTY_BODY',
    message: /^empty body$/,
  },
  {
    name: 'redirects, which is switched off',
    answer: answers.redirect('/elsewhere'),
    changes: { http: { followRedirects: false } },
    code: 'REDIRECT',
    message: /^HTTP 302 Found to \/elsewhere$/,
  },
  {
    name: 'redirects for ever',
    answer: answers.redirect('/'),
    code: 'TOO_MANY_REDIRECTS',
    message: /^stopped after 10 redirects$/,
  },
  { name: 'wants a login', answer: answers.status(401, ''), code: 'UNAUTHORIZED', message: /^HTTP 401 Unauthorized$/ },
];
for (const { name, answer, changes, code, message, hint } of bad) {
  test(`a target that ${name}`, async (t) => {
    const fake = await startFakeTarget(t, answer);
    const error = await failureOf(scrape(t, fake, changes));
    assert.ok(error.code.startsWith(code), error.code);
    assert.match(error.message, message);
    if (hint !== undefined) assert.equal(error.hint, hint);
  });
}

test('a target that is down', async (t) => {
  const port = await freePort();
  const target = targetAt({ origin: { scheme: 'http', hostname: '127.0.0.1', port }, url: `http://127.0.0.1:${port}` });
  const error = await failureOf(scraperOf(t, target).scrape(target));
  assert.equal(error.code, 'CONNECTION_REFUSED');
  assert.equal(error.message, 'connection refused');
  assert.ok(!error.message.includes('http://'));
});

test('TLS, basic auth and a redirect together', async (t) => {
  const authority = createAuthority();
  const fake = await startFakeTarget(
    t,
    { '/debug/pprof/heap': answers.redirect('/moved'), '/moved': answers.profile(gzip) },
    { tls: authority.issue('t', { hosts: ['127.0.0.1'] }) },
  );
  const tls = {
    ca: { value: authority.cert },
    cert: undefined,
    key: undefined,
    serverName: undefined,
    insecureSkipVerify: false,
    minVersion: undefined,
    maxVersion: undefined,
  };
  const basicAuth = { username: { value: 'u' }, password: { value: 'p' } };
  await scrape(t, fake, { http: { tls, basicAuth } });
  assert.deepEqual(
    fake.requests.map(({ path, headers }) => [path, headers.authorization]),
    [
      ['/debug/pprof/heap', 'Basic dTpw'],
      ['/moved', 'Basic dTpw'],
    ],
  );
});

test('a body of exactly the limit passes', async (t) => {
  const fake = await startFakeTarget(t, answers.profile(pprof));
  await scrape(t, fake, { bodySizeLimitBytes: pprof.length });
  const error = await failureOf(scrape(t, fake, { bodySizeLimitBytes: pprof.length - 1 }));
  assert.equal(error.code, 'BODY_TOO_LARGE');
});

test('no secret of the job shows in any failure', async (t) => {
  const secret = 'planted-secret';
  const fake = await startFakeTarget(t, {
    '/401': answers.status(401, 'no'),
    '/redirect': answers.redirect(`ftp://u:${secret}@h/`),
    '/never': answers.never(),
  });
  const http = {
    basicAuth: { username: { value: 'u' }, password: { value: secret } },
    headers: new Map([['X-Key', { values: [{ value: secret }] }]]),
  };
  for (const path of ['/401', '/redirect', '/never']) {
    const error = await failureOf(scrape(t, fake, { path, http, timeoutMs: 50 }));
    assert.ok(!`${error.message} ${error.hint}`.includes(secret), error.message);
  }
  const broken = { headers: new Map([['X-Key', { values: [{ value: `${secret}\n` }] }]]) };
  const error = await failureOf(scrape(t, fake, { http: broken }));
  assert.equal(error.code, 'INVALID_HEADER');
  assert.ok(!`${error.message} ${error.hint} ${String(error.cause)}`.includes(secret));
});
