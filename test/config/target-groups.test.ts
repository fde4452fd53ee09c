import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTargetGroups } from '../../src/config/target-groups.ts';
import { ConfigError } from '../../src/errors.ts';
import { showProblem } from '../support/config-problems.ts';

type Format = 'json' | 'yaml';

/** Groups as plain objects, without what they have not got. */
function groups(format: Format, text: string): unknown {
  return parseTargetGroups(text, { file: `t.${format}`, format }).groups.map(
    ({ targets, labels, application, spyName }) => ({
      targets,
      ...(labels.size > 0 && { labels: Object.fromEntries(labels) }),
      ...(application !== undefined && { application }),
      ...(spyName !== undefined && { spyName }),
    }),
  );
}

function problems(format: Format, text: string): string[] {
  try {
    parseTargetGroups(text, { file: 't', format });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(showProblem);
    throw error;
  }
  return [];
}

const good: readonly (readonly [id: string, format: Format, text: string, groups: unknown])[] = [
  [
    'all keys',
    'json',
    '[{"application":"a","spy-name":"gospy","targets":["h:1"],"labels":{"env":"dev"}}]',
    [{ targets: ['h:1'], labels: { env: 'dev' }, application: 'a', spyName: 'gospy' }],
  ],
  ['no application, as in Prometheus', 'json', '[{"targets":["h:1"]}]', [{ targets: ['h:1'] }]],
  ['the snake_case spelling', 'json', '[{"targets":["h:1"],"spy_name":"x"}]', [{ targets: ['h:1'], spyName: 'x' }]],
  [
    'escapes',
    'json',
    '[{"targets":["h:1"],"labels":{"a":"\\u0041\\n\\"é"}}]',
    [{ targets: ['h:1'], labels: { a: 'A\n"é' } }],
  ],
  ['no groups', 'json', ' [ ] \n', []],
  ['no groups', 'yaml', '[]', []],
  ['labels alone', 'json', '[{"labels":{"a":"b"}}]', [{ targets: [], labels: { a: 'b' } }]],
  ['nulls as left out', 'json', '[{"targets":["h:1"],"labels":null,"application":null}]', [{ targets: ['h:1'] }]],
  [
    'label values as source text',
    'yaml',
    '- application: a\n  targets: [h:1]\n  labels: {v: 1, b: true, d: 2020-01-01, f: 1.50, o: 010}\n',
    [{ application: 'a', targets: ['h:1'], labels: { v: '1', b: 'true', d: '2020-01-01', f: '1.50', o: '010' } }],
  ],
  ['a group without targets', 'yaml', '- application: a\n', [{ application: 'a', targets: [] }]],
  ['a URL as address, which rules may mend', 'yaml', '- targets: ["http://h:1/x"]', [{ targets: ['http://h:1/x'] }]],
];
for (const [what, format, text, expected] of good) {
  test(`${format} with ${what}`, () => assert.deepEqual(groups(format, text), expected));
}

const bad: readonly (readonly [what: string, format: Format, text: string, problem: RegExp])[] = [
  [
    'an unknown key',
    'json',
    '[{"application":"a","targets":["h:1"],"x":1}]',
    /^1:39 \[0\]\.x: unknown key "x" \(known here: targets, labels, application, spy-name\)/,
  ],
  [
    'a key in another case',
    'json',
    '[{"Targets":["h:1"]}]',
    /unknown key "Targets" \(did you mean "targets"\? Keys are case-sensitive\)/,
  ],
  ['a key in another case', 'yaml', '- Targets: [h:1]', /unknown key "Targets" \(did you mean "targets"/],
  [
    'a number as target',
    'json',
    '[{"targets":[1]}]',
    /^1:14 \[0\]\.targets\[0\]: must be a string, not the number 1 \(write "1"\)/,
  ],
  [
    'a number as label value',
    'json',
    '[{"targets":["h:1"],"labels":{"v":1}}]',
    /labels\.v: must be a string, not the number 1/,
  ],
  [
    'a boolean as label value',
    'json',
    '[{"targets":["h:1"],"labels":{"v":true}}]',
    /must be a string, not the boolean true/,
  ],
  [
    'a bad label name',
    'json',
    '[{"targets":["h:1"],"labels":{"a-b":"1"}}]',
    /"a-b" is not a valid label name \(write a_b: /,
  ],
  ['an end too early', 'json', '[{"application":"a"', /the JSON ends too early/],
  ['a mapping at the root', 'json', '{}', /must be a list/],
  ['null', 'json', 'null', /must be a list/],
  ['nothing', 'json', ' ', /the file is empty/],
  ['nothing', 'yaml', '', /the file is empty \(write \[\] to say that there are no targets\)/],
  ['comments alone', 'yaml', '# nothing\n', /the file is empty/],
  ['a bare number', 'yaml', '- targets: [6060]', /"6060" is a bare number, not host:port \(as in localhost:6060\)/],
  ['an empty item', 'yaml', '- targets: [h:1]\n-\n', /item 2 is empty/],
  ['a null item', 'json', '[null]', /item 1 is empty/],
  ['a text for targets', 'yaml', '- targets: h:1', /must be a list \(write \[h:1\]\)/],
  ['a key given twice', 'yaml', '- {targets: [], labels: {x: a, x: b}}', /key "x" is given twice, first on line 1/],
  [
    'a key given twice',
    'json',
    '[{"targets":[],\n"targets":[]}]',
    /^2:1 key "targets" is given twice, first on line 1/,
  ],
  ['both spellings', 'json', '[{"spy-name":"a","spy_name":"b"}]', /"spy_name" and "spy-name" are the same key/],
  ['a comma too many', 'json', '[{"targets":["h:1"],}]', /^1:20 JSON does not allow a comma before "}"/],
  ['text behind the end', 'json', '[{"targets":["a:1"]}]]', /text after the end/],
  ['single quotes', 'json', "[{'targets': []}]", /\(JSON takes double quotes\)/],
  ['a comment', 'json', '// x\n[]', /\(JSON has no comments\)/],
  ['a string without an end', 'json', '["abc', /never closed/],
  ['a bad escape', 'json', '["\\x"]', /unknown escape/],
  ['a leading zero', 'json', '[01]', /not valid JSON/],
  [
    'an application with a space',
    'json',
    '[{"application":"a b"}]',
    /"a b" is not an application name: " " is not allowed/,
  ],
  ['depth', 'json', '['.repeat(50_000), /nested too deeply/],
];
for (const [what, format, text, problem] of bad) {
  test(`${format} with ${what} is refused as a whole`, () => {
    const [first, ...others] = problems(format, text);
    assert.match(first ?? '', problem);
    assert.deepEqual(others, []);
  });
}

test('all faults of a file are reported at once', () => {
  assert.equal(problems('yaml', '- targets: h:1\n- labels: {a-b: c}\n- x: 1\n').length, 3);
});

test('a group without targets is a warning', () => {
  const { warnings } = parseTargetGroups('- targets: []\n- targets: [h:1]\n', { file: 't', format: 'yaml' });
  assert.deepEqual(warnings.map(showProblem), ['1:3 [0]: has no targets']);
});

test('JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const expected = ((): boolean => {
        const value: unknown = JSON.parse(text);
        return Array.isArray(value) && value.length === 0;
      })();
      assert.equal(problems('json', text).length === 0, expected || isGroupList(text));
    }),
  );
});

/** Random JSON that happens to be a list of empty groups. */
function isGroupList(text: string): boolean {
  const value: unknown = JSON.parse(text);
  return (
    Array.isArray(value) &&
    value.every(
      (item) => typeof item === 'object' && item !== null && Object.keys(item).length === 0 && !Array.isArray(item),
    )
  );
}

test('label values and addresses of any text come through unchanged, in both formats', () => {
  const isPrintable = (character: string) =>
    character >= ' ' && !(character >= '\x7f' && character <= '\x9f') && character < '\ufffe';
  const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => [...text].every(isPrintable));
  fc.assert(
    fc.property(value, value, (target, label) => {
      const text = JSON.stringify([{ targets: [target], labels: { a: label } }]);
      const expected = [{ targets: [target], labels: { a: label } }];
      assert.deepEqual(groups('json', text), expected);
      assert.deepEqual(groups('yaml', text), expected);
    }),
  );
});
