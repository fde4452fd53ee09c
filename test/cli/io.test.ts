import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInteractive, outputOf, paintFor } from '../../src/cli/io.ts';

const terminal = (columns: number) => outputOf({ write: () => true, writable: true, isTTY: true, columns });
const pipe = outputOf({ write: () => true, writable: true, isTTY: false, columns: Number.NaN });
const red = (env: Record<string, string>, output = terminal(100), isPlain = false) =>
  paintFor(output, env, isPlain).red('x') !== 'x';

test('a terminal may be drawn on, a pipe and a terminal without a width may not', () => {
  assert.equal(isInteractive(terminal(100), {}), true);
  assert.equal(isInteractive(pipe, {}), false);
  assert.equal(isInteractive(terminal(0), {}), false);
  assert.equal(terminal(0).columns, 80);
});

for (const env of [{ NO_COLOR: '1' }, { CI: 'true' }, { TERM: 'dumb' }]) {
  test(`${JSON.stringify(env)} asks for quiet`, () => {
    assert.equal(isInteractive(terminal(100), env), false);
    assert.equal(red(env), false);
  });
}

test('colour is for terminals, and not for what a program reads', () => {
  assert.equal(red({}), true);
  assert.equal(red({}, pipe), false);
  assert.equal(red({}, terminal(100), true), false);
});

test('FORCE_COLOR wins, both ways', () => {
  assert.equal(red({ FORCE_COLOR: '1', NO_COLOR: '1' }, pipe), true);
  assert.equal(red({ FORCE_COLOR: '0' }), false);
});

test('nothing is written to a stream that has ended', () => {
  const written: unknown[] = [];
  const write = (text: unknown) => written.push(text) > 0;
  outputOf({ write, writable: false, isTTY: false, columns: 80 }).write('lost');
  assert.deepEqual(written, []);
});
