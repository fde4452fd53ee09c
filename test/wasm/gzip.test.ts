import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, crc32, deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { engineFor } from '../../src/wasm/engine.ts';
import type { EngineExports } from '../../src/wasm/engine-exports.ts';
import { Random } from '../support/random.ts';
import { recordedProfiles } from '../support/recorded-profiles.ts';

function engine(): EngineExports {
  const { calls } = engineFor(0) ?? assert.fail('no WebAssembly');
  return calls;
}

/** Around the places where the engine may write. */
const GUARD_BYTES = 64;
const GUARD = 0xa5;
/** Behind a source of `gzip`, which may read them. */
const SLACK_BYTES = 8;

/** Bytes as gzip, by the engine, which must keep to what `gzipBound` says. */
function compress(bytes: Uint8Array, behind = 0): Buffer {
  const calls = engine();
  const source = calls.take(bytes.length + SLACK_BYTES);
  const bound = calls.gzipBound(bytes.length);
  const target = calls.take(bound + GUARD_BYTES);
  const memory = Buffer.from(calls.memory.buffer);
  memory.fill(behind, source + bytes.length, source + bytes.length + SLACK_BYTES);
  memory.set(bytes, source);
  memory.fill(GUARD, target, target + bound + GUARD_BYTES);
  const size = calls.gzip(source, bytes.length, target);
  assert.ok(size <= bound, `${size} bytes, bound ${bound}`);
  assertGuard(memory.subarray(target + bound, target + bound + GUARD_BYTES));
  return Buffer.from(memory.subarray(target, target + size));
}

/** What the engine inflates, if it does, without a byte outside of its target. */
function inflated(gzip: Uint8Array, capacity: number): Buffer | undefined {
  const calls = engine();
  const source = calls.take(gzip.length);
  const before = calls.take(capacity + 2 * GUARD_BYTES);
  const target = before + GUARD_BYTES;
  const memory = Buffer.from(calls.memory.buffer);
  memory.set(gzip, source);
  memory.fill(GUARD, before, target + capacity + GUARD_BYTES);
  const size = calls.gunzip(source, gzip.length, target, capacity);
  assertGuard(memory.subarray(before, target));
  assertGuard(memory.subarray(target + capacity, target + capacity + GUARD_BYTES));
  return size === -1 ? undefined : Buffer.from(memory.subarray(target, target + size));
}

function assertGuard(bytes: Buffer): void {
  assert.ok(
    bytes.every((byte) => byte === GUARD),
    'wrote outside of its target',
  );
}

/** deepEqual would compare, and print, byte by byte. */
function assertSame(actual: Buffer | undefined, expected: Uint8Array, what = 'bytes'): void {
  assert.ok(actual?.equals(expected), `${what}: ${actual?.length} bytes, not the ${expected.length} expected`);
}

const random = new Random(1);
const noise = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, () => random.bits() & 255));
const FAR = noise(32 * 1024);

/** Each symbol as often as the two before it together: codes would get longer than 15 bits. */
function fibonacci(): Buffer {
  const counts = [1, 1];
  while (counts.length < 22) counts.push((counts.at(-1) ?? 0) + (counts.at(-2) ?? 0));
  const bytes = Buffer.concat(counts.map((count, symbol) => Buffer.alloc(count, symbol)));
  for (let at = bytes.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    const byte = bytes[at] ?? 0;
    bytes[at] = bytes[other] ?? 0;
    bytes[other] = byte;
  }
  return bytes;
}

const SHAPES: ReadonlyMap<string, Buffer> = new Map([
  ['nothing', Buffer.alloc(0)],
  ...[1, 2, 3, 4, 5, 8, 9].map((length) => [`${length} bytes`, noise(length)] as const),
  ...[257, 258, 259, 65_535, 5_000_000].map((length) => [`${length} times the same`, Buffer.alloc(length, 7)] as const),
  ...[2, 3, 5, 7, 8, 9, 15]
    .map((period) => [`every ${period} bytes the same`, noise(period).toString('hex').repeat(99)] as const)
    .map(([name, text]) => [name, Buffer.from(text, 'hex')] as const),
  ...[2047, 2048, 2049, 65_535, 65_536, 131_071, 200_000].map(
    (length) => [`${length} of noise`, noise(length)] as const,
  ),
  ['a match from the end of the window', Buffer.concat([FAR, FAR])],
  ['a repetition just beyond the window', Buffer.concat([FAR, noise(1), FAR])],
  ['codes that come to the limit of their lengths', fibonacci()],
  [
    'parts of different kinds',
    Buffer.concat([noise(9000), Buffer.alloc(9000), Buffer.from('heap'.repeat(5000)), noise(9000)]),
  ],
]);

/** Repetitions at all distances, between bytes of alphabets of all sizes. */
const ANY_BYTES = fc
  .array(
    fc.record({
      alphabet: fc.integer({ min: 1, max: 256 }),
      literals: fc.integer({ min: 0, max: 300 }),
      distance: fc.integer({ min: 1, max: 40_000 }),
      length: fc.integer({ min: 0, max: 700 }),
      seed: fc.nat(),
    }),
    { maxLength: 60 },
  )
  .map((parts) => {
    const bytes: number[] = [];
    for (const { alphabet, literals, distance, length, seed } of parts) {
      const digits = new Random(seed);
      for (let count = 0; count < literals; count++) bytes.push(digits.below(alphabet));
      const back = Math.min(distance, bytes.length);
      for (let count = 0; back > 0 && count < length; count++) bytes.push(bytes[bytes.length - back] ?? 0);
    }
    return Buffer.from(bytes);
  });

/** Each way in which zlib can write. */
const ANY_ZLIB_OPTIONS = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
});

for (const [name, bytes] of SHAPES) {
  test(`gzip of ${name} inflates to it, by zlib and by the engine`, () => {
    const gzip = compress(bytes);
    assertSame(gunzipSync(gzip), bytes, 'zlib');
    assertSame(inflated(gzip, bytes.length), bytes, 'engine');
  });

  test(`gunzip takes ${name} from zlib at each level`, () => {
    for (let level = 0; level <= 9; level++) assertSame(inflated(gzipSync(bytes, { level }), bytes.length), bytes);
  });
}

test('gzip of any bytes inflates to them', () => {
  fc.assert(
    fc.property(ANY_BYTES, (bytes) => {
      const gzip = compress(bytes);
      assertSame(gunzipSync(gzip), bytes, 'zlib');
      assertSame(inflated(gzip, bytes.length), bytes, 'engine');
    }),
  );
});

test('gunzip takes whatever zlib writes', () => {
  fc.assert(
    fc.property(ANY_BYTES, ANY_ZLIB_OPTIONS, fc.nat(600), (bytes, options, room) => {
      assertSame(inflated(gzipSync(bytes, options), bytes.length + room), bytes);
    }),
  );
});

test('gzip of recorded profiles is at most a fifth larger than that of zlib at its default level', () => {
  for (const bodies of recordedProfiles().values()) {
    for (const body of bodies) {
      // Which are Go's gzip.
      const bytes = gunzipSync(body);
      assertSame(inflated(body, bytes.length), bytes, 'from Go');
      const gzip = compress(bytes);
      assertSame(gunzipSync(gzip), bytes);
      assert.ok(gzip.length <= 1.2 * gzipSync(bytes).length, `${gzip.length} bytes`);
    }
  }
});

test('gzip depends on nothing but the bytes: not on what lies behind them, nor on what was compressed before', () => {
  fc.assert(
    fc.property(ANY_BYTES, ANY_BYTES, (bytes, other) => {
      const gzip = compress(bytes);
      compress(other);
      assertSame(compress(bytes, 0xff), gzip);
    }),
  );
});

test('gzip goes on after 256 MiB, where its positions start anew', () => {
  const profile = gunzipSync(recordedProfiles().get('etcd-heap')?.[0] ?? assert.fail());
  const expected = compress(profile);
  const calls = engine();
  const large = 32 * 1024 * 1024;
  const source = calls.take(large + SLACK_BYTES);
  const small = calls.take(profile.length + SLACK_BYTES);
  const target = calls.take(calls.gzipBound(large));
  const memory = Buffer.from(calls.memory.buffer);
  memory.set(profile, small);
  for (let passed = 0; passed <= 2 ** 29; passed += large) {
    calls.gzip(source, large, target);
    const size = calls.gzip(small, profile.length, target);
    assertSame(memory.subarray(target, target + size), expected);
  }
});

const HEADER = Buffer.from('1f8b08000000000000ff', 'hex');

/** A member around a deflate stream, right where zlib can inflate that. */
function member(stream: Uint8Array, content: Uint8Array = Buffer.alloc(0)): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length, 4);
  return Buffer.concat([HEADER, stream, trailer]);
}

const TEXT = Buffer.from('a profile, a profile, a profile');
const GOOD = member(deflateRawSync(TEXT), TEXT);
const plusAt = (offset: number, value: number): Buffer => {
  const bytes = Buffer.from(GOOD);
  const at = offset < 0 ? bytes.length + offset : offset;
  bytes[at] = (bytes[at] ?? 0) + value;
  return bytes;
};

test('gunzip takes a member with nothing special about it', () => {
  assertSame(inflated(GOOD, TEXT.length), TEXT);
});

for (const [name, gzip] of [
  ['nothing', Buffer.alloc(0)],
  ['something else than gzip', Buffer.from('never a gzip header, whatever follows it')],
  ['another method than deflate', plusAt(2, 1)],
  ['a header with a checksum', plusAt(3, 2)],
  ['a header with an extra field', plusAt(3, 4)],
  ['a header with a name', plusAt(3, 8)],
  ['a header with a comment', plusAt(3, 16)],
  ['a wrong checksum', plusAt(-8, 1)],
  ['a wrong size', plusAt(-4, 1)],
  ['a byte too many', Buffer.concat([GOOD, Buffer.alloc(1)])],
  ['two members', Buffer.concat([GOOD, GOOD])],
] as const) {
  test(`gunzip gives up on ${name}`, () => {
    assert.equal(inflated(gzip, 1000), undefined);
  });
}

test('gunzip gives up where a byte of room is missing', () => {
  for (const [name, bytes] of SHAPES) {
    if (bytes.length > 0) assert.equal(inflated(gzipSync(bytes), bytes.length - 1), undefined, name);
  }
});

test('gunzip gives up on a member that ends early, wherever that is', () => {
  for (const level of [0, 1, 9]) {
    const gzip = gzipSync(Buffer.concat([TEXT, noise(500), Buffer.alloc(500)]), { level });
    for (let length = 0; length < gzip.length; length++) {
      assert.equal(inflated(gzip.subarray(0, length), 2000), undefined, `level ${level}, ${length} bytes`);
    }
  }
});

/** Bits in the order in which they are sent: numbers from the lowest, codes from the first. */
function stream(...bits: string[]): Buffer {
  const all = bits.join('');
  const bytes = Buffer.alloc(Math.ceil(all.length / 8));
  for (const [at, bit] of [...all].entries()) if (bit === '1') bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  return bytes;
}

function number(value: number, bits: number): string {
  return [...value.toString(2).padStart(bits, '0')].reverse().join('');
}

const STORED = '100';
const FIXED = '110';
const DYNAMIC = '101';
const ITEM_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** How many literals and distances follow, and the lengths of the codes by which their lengths are told. */
function dynamic(literals: number, distances: number, items: Readonly<Record<number, number>>): string {
  const lengths = ITEM_ORDER.map((symbol) => number(items[symbol] ?? 0, 3));
  return [DYNAMIC, number(literals - 257, 5), number(distances - 1, 5), number(15, 4), ...lengths].join('');
}

// With codes 0 for a length of 0, 10 for one of 1, 110 for one of 2, and 111 for so many zeros.
const ITEMS = { 0: 1, 1: 2, 2: 3, 18: 3 };
const zeros = (count: number): string => `111${number(count - 11, 7)}`;
// Literal 0 and the end of the block; codes 0 and 1.
const TWO_LITERALS = `10${zeros(138)}${zeros(117)}10`;
const NUL = '00110000';
const LENGTH_3 = '0000001';
const FIXED_END = '0000000';

for (const { name, says, bits } of [
  { name: 'a block of a reserved type', says: /invalid block type/, bits: ['111'] },
  {
    name: 'a stored size that does not fit its complement',
    says: /invalid stored block lengths/,
    bits: [STORED, '00000', number(1, 16), number(1, 16)],
  },
  {
    name: 'a match before the start',
    says: /invalid distance too far back/,
    bits: [FIXED, LENGTH_3, '00000', FIXED_END],
  },
  {
    name: 'a match before the start, behind a literal',
    says: /invalid distance too far back/,
    bits: [FIXED, NUL, LENGTH_3, '00001', FIXED_END],
  },
  {
    name: 'length symbol 286',
    says: /invalid literal\/length code/,
    bits: [FIXED, NUL, '11000110', '00000', FIXED_END],
  },
  {
    name: 'length symbol 287',
    says: /invalid literal\/length code/,
    bits: [FIXED, NUL, '11000111', '00000', FIXED_END],
  },
  { name: 'distance symbol 30', says: /invalid distance code/, bits: [FIXED, NUL, LENGTH_3, '11110', FIXED_END] },
  { name: 'distance symbol 31', says: /invalid distance code/, bits: [FIXED, NUL, LENGTH_3, '11111', FIXED_END] },
  { name: '287 literals', says: /too many length or distance symbols/, bits: [dynamic(287, 1, ITEMS)] },
  { name: '31 distances', says: /too many length or distance symbols/, bits: [dynamic(257, 31, ITEMS)] },
  { name: 'an incomplete code of lengths', says: /invalid code lengths set/, bits: [dynamic(257, 1, { 0: 1, 1: 2 })] },
  {
    name: 'an over-subscribed code of lengths',
    says: /invalid code lengths set/,
    bits: [dynamic(257, 1, { 0: 1, 1: 1, 2: 1 })],
  },
  {
    name: 'a repetition of nothing',
    says: /invalid bit length repeat/,
    bits: [dynamic(257, 1, { 1: 1, 16: 1 }), '1', '00'],
  },
  {
    name: 'a repetition beyond the last length',
    says: /invalid bit length repeat/,
    bits: [dynamic(257, 1, ITEMS), zeros(138), zeros(138)],
  },
  {
    name: 'no end of the block',
    says: /missing end-of-block/,
    bits: [dynamic(257, 1, ITEMS), '1010', zeros(138), zeros(117), '0'],
  },
  {
    name: 'an incomplete code of literals',
    says: /invalid literal\/lengths set/,
    bits: [dynamic(257, 1, ITEMS), '110', zeros(138), zeros(117), '10', '10'],
  },
  {
    name: 'an over-subscribed code of literals',
    says: /invalid literal\/lengths set/,
    bits: [dynamic(257, 1, ITEMS), '1010', zeros(138), zeros(116), '10', '10'],
  },
  {
    name: 'an incomplete code of distances',
    says: /invalid distances set/,
    bits: [dynamic(257, 2, ITEMS), TWO_LITERALS, '110', '110'],
  },
  {
    name: 'an over-subscribed code of distances',
    says: /invalid distances set/,
    bits: [dynamic(257, 3, ITEMS), TWO_LITERALS, '10', '10', '10'],
  },
  {
    name: 'a distance where there is only one, and its code the other bit',
    says: /invalid distance code/,
    bits: [dynamic(258, 1, ITEMS), '10', zeros(138), zeros(117), '110', '110', '10', '0', '11', '1', '10'],
  },
]) {
  test(`gunzip gives up on ${name}`, () => {
    const gzip = member(stream(...bits, '0'.repeat(64)));
    assert.throws(() => gunzipSync(gzip), says);
    assert.equal(inflated(gzip, 1000), undefined);
  });
}

for (const { name, bits, content } of [
  { name: 'no distance at all', bits: [dynamic(257, 1, ITEMS), TWO_LITERALS, '0', '0', '0', '1'], content: '0000' },
  {
    name: 'a single distance',
    bits: [dynamic(258, 1, ITEMS), '10', zeros(138), zeros(117), '110', '110', '10', '0', '11', '0', '10'],
    content: '00000000',
  },
]) {
  test(`gunzip takes ${name}`, () => {
    const raw = stream(...bits);
    const bytes = Buffer.from(content, 'hex');
    assertSame(inflateRawSync(raw), bytes, 'zlib');
    assertSame(inflated(member(raw, bytes), bytes.length), bytes, 'engine');
  });
}

test('what gunzip makes of a damaged member is what zlib makes of it, or nothing', () => {
  const damage = fc.array(fc.record({ place: fc.nat(), bit: fc.nat(7) }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(ANY_BYTES, ANY_ZLIB_OPTIONS, damage, (bytes, options, bits) => {
      const raw = deflateRawSync(bytes, options);
      for (const { place, bit } of bits) raw[place % raw.length] = (raw[place % raw.length] ?? 0) ^ (1 << bit);
      const expected = inflatedByZlib(raw);
      const actual = inflated(member(raw, expected), expected?.length ?? bytes.length);
      if (actual) assertSame(actual, expected ?? assert.fail('took what zlib refuses'));
    }),
  );
});

function inflatedByZlib(raw: Buffer): Buffer | undefined {
  try {
    return inflateRawSync(raw, { maxOutputLength: 16 * 1024 * 1024 });
  } catch {
    return undefined;
  }
}
