import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeltaOutcome } from '../../src/delta/delta-outcome.ts';
import type { TargetGroup } from '../../src/discovery/target-group.ts';
import { DiscoveryError, PyroPullError, ScrapeError, SinkError, StateError } from '../../src/errors.ts';
import { EMPTY_LABELS } from '../../src/labels/label-set.ts';
import { ProfileBody } from '../../src/profile/profile-body.ts';
import { finalLabels, type PullDeps, type PullEvent, type PullOptions, pullOnce } from '../../src/pull.ts';
import type { ScrapedProfile } from '../../src/scrape/scraped-profile.ts';
import type { FinishedProfile } from '../../src/sinks/sink.ts';
import { adHocConfig } from '../../src/targets/ad-hoc-job.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import { instanceAddressOf } from '../../src/targets/instance-address.ts';
import type { Target } from '../../src/targets/target.ts';

/** One round over `targets` in a world whose clock stands still but for the sleeps, with everything that happened. */
async function pull(
  targets: readonly string[],
  world: Partial<PullDeps> = {},
  options: Partial<PullOptions> = {},
): Promise<{ events: PullEvent[]; calls: string[]; written: FinishedProfile[] }> {
  const events: PullEvent[] = [];
  const calls: string[] = [];
  const written: FinishedProfile[] = [];
  const config = adHocConfig(targets);
  const snapshots = new Map<string, number>();
  const deps: PullDeps = {
    signal: new AbortController().signal,
    discover: async (job) => ({ groups: groupsOf(job.discovery[0]), failures: [], warnings: [] }),
    targetsFromGroups,
    scrape: async (target) => {
      calls.push(`scrape ${target.pathAndQuery}`);
      return scrapedOf(target);
    },
    delta: ({ target }) => {
      const seen = (snapshots.get(target.key) ?? 0) + 1;
      snapshots.set(target.key, seen);
      const isFirst = seen === 1 && ['mem', 'mutex', 'block'].includes(target.profile.name);
      return isFirst ? { kind: 'held', reason: 'baseline', warnings: [] } : OUTCOME;
    },
    hasBaseline: () => false,
    commitBaseline: (target) => void calls.push(`commit ${target.profile.name}`),
    revertBaseline: (target) => void calls.push(`revert ${target.profile.name}`),
    sinks: [
      {
        name: 'memory',
        write: async (profile) => {
          written.push(profile);
          return { path: `${profile.target.profile.name}.pb.gz`, bytes: profile.body.length };
        },
        close: async () => {},
      },
    ],
    sleep: async (ms) => void calls.push(`sleep ${ms}`),
    now: () => 0,
    onEvent: (event) => void events.push(event),
    ...world,
  };
  await pullOnce(
    config,
    { concurrency: 2, windowMs: undefined, isWanted: () => true, labels: EMPTY_LABELS, writeEmpty: false, ...options },
    deps,
  );
  return { events, calls, written };
}

const OUTCOME: DeltaOutcome = {
  kind: 'profile',
  profileKind: 'delta',
  body: new Uint8Array([1]),
  fromNanos: 0n,
  untilNanos: 1n,
  sampleTypes: [],
  samples: 1,
  isReset: false,
  isPartial: false,
  clamped: 0,
  warnings: [],
};

function groupsOf(discovery: unknown): TargetGroup[] {
  assert.ok(
    typeof discovery === 'object' && discovery !== null && 'groups' in discovery && Array.isArray(discovery.groups),
  );
  return discovery.groups.map((group, index) => ({
    source: String(index),
    labels: new Map([...group.labels, ['__name__', group.application]]),
    targets: group.targets.map((address: string) => new Map([['__address__', address]])),
  }));
}

function scrapedOf(target: Target): ScrapedProfile {
  const body = new Uint8Array();
  return {
    target,
    content: new ProfileBody(body, 1e6),
    requestedAtMs: 0,
    respondedAtMs: 0,
    monotonicMs: 0,
    durationMs: 0,
  };
}

const only =
  (...profiles: string[]) =>
  (target: Target) =>
    profiles.includes(target.profile.name);

const typesOf = (events: readonly PullEvent[]) => events.map((event) => event.type);

test('a cumulative profile is scraped twice, a window apart, and its baseline moves after the write', async () => {
  const { calls, written } = await pull(['h:1'], {}, { isWanted: only('mem'), windowMs: 30_000 });
  assert.deepEqual(calls, [
    'scrape /debug/pprof/heap',
    'commit mem',
    'sleep 30000',
    'scrape /debug/pprof/heap',
    'commit mem',
  ]);
  assert.equal(written.length, 1);
});

test('without --window the snapshots are one scrape interval apart', async () => {
  const { calls } = await pull(['h:1'], {}, { isWanted: only('mem') });
  assert.ok(calls.includes('sleep 10000'));
});

test('a snapshot of an earlier run makes one request enough', async () => {
  const { calls } = await pull(['h:1'], { hasBaseline: () => true, delta: () => OUTCOME }, { isWanted: only('mem') });
  assert.deepEqual(calls, ['scrape /debug/pprof/heap', 'commit mem']);
});

const BASELINE: DeltaOutcome = { kind: 'held', reason: 'baseline', warnings: [] };

test('what turns out to be a state is written at once, without window and second request', async () => {
  const { calls, written } = await pull(['h:1'], { delta: () => OUTCOME }, { isWanted: only('mem') });
  assert.deepEqual(calls, ['scrape /debug/pprof/heap', 'commit mem']);
  assert.equal(written.length, 1);
});

test('what turns out to count up although nothing said so is scraped again after the window', async () => {
  const answers = [BASELINE, OUTCOME];
  const { calls, written, events } = await pull(
    ['h:1'],
    { delta: () => answers.shift() ?? OUTCOME },
    { isWanted: only('cpu'), windowMs: 5000 },
  );
  const request = 'scrape /debug/pprof/profile?seconds=10';
  assert.deepEqual(calls, [request, 'commit cpu', 'sleep 5000', request, 'commit cpu']);
  assert.equal(written.length, 1);
  assert.deepEqual(typesOf(events), ['planned', 'finished']);
});

test('a response that is held back for another reason is not asked for again', async () => {
  const stale: DeltaOutcome = { kind: 'held', reason: 'stale', warnings: [] };
  const { calls, events } = await pull(['h:1'], { delta: () => stale }, { isWanted: only('mem') });
  assert.deepEqual(calls, ['scrape /debug/pprof/heap', 'commit mem']);
  assert.deepEqual(typesOf(events), ['planned', 'held']);
});

test('a snapshot of an earlier run is looked for whatever the config expects of the profile', async () => {
  const asked: string[] = [];
  await pull(
    ['h:1'],
    { hasBaseline: ({ profile }) => asked.push(profile.name) > 0 },
    { isWanted: only('cpu', 'goroutines', 'mem') },
  );
  assert.deepEqual(asked.sort(), ['cpu', 'goroutines', 'mem']);
});

test('a profile that measures is requested once, at once', async () => {
  const { calls } = await pull(['h:1'], {}, { isWanted: only('cpu') });
  assert.deepEqual(calls, ['scrape /debug/pprof/profile?seconds=10', 'commit cpu']);
});

test('the state of now is taken together with the later snapshots', async () => {
  const { calls } = await pull(['h:1'], {}, { isWanted: only('mem', 'goroutines'), windowMs: 5000 });
  assert.ok(calls.indexOf('scrape /debug/pprof/goroutine') > calls.indexOf('sleep 5000'));
});

test('the state of now waits for nothing where no window is needed', async () => {
  const { calls } = await pull(['h:1'], {}, { isWanted: only('goroutines') });
  assert.deepEqual(calls, ['scrape /debug/pprof/goroutine', 'commit goroutines']);
});

test('there may be more profiles than a call takes arguments', async () => {
  const crowd = (...args: Parameters<typeof targetsFromGroups>) => {
    const found = targetsFromGroups(...args);
    return { ...found, targets: found.targets.flatMap((target) => Array.from({ length: 150_000 }, () => target)) };
  };
  const stopped = AbortSignal.abort();
  const { events } = await pull(['h:1'], { targetsFromGroups: crowd, signal: stopped }, { isWanted: only('mem') });
  const planned = events.find((event) => event.type === 'planned');
  assert.equal(planned?.plan.steps.length, 150_000);
});

test('a target that fails is an event and stops no other', async () => {
  const { events } = await pull(
    ['down:1', 'up:1'],
    {
      scrape: async (target) => {
        if (target.origin.hostname === 'down') throw new ScrapeError('CONNECTION_REFUSED', 'connection refused');
        return scrapedOf(target);
      },
    },
    { isWanted: only('goroutines') },
  );
  assert.deepEqual(typesOf(events).sort(), ['failed', 'finished', 'planned']);
});

test('a first snapshot that fails is the end of that target', async () => {
  let scrapes = 0;
  const { events } = await pull(
    ['h:1'],
    {
      scrape: async () => {
        scrapes += 1;
        throw new ScrapeError('TIMEOUT', 'timeout after 15s');
      },
    },
    { isWanted: only('mem') },
  );
  assert.equal(scrapes, 1);
  assert.deepEqual(typesOf(events), ['planned', 'failed']);
});

test('a first snapshot that cannot be kept is a failure of the write, not of the target', async () => {
  const { events, calls } = await pull(
    ['h:1'],
    {
      commitBaseline: () => {
        throw new StateError('STATE_FILE', 'disk full');
      },
    },
    { isWanted: only('mem') },
  );
  const failed = events.find((event) => event.type === 'failed');
  assert.equal(failed?.stage, 'write');
  assert.deepEqual(calls, ['scrape /debug/pprof/heap', 'revert mem']);
});

test('a sink that fails leaves the earlier baseline in force', async () => {
  const { calls, events } = await pull(
    ['h:1'],
    {
      hasBaseline: () => true,
      delta: () => OUTCOME,
      sinks: [
        {
          name: 'full',
          write: () => Promise.reject(new SinkError('ENOSPC', 'no space left on device')),
          close: async () => {},
        },
      ],
    },
    { isWanted: only('mem') },
  );
  assert.deepEqual(calls, ['scrape /debug/pprof/heap', 'revert mem']);
  const failure = events.find((event) => event.type === 'failed');
  assert.equal(failure?.type === 'failed' && failure.stage, 'write');
});

test('every sink gets the profile even where another fails', async () => {
  const seen: string[] = [];
  await pull(
    ['h:1'],
    {
      sinks: [
        { name: 'full', write: () => Promise.reject(new SinkError('ENOSPC', 'full')), close: async () => {} },
        {
          name: 'good',
          write: async () => {
            seen.push('good');
            return { path: undefined, bytes: 1 };
          },
          close: async () => {},
        },
      ],
    },
    { isWanted: only('goroutines') },
  );
  assert.deepEqual(seen, ['good']);
});

test('an empty delta is told, not written, and its baseline moves', async () => {
  const empty = { ...OUTCOME, samples: 0 };
  const { calls, events, written } = await pull(
    ['h:1'],
    { hasBaseline: () => true, delta: () => empty },
    { isWanted: only('mem') },
  );
  assert.deepEqual(typesOf(events), ['planned', 'empty']);
  assert.equal(written.length, 0);
  assert.ok(calls.includes('commit mem'));
});

test('--write-empty writes it', async () => {
  const empty = { ...OUTCOME, samples: 0 };
  const { written } = await pull(
    ['h:1'],
    { hasBaseline: () => true, delta: () => empty },
    { isWanted: only('mem'), writeEmpty: true },
  );
  assert.equal(written.length, 1);
});

test('two CPU profiles of one instance take turns, those of two instances do not', async () => {
  let running = 0;
  let most = 0;
  const byAddress = new Map<string, number>();
  await pull(
    ['h:1', 'h:1/admin', 'other:1'],
    {
      discover: async (job) => {
        // Two targets of one instance, which only a parameter tells apart.
        const [group, ...others] = groupsOf(job.discovery[0]);
        assert.ok(group);
        const again = { ...group, source: 'again', labels: new Map([...group.labels, ['__param_x', '1']]) };
        return { groups: [group, again, ...others], failures: [], warnings: [] };
      },
      scrape: async (target) => {
        const address = instanceAddressOf(target);
        const here = (byAddress.get(address) ?? 0) + 1;
        byAddress.set(address, here);
        assert.equal(here, 1, 'two at once at one address');
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        byAddress.set(address, here - 1);
        return scrapedOf(target);
      },
    },
    { isWanted: only('cpu') },
  );
  assert.equal(most, 3);
});

test('where profiles take turns, first snapshots come before what measures', async () => {
  const { calls } = await pull(
    ['h:1'],
    { targetsFromGroups: (job, ...rest) => targetsFromGroups({ ...job, isExclusive: true }, ...rest) },
    { isWanted: only('cpu', 'mem'), windowMs: 10_000 },
  );
  assert.deepEqual(
    calls.filter((call) => call.startsWith('scrape')),
    ['scrape /debug/pprof/heap', 'scrape /debug/pprof/profile?seconds=9', 'scrape /debug/pprof/heap'],
  );
});

test('a CPU profiler that someone else uses is asked again until the interval is over', async () => {
  let now = 0;
  let asked = 0;
  const { events } = await pull(
    ['h:1'],
    {
      now: () => now,
      sleep: async (ms) => {
        now += ms;
      },
      scrape: async (target) => {
        asked += 1;
        if (now < 3000) throw new ScrapeError('CPU_PROFILER_BUSY', 'another profiler is running a CPU profile');
        return scrapedOf(target);
      },
    },
    { isWanted: only('cpu') },
  );
  assert.equal(asked, 4);
  assert.deepEqual(typesOf(events), ['planned', 'finished']);
});

test('a CPU profiler that stays busy is a failure after one interval', async () => {
  let now = 0;
  let asked = 0;
  const { events } = await pull(
    ['h:1'],
    {
      now: () => now,
      sleep: async (ms) => {
        now += ms;
      },
      scrape: async () => {
        asked += 1;
        if (now > 60_000) throw new Error('asked for ever');
        throw new ScrapeError('CPU_PROFILER_BUSY', 'another profiler is running a CPU profile');
      },
    },
    { isWanted: only('cpu') },
  );
  assert.equal(asked, 11, 'at once, and each second of ten');
  assert.deepEqual(typesOf(events), ['planned', 'failed']);
});

test('no more than --concurrency requests at once, and one that waits for the target takes no place', async () => {
  let running = 0;
  let most = 0;
  await pull(
    ['a:1', 'b:1', 'c:1', 'd:1'],
    {
      scrape: async (target) => {
        if (target.seconds !== undefined) return scrapedOf(target);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return scrapedOf(target);
      },
    },
    { isWanted: only('goroutines', 'cpu'), concurrency: 3 },
  );
  assert.equal(most, 3);
});

test('a run that is stopped in its window ends without a failure and without a second scrape', async () => {
  const stop = new AbortController();
  const { calls, events } = await pull(
    ['h:1'],
    { signal: stop.signal, sleep: async () => stop.abort() },
    { isWanted: only('mem') },
  );
  assert.deepEqual(calls, ['scrape /debug/pprof/heap', 'commit mem']);
  assert.deepEqual(typesOf(events), ['planned']);
});

test('a discovery that fails is told, and the targets it still knows are scraped', async () => {
  const { events } = await pull(
    ['h:1'],
    {
      discover: async (job) => ({
        groups: groupsOf(job.discovery[0]),
        failures: [new DiscoveryError('FILE_UNREADABLE', 'targets.json: no such file')],
        warnings: ['group 2 has no targets'],
      }),
    },
    { isWanted: only('goroutines') },
  );
  assert.deepEqual(typesOf(events), ['discovery-failed', 'warning', 'planned', 'finished']);
});

test('a fault of ours is no event: it ends the run', async () => {
  await assert.rejects(
    pull(
      ['h:1'],
      {
        scrape: async () => {
          throw new TypeError('boom');
        },
      },
      { isWanted: only('goroutines') },
    ),
    (error) => !(error instanceof PyroPullError) && error instanceof TypeError,
  );
});

test("labels: the target's win over external labels, --label wins over both", async () => {
  const { written } = await pull(['h:1'], {}, { isWanted: only('goroutines') });
  const target = written[0]?.target;
  assert.ok(target);
  const labels = finalLabels(
    target,
    new Map([
      ['job', 'external'],
      ['cluster', 'eu-1'],
    ]),
    new Map([['instance', 'flag']]),
  );
  assert.deepEqual(
    [...labels],
    [
      ['__name__', 'h'],
      ['cluster', 'eu-1'],
      ['instance', 'flag'],
      ['job', 'cli'],
    ],
  );
});

/** Every target a text dump, as with `debug=2`. */
const asText: PullDeps['targetsFromGroups'] = (job, ...rest) =>
  targetsFromGroups({ ...job, params: new Map([['debug', ['2']]]) }, ...rest);

test('a text dump is asked for once, and written although it has no samples', async () => {
  const { calls, written } = await pull(
    ['h:1'],
    { targetsFromGroups: asText, delta: () => ({ ...OUTCOME, samples: 0 }) },
    { isWanted: only('mem') },
  );
  assert.deepEqual(calls, ['scrape /debug/pprof/heap?debug=2', 'commit mem']);
  assert.equal(written.length, 1);
});

test('a text dump goes to no server, and fails where there are only servers', async () => {
  const sent: string[] = [];
  const server = {
    name: 'server',
    takesText: false,
    write: async ({ target }: FinishedProfile) => {
      sent.push(target.profile.name);
      return { path: undefined, bytes: 1 };
    },
    close: async () => {},
  };
  const files = { name: 'files', write: async () => ({ path: 'x.txt.gz', bytes: 1 }), close: async () => {} };
  const world = { targetsFromGroups: asText, delta: () => OUTCOME };
  const both = await pull(['h:1'], { ...world, sinks: [server, files] }, { isWanted: only('mem', 'cpu') });
  assert.deepEqual(sent, ['cpu']);
  assert.deepEqual(typesOf(both.events), ['planned', 'finished', 'finished']);
  const { events } = await pull(['h:1'], { ...world, sinks: [server] }, { isWanted: only('mem') });
  const failed = events.find((event) => event.type === 'failed');
  assert.equal(failed?.error.code, 'TEXT_NEEDS_FILES');
});
