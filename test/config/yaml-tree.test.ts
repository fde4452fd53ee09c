import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SourceText } from '../../src/config/document/source-text.ts';
import { TreeList, TreeMap, type TreeNode, TreeScalar } from '../../src/config/document/tree.ts';
import { parseYamlTree } from '../../src/config/document/yaml-tree.ts';
import { judgeConfig, showProblem } from '../support/config-problems.ts';

/** Plain values, every scalar as its text, null where it is one. */
function plain(node: TreeNode | undefined): unknown {
  if (node === undefined) return undefined;
  if (node instanceof TreeScalar) return node.isNull ? null : node.text;
  if (node instanceof TreeList) return node.items.map(plain);
  assert.ok(node instanceof TreeMap);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key.text, plain(value)]));
}

function read(text: string): { value: unknown; problems: string[]; warnings: string[] } {
  const { root, problems, warnings } = parseYamlTree(new SourceText('t.yml', text));
  return { value: plain(root), problems: problems.map(showProblem), warnings: warnings.map(showProblem) };
}

const good: readonly (readonly [what: string, text: string, value: unknown])[] = [
  [
    'scalars are their source text',
    'a: [010, 1.50, 0x10, 2020-01-01, true, 1e3]',
    { a: ['010', '1.50', '0x10', '2020-01-01', 'true', '1e3'] },
  ],
  ['quotes are taken off', `a: ["x\\ty", 'it''s', "null", '']`, { a: ['x\ty', "it's", 'null', ''] }],
  ['block texts', 'a: |\n  x\n  y\nb: >-\n  x\n  y\n', { a: 'x\ny\n', b: 'x y' }],
  ['null in all its spellings', 'a:\nb: ~\nc: null\nd: NULL\n', { a: null, b: null, c: null, d: null }],
  ['a tag for strings', 'a: !!str null', { a: 'null' }],
  ['anchors and aliases', 'a: &x [1]\nb: *x\nc: &y z\nd: *y\n', { a: ['1'], b: ['1'], c: 'z', d: 'z' }],
  ['an anchor given anew', 'a: &x 1\nb: *x\nc: &x 2\nd: *x\n', { a: '1', b: '1', c: '2', d: '2' }],
  [
    'merge keys give way to own keys',
    'a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}\n',
    { a: { x: '1', y: '2' }, b: { y: '3', x: '1' } },
  ],
  [
    'of several merged mappings the first wins',
    'a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}',
    { a: { x: '1' }, b: { x: '2', y: '2' }, c: { x: '1', y: '2' } },
  ],
  ['a quoted << is a key like others', 'a: {"<<": 1}', { a: { '<<': '1' } }],
  ['a question mark inside of a flow scalar', 'a: [t?.json, h?x]', { a: ['t?.json', 'h?x'] }],
  ['a document marker, comments, Windows line ends', '---\r\na: b # c\r\n# d\r\n...\r\n', { a: 'b' }],
  ['an empty second document', 'a: b\n---\n# nothing\n', { a: 'b' }],
  ['JSON with tabs', '{\n\t"a": [\n\t\t1\n\t]\n}\n', { a: ['1'] }],
  [
    'names of JavaScript',
    '{__proto__: 1, constructor: 2, toString: 3}',
    { ['__proto__']: '1', constructor: '2', toString: '3' },
  ],
  ['nothing at all', '# only a comment\n', undefined],
  ['a closing bracket under its key', 'a:\n  b: [\n    c\n  ]\n', { a: { b: ['c'] } }],
];
for (const [what, text, value] of good) {
  test(`reads ${what}`, () => {
    const { value: actual, problems } = read(text);
    assert.deepEqual(problems, []);
    assert.equal(JSON.stringify(actual), JSON.stringify(value));
  });
}

const bad: readonly (readonly [what: string, text: string, problem: string])[] = [
  ['a key given twice', 'a: 1\nb: 2\na: 3\n', '3:1 key "a" is given twice, first on line 1'],
  [
    'an alias without an anchor',
    'a: *b',
    '1:4 alias *b names no anchor before it (put a value that starts with * in quotes)',
  ],
  [
    'an alias inside its anchor',
    'a: &a [*a]',
    '1:8 alias *a stands inside what it names (put a value that starts with * in quotes)',
  ],
  [
    'a second document',
    'a: 1\n---\nb: 2\n',
    '3:1 a second YAML document starts here, and only the first is read (put it into a file of its own)',
  ],
  ['an empty key', ': 1', '1:1 a key is empty'],
  ['a mapping as key', '? {a: b}\n: c', '1:3 a key must be a word (put a value that starts with { or [ in quotes)'],
  ['a control character', 'a: \u0007', '1:4 the file holds a control character (U+0007), which YAML does not allow'],
  ['merging a text', 'a: {<<: b}', '1:5 << takes a mapping, or a list of mappings (as in <<: *defaults)'],
];
for (const [what, text, problem] of bad) {
  test(`refuses ${what}`, () => assert.deepEqual(read(text).problems, [problem]));
}

test('a tag that nobody knows is a warning', () => {
  const { value, warnings } = read('a: !secret b');
  assert.deepEqual(value, { a: 'b' });
  assert.deepEqual(warnings, ['1:4 Unresolved tag: !secret']);
});

test('one fault of syntax is one problem, however often the parser stumbles over it', () => {
  assert.equal(read('a: [\n\tb,\n\tc\n]\n').problems.length, 1);
  assert.equal(read('- a\nb: 1\n').problems.length, 1);
});

test('a fault that several aliases share is reported once', async () => {
  const { errors } = await judgeConfig(
    'x: &x {wibble: 1}\nscrape-configs: [{job-name: a, <<: {scheme: &s ftp}}, {job-name: b, scheme: *s}]',
  );
  assert.equal(errors.filter(({ message }) => message.startsWith('"ftp" is not one of')).length, 1);
  const merged = 'x-a: &a {scheme: ftp, static-configs: [{targets: ["h:1"]}], enabled-profiles: [cpu]}\n';
  const jobs = 'scrape-configs: [{job-name: a, <<: *a}, {job-name: b, <<: *a}]';
  assert.deepEqual(
    (await judgeConfig(merged + jobs)).errors.map(({ message }) => message),
    ['"ftp" is not one of http, https'],
  );
});

test('depth is bounded', () => {
  assert.deepEqual(read('['.repeat(50_000)).problems, ['the file is nested too deeply']);
  assert.deepEqual(read('- '.repeat(50_000)).problems, ['the file is nested too deeply']);
  const blocks = Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n');
  assert.deepEqual(read(blocks).problems, ['the file is nested too deeply']);
});

test('what aliases unfold to is bounded', () => {
  const levels = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) levels.push(`a${level}: &a${level} [${`*a${level - 1},`.repeat(10)}]`);
  assert.deepEqual(read(levels.join('\n')).problems, ['the aliases of this file unfold to more than a million values']);
  const merges = ['a0: &a0 {k: v}'];
  for (let level = 1; level < 3_000; level++) merges.push(`a${level}: &a${level} {<<: *a${level - 1}, k${level}: v}`);
  assert.deepEqual(read(merges.join('\n')).problems, ['the aliases of this file unfold to more than a million values']);
});
