import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chalk } from 'chalk';
import { createLog, type LogFormat } from '../../src/cli/log.ts';
import type { LogLevel } from '../../src/config/scrape-config.ts';
import { memoryIo } from '../support/memory-io.ts';

function logged(format: LogFormat, level: LogLevel, write: (log: ReturnType<typeof createLog>) => void): string {
  const io = memoryIo();
  write(
    createLog(io.stderr, {
      level: () => level,
      format,
      paint: new Chalk({ level: 0 }),
      now: () => new Date('2026-11-22T10:15:00.000Z'),
    }),
  );
  return io.err();
}

test('text is a sentence, with the hint on a line of its own', () => {
  assert.equal(
    logged('text', 'info', (log) => log.warn('slow target', { job: 'shop', hint: 'raise scrape-timeout' })),
    'warning: slow target\n  raise scrape-timeout\n',
  );
});

test('a problem of a file is told on the line of its warning, with the excerpt below', () => {
  const problem = {
    file: 'p.yml',
    position: { line: 3, column: 5 },
    path: 'scrape-configs[0]',
    message: 'means nothing',
    hint: 'leave it out',
    excerpt: { text: '  - shop: 1', column: 5, length: 4 },
  };
  assert.equal(
    logged('text', 'info', (log) => log.problem(problem)),
    'warning: p.yml:3:5: scrape-configs[0]: means nothing (leave it out)\n        - shop: 1\n          ^^^^\n',
  );
});

test('logfmt carries ts, level, msg and the fields, quoted where they must be', () => {
  assert.equal(
    logged('logfmt', 'info', (log) =>
      log.info('two words', { job: 'a', path: 'a="b"', n: 3, none: undefined, empty: '' }),
    ),
    'ts=2026-11-22T10:15:00.000Z level=info msg="two words" job=a path="a=\\"b\\"" n=3 empty=""\n',
  );
});

test('json is one object a line', () => {
  const line = logged('json', 'info', (log) => log.error('bad\nthing', { code: 'X' }));
  assert.deepEqual(JSON.parse(line), { ts: '2026-11-22T10:15:00.000Z', level: 'error', msg: 'bad\nthing', code: 'X' });
  assert.equal(line.split('\n').length, 2);
});

for (const [level, expected] of [
  ['error', ['error']],
  ['warn', ['error', 'warn']],
  ['info', ['error', 'warn', 'info']],
  ['debug', ['error', 'warn', 'info', 'debug']],
] as const) {
  test(`--log-level ${level} shows ${expected.join(', ')}`, () => {
    const text = logged('json', level, (log) => {
      log.error('x');
      log.warn('x');
      log.info('x');
      log.debug('x');
    });
    const levels = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).level);
    assert.deepEqual(levels, expected);
  });
}
