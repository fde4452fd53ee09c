import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { displayWidth } from '../../src/safe-text/display-width.ts';
import { plainText, terminalText } from '../../src/safe-text/laid-out.ts';
import { metricsText } from '../../src/safe-text/metrics-text.ts';
import { oneLine } from '../../src/safe-text/one-line.ts';
import { assertSafe, HOSTILE } from '../support/hostile-text.ts';

const anyText = fc.string({
  unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.constantFrom(...HOSTILE)),
});

test('whatever a text holds, no medium gets what is unseen', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.doesNotMatch(oneLine(text), /\n/);
      assertSafe(oneLine(text), 'a line');
      assertSafe(plainText(text.replaceAll(/[\n\t]/g, '')), 'plain text');
      assertSafe(metricsText(text), 'metrics');
      assertSafe(terminalText(text.replaceAll(/[\n\t]/g, '')), 'a terminal', { hasColours: true });
    }),
  );
});

test('JSON means the same afterwards', () => {
  fc.assert(
    fc.property(fc.json(), anyText, (json, text) => {
      const value: unknown = [JSON.parse(json), text];
      for (const space of [0, 2]) assert.deepEqual(JSON.parse(plainText(JSON.stringify(value, null, space))), value);
    }),
  );
});

test('ordinary text of any language is left as it is', () => {
  for (const text of ['a b=c/d\\e"', 'größe', '日本語', 'नमस्ते', 'עברית', '👍🏽', 'e\u0301']) {
    assert.deepEqual([oneLine(text), plainText(text), metricsText(text)], [text, text, text]);
  }
});

test('a terminal gets the colours that we write and no others', () => {
  assert.equal(terminalText('\u001b[31merror:\u001b[39m a\nb'), '\u001b[31merror:\u001b[39m a\nb');
  assert.equal(
    terminalText('\u001b[5mblink\u001b[2J\u001b]0;title\u0007'),
    '\\u001b[5mblink\\u001b[2J\\u001b]0;title\\u0007',
  );
});

test('lone surrogates and noncharacters show as their numbers', () => {
  assert.equal(oneLine('a\ud800b\udc00c\uffff'), 'a\\ud800b\\udc00c\\uffff');
});

test('a label value with a backslash of ours is one that Prometheus reads', () => {
  assert.equal(metricsText('up{job="a\u001bb\u{e0001}"} 1\n'), 'up{job="a\\\\u001bb\\\\udb40\\\\udc01"} 1\n');
});

for (const [text, width] of [
  ['abc', 3],
  ['größe', 5],
  ['日本', 4],
  ['e\u0301', 1],
  ['ﬁ→', 2],
  ['🙂', 2],
  ['ｶﾅ', 2],
] as const) {
  test(`${text} takes ${width} columns`, () => assert.equal(displayWidth(text), width));
}
