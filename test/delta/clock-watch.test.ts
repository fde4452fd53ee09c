import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockWatch } from '../../src/delta/clock-watch.ts';
import { targetAt } from '../support/scrape-target.ts';

test('an IPv6 address has its brackets', () => {
  const target = targetAt({ origin: { scheme: 'http', hostname: '::1', port: 6060 }, url: 'http://[::1]:6060' });
  assert.match(
    new ClockWatch().warningOf(target, -3_600_000) ?? '',
    /^\[::1\]:6060 has a clock 60 minutes behind ours;/,
  );
});

test('when our own clock jumps, three targets are told, then one line for all others', () => {
  const watch = new ClockWatch();
  const at = (number: number) =>
    targetAt({ origin: { scheme: 'http', hostname: `h${number}`, port: 6060 }, url: `http://h${number}:6060` });
  const tellAll = (offsetMs: number) =>
    Array.from({ length: 200 }, (_, number) => watch.warningOf(at(number), offsetMs + number)).filter(Boolean);
  assert.deepEqual(tellAll(7_200_000), [
    'h0:6060 has a clock 2 hours ahead of ours; our time is used instead: set its clock',
    'h1:6060 has a clock 2 hours ahead of ours; our time is used instead: set its clock',
    'h2:6060 has a clock 2 hours ahead of ours; our time is used instead: set its clock',
    'more instances, h3:6060 among them, have clocks about 2 hours ahead of ours: is ours right?',
  ]);
  assert.deepEqual(tellAll(0), []);
  assert.equal(tellAll(-3_600_000).length, 4, 'after they were right, it is news again');
});

for (const [offsetMs, words] of [
  [-29_934_437 * 60_000, '57 years behind'],
  [3 * 86_400_000, '3 days ahead of'],
  [-5 * 3_600_000, '5 hours behind'],
  [7 * 60_000, '7 minutes ahead of'],
] as const) {
  test(`a clock that is off by ${offsetMs} ms is ${words} ours`, () => {
    const target = targetAt({ origin: { scheme: 'http', hostname: 'h', port: 1 }, url: 'http://h:1' });
    assert.ok(new ClockWatch().warningOf(target, offsetMs)?.startsWith(`h:1 has a clock ${words} ours;`));
  });
}
