import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chalk } from 'chalk';
import { formatError, formatProblem } from '../../src/cli/print-error.ts';
import { run } from '../../src/cli/run.ts';
import { ConfigError, type Problem, ScrapeError } from '../../src/errors.ts';
import { memoryIo } from '../support/memory-io.ts';

const plain = new Chalk({ level: 0 });
const options = { debug: false, version: '1.2.3' };

const problem: Problem = {
  file: 'shop.yml',
  position: { line: 3, column: 22 },
  path: 'scrape-configs[0].scrape-interval',
  message: '"10x" is not a duration',
  hint: 'write a number and a unit: 10s',
  excerpt: { text: '    scrape-interval: 10x', column: 22, length: 3 },
};

test('a problem names place, path, fault and mend, and points at the fault', () => {
  assert.equal(
    formatProblem(problem, plain),
    [
      '  shop.yml:3:22: scrape-configs[0].scrape-interval: "10x" is not a duration (write a number and a unit: 10s)',
      '          scrape-interval: 10x',
      '                           ^^^',
    ].join('\n'),
  );
});

test('tabs before the fault keep the caret under it', () => {
  const text = formatProblem({ ...problem, excerpt: { text: '\t\tx: y', column: 6, length: 1 } }, plain);
  assert.equal(text.split('\n')[2], '      \t\t   ^');
});

test('a long line is cut around the fault', () => {
  const long = `${'a'.repeat(500)}FAULT${'b'.repeat(500)}`;
  const [, line, caret] = formatProblem({ ...problem, excerpt: { text: long, column: 501, length: 5 } }, plain).split(
    '\n',
  );
  assert.ok(line !== undefined && caret !== undefined);
  assert.ok(line.length < 130);
  assert.equal(line.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1), 'FAULT');
});

test('all problems of a file are shown under one heading', () => {
  const text = formatError(new ConfigError('shop.yml', [problem, { ...problem, path: 'other' }]), plain, options);
  assert.match(text, /^pyro-pull: 2 problems in shop\.yml\n {2}shop\.yml:3:22: scrape-configs/);
  assert.match(text, / other: /);
});

test('an expected error is a sentence and a hint, without a stack', () => {
  const text = formatError(
    new ScrapeError('REFUSED', 'connection refused', { hint: 'is it running?' }),
    plain,
    options,
  );
  assert.equal(text, 'pyro-pull: connection refused\n  is it running?\n');
});

test('a fault of ours says so, with its stack at debug level only', () => {
  const fault = new TypeError('boom');
  assert.match(formatError(fault, plain, options), /internal error: boom\n.*fault of pyro-pull 1\.2\.3/);
  assert.doesNotMatch(formatError(fault, plain, options), /at .*print-error/);
  assert.match(formatError(fault, plain, { ...options, debug: true }), /TypeError: boom\n\s+at /);
});

test('NODE_DEBUG shows the stack of any command', async () => {
  const stacks = async (env: Record<string, string>) => {
    const io = memoryIo({ env });
    const get = () => {
      throw new TypeError('boom');
    };
    assert.equal(await run(['check'], Object.defineProperty(io, 'cwd', { get })), 1);
    return io.err();
  };
  assert.match(await stacks({ NODE_DEBUG: 'undici,pyro-pull' }), /internal error: boom\nTypeError: boom\n\s+at /);
  assert.doesNotMatch(await stacks({}), /\n\s+at /);
});

test('of many problems the first fifteen are shown, and the number of the others', () => {
  const problems = Array.from({ length: 50_000 }, (_, index) => ({ ...problem, message: `fault ${index}` }));
  const lines = formatError(new ConfigError('shop.yml', problems), plain, options).trimEnd().split('\n');
  assert.equal(lines[0], 'pyro-pull: 50000 problems in shop.yml');
  assert.equal(lines.length, 1 + 15 * 3 + 1);
  assert.equal(lines.at(-1), '  and 49985 more problems: pyro-pull check --json prints all');
});
