import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FNV_OFFSET, fnv1a, hashLabels, slotDelayMs, toHex } from '../../src/targets/key.ts';

const LABELS = new Map([
  ['__name__', 'app'],
  ['env', 'dev'],
  ['instance', 'h:6060'],
  ['job', 'j'],
]);

const hashes: readonly [text: string, hash: string][] = [
  ['', 'cbf29ce484222325'],
  ['a', 'af63dc4c8601ec8c'],
  ['foobar', '85944171f73967e8'],
];
for (const [text, hash] of hashes) {
  test(`hashes ${JSON.stringify(text)}`, () => assert.equal(toHex(fnv1a(FNV_OFFSET, text)), hash));
}

const keys: readonly [url: string, key: string][] = [
  ['http://h:6060/debug/pprof/heap', '21cd27718cc6af2c'],
  ['http://h:6060/debug/pprof/profile?seconds=10', 'dcdf4b2803633a5d'],
];
for (const [url, key] of keys) {
  test(`the key of ${url}`, () => assert.equal(toHex(fnv1a(hashLabels(LABELS), url)), key));
}

test('agrees with the definition in whole 64-bit numbers', () => {
  const plain = (text: string) => {
    let hash = 0xcbf29ce484222325n;
    for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) % 2n ** 64n;
    return hash.toString(16).padStart(16, '0');
  };
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.equal(toHex(fnv1a(FNV_OFFSET, text)), plain(text))),
  );
});

for (const [key, intervalMs, nowMs, delay] of [
  ['21cd27718cc6af2c', 10_000, 1_700_000_003_456, 1_836],
  ['21cd27718cc6af2c', 10_000, 1_700_000_005_292, 0],
  ['21cd27718cc6af2c', 10_000, 1_700_000_005_293, 9_999],
  ['dcdf4b2803633a5d', 10_000, 1_700_000_000_000, 1_901],
] as const) {
  test(`at ${nowMs} the slot of ${key} in ${intervalMs} ms is ${delay} ms away`, () => {
    assert.equal(slotDelayMs(key, intervalMs, nowMs), delay);
  });
}
