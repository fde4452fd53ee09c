import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { backoffMs } from '../../src/sinks/queue/backoff.ts';
import type { Verdict } from '../../src/sinks/queue/verdict.ts';
import { ACCEPTED, DOWN, labelsOf, metaOf, startDelivery, until } from '../support/queue-fixtures.ts';

const body = (text: string) => Buffer.from(text);
const metaFor = (instance: string, text: string) =>
  metaOf({ labels: labelsOf(instance), bytes: Buffer.byteLength(text) });

test('an accepted profile leaves the disk', async (t) => {
  const { delivery, events, files } = await startDelivery(t, () => ACCEPTED);
  await delivery.add(metaFor('a', 'one'), body('one'));
  await until(() => delivery.stats.accepted === 1 && delivery.stats.inFlight === 0);
  assert.deepEqual(await files(), ['corrupt', 'rejected']);
  assert.deepEqual(
    events.map((event) => event.type),
    ['accepted'],
  );
  assert.equal(delivery.stats.queuedBytes, 0);
});

test('a series is delivered in order, also across failures; others go on meanwhile', async (t) => {
  const { delivery, clock, tried } = await startDelivery(t, (meta, number) =>
    meta.labels.get('instance') === 'a' && number <= 3 ? DOWN : ACCEPTED,
  );
  await delivery.add(metaFor('a', 'a1'), body('a1'));
  await delivery.add(metaFor('a', 'a2'), body('a2'));
  await delivery.add(metaFor('b', 'b1'), body('b1'));
  await until(() => delivery.stats.accepted === 1);
  while (delivery.stats.queued > 0) {
    clock.advance(clock.nextIn ?? 0);
    await until(() => delivery.stats.inFlight === 0);
  }
  const ofA = tried.filter((text) => text.startsWith('a'));
  assert.ok(ofA.filter((text) => text === 'a1').length >= 3);
  assert.equal(ofA.indexOf('a2'), ofA.length - 1, 'the later profile went once, after the earlier one');
  assert.equal(delivery.stats.accepted, 3);
});

test('at most max-in-flight are on their way, and one of a series', async (t) => {
  let now = 0;
  let most = 0;
  const seen = new Set<string>();
  let release = () => {};
  const allQueued = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { delivery } = await startDelivery(
    t,
    async (meta) => {
      const instance = meta.labels.get('instance') ?? '';
      assert.ok(!seen.has(instance), `${instance} twice at once`);
      seen.add(instance);
      most = Math.max(most, ++now);
      await allQueued;
      now -= 1;
      seen.delete(instance);
      return ACCEPTED;
    },
    { maxInFlight: 3 },
  );
  for (let index = 0; index < 40; index++) await delivery.add(metaFor(`i${index % 5}`, 'x'), body('x'));
  release();
  await delivery.flush(10_000);
  assert.equal(delivery.stats.accepted, 40);
  assert.equal(most, 3);
});

for (const setByMs of [-3_600_000, 3_600_000]) {
  test(`a wall clock that is set by ${setByMs} ms holds up nothing and hurries nothing`, async (t) => {
    const { delivery, clock, tried } = await startDelivery(t, (_meta, number) => (number <= 5 ? DOWN : ACCEPTED));
    clock.chance = 0.999;
    for (let index = 0; index < 5; index++) await delivery.add(metaFor(`i${index}`, `${index}`), body(`${index}`));
    await until(() => delivery.stats.inFlight === 0);
    assert.equal(delivery.stats.gate, 'closed');
    clock.setByMs = setByMs;
    await delivery.add(metaFor('j', 'j'), body('j'));
    await until(() => delivery.stats.inFlight === 0);
    assert.equal(tried.length, 5, 'it is still let alone');
    clock.advance(60_000);
    await until(() => delivery.stats.queued === 0);
    assert.equal(delivery.stats.accepted, 6);
  });
}

test('a dead remote is let alone: five failures, then one probe at a time, ever further apart', async (t) => {
  let isDown = true;
  const { delivery, clock, tried, events } = await startDelivery(t, () => (isDown ? DOWN : ACCEPTED));
  clock.chance = 0.999;
  for (let index = 0; index < 20; index++) await delivery.add(metaFor(`i${index}`, `${index}`), body(`${index}`));
  await until(() => delivery.stats.inFlight === 0);
  const atOnce = tried.length;
  assert.ok(atOnce >= 5 && atOnce <= 8, `${atOnce} attempts before it was let alone`);
  const probes: number[] = [];
  for (let round = 0; round < 5; round++) {
    const before = tried.length;
    const startedMs = clock.nowMs;
    while (tried.length === before) {
      clock.advance(clock.nextIn ?? 0);
      await until(() => delivery.stats.inFlight === 0);
    }
    assert.equal(tried.length, before + 1);
    probes.push(Math.round((clock.nowMs - startedMs) / 100) * 100);
  }
  assert.deepEqual(probes, [500, 1000, 2000, 4000, 8000]);
  assert.deepEqual(events.filter((event) => event.type === 'unavailable').length, 1);
  isDown = false;
  while (delivery.stats.accepted === 0) {
    clock.advance(clock.nextIn ?? 0);
    await until(() => delivery.stats.accepted > 0 || delivery.stats.inFlight === 0);
  }
  // Those that wait out their own backoff are woken: no clock is needed from here.
  await until(() => delivery.stats.accepted === 20);
  assert.equal(events.filter((event) => event.type === 'available').length, 1);
});

test('a profile that fails waits twice as long each time, up to max-backoff', async (t) => {
  const { delivery, clock, events } = await startDelivery(t, () => DOWN, { backoff: { minMs: 500, maxMs: 2_500 } });
  clock.chance = 1;
  await delivery.add(metaFor('a', 'a'), body('a'));
  for (let failures = 1; failures < 5; failures++) {
    await until(() => delivery.stats.retries === failures && delivery.stats.inFlight === 0);
    clock.advance(clock.nextIn ?? 0);
  }
  const waits = events.map((event) => (event.type === 'retrying' ? event.waitMs : undefined));
  assert.deepEqual(waits.slice(0, 4), [500, 1_000, 2_000, 2_500]);
});

test('backoff has full jitter: anything from 0 to its limit', () => {
  const backoff = { minMs: 500, maxMs: 300_000 };
  const at = (failures: number, chance: number) => backoffMs(failures, backoff, () => chance);
  assert.deepEqual([at(1, 0), at(1, 0.5), at(3, 0.5), at(20, 0.5), at(10_000, 1)], [0, 250, 1_000, 150_000, 300_000]);
});

test('Retry-After holds for the whole remote', async (t) => {
  let isBusy = true;
  const busy: Verdict = { type: 'unavailable', answer: 'HTTP 429', retryAfterMs: 30_000 };
  const { delivery, clock, tried } = await startDelivery(t, () => (isBusy ? busy : ACCEPTED), { maxInFlight: 1 });
  await delivery.add(metaFor('a', 'a'), body('a'));
  await until(() => delivery.stats.inFlight === 0);
  await delivery.add(metaFor('b', 'b'), body('b'));
  isBusy = false;
  clock.advance(29_999);
  assert.deepEqual(tried, ['a']);
  clock.advance(1);
  await until(() => delivery.stats.accepted === 2);
});

test('an answer that asks to wait is no news by itself; the next failure is', async (t) => {
  let answers: Verdict[] = [];
  const busy: Verdict = { type: 'unavailable', answer: 'HTTP 503', retryAfterMs: 1_000 };
  const { delivery, clock, events } = await startDelivery(t, () => answers.shift() ?? ACCEPTED, { maxInFlight: 1 });
  const news = () => events.map(({ type }) => type).filter((type) => type === 'unavailable' || type === 'available');
  const deliver = async (text: string, ...failures: Verdict[]) => {
    answers = failures;
    const accepted = delivery.stats.accepted;
    await delivery.add(metaFor('a', text), body(text));
    await until(() => delivery.stats.inFlight === 0);
    while (delivery.stats.accepted === accepted) {
      clock.advance(clock.nextIn ?? 0);
      await until(() => delivery.stats.inFlight === 0);
    }
  };
  await deliver('one', busy);
  assert.deepEqual(news(), []);
  await deliver('two', busy, busy);
  assert.deepEqual(news(), ['unavailable', 'available']);
});

for (const [what, retryAfterMs] of [
  ['for long is news at once', 60_000],
  ['a moment is news at the end of a run that it leaves something of', 2_000],
] as const) {
  test(`an answer that asks to wait ${what}`, async (t) => {
    const { delivery, events } = await startDelivery(t, () => ({
      type: 'unavailable',
      answer: 'HTTP 503',
      retryAfterMs,
    }));
    await delivery.add(metaFor('a', 'a'), body('a'));
    await until(() => delivery.stats.retries === 1 && delivery.stats.inFlight === 0);
    const told = () => events.filter(({ type }) => type === 'unavailable').length;
    assert.equal(told(), retryAfterMs === 60_000 ? 1 : 0);
    await delivery.flush(1_000);
    assert.equal(told(), 1);
  });
}

test('what the remote refuses goes to rejected/ with its words, and comes back on demand', async (t) => {
  let isMended = false;
  const refusal: Verdict = { type: 'rejected', answer: 'HTTP 400: no' };
  const { delivery, dir, events } = await startDelivery(t, () => (isMended ? ACCEPTED : refusal));
  await delivery.add(metaFor('a', 'a1'), body('a1'));
  await delivery.add(metaFor('a', 'a2'), body('a2'));
  await until(() => delivery.stats.rejected === 2 && delivery.stats.inFlight === 0);
  assert.equal((await readdir(join(dir, 'rejected'))).length, 4);
  assert.ok(events.every((event) => event.type === 'rejected' && event.answer === 'HTTP 400: no'));
  isMended = true;
  assert.equal(await delivery.retryRejected(), 2);
  await delivery.flush(10_000);
  assert.equal(delivery.stats.accepted, 2);
  assert.deepEqual(await readdir(join(dir, 'rejected')), []);
});

test('a doubtful profile is tried a bounded number of times, also across runs', async (t) => {
  const doubtful: Verdict = { type: 'doubtful', answer: 'HTTP 422', maxAttempts: 3, retryAfterMs: undefined };
  const first = await startDelivery(t, () => doubtful);
  await first.delivery.add(metaFor('a', 'a'), body('a'));
  await until(() => first.delivery.stats.retries === 1 && first.delivery.stats.inFlight === 0);
  await first.delivery.close();
  const second = await startDelivery(t, () => doubtful, { dir: first.dir });
  await until(() => second.delivery.stats.inFlight === 0);
  assert.deepEqual(second.tried, ['a']);
  second.clock.advance(second.clock.nextIn ?? 0);
  await until(() => second.delivery.stats.rejected === 1);
  assert.deepEqual(second.tried, ['a', 'a']);
});

test('wrong credentials pause the remote, once and loudly, and keep the queue', async (t) => {
  let isMended = false;
  const wrong: Verdict = { type: 'misconfigured', answer: 'HTTP 401' };
  const { delivery, clock, tried, events } = await startDelivery(t, () => (isMended ? ACCEPTED : wrong), {
    maxInFlight: 1,
  });
  for (const name of ['a', 'b', 'c']) await delivery.add(metaFor(name, name), body(name));
  await delivery.flush(30_000);
  assert.equal(tried.length, 1);
  assert.equal(delivery.stats.queued, 3);
  clock.advance(300_000);
  await until(() => delivery.stats.inFlight === 0);
  assert.equal(tried.length, 2);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['misconfigured'],
  );
  isMended = true;
  clock.advance(300_000);
  await until(() => delivery.stats.accepted === 3);
});

test('over max-bytes the oldest fall out, rejected ones first', async (t) => {
  const refusal: Verdict = { type: 'rejected', answer: 'no' };
  const answers = new Map<string, Verdict>([['r', refusal]]);
  const { delivery, events } = await startDelivery(
    t,
    (meta) => answers.get(meta.labels.get('instance') ?? '') ?? DOWN,
    {
      maxBytes: 40_000,
    },
  );
  const big = 'x'.repeat(10_000);
  await delivery.add(metaFor('r', big), body(big));
  await until(() => delivery.stats.rejected === 1);
  const added = [];
  for (const name of ['a', 'b', 'c', 'd', 'e']) added.push(await delivery.add(metaFor(name, big), body(big)));
  await until(() => delivery.stats.inFlight === 0);
  const dropped = events.filter((event) => event.type === 'dropped');
  assert.deepEqual(
    dropped.map(({ isRejected, bound }) => ({ isRejected, bound })),
    [true, false, false].map((isRejected) => ({ isRejected, bound: 'max-bytes' })),
  );
  assert.ok(delivery.stats.queuedBytes <= 40_000);
  assert.equal(delivery.stats.queued, 3);
  const names = dropped.map(({ name }) => name);
  assert.ok(!names.includes(added.at(-1)?.name ?? ''), 'the newest stays');
});

test('over max-age the oldest fall out', async (t) => {
  const { delivery, clock, events } = await startDelivery(t, () => DOWN, { maxAgeMs: 60_000 });
  await delivery.add(metaFor('a', 'a'), body('a'));
  clock.nowMs += 50_000;
  await delivery.add(metaFor('b', 'b'), body('b'));
  clock.nowMs += 20_000;
  await delivery.add(metaFor('c', 'c'), body('c'));
  await until(() => delivery.stats.dropped === 1 && delivery.stats.inFlight === 0);
  assert.deepEqual(
    events.filter(({ type }) => type === 'dropped').map((event) => 'bound' in event && event.bound),
    ['max-age'],
  );
  assert.equal(delivery.stats.queued, 2);
});

test('a corrupt entry is set aside with one warning and stops nothing', async (t) => {
  const first = await startDelivery(t, () => DOWN);
  const spoilt = await first.delivery.add(metaFor('a', 'a1'), body('a1'));
  await first.delivery.add(metaFor('a', 'a2'), body('a2'));
  await first.delivery.close();
  await writeFile(join(first.dir, `${spoilt.name}.pb.gz`), 'something else');
  const { delivery, tried, events } = await startDelivery(t, () => ACCEPTED, { dir: first.dir });
  await delivery.flush(10_000);
  assert.deepEqual(tried, ['a2']);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['corrupt', 'accepted'],
  );
  assert.equal(delivery.stats.corrupt, 1);
});

test('flush stops at its deadline, cuts off what is on its way, and leaves all on disk', async (t) => {
  let signal: AbortSignal | undefined;
  const first = await startDelivery(t, async (_meta, _number, given) => {
    signal = given;
    await new Promise((resolve) => given.addEventListener('abort', resolve));
    return DOWN;
  });
  await first.delivery.add(metaFor('a', 'a1'), body('a1'));
  await first.delivery.add(metaFor('a', 'a2'), body('a2'));
  const flushed = first.delivery.flush(30_000);
  await until(() => first.tried.length === 1);
  first.clock.advance(29_999);
  assert.equal(signal?.aborted, false);
  first.clock.advance(1);
  await flushed;
  assert.equal(first.delivery.stats.queued, 2);
  await first.delivery.close();
  const second = await startDelivery(t, () => ACCEPTED, { dir: first.dir });
  await second.delivery.flush(10_000);
  assert.deepEqual(second.tried, ['a1', 'a2']);
});

test('flush does not wait for a remote that asked us to stay away for longer', async (t) => {
  const { delivery } = await startDelivery(t, () => ({ type: 'unavailable', answer: 'busy', retryAfterMs: 60_000 }));
  await delivery.add(metaFor('a', 'a'), body('a'));
  await delivery.flush(30_000);
  assert.equal(delivery.stats.queued, 1);
});

test('a profile larger than the queue is refused with the reason', async (t) => {
  const { delivery } = await startDelivery(t, () => ACCEPTED, { maxBytes: 10 });
  await assert.rejects(delivery.add(metaFor('a', 'x'.repeat(11)), body('x'.repeat(11))), {
    name: 'SinkError',
    code: 'QUEUE_FULL',
  });
});

test('thousands of entries are kept as names', async (t) => {
  const { delivery, clock } = await startDelivery(t, () => DOWN, { maxBytes: 1_000_000_000 });
  clock.chance = 0.999;
  const text = 'x'.repeat(2_000);
  for (let index = 0; index < 500; index++) await delivery.add(metaFor(`i${index % 10}`, text), body(text));
  assert.equal(delivery.stats.queued, 500);
  assert.ok(delivery.stats.queuedBytes > 500 * 2_000);
});

test('the figures tell how the remote is, and what it said last', async (t) => {
  const verdicts: Verdict[] = [{ type: 'misconfigured', answer: 'HTTP 401' }];
  const { delivery, clock } = await startDelivery(t, () => verdicts.shift() ?? ACCEPTED);
  assert.equal(delivery.stats.gate, 'open');
  await delivery.add(metaFor('a', 'one'), body('one'));
  await until(() => delivery.stats.gate === 'paused' && delivery.stats.inFlight === 0);
  assert.equal(delivery.stats.lastFailure, 'HTTP 401');
  clock.advance(clock.nextIn ?? 0);
  await until(() => delivery.stats.accepted === 1 && delivery.stats.inFlight === 0);
  assert.equal(delivery.stats.gate, 'open');
  assert.equal(delivery.stats.lastFailure, undefined);
});
