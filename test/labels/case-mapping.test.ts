import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toSimpleLowerCase, toSimpleUpperCase } from '../../src/labels/case-mapping.ts';

/** As Go's strings.ToLower and strings.ToUpper answer. */
const rows: readonly [text: string, lower: string, upper: string][] = [
  ['FooBar', 'foobar', 'FOOBAR'],
  ['straße', 'straße', 'STRAßE'],
  ['ΟΔΟΣ', 'οδοσ', 'ΟΔΟΣ'],
  ['İI', 'ii', 'İI'],
  ['ŉǰΐ', 'ŉǰΐ', 'ŉǰΐ'],
  ['ᾀᾳῃῳᾷ', 'ᾀᾳῃῳᾷ', 'ᾈᾼῌῼᾷ'],
  ['ﬁ', 'ﬁ', 'ﬁ'],
  ['ǆǅ', 'ǆǆ', 'ǄǄ'],
  ['𐐨𐐀', '𐐨𐐨', '𐐀𐐀'],
];

for (const [text, lower, upper] of rows) {
  test(`maps ${text} to ${lower} and ${upper}`, () => {
    assert.deepEqual([toSimpleLowerCase(text), toSimpleUpperCase(text)], [lower, upper]);
  });
}
