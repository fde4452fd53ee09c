import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscoveryError, ScrapeError, SinkError } from '../../src/errors.ts';
import { gridOf, slotFrom } from '../../src/loop/slot.ts';
import { adHocConfig } from '../../src/targets/ad-hoc-job.ts';
import { settled } from '../support/fake-loop-clock.ts';
import { LoopWorld } from '../support/loop-world.ts';

const refused = new ScrapeError('CONNECTION_REFUSED', 'connection refused');
const notFound = new ScrapeError('PROFILE_NOT_FOUND', 'HTTP 404');
const busy = new ScrapeError('CPU_PROFILER_BUSY', 'HTTP 500: already in use');

const gaps = (times: readonly number[]) => times.slice(1).map((at, index) => at - (times[index] ?? 0));

test('a target is scraped in its slot, every interval, without drift', async () => {
  const world = new LoopWorld();
  await world.start();
  await world.clock.advance(60_000);
  const target = world.loop.jobs()[0]?.targets[0]?.target;
  assert.ok(target);
  const first = slotFrom(gridOf(target), world.startMs);
  assert.deepEqual(
    world.requests.map(({ atMs }) => atMs - first),
    [0, 10_000, 20_000, 30_000, 40_000, 50_000],
  );
});

test('targets are spread over the interval', async () => {
  const world = new LoopWorld();
  await world.start(Array.from({ length: 100 }, (_, index) => `h:${index + 1}`));
  await world.clock.advance(10_000);
  const seconds = new Set(world.requests.map(({ atMs }) => Math.floor((atMs - world.startMs) / 1000)));
  assert.equal(world.requests.length, 100);
  assert.equal(seconds.size, 10);
});

test('a slow scrape never overlaps itself, shifts no other, and what it misses is counted', async () => {
  const world = new LoopWorld();
  world.takesMs = ({ origin }) => (origin.hostname === 'slow' ? 34_000 : 10);
  await world.start(['slow:1', 'quick:1']);
  await world.clock.advance(100_000);
  const slow = world.requests.filter(({ address }) => address === 'slow:1').map(({ atMs }) => atMs);
  const quick = world.requests.filter(({ address }) => address === 'quick:1').map(({ atMs }) => atMs);
  assert.deepEqual(gaps(slow), [40_000, 40_000]);
  assert.ok(gaps(quick).every((gap) => gap === 10_000));
  assert.deepEqual(
    world.eventsOf('missed').map(({ slots }) => slots),
    [3, 3],
  );
  const view = world.loop.jobs()[0]?.targets.find(({ target }) => target.origin.hostname === 'slow');
  assert.equal(view?.missedSlots, 6);
});

test('concurrency is bounded, in the order of the slots', async () => {
  const world = new LoopWorld({ concurrency: 1 });
  world.takesMs = () => 1_500;
  await world.start(['a:1', 'b:1', 'c:1', 'd:1', 'e:1']);
  const views = world.loop.jobs()[0]?.targets ?? [];
  const inOrder = [...views].sort((a, b) => (a.nextSlotMs ?? 0) - (b.nextSlotMs ?? 0));
  await world.clock.advance(20_000);
  const first = world.requests.slice(0, 5);
  assert.deepEqual(
    first.map(({ address }) => address),
    inOrder.map(({ target }) => `${target.origin.hostname}:1`),
  );
  assert.ok(gaps(world.requests.map(({ atMs }) => atMs)).every((gap) => gap >= 1_500));
  assert.ok(world.eventsOf('round').some(({ latenessMs = 0 }) => latenessMs > 0));
});

test('two CPU profiles of one address take turns, also those of two jobs', async () => {
  const config = adHocConfig(['h:1']);
  const [job] = config.scrapeConfigs;
  assert.ok(job);
  const two = { ...config, scrapeConfigs: [job, { ...job, jobName: 'other' }] };
  const world = new LoopWorld({ profiles: ['cpu'], config: two });
  let running = 0;
  world.takesMs = ({ profile }) => {
    if (profile.name === 'cpu') running += 1;
    assert.equal(running, 1);
    return 4_000;
  };
  world.fails = () => {
    running -= 1;
    return undefined;
  };
  world.discovery.update('other', ['h:1']);
  await world.start(['h:1']);
  await world.clock.advance(35_000);
  assert.ok(world.requests.length >= 5, `${world.requests.length} requests`);
});

test('a failure is told once, the way back with the number of failures', async () => {
  const world = new LoopWorld();
  let isDown = true;
  world.fails = () => (isDown ? refused : undefined);
  await world.start();
  await world.clock.advance(30_000);
  assert.equal(world.eventsOf('down').length, 1);
  assert.equal(world.eventsOf('failed').length, 3);
  assert.equal(world.loop.jobs()[0]?.targets[0]?.health, 'down');
  const { code, message, hint } = refused;
  assert.deepEqual(world.loop.jobs()[0]?.targets[0]?.lastError, { code, message, hint });
  assert.deepEqual(world.calls.filter((call) => call === 'failed mem').length, 3);
  isDown = false;
  await world.clock.advance(20_000);
  assert.deepEqual(
    world.eventsOf('up').map(({ failures, downMs }) => ({ failures, downMs })),
    [{ failures: 3, downMs: 30_000 }],
  );
  assert.equal(world.loop.jobs()[0]?.targets[0]?.health, 'up');
  assert.equal(world.loop.jobs()[0]?.targets[0]?.lastError, undefined);
});

test('a profile that the target does not have is asked for ever more rarely and told once', async () => {
  const world = new LoopWorld();
  world.fails = () => notFound;
  await world.start();
  await world.clock.advance(3_600_000);
  assert.deepEqual(
    gaps(world.requests.map(({ atMs }) => atMs)).slice(0, 8),
    [20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000, 600_000],
  );
  assert.equal(world.eventsOf('absent').length, 1);
  assert.equal(world.eventsOf('down').length, 0);
  assert.equal(world.eventsOf('missed').length, 0);
  assert.equal(world.loop.jobs()[0]?.targets[0]?.health, 'absent');
});

test('once it is there it is scraped at every slot', async () => {
  const world = new LoopWorld();
  world.fails = () => notFound;
  await world.start();
  await world.clock.advance(60_000);
  world.fails = () => undefined;
  await world.clock.advance(80_000);
  const last = gaps(world.requests.map(({ atMs }) => atMs)).slice(-3);
  assert.deepEqual(last, [10_000, 10_000, 10_000]);
});

test('a CPU profiler in use is asked again while its slot has time for the whole profile', async () => {
  const config = adHocConfig(['h:1']);
  const [job] = config.scrapeConfigs;
  assert.ok(job);
  const slow = { ...config, scrapeConfigs: [{ ...job, scrapeIntervalMs: 15_000 }] };
  const world = new LoopWorld({ profiles: ['cpu'], config: slow });
  world.takesMs = () => 0;
  world.fails = () => busy;
  await world.start();
  await world.clock.advance(29_000);
  const first = world.requests[0]?.atMs ?? 0;
  const inSlot = world.requests.filter(({ atMs }) => atMs < first + 15_000);
  assert.deepEqual(
    inSlot.map(({ atMs }) => atMs - first),
    [0, 1_000, 2_000, 3_000, 4_000, 5_000],
  );
  assert.equal(world.eventsOf('failed').length > 0, true);
});

test('a result that no sink takes leaves the target up', async () => {
  const write = () => Promise.reject(new SinkError('NO_SPACE', 'no space left'));
  const world = new LoopWorld({}, { sinks: [{ name: 'full', write, close: async () => {} }] });
  await world.start();
  await world.clock.advance(10_000);
  const view = world.loop.jobs()[0]?.targets[0];
  assert.equal(view?.health, 'up');
  assert.equal(view?.lastError?.code, 'NO_SPACE');
  assert.deepEqual(
    world.eventsOf('round').map(({ outcome }) => outcome),
    ['unwritten'],
  );
});

test('a fault of ours is told and the loop goes on', async () => {
  const world = new LoopWorld();
  world.fails = () => new TypeError('oops');
  await world.start();
  await world.clock.advance(30_000);
  assert.equal(world.eventsOf('fault').length, 3);
  assert.equal(world.requests.length, 3);
});

test('an earlier snapshot is looked for once, just before the first scrape', async () => {
  const world = new LoopWorld();
  await world.start();
  assert.deepEqual(world.calls, []);
  await world.clock.advance(50_000);
  assert.deepEqual(world.calls, ['restore mem']);
});

test('discovery adds, keeps and removes targets', async () => {
  const world = new LoopWorld();
  await world.start(['a:1', 'b:1']);
  await world.clock.advance(15_000);
  world.discovery.update('cli', ['b:1', 'c:1']);
  await settled();
  const before = world.requests.length;
  await world.clock.advance(20_000);
  const after = world.requests.slice(before).map(({ address }) => address);
  assert.deepEqual([...new Set(after)].sort(), ['b:1', 'c:1']);
  const ofB = world.requests.filter(({ address }) => address === 'b:1').map(({ atMs }) => atMs);
  assert.ok(
    gaps(ofB).every((gap) => gap === 10_000),
    'the target that stayed kept its phase',
  );
  assert.deepEqual(
    world.eventsOf('targets-changed').map(({ added, removed, total }) => [added, removed, total]),
    [
      [2, 0, 2],
      [1, 1, 2],
    ],
  );
  assert.ok(world.calls.includes('forget mem'));
});

test('a target that vanishes during its scrape may end it, and its failure is not told', async () => {
  const world = new LoopWorld();
  world.takesMs = () => 5_000;
  world.fails = () => refused;
  await world.start();
  while (world.requests.length === 0) await world.clock.advance(100);
  world.discovery.update('cli', []);
  await settled();
  assert.ok(!world.calls.includes('forget mem'), 'not while it is scraped');
  await world.clock.advance(60_000);
  assert.equal(world.requests.length, 1);
  assert.equal(world.eventsOf('failed').length, 0);
  assert.ok(world.calls.includes('forget mem'));
});

test('a target that comes back during its last scrape goes on', async () => {
  const world = new LoopWorld();
  world.takesMs = () => 5_000;
  await world.start();
  while (world.requests.length === 0) await world.clock.advance(100);
  world.discovery.update('cli', []);
  await settled();
  world.discovery.update('cli', ['h:1']);
  await world.clock.advance(30_000);
  assert.deepEqual(gaps(world.requests.map(({ atMs }) => atMs)), [10_000, 10_000, 10_000]);
  assert.ok(!world.calls.includes('forget mem'));
});

test('a discovery failure is told when it is new, and when it is over', async () => {
  const world = new LoopWorld();
  const failures = [new DiscoveryError('SD_FILE', 'no such file')];
  await world.start();
  world.discovery.update('cli', ['h:1'], { failures });
  await settled();
  world.discovery.update('cli', ['h:1', 'h:2'], { failures });
  await settled();
  assert.equal(world.eventsOf('discovery-failed').length, 1);
  assert.equal(world.loop.jobs()[0]?.discoveryFailures.length, 1);
  world.discovery.update('cli', ['h:1']);
  await settled();
  assert.equal(world.eventsOf('discovery-recovered').length, 1);
});

for (const [name, ms] of [
  ['forward', 3_603_000],
  ['back', -3_603_000],
] as const) {
  test(`after the wall clock was set ${name}, scrapes are on the grid again and nothing was missed`, async () => {
    const world = new LoopWorld();
    await world.start();
    await world.clock.advance(25_000);
    world.clock.jump(ms);
    await world.clock.advance(1_000);
    const before = world.requests.length;
    await world.clock.advance(30_000);
    const target = world.loop.jobs()[0]?.targets[0]?.target;
    assert.ok(target);
    const { phaseMs } = gridOf(target);
    const later = world.requests.slice(before).map(({ atMs }) => atMs);
    assert.equal(later.length, 3);
    assert.ok(
      later.every((at) => at % 10_000 === phaseMs),
      `${later} with phase ${phaseMs}`,
    );
    assert.equal(world.eventsOf('missed').length, 0);
    assert.equal(world.eventsOf('clock-jumped').length, 1);
  });
}

test('a reload keeps targets that did not change: phase, state, health', async () => {
  const world = new LoopWorld();
  await world.start();
  await world.clock.advance(25_000);
  world.loop.apply({ ...world.settings, config: structuredCopy(world) });
  await world.clock.advance(30_000);
  assert.ok(gaps(world.requests.map(({ atMs }) => atMs)).every((gap) => gap === 10_000));
  assert.ok(!world.calls.includes('forget mem'));
  assert.equal(world.calls.filter((call) => call === 'restore mem').length, 1);
});

test('a reload with another interval moves a target to its new grid and keeps its baseline', async () => {
  const world = new LoopWorld();
  await world.start();
  await world.clock.advance(25_000);
  const config = structuredCopy(world);
  const before = world.requests.length;
  const scrapeConfigs = config.scrapeConfigs.map((job) => ({ ...job, scrapeIntervalMs: 5_000 }));
  world.loop.apply({ ...world.settings, config: { ...config, scrapeConfigs } });
  await world.clock.advance(30_000);
  assert.ok(gaps(world.requests.slice(before).map(({ atMs }) => atMs)).every((gap) => gap === 5_000));
  assert.ok(!world.calls.includes('forget mem'));
});

test('a reload without a job ends its targets', async () => {
  const world = new LoopWorld();
  await world.start();
  await world.clock.advance(25_000);
  const before = world.requests.length;
  world.loop.apply({ ...world.settings, config: { ...world.settings.config, scrapeConfigs: [] } });
  await world.clock.advance(30_000);
  assert.equal(world.requests.length, before);
  assert.ok(world.calls.includes('forget mem'));
  assert.deepEqual(world.loop.jobs(), []);
});

test('stopping starts nothing, and waits for what is under way', async () => {
  const world = new LoopWorld();
  world.takesMs = () => 5_000;
  await world.start(['a:1', 'b:1']);
  while (world.requests.length === 0) await world.clock.advance(100);
  let isStopped = false;
  const begun = world.requests.length;
  const stopping = world.loop.stop(10_000).then(() => {
    isStopped = true;
  });
  await world.clock.advance(4_000);
  assert.equal(isStopped, false);
  await world.clock.advance(1_500);
  await stopping;
  assert.equal(world.requests.length, begun);
  assert.equal(world.eventsOf('finished').length, begun);
});

test('after the grace period what is under way is cut off, which is no failure', async () => {
  const world = new LoopWorld();
  world.takesMs = () => 60_000;
  world.fails = () => new ScrapeError('CANCELLED', 'cancelled');
  await world.start();
  while (world.requests.length === 0) await world.clock.advance(100);
  const stopping = world.loop.stop(10_000);
  await world.clock.advance(10_100);
  await stopping;
  assert.equal(world.eventsOf('failed').length, 0);
  assert.deepEqual(
    world.eventsOf('round').map(({ outcome }) => outcome),
    ['cancelled'],
  );
});

/** The same config as read again: equal, but no object the same. */
function structuredCopy({ settings: { config } }: LoopWorld) {
  return {
    ...config,
    scrapeConfigs: config.scrapeConfigs.map((job) => ({ ...job, discovery: structuredClone(job.discovery) })),
  };
}

test('a sample of a fleet rotates by itself, and who leaves it is forgotten', async () => {
  const config = adHocConfig(['h:1']);
  const sample = { type: 'count', count: 5, rotateEveryMs: 3_600_000 } as const;
  const sampled = { ...config, scrapeConfigs: config.scrapeConfigs.map((job) => ({ ...job, sample })) };
  const world = new LoopWorld({ config: sampled });
  const chosen = () => new Set(world.loop.jobs()[0]?.targets.map(({ target }) => target.origin.hostname));
  await world.start(Array.from({ length: 50 }, (_, index) => `h${index}:1`));
  const before = chosen();
  assert.equal(before.size, 5);
  assert.equal(world.loop.jobs()[0]?.droppedCount, 45);
  await world.clock.advance(3_600_000);
  const after = chosen();
  assert.equal(after.size, 5);
  assert.ok([...before].filter((host) => after.has(host)).length <= 2);
  assert.ok(world.calls.filter((call) => call === 'forget mem').length >= 3);
  await world.loop.stop(0);
  assert.equal(world.clock.hasTimer, false);
});

test('how long a target was down does not change with the wall clock, and neither does its lateness', async () => {
  const world = new LoopWorld();
  let isDown = true;
  world.fails = () => (isDown ? refused : undefined);
  await world.start();
  await world.clock.advance(30_000);
  world.clock.jump(-3_600_000);
  isDown = false;
  await world.clock.advance(20_000);
  const [up] = world.eventsOf('up');
  assert.ok(up !== undefined && up.downMs >= 20_000 && up.downMs <= 40_000, `down for ${up?.downMs} ms`);
  for (const { latenessMs } of world.eventsOf('round')) assert.ok(latenessMs === undefined || latenessMs >= 0);
});
