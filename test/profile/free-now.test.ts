import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeNow, freeReceived } from '../../src/profile/free-now.ts';

test('leaves nothing of large bytes', () => {
  const bytes = new Uint8Array(2 ** 20).fill(7);
  const view = bytes.subarray(10, 20);
  freeNow(bytes);
  assert.deepEqual([bytes.length, view.length, bytes.buffer.byteLength], [0, 0, 0]);
  freeNow(bytes);
});

test('gives their memory back without a garbage collection', () => {
  const { arrayBuffers } = process.memoryUsage();
  for (let count = 0; count < 50; count++) freeNow(new Uint8Array(2 ** 20).fill(count));
  assert.ok(process.memoryUsage().arrayBuffers - arrayBuffers < 2 ** 20);
});

test('leaves small bytes alone', () => {
  const bytes = new Uint8Array(1000).fill(7);
  freeNow(bytes);
  assert.equal(bytes[999], 7);
});

test('of what was received, leaves nothing of small bytes either', () => {
  const received = new Uint8Array(3000).fill(7);
  const [head, body] = [received.subarray(0, 200), received.subarray(200)];
  freeReceived(body);
  assert.deepEqual([head.length, body.length], [0, 0]);
});

test("leaves Node's pool alone, which others have a part of", () => {
  const [mine, another] = [4095, 1000].map((length) => Buffer.allocUnsafe(length).fill(7));
  assert.ok(mine && another && mine.buffer.byteLength > mine.length);
  freeReceived(mine);
  freeReceived(another);
  assert.deepEqual([mine[4094], another[999]], [7, 7]);
});
