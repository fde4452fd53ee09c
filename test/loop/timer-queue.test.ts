import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type LoopClock, type Timer, TimerQueue } from '../../src/loop/timer-queue.ts';
import { FakeLoopClock } from '../support/fake-loop-clock.ts';

function createTimer(run: () => void): Timer {
  return { place: -1, run };
}

function queueOf(clock: FakeLoopClock, onJump: () => void = () => {}) {
  const ran: string[] = [];
  const queue = new TimerQueue(clock, onJump);
  const startMs = clock.now();
  const timer = (name: string): Timer => createTimer(() => ran.push(`${name} ${clock.now() - startMs}`));
  return { queue, ran, timer, startMs };
}

test('timers run at their times, in order', async () => {
  const clock = new FakeLoopClock();
  const { queue, ran, timer, startMs } = queueOf(clock);
  for (const [name, at] of [
    ['c', 5_000],
    ['a', 100],
    ['b', 2_500],
  ] as const)
    queue.put(timer(name), startMs + at);
  await clock.advance(10_000);
  assert.deepEqual(ran, ['a 100', 'b 2500', 'c 5000']);
  assert.equal(clock.hasTimer, false, 'an empty queue has no system timer');
});

test('a timer that is put again runs at the new time only', async () => {
  const clock = new FakeLoopClock();
  const { queue, ran, timer, startMs } = queueOf(clock);
  const one = timer('one');
  queue.put(one, startMs + 100);
  queue.put(one, startMs + 300);
  await clock.advance(1_000);
  assert.deepEqual(ran, ['one 300']);
});

test('a removed timer does not run', async () => {
  const clock = new FakeLoopClock();
  const { queue, ran, timer, startMs } = queueOf(clock);
  const [one, two] = [timer('one'), timer('two')];
  queue.put(one, startMs + 100);
  queue.put(two, startMs + 200);
  queue.remove(one);
  queue.remove(one);
  await clock.advance(1_000);
  assert.deepEqual(ran, ['two 200']);
});

test('what is due already runs at once', async () => {
  const clock = new FakeLoopClock();
  const { queue, ran, timer, startMs } = queueOf(clock);
  queue.put(timer('late'), startMs - 5_000);
  await clock.advance(1);
  assert.deepEqual(ran, ['late 0']);
});

test('a jump of the wall clock is told within a second, drift is not', async () => {
  const clock = new FakeLoopClock();
  const jumps: number[] = [];
  const startMs = clock.now();
  const { queue, timer } = queueOf(clock, () => jumps.push(clock.now() - startMs));
  queue.put(timer('far'), startMs + 3_600_000);
  for (let second = 0; second < 60; second++) {
    clock.jump(20);
    await clock.advance(1_000);
  }
  assert.deepEqual(jumps, []);
  clock.jump(-7_200_000);
  await clock.advance(1_000);
  assert.equal(jumps.length, 1);
});

test('one system timer serves all', () => {
  const clock = new FakeLoopClock();
  let open = 0;
  const counting: LoopClock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    schedule: () => {
      open += 1;
      return () => {
        open -= 1;
      };
    },
  };
  const queue = new TimerQueue(counting, () => {});
  for (let at = 1_000; at > 0; at--)
    queue.put(
      createTimer(() => {}),
      clock.now() + at,
    );
  assert.equal(open, 1);
  queue.clear();
  assert.equal(open, 0);
  assert.equal(queue.size, 0);
});

test('any mix of puts and removals runs what is left, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ at: fc.nat(900), again: fc.option(fc.nat(900)), isRemoved: fc.boolean() })),
      async (rows) => {
        const clock = new FakeLoopClock();
        const queue = new TimerQueue(clock, () => {});
        const startMs = clock.now();
        const ran: number[] = [];
        const timers = rows.map((row) => {
          const timer = createTimer(() => ran.push(clock.now() - startMs));
          queue.put(timer, startMs + row.at);
          return timer;
        });
        const expected: number[] = [];
        for (const [index, { at, again, isRemoved }] of rows.entries()) {
          const timer = timers[index];
          assert.ok(timer);
          if (again !== null) queue.put(timer, startMs + again);
          if (isRemoved) queue.remove(timer);
          else expected.push(again ?? at);
        }
        for (let ms = 0; ms <= 1_000 && queue.size > 0; ms++) await clock.advance(1);
        // Early by less than a millisecond is allowed, so compare to that.
        assert.equal(ran.length, expected.length);
        for (const [index, at] of expected.sort((a, b) => a - b).entries()) {
          assert.ok(Math.abs((ran[index] ?? Number.NaN) - at) <= 1, `${ran} for ${expected}`);
        }
      },
    ),
    { numRuns: 20 },
  );
});
