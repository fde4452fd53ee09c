import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { BodyBuffer } from '../../src/http/body-buffer.ts';

test('gives what was appended, however it was cut', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 20_000 }),
      fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1 }),
      fc.boolean(),
      (bytes, sizes, isShared) => {
        const buffer = new BodyBuffer();
        for (let start = 0, i = 0; start < bytes.length; i++) {
          const end = start + (sizes[i % sizes.length] ?? 1);
          // A chunk is a view of all that was received with it, or all of what was received.
          buffer.append(isShared ? bytes.subarray(start, end) : bytes.slice(start, end));
          start = end;
        }
        assert.equal(buffer.length, bytes.length);
        assert.ok(Buffer.from(bytes).equals(buffer.take()));
        assert.equal(buffer.length, 0);
        assert.equal(buffer.take().length, 0);
      },
    ),
  );
});

test('a body that was received at once is not copied', () => {
  const received = Buffer.allocUnsafeSlow(20_000);
  const buffer = new BodyBuffer();
  buffer.append(received.subarray(300));
  assert.equal(buffer.take().buffer, received.buffer);
});

test('a million pieces of one byte take no more than a few times their bytes', () => {
  const received = Buffer.alloc(1);
  const before = process.memoryUsage();
  const buffer = new BodyBuffer();
  for (let i = 0; i < 1_000_000; i++) buffer.append(received.subarray(0));
  const after = process.memoryUsage();
  assert.ok(after.arrayBuffers - before.arrayBuffers < 4_000_000);
  assert.equal(buffer.take().length, 1_000_000);
});

test('a small piece does not keep what was received with it', () => {
  const buffer = new BodyBuffer();
  const received = Buffer.alloc(65_536);
  buffer.append(received.subarray(0, 10));
  buffer.append(received.subarray(100, 110));
  const body = buffer.take();
  assert.equal(body.length, 20);
  assert.notEqual(body.buffer, received.buffer);
});
