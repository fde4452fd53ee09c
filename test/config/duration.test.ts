import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';
import { ValueError } from '../../src/config/value-error.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const durations: readonly (readonly [text: string, milliseconds: number])[] = [
  ['10s', 10 * SECOND],
  ['0', 0],
  ['0s', 0],
  ['1m0s', MINUTE],
  ['1h30m', 90 * MINUTE],
  ['90m', 90 * MINUTE],
  ['1.5s', 1.5 * SECOND],
  ['.5s', 500],
  ['5.s', 5 * SECOND],
  ['1.5h', 90 * MINUTE],
  ['1d', DAY],
  ['1w', 7 * DAY],
  ['1y', 365 * DAY],
  ['2w3d', 17 * DAY],
  ['1m1d', DAY + MINUTE],
  ['1m1m', 2 * MINUTE],
  ['1s500ms', 1.5 * SECOND],
  ['500ms1s', 1.5 * SECOND],
  ['100us', 0.1],
  ['100µs', 0.1],
  ['100μs', 0.1],
  ['1ns', 0.000001],
  ['292y', 292 * 365 * DAY],
];
for (const [text, milliseconds] of durations) {
  test(`"${text}" is ${milliseconds} ms`, () => assert.equal(parseDuration(text), milliseconds));
}

const refused: readonly (readonly [text: string, message: RegExp, hint: RegExp])[] = [
  ['', /is not a duration/, /10s/],
  ['10', /is not a duration/, /unit is missing: write 10s/],
  ['${INTERVAL}', /is not a duration/, /--expand-env/],
  ['-5s', /is not a duration/, /without a sign/],
  ['+5s', /is not a duration/, /without a sign/],
  [' 10s', /is not a duration/, /without spaces: 10s/],
  ['10s ', /is not a duration/, /without spaces: 10s/],
  ['10 s', /is not a duration/, /without spaces: 10s/],
  ['1h 30m', /is not a duration/, /without spaces: 1h30m/],
  ['1M', /is not a duration/, /lower case: 1m/],
  ['1H', /is not a duration/, /lower case: 1h/],
  ['10S', /is not a duration/, /lower case: 10s/],
  ['1mo', /is not a duration/, /months/],
  ['5m30', /is not a duration/, /a number and a unit/],
  ['1e3s', /is not a duration/, /a number and a unit/],
  ['0x10s', /is not a duration/, /a number and a unit/],
  ['1_000s', /is not a duration/, /a number and a unit/],
  ['٣s', /is not a duration/, /a number and a unit/],
  ['.s', /is not a duration/, /a number and a unit/],
  ['300y', /is out of range/, /292 years/],
  ['9223372037s', /is out of range/, /292 years/],
  [`${'1'.repeat(1000)}s`, /is not a duration/, /a number and a unit/],
];
for (const [text, message, hint] of refused) {
  test(`"${text.slice(0, 20)}" is refused`, () => {
    assert.throws(
      () => parseDuration(text),
      (error: unknown) => {
        assert.ok(error instanceof ValueError);
        assert.match(error.message, message);
        assert.match(error.hint ?? '', hint);
        assert.ok(error.message.length < 200);
        return true;
      },
    );
  });
}

const printed: readonly (readonly [milliseconds: number, text: string])[] = [
  [0, '0s'],
  [1, '1ms'],
  [1500, '1s500ms'],
  [MINUTE, '1m'],
  [90 * MINUTE, '1h30m'],
  [17 * DAY, '17d'],
  [14 * DAY, '2w'],
  [365 * DAY, '1y'],
  [366 * DAY, '366d'],
  [0.1, '100us'],
  [0.000001, '1ns'],
];
for (const [milliseconds, text] of printed) {
  test(`${milliseconds} ms prints as ${text}`, () => assert.equal(formatDuration(milliseconds), text));
}

test('what is printed reads back as the same', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), (milliseconds) => parseDuration(formatDuration(milliseconds)) === milliseconds),
  );
});

test('any text is a duration or refused with a reason', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{0,6}(ns|us|ms|s|m|h|d|w|y)?[0-9.]{0,6}[smhd]?$/));
  fc.assert(
    fc.property(text, (text) => {
      try {
        assert.ok(parseDuration(text) >= 0);
      } catch (error) {
        assert.ok(error instanceof ValueError);
      }
    }),
  );
});
