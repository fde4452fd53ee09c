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
