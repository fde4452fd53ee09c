import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScrapeError } from '../../src/errors.ts';
import { ProfileBody } from '../../src/profile/profile-body.ts';
import type { ScrapedProfile } from '../../src/scrape/scraped-profile.ts';
import { createTurns, scrapeInTurn, type TurnDeps } from '../../src/scrape/turns.ts';
import type { Target } from '../../src/targets/target.ts';
import { type TargetChanges, targetAt } from '../support/scrape-target.ts';

const ORIGIN = { scheme: 'http', hostname: 'api', port: 6443 } as const;
const at = (path: string, changes: TargetChanges = {}): Target =>
  targetAt({ origin: ORIGIN, url: 'http://api:6443' }, { path, ...changes });

/** Starts scrapes of all targets at once; gives those that were under way together, and the order of the requests. */
async function together(targets: readonly Target[]): Promise<{ most: number; order: string[] }> {
  const turns = createTurns(64);
  const order: string[] = [];
  let running = 0;
  let most = 0;
  const deps: TurnDeps = {
    scrape: async (target) => {
      order.push(target.pathAndQuery);
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return scrapedOf(target);
    },
    sleep: async () => {},
    now: () => 0,
    signal: new AbortController().signal,
  };
  await Promise.all(targets.map((target) => scrapeInTurn(target, turns, deps)));
  return { most, order };
}

function scrapedOf(target: Target): ScrapedProfile {
  const times = { requestedAtMs: 0, respondedAtMs: 0, monotonicMs: 0, durationMs: 0 };
  return { target, content: new ProfileBody(new Uint8Array(), 1e6), ...times };
}

/** A target whose answers to one request after the other are `codes`, then a profile. Gives when each was asked, in ms. */
async function asked(target: Target, codes: readonly string[]): Promise<{ atMs: number[]; code: string | undefined }> {
  const left = [...codes];
  const atMs: number[] = [];
  let now = 0;
  const deps: TurnDeps = {
    scrape: async () => {
      atMs.push(now);
      const code = left.shift();
      if (code !== undefined) throw new ScrapeError(code, 'HTTP 429');
      return scrapedOf(target);
    },
    sleep: async (ms) => {
      now += ms;
    },
    now: () => now,
    signal: new AbortController().signal,
  };
  try {
    await scrapeInTurn(target, createTurns(1), deps);
    return { atMs, code: undefined };
  } catch (error) {
    assert.ok(error instanceof ScrapeError);
    return { atMs, code: error.code };
  }
}

const pod = (name: string, endpoint: string) =>
  `/api/v1/namespaces/shop/pods/${name}:6060/proxy/debug/pprof/${endpoint}`;

test('without exclusive, only CPU profiles of one instance take turns', async () => {
  const cpu = at('/debug/pprof/profile?seconds=1', { seconds: 1 });
  assert.equal((await together([cpu, cpu])).most, 1);
  assert.equal((await together([cpu, at('/debug/pprof/heap'), at('/debug/fgprof?seconds=1', { seconds: 1 })])).most, 3);
});

test('in an exclusive job all profiles of one instance take turns, in the order in which they came', async () => {
  const paths = ['/debug/pprof/profile?seconds=1', '/debug/pprof/heap', '/debug/fgprof?seconds=1'];
  const targets = paths.map((path) => at(path, { isExclusive: true, ...(path.includes('seconds') && { seconds: 1 }) }));
  assert.deepEqual(await together(targets), { most: 1, order: paths });
});

test('a CPU profile of another job waits for the turns of an exclusive job, too', async () => {
  const heap = at('/debug/pprof/heap', { isExclusive: true });
  assert.equal((await together([heap, at('/debug/pprof/profile?seconds=1', { seconds: 1 })])).most, 1);
});

test('pods behind the proxy of one API server are instances of their own', async () => {
  const cpu = (name: string) => at(pod(name, 'profile?seconds=3'), { seconds: 3 });
  assert.equal((await together([cpu('a'), cpu('b'), cpu('c')])).most, 3);
  assert.equal((await together([cpu('a'), cpu('a')])).most, 1);
  const exclusive = (name: string, endpoint: string) => at(pod(name, endpoint), { isExclusive: true });
  assert.equal((await together([exclusive('a', 'heap'), exclusive('a', 'mutex'), exclusive('b', 'heap')])).most, 2);
});

test('a program that is busy with another request is asked again, less and less often, for one interval', async () => {
  const target = at('/debug/pprof/heap');
  assert.deepEqual(await asked(target, ['PROFILER_BUSY', 'PROFILER_BUSY']), { atMs: [0, 1000, 3000], code: undefined });
  const { atMs, code } = await asked(target, Array<string>(99).fill('PROFILER_BUSY'));
  assert.deepEqual(atMs, [0, 1000, 3000, 7000]);
  assert.equal(code, 'PROFILER_BUSY');
});

test("Go's own busy CPU profiler is asked again each second", async () => {
  const target = at('/debug/pprof/profile?seconds=1', { seconds: 1 });
  assert.deepEqual((await asked(target, Array<string>(3).fill('CPU_PROFILER_BUSY'))).atMs, [0, 1000, 2000, 3000]);
});

test('no other failure is worth a second request', async () => {
  assert.deepEqual(await asked(at('/debug/pprof/heap'), ['TIMEOUT']), { atMs: [0], code: 'TIMEOUT' });
});
