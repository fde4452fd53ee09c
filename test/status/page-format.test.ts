import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, formatBytes, formatCount, formatSpan, formatTook } from '../../src/status/page/format.ts';

const rows: readonly (readonly [shown: string, expected: string])[] = [
  [formatBytes(0), '0 B'],
  [formatBytes(1023), '1023 B'],
  [formatBytes(21_000), '20.5 KiB'],
  [formatBytes(512 << 20), '512.0 MiB'],
  [formatTook(0.44), '0.4 ms'],
  [formatTook(9.96), '10 ms'],
  [formatTook(999.4), '999 ms'],
  [formatTook(999.6), '1.0 s'],
  [formatTook(59_960), '1m'],
  [formatSpan(-5000), '0s'],
  [formatSpan(499), '0s'],
  [formatSpan(1500), '2s'],
  [formatSpan(60_000), '1m'],
  [formatSpan(185_000), '3m 5s'],
  [formatSpan(3_605_000), '1h'],
  [formatSpan(187_200_000), '2d 4h'],
  [formatCount(999), '999'],
  [formatCount(1000), '1,000'],
  [formatCount(1_234_567), '1,234,567'],
  [counted(1, 'target'), '1 target'],
  [counted(5000, 'target'), '5,000 targets'],
];

for (const [shown, expected] of rows) test(`shows ${expected}`, () => assert.equal(shown, expected));
