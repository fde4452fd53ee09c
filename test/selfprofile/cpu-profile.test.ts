import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CpuProfiler,
  CpuProfilerInUseError,
  encodeCpuProfile,
  type V8CpuProfile,
} from '../../src/selfprofile/cpu-profile.ts';
import { readProfile } from '../support/read-profile.ts';
import { stacksOf } from '../support/stacks-of.ts';

function frame(functionName: string, url = 'file:///shop/main.js', lineNumber = 0, columnNumber = 0) {
  return { functionName, scriptId: '7', url, lineNumber, columnNumber };
}

/** 50 ms: main calls sort (from two nodes that V8 keeps apart), an arrow function, and waits. */
const recorded: V8CpuProfile = {
  startTime: 1_000_000,
  endTime: 1_050_000,
  nodes: [
    { id: 1, callFrame: frame('(root)', '', -1, -1), hitCount: 0, children: [2, 5, 6, 7] },
    { id: 2, callFrame: frame('main', 'file:///shop/main.js', 9), hitCount: 1, children: [3, 4, 8] },
    { id: 3, callFrame: frame('sort', 'node:internal/sort', 99), hitCount: 2 },
    { id: 4, callFrame: frame('', 'file:///shop/main.js', 11, 4), hitCount: 1 },
    { id: 5, callFrame: frame('(idle)', '', -1, -1), hitCount: 4 },
    { id: 6, callFrame: frame('(program)', '', -1, -1), hitCount: 1 },
    { id: 7, callFrame: frame('(garbage collector)', '', -1, -1), hitCount: 1 },
    { id: 8, callFrame: frame('sort', 'node:internal/sort', 99), hitCount: 0, children: [] },
  ],
};

function encode(profile = recorded) {
  return encodeCpuProfile(profile, { timeNanos: 1_700_000_000_123_000_000n, samplingIntervalMicros: 10_000 });
}

test('has the columns and times of a Go CPU profile', () => {
  const profile = readProfile(encode());
  assert.deepEqual(profile.sampleTypes, [
    { type: 'samples', unit: 'count' },
    { type: 'cpu', unit: 'nanoseconds' },
  ]);
  assert.deepEqual(profile.periodType, { type: 'cpu', unit: 'nanoseconds' });
  assert.equal(profile.timeNanos, 1_700_000_000_123_000_000n);
  assert.equal(profile.durationNanos, 50_000_000n);
});

test('takes the measured distance of samples for the period, and counts CPU time with it', () => {
  const profile = readProfile(encode());
  assert.equal(profile.period, 5_000_000n); // 50 ms over 10 samples
  for (const { values } of profile.samples) assert.equal(values[1], (values[0] ?? 0n) * profile.period);
});

test('keeps the asked interval as the period where there is no sample at all', () => {
  const root = { id: 1, callFrame: frame('(root)', '', -1, -1), hitCount: 0 };
  assert.equal(readProfile(encode({ ...recorded, nodes: [root] })).period, 10_000_000n);
});

test('turns the tree into stacks, leaf first, without root and waiting', () => {
  const counts = Object.entries(stacksOf(readProfile(encode()))).map(([stack, values]) => [stack, Number(values[0])]);
  assert.deepEqual(Object.fromEntries(counts), {
    main: 1,
    'sort < main': 2,
    '(anonymous main.js:12:5) < main': 1,
    '(program)': 1,
    '(garbage collector)': 1,
  });
});

test('names file and line of a function, files as paths', () => {
  const functions = readProfile(encode()).functions.map(({ name, filename, startLine }) => [name, filename, startLine]);
  assert.deepEqual(functions.slice(0, 3), [
    ['main', '/shop/main.js', 10n],
    ['sort', 'node:internal/sort', 100n],
    ['(anonymous main.js:12:5)', '/shop/main.js', 12n],
  ]);
});

test('gives functions of one name but different places apart', () => {
  const nodes = [
    { id: 1, callFrame: frame('(root)', '', -1, -1), children: [2, 3] },
    { id: 2, callFrame: frame('run', 'file:///a.js', 1), hitCount: 1 },
    { id: 3, callFrame: frame('run', 'file:///b.js', 1), hitCount: 1 },
  ];
  assert.equal(readProfile(encode({ ...recorded, nodes })).samples.length, 2);
});

test('gives the same bytes for the same profile', () => {
  assert.deepEqual(encode(), encode());
});

test('finds the function that burns the CPU', async () => {
  const profiler = new CpuProfiler({ samplingIntervalMicros: 1_000 });
  const recording = profiler.record(300);
  const timer = setInterval(burnForAWhile, 20);
  const profile = readProfile(await recording);
  clearInterval(timer);
  const burnt = Object.entries(stacksOf(profile)).filter(([stack]) => stack.includes('burnForAWhile'));
  const burntNanos = burnt.reduce((sum, [, values]) => sum + (values[1] ?? 0n), 0n);
  assert.ok(burntNanos > 50_000_000n, `${burntNanos} ns of burnForAWhile`); // about 150 ms of the 300
  assert.ok(profile.durationNanos >= 300_000_000n, `${profile.durationNanos}`);
});

function burnForAWhile(): number {
  let sum = 0;
  for (const end = performance.now() + 10; performance.now() < end; ) sum += Math.sqrt(sum + 1);
  return sum;
}

test('records one profile at a time, and the next one afterwards', async () => {
  const profiler = new CpuProfiler();
  const first = profiler.record(50);
  await assert.rejects(profiler.record(50), CpuProfilerInUseError);
  await first;
  await profiler.record(1);
});

test('stops at once when the signal aborts, and is free again', async () => {
  const profiler = new CpuProfiler();
  const controller = new AbortController();
  const recording = profiler.record(3_600_000, controller.signal);
  controller.abort();
  await assert.rejects(recording, { name: 'AbortError' });
  await profiler.record(1);
});
