import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_SLOT_BYTES, Slabs, type Slot } from '../../src/delta/slabs.ts';

const SLAB_BYTES = 16 * 1024;

interface Piece {
  readonly slot: Slot;
  readonly bytes: number;
  readonly mark: number;
}

function takeMarked(slabs: Slabs, bytes: number, mark: number): Piece {
  const slot = slabs.take(bytes);
  const { buffer, byteOffset } = slabs.view(slot);
  new Uint8Array(buffer, byteOffset, bytes).fill(mark);
  return { slot, bytes, mark };
}

function assertWhole(slabs: Slabs, { slot, bytes, mark }: Piece): void {
  const { buffer, byteOffset } = slabs.view(slot);
  assert.ok(new Uint8Array(buffer, byteOffset, bytes).every((byte) => byte === mark));
}

test('each piece keeps what is written to it, whatever is taken and freed beside it', () => {
  const steps = fc.array(
    fc.oneof(fc.record({ take: fc.oneof(fc.nat(100), fc.nat(MAX_SLOT_BYTES)) }), fc.record({ free: fc.nat() })),
    { maxLength: 300, size: 'max' },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const slabs = new Slabs();
      const pieces: Piece[] = [];
      all.forEach((step, at) => {
        if ('take' in step) pieces.push(takeMarked(slabs, step.take, at % 256));
        else {
          const [piece] = pieces.splice(step.free % Math.max(1, pieces.length), 1);
          if (piece) slabs.free(piece.slot);
        }
        for (const piece of pieces) assertWhole(slabs, piece);
      });
      for (const { slot } of pieces) slabs.free(slot);
      assert.equal(slabs.bytes, 0, 'an empty slab is given back');
    }),
  );
});

test('a slot is a number from 0 on, and its bytes are aligned for 64-bit numbers', () => {
  const slabs = new Slabs();
  for (let bytes = 0; bytes <= MAX_SLOT_BYTES; bytes += 7) {
    const slot = slabs.take(bytes);
    assert.ok(slot >= 0);
    assert.equal(slabs.view(slot).byteOffset % 8, 0);
    assert.ok(slabs.view(slot).byteLength >= bytes);
  }
});

test('takes little more memory than is asked for', () => {
  const slabs = new Slabs();
  for (let count = 0; count < 10_000; count++) slabs.take(344);
  assert.ok(slabs.bytes < 10_000 * 344 * 1.05, `${slabs.bytes} bytes`);
  for (let count = 0; count < 1000; count++) slabs.take(MAX_SLOT_BYTES);
  assert.ok(slabs.bytes < 10_000 * 344 * 1.05 + 1000 * MAX_SLOT_BYTES * 1.05, `${slabs.bytes} bytes`);
});

test('freed slots are used again', () => {
  const slabs = new Slabs();
  const slots = Array.from({ length: 1000 }, () => slabs.take(100));
  const before = slabs.bytes;
  for (let round = 0; round < 10; round++) {
    for (let at = 0; at < slots.length; at += 2) slabs.free(slots[at]!);
    for (let at = 0; at < slots.length; at += 2) slots[at] = slabs.take(100);
  }
  assert.equal(slabs.bytes, before);
});

test('where most of the pieces are gone, the others come together as they are replaced, and slabs are given back', () => {
  const slabs = new Slabs();
  const pieces = Array.from({ length: 4000 }, (_, at) => takeMarked(slabs, 200, at % 256));
  const left = pieces.filter(({ slot }, at) => at % 20 === 0 || slabs.free(slot) !== undefined);
  assert.equal(left.length, 200);
  const replaced = left.map(({ slot, mark }) => {
    const piece = takeMarked(slabs, 200, mark);
    slabs.free(slot);
    return piece;
  });
  assert.ok(slabs.bytes <= 200 * 208 + 2 * SLAB_BYTES, `${slabs.bytes} bytes`);
  for (const piece of replaced) assertWhole(slabs, piece);
});
