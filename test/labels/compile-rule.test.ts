import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRule } from '../../src/labels/compile-rule.ts';
import type { WrittenRelabelRule } from '../../src/labels/relabel.ts';

const rejected: readonly {
  id: string;
  rule: WrittenRelabelRule;
  problems: readonly [key: string, message: RegExp][];
}[] = [
  { id: 'V01 no modulus', rule: { action: 'hashmod', targetLabel: 'h' }, problems: [['modulus', /needs a modulus/]] },
  {
    id: 'V01 modulus 0',
    rule: { action: 'hashmod', targetLabel: 'h', modulus: 0n },
    problems: [['modulus', /needs a modulus/]],
  },
  {
    id: 'V02 negative modulus',
    rule: { action: 'hashmod', targetLabel: 'h', modulus: -1n },
    problems: [['modulus', /-1 is out of range/]],
  },
  {
    id: 'modulus beyond 64 bits',
    rule: { action: 'hashmod', targetLabel: 'h', modulus: 2n ** 64n },
    problems: [['modulus', /18446744073709551616 is out of range/]],
  },
  { id: 'V04', rule: { action: 'hashmod', modulus: 2n }, problems: [['target-label', /hashmod needs a target-label/]] },
  {
    id: 'V05',
    rule: { action: 'hashmod', modulus: 2n, targetLabel: '${1}' },
    problems: [['target-label', /"\$\{1\}" is an invalid target-label for action hashmod/]],
  },
  { id: 'V06', rule: { sourceLabels: ['a'] }, problems: [['target-label', /replace needs a target-label/]] },
  { id: 'V07 hyphen', rule: { targetLabel: 'foo-bar' }, problems: [['target-label', /"foo-bar" is an invalid/]] },
  { id: 'V07 digit first', rule: { targetLabel: '1a' }, problems: [['target-label', /"1a" is an invalid/]] },
  { id: 'V07 only a dollar', rule: { targetLabel: '$' }, problems: [['target-label', /"\$" is an invalid/]] },
  { id: 'V08', rule: { targetLabel: '${1}-x' }, problems: [['target-label', /"\$\{1\}-x" is an invalid/]] },
  {
    id: 'V10',
    rule: { action: 'labelmap', replacement: '${1}-x' },
    problems: [['replacement', /"\$\{1\}-x" is an invalid replacement for action labelmap/]],
  },
  { id: 'V10 empty', rule: { action: 'labelmap', replacement: '' }, problems: [['replacement', /"" is an invalid/]] },
  {
    id: 'V13 source-labels',
    rule: { action: 'labeldrop', sourceLabels: ['a'] },
    problems: [['source-labels', /labeldrop can't have source-labels/]],
  },
  {
    id: 'V13 empty source-labels',
    rule: { action: 'labelkeep', sourceLabels: [] },
    problems: [['source-labels', /labelkeep can't have source-labels/]],
  },
  {
    id: 'V13 all others',
    rule: { action: 'labeldrop', targetLabel: 'a', modulus: 1n, separator: ',', replacement: 'x', regex: 'b' },
    problems: [
      ['separator', /labeldrop can't have separator/],
      ['modulus', /labeldrop can't have modulus/],
      ['target-label', /labeldrop can't have target-label/],
      ['replacement', /labeldrop can't have replacement/],
    ],
  },
  {
    id: 'V15 keepequal',
    rule: { action: 'keepequal' },
    problems: [['target-label', /keepequal needs a target-label/]],
  },
  {
    id: 'V15 dropequal',
    rule: { action: 'dropequal' },
    problems: [['target-label', /dropequal needs a target-label/]],
  },
  {
    id: 'V16',
    rule: { action: 'keepequal', targetLabel: 'a', regex: 'x', separator: ',', modulus: 2n, replacement: 'y' },
    problems: [
      ['separator', /keepequal can't have separator/],
      ['regex', /keepequal can't have regex/],
      ['modulus', /keepequal can't have modulus/],
      ['replacement', /keepequal can't have replacement/],
    ],
  },
  {
    id: 'V17 lowercase',
    rule: { action: 'lowercase' },
    problems: [['target-label', /lowercase needs a target-label/]],
  },
  {
    id: 'V17 uppercase',
    rule: { action: 'uppercase' },
    problems: [['target-label', /uppercase needs a target-label/]],
  },
  {
    id: 'V18',
    rule: { action: 'lowercase', targetLabel: 'a', replacement: 'x' },
    problems: [['replacement', /lowercase can't have replacement/]],
  },
  {
    id: 'V20 lowercase',
    rule: { action: 'lowercase', targetLabel: '${1}' },
    problems: [['target-label', /"\$\{1\}" is an invalid target-label for action lowercase/]],
  },
  {
    id: 'V20 keepequal',
    rule: { action: 'keepequal', targetLabel: '$1' },
    problems: [['target-label', /"\$1" is an invalid target-label for action keepequal/]],
  },
  { id: 'V21', rule: { action: 'keeep' }, problems: [['action', /unknown relabel action "keeep"/]] },
  { id: 'V21, V22 empty', rule: { action: '' }, problems: [['action', /the relabel action is empty/]] },
  {
    id: 'V23',
    rule: { targetLabel: 'a', regex: '(' },
    problems: [['regex', /^invalid regular expression: missing closing \): `\(`$/]],
  },
  {
    id: 'V25 hyphen',
    rule: { targetLabel: 'a', sourceLabels: ['a-b'] },
    problems: [['source-labels', /"a-b" is not a valid label name/]],
  },
  {
    id: 'V25 empty',
    rule: { targetLabel: 'a', sourceLabels: [''] },
    problems: [['source-labels', /"" is not a valid label name/]],
  },
  {
    id: 'several at once',
    rule: { sourceLabels: ['x-y', 'ok', 'é'], regex: '[', action: 'hashmod' },
    problems: [
      ['source-labels', /"x-y"/],
      ['source-labels', /"é"/],
      ['regex', /missing closing \]/],
      ['modulus', /needs a modulus/],
      ['target-label', /needs a target-label/],
    ],
  },
];

for (const { id, rule, problems } of rejected) {
  test(`refuses ${id}`, () => {
    const result = compileRule(rule);
    assert.equal(result.rule, undefined);
    assert.deepEqual(
      result.problems.map(({ key }) => key),
      problems.map(([key]) => key),
    );
    for (const [index, [, message]] of problems.entries()) assert.match(result.problems[index]?.message ?? '', message);
  });
}

const accepted: readonly {
  id: string;
  rule: WrittenRelabelRule;
  warnings?: readonly [key: string, message: RegExp][];
}[] = [
  { id: 'V09 template with text', rule: { sourceLabels: ['a'], targetLabel: '${1}_x' } },
  { id: 'V09 template', rule: { sourceLabels: ['a'], targetLabel: '$1' } },
  { id: 'V11 fixed labelmap', rule: { action: 'labelmap', replacement: 'fixed' } },
  {
    id: 'V12 labelmap with target-label',
    rule: { action: 'labelmap', targetLabel: 'x' },
    warnings: [['target-label', /no effect with action labelmap/]],
  },
  { id: 'V14 defaults written out', rule: { action: 'labeldrop', separator: ';', replacement: '$1', modulus: 0n } },
  {
    id: 'V19 lowercase with regex',
    rule: { action: 'lowercase', targetLabel: 'a', sourceLabels: ['b'], regex: 'x' },
    warnings: [['regex', /no effect with action lowercase/]],
  },
  {
    id: 'V26 keep without source-labels',
    rule: { action: 'keep', regex: 'x' },
    warnings: [['source-labels', /always compares the empty string/]],
  },
  {
    id: 'V30 modulus with replace',
    rule: { targetLabel: 'a', modulus: 3n },
    warnings: [['modulus', /no effect with action replace/]],
  },
  { id: 'any letter case in the action', rule: { action: 'LabelDrop' } },
  { id: 'the largest modulus', rule: { action: 'hashmod', targetLabel: 'h', modulus: 2n ** 64n - 1n } },
  {
    id: 'group name that swallowed the text after it',
    rule: { sourceLabels: ['a'], targetLabel: 'b', replacement: '$1x' },
    warnings: [['replacement', /\$1x is always empty/]],
  },
  {
    id: 'group number beyond the last',
    rule: { sourceLabels: ['a'], targetLabel: 'b', replacement: '$2' },
    warnings: [['replacement', /\$2 is always empty/]],
  },
];

for (const { id, rule, warnings = [] } of accepted) {
  test(`accepts ${id}`, () => {
    const result = compileRule(rule);
    assert.deepEqual(result.problems, []);
    assert.ok(result.rule !== undefined);
    assert.deepEqual(
      result.warnings.map(({ key }) => key),
      warnings.map(([key]) => key),
    );
    for (const [index, [, message]] of warnings.entries()) assert.match(result.warnings[index]?.message ?? '', message);
  });
}

test('keeps what was written, and its line', () => {
  const written = { sourceLabels: ['a'], targetLabel: 'b', line: 12 };
  const { rule } = compileRule(written);
  assert.equal(rule?.written, written);
  assert.equal(rule?.line, 12);
});

test('says what to write instead of $1x', () => {
  const { warnings } = compileRule({ targetLabel: 'b', replacement: '$1x' });
  assert.equal(warnings[0]?.hint, 'write ${1}x for group 1 followed by text');
});

test('tells a user of look-around that RE2 has none', () => {
  const { problems } = compileRule({ targetLabel: 'b', regex: '(?!x).*' });
  assert.match(problems[0]?.hint ?? '', /no look-ahead/);
});
