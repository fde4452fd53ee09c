import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chalk } from 'chalk';
import { createLog } from '../../src/cli/log.ts';
import { LoopLog } from '../../src/cli/render/loop-log.ts';
import { ScrapeError, SinkError } from '../../src/errors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { finishedProfile } from '../support/finished-profile.ts';

function loopLog(format: 'text' | 'logfmt' | 'json' = 'text') {
  const lines: string[] = [];
  const clock = new FakeClock();
  const output = {
    write: (text: string | Uint8Array) => void lines.push(String(text).trimEnd()),
    isTTY: false,
    columns: 80,
  };
  const paint = new Chalk({ level: 0 });
  const log = createLog(output, { level: () => 'info', format, paint, now: () => new Date(clock.now()) });
  return { lines, clock, log: new LoopLog(log, (ms, run) => clock.schedule(ms, run)) };
}

const targetOf = (number: number) =>
  finishedProfile({ target: { url: `http://h${number}:6060/debug/pprof/heap` } }).target;
const [target] = [targetOf(1)];
const refused = new ScrapeError('CONNECTION_REFUSED', 'connection refused', { hint: 'is it running?' });

test('a target that goes down is one line, its failures after that are none', () => {
  const { lines, log } = loopLog();
  log.add({ type: 'failed', target, stage: 'scrape', error: refused });
  log.add({ type: 'down', target, error: refused });
  log.add({ type: 'failed', target, stage: 'scrape', error: refused });
  log.add({ type: 'up', target, failures: 2, downMs: 20_000 });
  assert.deepEqual(lines, [
    'warning: http://h1:6060/debug/pprof/heap: down: connection refused\n  is it running?',
    'http://h1:6060/debug/pprof/heap: came back after 2 failures in 20.0 s',
  ]);
});

test('an outage of many is told by the first and a sum', () => {
  const { lines, clock, log } = loopLog();
  for (let number = 0; number < 1000; number++) log.add({ type: 'down', target: targetOf(number), error: refused });
  assert.equal(lines.length, 5);
  clock.advance(60_000);
  assert.equal(lines.length, 6);
  assert.equal(lines.at(-1), 'warning: job shop: 995 more targets went down: connection refused');
  log.add({ type: 'down', target, error: refused });
  assert.equal(lines.length, 7, 'the next one is told again');
});

test('missed slots are a sum a minute', () => {
  const { lines, clock, log } = loopLog();
  for (let times = 0; times < 30; times++) log.add({ type: 'missed', target, slots: 2 });
  assert.deepEqual(lines, []);
  clock.advance(60_000);
  assert.match(lines.join(), /60 slots missed in a minute/);
});

test('an equal warning is told once an hour', () => {
  const { lines, clock, log } = loopLog();
  for (let times = 0; times < 3; times++) log.add({ type: 'warning', message: 'an oddity' });
  assert.deepEqual(lines, ['warning: an oddity']);
  clock.advance(3_600_000);
  assert.equal(lines.at(-1), 'warning: an oddity (2 more times)');
});

test('what is held back is told at the end', () => {
  const { lines, log } = loopLog();
  const full = new SinkError('NO_SPACE', 'no space left');
  for (let times = 0; times < 3; times++) log.add({ type: 'failed', target, stage: 'write', error: full });
  assert.equal(lines.length, 1);
  log.close();
  assert.equal(lines.at(-1), 'error: 2 more profiles not written: no space left');
});

test('logfmt and json carry job, profile, target and code', () => {
  const logfmt = loopLog('logfmt');
  logfmt.log.add({ type: 'down', target, error: refused });
  assert.match(
    logfmt.lines[0] ?? '',
    /^ts=\S+ level=warn msg=".*" job=shop profile=cpu target=\S+ code=CONNECTION_REFUSED hint=/,
  );
  const json = loopLog('json');
  json.log.add({ type: 'down', target, error: refused });
  const { job, profile, code, level } = JSON.parse(json.lines[0] ?? '{}');
  assert.deepEqual(
    { job, profile, code, level },
    { job: 'shop', profile: 'cpu', code: 'CONNECTION_REFUSED', level: 'warn' },
  );
});
