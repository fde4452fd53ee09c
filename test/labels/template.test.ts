import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandTemplate, isLabelNameTemplate, parseTemplate, resolveTemplate } from '../../src/labels/template.ts';
import { countCpuMs } from '../support/cpu-time.ts';

/** The match of `(?P<word>f(o+))(x)?` on `foo`. */
const GROUPS = ['foo', 'foo', 'oo', ''];
const NAMES = new Map([
  ['word', 1],
  ['é', 2],
  ['01', 2],
]);

function expand(text: string): string {
  return expandTemplate(resolveTemplate(parseTemplate(text), 3, NAMES), GROUPS);
}

const rows: readonly [template: string, expanded: string, why: string][] = [
  ['plain', 'plain', 'text'],
  ['', '', 'nothing'],
  ['$$', '$', 'two dollars are one'],
  ['$$1', '$1', 'and what follows is text'],
  ['$$$1', '$foo', 'a dollar and a group'],
  ['$0|$1|$2', 'foo|foo|oo', 'groups by number'],
  ['$3.', '.', 'a group that took no part'],
  ['$4.', '.', 'a group beyond the last'],
  ['$1x', '', 'the longest name counts'],
  ['${1}x', 'foox', 'braces end it'],
  ['$1_y', '', 'an underscore is part of the name'],
  ['$10', '', 'group ten'],
  ['$1:$2', 'foo:oo', 'a colon is not'],
  ['__profile_$1', '__profile_foo', 'text before'],
  ['$word-${word}', 'foo-foo', 'by name'],
  ['$é', 'oo', 'names have letters of any script'],
  ['$nope', '', 'an unknown name'],
  ['${01}', 'oo', 'a leading zero makes it a name'],
  ['$02', '', 'here an unknown one'],
  ['$999999999', '', 'nine digits are a number'],
  ['$9999999999', '', 'ten are a name'],
  ['cost$', 'cost$', 'a dollar at the end'],
  ['$-$ $', '$-$ $', 'dollars before other characters'],
  ['x${1', 'x${1', 'an open brace'],
  ['${}', '${}', 'empty braces'],
  ['${1-2}', '${1-2}', 'no name in braces'],
  ['${$1}', '${foo}', 'a group after literal text'],
  ['\\1 $& $<word>', '\\1 $& $<word>', 'no other syntax'],
];

for (const [template, expanded, why] of rows) {
  test(`${JSON.stringify(template)} gives ${JSON.stringify(expanded)}: ${why}`, () => {
    assert.equal(expand(template), expanded);
  });
}

for (const [text, isValid] of [
  ['a', true],
  ['_a1', true],
  ['$1', true],
  ['${1}_x', true],
  ['$a$b${c}d', true],
  ['', false],
  ['$', false],
  ['1a', false],
  ['a-b', false],
  ['${1}-x', false],
  ['${}', false],
  ['a$', false],
  ['a$$b', false],
] as const) {
  test(`"${text}" ${isValid ? 'can' : "can't"} become a label name`, () => {
    assert.equal(isLabelNameTemplate(text), isValid);
  });
}

test('the name check takes linear time', () => {
  const cpuMs = countCpuMs();
  assert.equal(isLabelNameTemplate(`${'$aa'.repeat(20_000)}-`), false);
  assert.ok(cpuMs() < 500);
});
