import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fileTimestamp, formatTimestamp, parseTimestamp } from '../../src/sinks/file/timestamp.ts';

const NOON = 1_795_348_800_000_000_000n; // 2026-11-22T12:00:00Z

const rows = [
  { nanos: NOON, text: '2026-11-22T12:00:00.000Z', file: '20261122T120000.000Z' },
  { nanos: NOON + 5_000_000n, text: '2026-11-22T12:00:00.005Z', file: '20261122T120000.005Z' },
  { nanos: NOON + 5_000_001n, text: '2026-11-22T12:00:00.005000001Z', file: '20261122T120000.005Z' },
  { nanos: NOON + 999_999_999n, text: '2026-11-22T12:00:00.999999999Z', file: '20261122T120000.999Z' },
  { nanos: 0n, text: '1970-01-01T00:00:00.000Z', file: '19700101T000000.000Z' },
  { nanos: -1n, text: '1969-12-31T23:59:59.999999999Z', file: '19691231T235959.999Z' },
  { nanos: 2n ** 63n - 1n, text: '2262-04-11T23:47:16.854775807Z', file: '22620411T234716.854Z' },
];
for (const { nanos, text, file } of rows) {
  test(`writes ${nanos} ns as ${text}`, () => {
    assert.equal(formatTimestamp(nanos), text);
    assert.equal(parseTimestamp(text), nanos);
    assert.equal(fileTimestamp(nanos), file);
  });
}

test('reads back whatever it writes', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (nanos) => parseTimestamp(formatTimestamp(nanos)) === nanos),
  );
});

for (const text of [
  '',
  'today',
  '2026-11-22',
  '2026-11-22T12:00:00Z',
  '2026-13-22T12:00:00.000Z',
  '2026-11-22T12:00:00.000+01:00',
]) {
  test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseTimestamp(text), undefined));
}
