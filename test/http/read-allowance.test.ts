import assert from 'node:assert/strict';
import test from 'node:test';
import { ReadAllowance } from '../../src/http/read-allowance.ts';

const MIB = 1024 * 1024;

/** Readings of 64 KiB, each of which takes so many milliseconds of the clock and of CPU, until it is too much. */
function readUntilRefused(options: {
  maxBodyBytes: number;
  pieceBytes: number;
  readMs: number;
  cpuShare?: number;
  betweenMs?: number;
  isStream?: boolean;
  maxReads?: number;
}): { reads: number; code: string | undefined; message: string } {
  const { cpuShare = 1, betweenMs = 0, isStream = false, maxReads = 5000 } = options;
  let nowMs = 0;
  let cpuMs = 0;
  const clock = { now: () => nowMs, monotonic: () => nowMs };
  const allowance = new ReadAllowance(options.maxBodyBytes, clock, () => cpuMs);
  for (let reads = 1; reads <= maxReads; reads++) {
    allowance.startRead(65_536);
    allowance.countPiece(options.pieceBytes);
    nowMs += options.readMs;
    cpuMs += options.readMs * cpuShare;
    const error = allowance.endRead(isStream);
    if (error) return { reads, code: error.code, message: error.message };
    nowMs += betweenMs;
  }
  return { reads: maxReads, code: undefined, message: '' };
}

const whole = { pieceBytes: 65_536, maxBodyBytes: MIB };

test('reading may take a second of CPU', () => {
  const { reads, code, message } = readUntilRefused({ ...whole, readMs: 10 });
  assert.equal(reads, 101);
  assert.equal(code, 'ANSWER_TOO_COSTLY');
  assert.match(message, /^reading the answer took over 1s of CPU: 6\.3MiB of body in 101 pieces$/);
});

test('the second grows with a limit above 64 MiB', () => {
  assert.equal(readUntilRefused({ ...whole, maxBodyBytes: 192 * MIB, readMs: 10 }).reads, 301);
});

test('time in which the machine ran something else is not counted', () => {
  const { reads, code } = readUntilRefused({ ...whole, readMs: 10, cpuShare: 0.25 });
  assert.equal(code, 'ANSWER_TOO_COSTLY');
  assert.ok(reads > 350 && reads < 401, `${reads} readings`);
});

test('a stream without end may take a quarter of a core', () => {
  const stream = { ...whole, maxBodyBytes: Number.POSITIVE_INFINITY, isStream: true, readMs: 10 };
  assert.equal(readUntilRefused({ ...stream, betweenMs: 40 }).code, undefined);
  assert.equal(readUntilRefused({ ...stream, betweenMs: 10 }).code, 'ANSWER_TOO_COSTLY');
});

test('what is no body may be twice the body and 16 bytes a chunk', () => {
  assert.equal(readUntilRefused({ ...whole, pieceBytes: 21_846, readMs: 0 }).code, undefined);
  const { code, message } = readUntilRefused({ ...whole, pieceBytes: 10, readMs: 0 });
  assert.equal(code, 'INVALID_RESPONSE');
  assert.match(message, /^the answer is 128KiB of headers, chunk extensions or trailers for 20 bytes of body$/);
});

test('more than twenty informational answers are refused', () => {
  const allowance = new ReadAllowance(MIB, { now: () => 0, monotonic: () => 0 });
  for (let i = 0; i < 20; i++) assert.equal(allowance.countInformational(), undefined);
  assert.equal(allowance.countInformational()?.code, 'INVALID_RESPONSE');
});
