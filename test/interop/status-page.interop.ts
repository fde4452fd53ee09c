import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { ConfigError, DiscoveryError, ScrapeError } from '../../src/errors.ts';
import type { TargetView } from '../../src/loop/loop-view.ts';
import { createLoopRoutes } from '../../src/status/loop-routes.ts';
import type { RemoteView } from '../../src/status/remote-view.ts';
import { type StatusServer, startStatusServer } from '../../src/status/status-server.ts';
import { FakeLoop, fakeRemote } from '../support/fake-loop.ts';
import { type Browser, startChromium } from './support/chromium.ts';
import { freshDirectory } from './support/places.ts';

let browser: Browser;
before(async () => {
  browser = await startChromium();
});
after(() => browser.close());

const MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script><b>bold</b>';
const DOWN = {
  health: 'down',
  failuresInRow: 12,
  lastError: new ScrapeError('CONNECT', 'connection refused', { hint: 'is it running?' }),
} as const;

interface Opened {
  readonly page: Page;
  readonly url: string;
  /** Stops answering; `start` begins again at the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** The page of this loop in a window of its own. Whatever the browser complains of fails the test. */
async function openPage(
  t: TestContext,
  loop: FakeLoop,
  options: { path?: string; colorScheme?: 'light' | 'dark'; width?: number; remotes?: readonly RemoteView[] } = {},
): Promise<Opened> {
  const { routes, close } = createLoopRoutes({
    handle: loop,
    remotes: () => options.remotes ?? [],
    version: '1.2.3',
    now: Date.now,
  });
  let server: StatusServer | undefined;
  let port = 0;
  const start = async () => {
    server = await startStatusServer({ host: '127.0.0.1', port }, routes, {
      onFault: (error) => t.diagnostic(`${error}`),
    });
    port = server.address.port;
  };
  const stop = async () => server?.close();
  await start();
  const window = await browser.window(options);
  const page = await window.newPage();
  open.push(
    async () => close(),
    stop,
    () => window.close(),
  );
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/ERR_CONNECTION_REFUSED/.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== `http://localhost:${port}`) complaints.push(`asked for ${request.url()}`);
  });
  open.push(async () => assert.deepEqual(complaints, []));
  const url = `http://localhost:${port}/targets`;
  await page.goto(`http://localhost:${port}${options.path ?? '/targets'}`);
  await page.getByText('running for').waitFor();
  return { page, url, stop, start };
}

async function shopOf(
  count: number,
  changes: (view: TargetView, index: number) => Partial<TargetView> = () => ({}),
): Promise<FakeLoop> {
  const loop = new FakeLoop();
  const targets = Array.from({ length: count }, (_, i) => ({
    __address__: `10.0.${i >> 8}.${i & 255}:6060`,
    env: `e${i % 3}`,
  }));
  const lastScrapeMs = Date.now() - 3000;
  await loop.addJob({ 'job-name': 'shop', 'enabled-profiles': ['mem'] }, targets, (view, index) => ({
    lastScrapeMs,
    nextSlotMs: Date.now() + 60_000,
    ...changes(view, index),
  }));
  return loop;
}

/** As a person reads it. */
async function shownText(locator: Locator): Promise<string> {
  return (await locator.allInnerTexts()).join('\n');
}

/** The addresses of the lines shown, from top to bottom. */
function instances(page: Page): Promise<string[]> {
  return page.locator('.job .target .instance').allInnerTexts();
}

test('a target on its line: state, address, profile, labels, times, size', async (t) => {
  const { page } = await openPage(t, await shopOf(1));
  const line = page.locator('.job .target tr').first();
  assert.deepEqual(
    (await shownText(line))
      .split(/\s*\t\s*|\n/)
      .filter(Boolean)
      .slice(0, 4),
    ['up', '10.0.0.0:6060', 'mem', 'shop env=e0'],
  );
  assert.match(await shownText(line), /\ds ago\s+13 ms\s+20\.5 KiB\s+in (1m|5\ds)/);
});

test('markup in labels, errors and names stays text', async (t) => {
  const loop = new FakeLoop();
  const targets = [{ __address__: 'evil:1', env: MARKUP }];
  const lastError = new ScrapeError('X', MARKUP, { hint: MARKUP });
  await loop.addJob({ 'job-name': MARKUP, 'enabled-profiles': ['mem'] }, targets, () => ({ ...DOWN, lastError }));
  const error = new ConfigError(MARKUP, []);
  loop.config = { ...loop.config, path: MARKUP, isLastReloadGood: false, lastReloadError: error };
  const remotes = [fakeRemote({ name: MARKUP, url: MARKUP, state: 'paused', lastFailure: MARKUP })];
  const { page } = await openPage(t, loop, { remotes });
  await page.locator('.job .target .toggle').click();
  await page.getByText('Before relabelling', { exact: true }).waitFor();
  assert.equal(await shownText(page.locator('.label .value').first()), MARKUP);
  assert.equal(await page.locator('main img, main script, main b, #alerts img, #facts img').count(), 0);
  assert.equal(await page.title(), 'Targets · pyro-pull');
});

test('what is down comes first, with why and what to do', async (t) => {
  const { page } = await openPage(t, await shopOf(5, (_view, index) => (index === 3 ? DOWN : {})));
  assert.equal((await instances(page))[0], '10.0.0.3:6060');
  const text = await shownText(page.locator('.job .error'));
  assert.match(text, /connection refused\s*is it running\?\s*12 failures in a row/);
});

test('the filter takes what is typed, is part of the URL, and Escape takes it away', async (t) => {
  const { page, url } = await openPage(t, await shopOf(30));
  await page.keyboard.press('/');
  await page.keyboard.type('env=e1 0.4');
  await page.getByText('1 of 30 targets').waitFor();
  assert.deepEqual(await instances(page), ['10.0.0.4:6060']);
  assert.equal(page.url(), `${url}?filter=env%3De1+0.4`);
  await page.reload();
  await page.getByText('1 of 30 targets').waitFor();
  assert.equal(await page.getByRole('searchbox').inputValue(), 'env=e1 0.4');
  await page.keyboard.press('/');
  await page.keyboard.press('Escape');
  await page.getByText('30 targets', { exact: true }).waitFor();
  assert.equal(page.url(), url);
  await page.keyboard.press('/');
  await page.keyboard.type('nothing has this');
  await page.getByText('No target matches.').waitFor();
});

test('counts of states are buttons that filter', async (t) => {
  const { page } = await openPage(t, await shopOf(6, (_view, index) => (index < 2 ? DOWN : {})));
  const down = page.getByRole('button', { name: 'down 2' });
  await down.click();
  await page.getByText('2 of 6 targets').waitFor();
  assert.equal(await down.getAttribute('aria-pressed'), 'true');
  assert.match(page.url(), /\?health=down$/);
  await down.click();
  await page.getByText('6 targets', { exact: true }).waitFor();
});

test('everything can be reached and unfolded with the keyboard', async (t) => {
  const { page } = await openPage(t, await shopOf(3));
  await page.keyboard.press('/');
  const focused = () => page.evaluate('document.activeElement.innerText');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'shop');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('j');
  assert.equal(await focused(), '10.0.0.1:6060');
  await page.keyboard.press('Enter');
  await page.getByText('http://10.0.0.1:6060/debug/pprof/heap').waitFor();
  assert.equal(await focused(), '10.0.0.1:6060');
  await page.keyboard.press('Enter');
  await page.getByText('http://10.0.0.1:6060/debug/pprof/heap').waitFor({ state: 'detached' });
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Space');
  await page.locator('.job .target').first().waitFor({ state: 'hidden' });
  await page.keyboard.press('ArrowUp');
  assert.equal(await page.evaluate('document.activeElement.id'), 'filter');
  // Tab goes through all of it too.
  const seen = new Set<unknown>();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    seen.add(await focused());
  }
  for (const name of ['up 3', 'down 0', 'shop'])
    assert.ok(
      [...seen].some((text) => String(text).replace(/\s+/g, ' ') === name),
      name,
    );
});

test('news come by themselves; focus, filter and place stay', async (t) => {
  const loop = await shopOf(200);
  const { page } = await openPage(t, loop, { path: '/targets?filter=10.0.0' });
  const seen = page.locator('.job .target .toggle').nth(60);
  await seen.scrollIntoViewIfNeeded();
  await seen.focus();
  const focused = await shownText(seen);
  const topBefore = await page.evaluate<number>('document.activeElement.getBoundingClientRect().top');
  await page.evaluate('document.body.dataset.mark = "same page"');
  const [job] = loop.shownJobs;
  loop.shownJobs[0] = {
    ...job!,
    targets: job!.targets.map((view, index) => (index === 61 ? { ...view, ...DOWN } : view)),
  };
  await page.getByRole('button', { name: 'down 1' }).waitFor();
  assert.equal(await page.evaluate('document.activeElement.innerText'), focused);
  const topAfter = await page.evaluate<number>('document.activeElement.getBoundingClientRect().top');
  assert.ok(Math.abs(topAfter - topBefore) < 3, `moved by ${topAfter - topBefore} px`);
  assert.equal(await page.getByRole('searchbox').inputValue(), '10.0.0');
  assert.equal(await page.evaluate('document.body.dataset.mark'), 'same page');
});

test('a line that moves up keeps the focus', async (t) => {
  const loop = await shopOf(10);
  const { page } = await openPage(t, loop);
  await page.locator('.job .target .toggle').nth(7).focus();
  const [job] = loop.shownJobs;
  loop.shownJobs[0] = {
    ...job!,
    targets: job!.targets.map((view, index) => (index === 7 ? { ...view, ...DOWN } : view)),
  };
  await page.getByRole('button', { name: 'down 1' }).waitFor();
  assert.equal((await instances(page))[0], '10.0.0.7:6060');
  assert.equal(await page.evaluate('document.activeElement.innerText'), '10.0.0.7:6060');
});

test('5,000 targets: a hundred lines, quickly, more on demand', async (t) => {
  const loop = await shopOf(5000);
  const started = performance.now();
  const { page } = await openPage(t, loop);
  await page.getByText('100 of 5,000 targets shown: show more').waitFor();
  t.diagnostic(`shown after ${Math.round(performance.now() - started)} ms`);
  assert.equal((await instances(page)).length, 100);
  await page.getByRole('button', { name: 'show more' }).click();
  await page.getByText('200 of 5,000 targets shown: show more').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('10.0.19.135');
  await page.getByText('1 of 5,000 targets').waitFor();
  const taskMs = await page.evaluate<number>(`new Promise((done) => {
    let longest = 0;
    new PerformanceObserver((list) => { for (const one of list.getEntries()) longest = Math.max(longest, one.duration); })
      .observe({ type: 'longtask' });
    setTimeout(() => done(longest), 2500);
  })`);
  assert.ok(taskMs < 500, `an update takes ${taskMs} ms`);
});

test('dropped targets with the rule that dropped them', async (t) => {
  const loop = new FakeLoop();
  const relabel = [{ 'source-labels': ['env'], regex: 'dev', action: 'drop' }];
  await loop.addJob({ 'job-name': 'shop', 'relabel-configs': relabel }, [{ __address__: 'a:1', env: 'dev' }]);
  const { page } = await openPage(t, loop);
  await page.getByText('all that were discovered were dropped').waitFor();
  await page.getByRole('button', { name: '1 dropped' }).click();
  await page.getByText(/relabel rule 0 \(line \d+\): drop/).waitFor();
  await page.getByText('env=dev').waitFor();
});

test('the queue of each remote, and the sources of targets', async (t) => {
  const loop = new FakeLoop();
  const failures = [new DiscoveryError('X', 'no route to host')];
  const source = { mechanism: 'consul', name: 'consul-sd-configs[0]', jobNames: ['shop'], targets: 12 } as const;
  loop.shownMechanisms = [{ ...source, refreshes: 3, failedRefreshes: 1, lastSuccessMs: Date.now(), failures }];
  const remotes = [
    fakeRemote(),
    fakeRemote({ name: 'backup', state: 'paused', lastFailure: 'HTTP 401', queued: 1200 }),
  ];
  const { page } = await openPage(t, loop, { remotes });
  const text = await shownText(page.locator('main'));
  assert.match(text, /paused\s+backup\s+http:\/\/pyroscope:4040\s+1,200\s+64\.0 KiB of 512\.0 MiB/);
  assert.match(text, /HTTP 401: nothing is sent until this is mended/);
  assert.match(text, /failing\s+consul-sd-configs\[0\] of shop\s+12/);
  assert.match(text, /no route to host/);
  assert.match(text, /The config has no job/);
});

test('a server that is gone is told, what it said last stays, and it is found again', async (t) => {
  const { page, stop, start } = await openPage(t, await shopOf(2));
  await stop();
  await page.getByText('pyro-pull does not answer since').waitFor();
  assert.equal((await instances(page)).length, 2);
  await start();
  await page.getByText('pyro-pull does not answer since').waitFor({ state: 'detached' });
});

for (const { colorScheme, isDark } of [
  { colorScheme: 'light', isDark: false },
  { colorScheme: 'dark', isDark: true },
] as const) {
  test(`${colorScheme}: text stands out from what is behind it`, async (t) => {
    const loop = await shopOf(12, (_view, index) =>
      index === 1 ? DOWN : index === 2 ? { ...DOWN, health: 'absent' } : {},
    );
    const remotes = [fakeRemote()];
    const { page } = await openPage(t, loop, { colorScheme, remotes });
    const contrasts = await page.evaluate<{ text: string; contrast: number; isDark: boolean }[]>(MEASURE_CONTRASTS);
    assert.ok(contrasts.length > 50);
    assert.ok(contrasts.every((one) => one.isDark === isDark));
    // The bound of WCAG 2.1, level AA, for small text.
    assert.deepEqual(
      contrasts.filter(({ contrast }) => contrast < 4.5),
      [],
    );
    const file = join(freshDirectory('status-page'), `${colorScheme}.png`);
    await page.screenshot({ path: file });
    t.diagnostic(`screenshot: ${file}`);
  });
}

test('a narrow window scrolls its tables, not the page', async (t) => {
  const { page } = await openPage(t, await shopOf(3), { width: 400, remotes: [fakeRemote()] });
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
});

test('a page of another site can neither frame it nor ask it', async (t) => {
  const loop = await shopOf(1);
  const { page, url } = await openPage(t, loop);
  const there = new URL(url);
  const other = `http://127.0.0.1:${there.port}`; // another origin, on the same server
  await page.goto(`${other}/-/healthy`);
  open.pop(); // from here on complaints are what is wanted
  const asked = await page.evaluate<string>(
    `fetch('${there.origin}/api/v1/targets').then(() => 'answered', () => 'refused')`,
  );
  assert.equal(asked, 'refused');
  await page.evaluate(`fetch('${there.origin}/-/reload', { method: 'POST', mode: 'no-cors' }).catch(() => {})`);
  assert.equal(loop.reloads, 0);
});

/** For each piece of text: its colour against the first opaque background behind it. */
const MEASURE_CONTRASTS = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((value) => value / 255)
    .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((one) => {
      const [text, back] = [luminance(channels(getComputedStyle(one).color)), luminance(behind(one))];
      const contrast = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
      return { text: one.textContent, contrast, isDark: back < 0.2 };
    });
})()`;
