import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern, PatternError } from '../../src/labels/pattern.ts';

/** What RE2 takes or refuses where JavaScript's own engine would do the opposite, or hang. */
const syntax: readonly [source: string, isValid: boolean][] = [
  ['(?i)a', true],
  ['(?s-i:a)', true],
  ['(?P<n>a)', true],
  ['(?<n>a)', true],
  ['(?=a)', false],
  ['(?<!a)', false],
  ['(a)\\1', false],
  ['(?>a)', false],
  ['a++', false],
  ['(?#x)', false],
  ['\\Aa\\z', true],
  ['a\\Z', false],
  ['\\C', false],
  ['\\u0041', false],
  ['\\Qa.b\\E', true],
  ['[[:alpha:]]', true],
  ['\\pL\\p{Greek}', true],
  ['\\x{41}', true],
  ['a{1000}', true],
  ['a{1001}', false],
  ['(a{1000}){1000}', false],
  ['a**', false],
  ['x{', true],
  ['x{,3}', true],
  ['\\-\\_\\ ', true],
  ['\\y', false],
  ['[]a]', true],
  ['[^]', false],
  ['a)|(b', false],
  ['(', false],
];

for (const [source, isValid] of syntax) {
  test(`${isValid ? 'takes' : 'refuses'} ${source}`, () => {
    if (isValid) assert.equal(compilePattern(source).source, source);
    else assert.throws(() => compilePattern(source), PatternError);
  });
}

const matching: readonly { source: string; text: string; groups: readonly string[] | undefined }[] = [
  { source: '\\s', text: '\u00a0', groups: undefined },
  { source: '(?i)k', text: '\u212a', groups: ['\u212a'] },
  { source: 'a$', text: 'a\n', groups: undefined },
  { source: '(?m)a$.*', text: 'a\nb', groups: ['a\nb'] },
  { source: '(?-s).', text: '\n', groups: undefined },
  { source: 'a|ab', text: 'ab', groups: ['ab'] },
  { source: 'a?', text: '', groups: [''] },
  { source: '(a*?)(a*)', text: 'aaa', groups: ['aaa', '', 'aaa'] },
  { source: 'x{,3}', text: 'x{,3}', groups: ['x{,3}'] },
  { source: '', text: '', groups: [''] },
  { source: '', text: 'a', groups: undefined },
  { source: 'a|', text: '', groups: [''] },
  { source: 'Pending|Failed', text: 'Failed', groups: ['Failed'] },
  { source: 'Pending|Failed', text: 'Pending|Failed', groups: undefined },
];

for (const { source, text, groups } of matching) {
  test(`/${source}/ ${groups === undefined ? 'does not match' : 'matches'} ${JSON.stringify(text)}`, () => {
    const pattern = compilePattern(source);
    assert.deepEqual(pattern.match(text), groups);
    assert.equal(pattern.matches(text), groups !== undefined);
  });
}

test('literals and the default pattern answer as the engine does', () => {
  const piece = fc.stringMatching(/^[a-c_ .;-]{0,3}$/);
  const text = fc.oneof(
    piece,
    fc.tuple(piece, piece).map(([a, b]) => `${a}|${b}`),
    fc.constant('\n'),
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), text, (pieces, input) => {
      const source = pieces.map((p) => p.replaceAll('.', '')).join('|');
      const plain = compilePattern(source);
      const engine = compilePattern(`(?:${source})`);
      assert.deepEqual(plain.match(input), engine.match(input));
      assert.equal(plain.matches(input), engine.matches(input));
      assert.deepEqual(compilePattern('(.*)').match(input), compilePattern('((?:.*))').match(input));
    }),
  );
});

test('any text is either a pattern or a PatternError', () => {
  const source = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'ab()[]{}|*+?.\\^$1,-:<>P=!i') }));
  fc.assert(
    fc.property(source, fc.string(), (pattern, text) => {
      try {
        compilePattern(pattern).match(text);
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test('refuses a pattern of more than 64 KiB', () => {
  assert.throws(() => compilePattern('x'.repeat(64 * 1024 + 1)), /longer than 64 KiB/);
  assert.ok(compilePattern('x'.repeat(64 * 1024)).matches('x'.repeat(64 * 1024)));
});

test('shows the pattern as the user wrote it', () => {
  assert.throws(() => compilePattern('a)|(b'), { message: 'unexpected ): `a)|(b`' });
});
