import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slots } from '../../src/scrape/slots.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('no more than so many run at once, first come first served', async () => {
  const slots = new Slots(2);
  const started: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      slots.run(async () => {
        started.push(index);
        running += 1;
        most = Math.max(most, running);
        await turn();
        running -= 1;
      }),
    ),
  );
  assert.equal(most, 2);
  assert.deepEqual(started, [...started.keys()]);
});

test('those that come while others wait queue behind them', async () => {
  const slots = new Slots(1);
  const started: string[] = [];
  const work = (name: string) => async () => {
    started.push(name);
    await turn();
  };
  const all = [slots.run(work('a')), slots.run(work('b')), slots.run(work('c'))];
  await all[0];
  all.push(slots.run(work('d')), slots.run(work('e')));
  await Promise.all(all);
  assert.deepEqual(started, ['a', 'b', 'c', 'd', 'e']);
});

test('work that fails frees its slot', async () => {
  const slots = new Slots(1);
  await assert.rejects(slots.run(() => Promise.reject(new Error('x'))));
  assert.equal(await slots.run(async () => 'ran'), 'ran');
});
