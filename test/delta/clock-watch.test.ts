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
    'h0:6060 has a clock 120 minutes ahead of ours; our time is used instead: set its clock',
    'h1:6060 has a clock 120 minutes ahead of ours; our time is used instead: set its clock',
    'h2:6060 has a clock 120 minutes ahead of ours; our time is used instead: set its clock',
    'more instances, h3:6060 among them, have clocks about 120 minutes ahead of ours: is ours right?',
  ]);
  assert.deepEqual(tellAll(0), []);
  assert.equal(tellAll(-3_600_000).length, 4, 'after they were right, it is news again');
});
