import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from '../../src/cli/render/table.ts';
import { count, formatBytes, formatElapsed } from '../../src/cli/render/units.ts';

test('columns are as wide as their widest cell, numbers to the right, no trailing space', () => {
  assert.deepEqual(
    table(
      ['NAME', 'N'],
      [
        ['a', '10'],
        ['long name', '7'],
      ],
      new Set([1]),
    ),
    ['NAME        N', 'a          10', 'long name   7'],
  );
});

test('columns count what a terminal shows: wide characters, marks, and escapes of what is unseen', () => {
  assert.deepEqual(
    table(
      ['NAME', 'N'],
      [
        ['日本', '1'],
        ['e\u0301', '2'],
        ['a\n', '3'],
      ],
    ),
    ['NAME  N', '日本  1', 'e\u0301     2', 'a\\n   3'],
  );
});

test('a very long cell does not push the columns of other rows apart', () => {
  const long = 'x'.repeat(5000);
  assert.deepEqual(
    table(
      ['A', 'B'],
      [
        [long, '1'],
        ['y', '2'],
      ],
    ),
    ['A  B', `${long}  1`, 'y  2'],
  );
});

test('a table has as many rows as there are profiles', () => {
  const rows = Array.from({ length: 200_000 }, (_, row) => [String(row)]);
  assert.equal(table(['N'], rows).at(-1), '199999');
});

for (const [bytes, text] of [
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [64 * 1024 * 1024, '64.0 MiB'],
] as const) {
  test(`${bytes} bytes are ${text}`, () => assert.equal(formatBytes(bytes), text));
}

for (const [ms, text] of [
  [12.4, '12 ms'],
  [999.6, '1.0 s'],
  [1500, '1.5 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min 0 s'],
  [119_700, '2 min 0 s'],
  [185_000, '3 min 5 s'],
] as const) {
  test(`${ms} ms are ${text}`, () => assert.equal(formatElapsed(ms), text));
}

test('one is singular', () => {
  assert.equal(count(1, 'target'), '1 target');
  assert.equal(count(0, 'target'), '0 targets');
});
