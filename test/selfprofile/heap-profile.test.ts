import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AllocationNode,
  addAllocations,
  encodeHeapProfile,
  HeapProfiler,
  type V8AllocationNode,
} from '../../src/selfprofile/heap-profile.ts';
import { readProfile } from '../support/read-profile.ts';
import { stacksOf } from '../support/stacks-of.ts';

function node(functionName: string, selfSize: number, children: V8AllocationNode[] = []): V8AllocationNode {
  const callFrame = { functionName, scriptId: '7', url: 'file:///shop/main.js', lineNumber: 4, columnNumber: 0 };
  return { callFrame, selfSize, children };
}

function sumOf(...trees: V8AllocationNode[]): AllocationNode {
  const sums: AllocationNode = { frame: undefined, bytes: 0, children: new Map() };
  for (const tree of trees) addAllocations(sums, tree);
  return sums;
}

function encode(sums: AllocationNode) {
  return readProfile(encodeHeapProfile(sums, { timeNanos: 1_700_000_000n, samplingIntervalBytes: 65_536 }));
}

test('has the one column that V8 knows, cumulative bytes, with the sampling interval as the period', () => {
  const profile = encode(sumOf(node('(root)', 0, [node('main', 10)])));
  assert.deepEqual(profile.sampleTypes, [{ type: 'alloc_space', unit: 'bytes' }]);
  assert.deepEqual(profile.periodType, { type: 'space', unit: 'bytes' });
  assert.equal(profile.period, 65_536n);
  assert.equal(profile.timeNanos, 1_700_000_000n);
  assert.equal(profile.durationNanos, 0n);
});

test('sums what one stack allocated over all of V8 profiles', () => {
  const first = node('(root)', 0, [node('main', 10, [node('parse', 500)])]);
  const second = node('(root)', 0, [node('load', 7), node('main', 0, [node('parse', 20), node('sort', 3)])]);
  assert.deepEqual(stacksOf(encode(sumOf(first, second))), {
    main: [10n],
    'parse < main': [520n],
    'sort < main': [3n],
    load: [7n],
  });
});

test('keeps sums beyond 32 bits exact', () => {
  const huge = node('(root)', 0, [node('main', 4_000_000_000_000_001)]);
  assert.deepEqual(stacksOf(encode(sumOf(huge, huge))), { main: [8_000_000_000_000_002n] });
});

/** Bytes of all samples that `name` takes part in. */
function bytesOf(profiler: HeapProfiler, name: string): bigint {
  const stacks = Object.entries(stacksOf(readProfile(profiler.profile())));
  return stacks.reduce((sum, [stack, [bytes = 0n]]) => (stack.includes(name) ? sum + bytes : sum), 0n);
}

function allocateTables(count: number): number {
  let length = 0;
  for (let i = 0; i < count; i++) length += new Array(1_000).fill(i).length; // 8 kB each, dropped at once
  return length;
}

test('counts what was allocated, collected or not, as many bytes as there were', () => {
  const profiler = HeapProfiler.start({ samplingIntervalBytes: 32 * 1024 });
  allocateTables(10_000); // 80 MB, about 2,400 samples: 2 % standard deviation
  const bytes = Number(bytesOf(profiler, 'allocateTables'));
  profiler.stop();
  assert.ok(Math.abs(bytes / 80.16e6 - 1) < 0.15, `${bytes} bytes`);
});

test('never falls, stack by stack, however often it is read', () => {
  const profiler = HeapProfiler.start({ samplingIntervalBytes: 64 * 1024 });
  let before: Record<string, readonly bigint[]> = {};
  for (let round = 0; round < 10; round++) {
    allocateTables(500);
    const after = stacksOf(readProfile(profiler.profile()));
    for (const [stack, [bytes = 0n]] of Object.entries(before)) {
      const [now = 0n] = after[stack] ?? [];
      assert.ok(now >= bytes, `${stack}: ${bytes} then ${now}`);
    }
    before = after;
  }
  profiler.stop();
  assert.ok(Object.keys(before).some((stack) => stack.includes('allocateTables')));
});

test('keeps the sums, and samples no more, after it was stopped', () => {
  const profiler = HeapProfiler.start({ samplingIntervalBytes: 16 * 1024 });
  allocateTables(500);
  profiler.stop();
  const stopped = bytesOf(profiler, 'allocateTables');
  allocateTables(500);
  assert.equal(bytesOf(profiler, 'allocateTables'), stopped);
  assert.ok(stopped > 2_000_000n, `${stopped}`);
});

test('empties the store of V8 from time to time', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const profiler = HeapProfiler.start({ samplingIntervalBytes: 16 * 1024, collectIntervalMs: 1_000 });
  for (let round = 0; round < 5; round++) {
    allocateTables(500);
    t.mock.timers.tick(1_000);
  }
  const bytes = bytesOf(profiler, 'allocateTables');
  profiler.stop();
  assert.ok(bytes > 15_000_000n, `${bytes} of 20 MB`);
});
