import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseByteSize } from '../../src/config/byte-size.ts';
import { ValueError } from '../../src/config/value-error.ts';

const sizes: readonly (readonly [text: string, bytes: bigint])[] = [
  ['0', 0n],
  ['1024', 1024n],
  ['10B', 10n],
  ['1KB', 1024n],
  ['1KiB', 1024n],
  ['1kB', 1024n],
  ['1.5MB', 1_572_864n],
  ['.5MB', 524_288n],
  ['1 MB', 1_048_576n],
  ['64mib', 67_108_864n],
  ['1GiB', 1_073_741_824n],
  ['2TB', 2_199_023_255_552n],
  ['1PB', 1_125_899_906_842_624n],
  ['1EB', 1_152_921_504_606_846_976n],
  ['1.7B', 1n],
];
for (const [text, bytes] of sizes) {
  test(`"${text}" is ${bytes} bytes`, () => assert.equal(parseByteSize(text), bytes));
}

const refused: readonly (readonly [text: string, hint: RegExp])[] = [
  ['', /a number and a unit/],
  ['1MB512KB', /a number and a unit/],
  ['1K', /write 1KB/],
  ['10M', /write 10MB/],
  ['2Gi', /write 2GiB/],
  ['MB', /a number and a unit/],
  ['512 bytes', /a number and a unit/],
  ['1e6', /a number and a unit/],
  ['1  MB', /a number and a unit/],
  ['-1MB', /without a sign/],
  ['1.5', /a number and a unit/],
];
for (const [text, hint] of refused) {
  test(`"${text}" is refused`, () => {
    assert.throws(() => parseByteSize(text), { name: 'ValueError', hint, message: /is not a size in bytes/ });
  });
}

test('every number of bytes reads as itself, and every text as a size or a refusal', () => {
  fc.assert(fc.property(fc.bigInt(0n, 10n ** 19n), (bytes) => parseByteSize(String(bytes)) === bytes));
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        assert.ok(parseByteSize(text) >= 0n);
      } catch (error) {
        assert.ok(error instanceof ValueError);
      }
    }),
  );
});
