import {
  bytesField,
  concatAll,
  FIXED32,
  FIXED64,
  fixed32Field,
  fixed64Field,
  LENGTH_DELIMITED,
  tag,
  VARINT,
  varint,
} from './protobuf-bytes.ts';
import type { Random } from './random.ts';

/** Changes a few bytes, or a few fields with all lengths around them kept right: half of the results are still profiles. */
export function mutateProfile(bytes: Uint8Array, random: Random): Uint8Array {
  let mutated = bytes;
  for (let count = 1 + random.below(3); count > 0; count--) {
    mutated = random.chance(0.4) ? mutateBytes(mutated, random) : mutateFields(mutated, random);
  }
  return mutated;
}

const BYTES = [0, 1, 2, 7, 8, 0x0a, 0x10, 0x12, 0x1a, 0x22, 0x2a, 0x32, 0x7f, 0x80, 0x81, 0xfe, 0xff];

/** Changes, adds, takes away or repeats a few bytes. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const length = 1 + random.below(random.pick([1, 4, 16, 200]));
  const replaced = (removed: number, ...inserted: Uint8Array[]): Uint8Array =>
    concatAll([bytes.subarray(0, at), ...inserted, bytes.subarray(at + removed)]);
  switch (random.below(7)) {
    case 0:
      return replaced(1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.below(8))));
    case 1:
      return replaced(1, Uint8Array.of(random.pick(BYTES)));
    case 2:
      return replaced(
        0,
        Uint8Array.from({ length }, () => random.pick(BYTES)),
      );
    case 3:
      return replaced(length);
    case 4: {
      const from = random.below(bytes.length + 1);
      return replaced(0, bytes.slice(from, from + length));
    }
    case 5:
      return bytes.subarray(0, at);
    default:
      return replaced(random.below(3), varint(random.pick(NUMBERS)));
  }
}

const NUMBERS: readonly bigint[] = [
  ...[
    0n,
    1n,
    2n,
    3n,
    5n,
    127n,
    128n,
    255n,
    256n,
    16_383n,
    16_384n,
    2n ** 21n,
    2n ** 28n,
    2n ** 31n,
    2n ** 32n,
    2n ** 35n,
  ],
  ...[2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 5n],
];

/** One field of a message; nested messages are read as far as profile.proto says that they are some. */
type Node =
  | { readonly kind: 'number'; field: number; value: bigint }
  | { readonly kind: 'message'; field: number; children: Node[] }
  | { readonly kind: 'packed'; field: number; numbers: bigint[] }
  | { readonly kind: 'raw'; field: number; wireType: number; bytes: Uint8Array };

interface Shape {
  readonly packed?: readonly number[];
  readonly messages?: Readonly<Record<number, Shape>>;
}

const LINE: Shape = {};
const PROFILE: Shape = {
  packed: [13],
  messages: {
    1: {},
    2: { packed: [1, 2], messages: { 3: {} } },
    3: {},
    4: { messages: { 4: LINE } },
    5: {},
    11: {},
  },
};

function mutateFields(bytes: Uint8Array, random: Random): Uint8Array {
  const tree = parse(bytes, PROFILE);
  const lists = [tree];
  for (const list of lists) for (const node of list) if (node.kind === 'message') lists.push(node.children);
  const list = random.chance(0.2) ? tree : random.pick(lists);
  if (list.length === 0) return bytes;
  const at = random.below(list.length);
  const node = list[at];
  if (!node) return bytes;
  switch (random.below(8)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      list.splice(random.below(list.length + 1), 0, copyOf(node));
      break;
    case 2:
      list.push(...list.splice(at, 1));
      break;
    case 3:
      node.field = random.pick([node.field, 1, 2, 3, 4, 5, 6, 9, 13, 14, 16, 99, 0, 2 ** 29 - 1]);
      break;
    case 4:
      list[at] = {
        kind: 'raw',
        field: node.field,
        wireType: random.below(8),
        bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      };
      break;
    case 5: {
      const other = random.pick(tree);
      list[at] = { ...copyOf(other), field: node.field };
      break;
    }
    default:
      mutateNumbers(node, random);
  }
  return encode(tree);
}

function mutateNumbers(node: Node, random: Random): void {
  if (node.kind === 'number') node.value = nextNumber(node.value, random);
  else if (node.kind === 'packed' && node.numbers.length > 0) {
    const at = random.below(node.numbers.length);
    if (random.chance(0.3)) node.numbers.splice(at, random.below(3), ...node.numbers.slice(0, random.below(3)));
    else node.numbers[at] = nextNumber(node.numbers[at] ?? 0n, random);
  }
}

/** Without anything that a later change of the original would change. */
function copyOf(node: Node): Node {
  if (node.kind === 'number' || node.kind === 'raw') return { ...node };
  if (node.kind === 'packed') return { ...node, numbers: [...node.numbers] };
  return { kind: 'raw', field: node.field, wireType: LENGTH_DELIMITED, bytes: encode(node.children) };
}

function nextNumber(value: bigint, random: Random): bigint {
  return random.chance(0.5) ? random.pick(NUMBERS) : BigInt.asUintN(64, value + random.pick([1n, -1n, 2n ** 32n]));
}

/** The fields of a message, as far as they can be read: what cannot is left out. */
function parse(bytes: Uint8Array, shape: Shape): Node[] {
  const nodes: Node[] = [];
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const key = readNumber(bytes, cursor);
    const field = Number(BigInt.asUintN(29, key >> 3n));
    const wireType = Number(key & 7n);
    if (wireType === VARINT) nodes.push({ kind: 'number', field, value: readNumber(bytes, cursor) });
    else if (wireType === LENGTH_DELIMITED) {
      const length = Number(readNumber(bytes, cursor));
      const content = bytes.subarray(cursor.at, cursor.at + length);
      cursor.at += length;
      const nested = shape.messages?.[field];
      if (nested) nodes.push({ kind: 'message', field, children: parse(content, nested) });
      else if (shape.packed?.includes(field)) nodes.push({ kind: 'packed', field, numbers: readNumbers(content) });
      else nodes.push({ kind: 'raw', field, wireType, bytes: content });
    } else if (wireType === FIXED64 || wireType === FIXED32) {
      const size = wireType === FIXED64 ? 8 : 4;
      nodes.push({ kind: 'raw', field, wireType, bytes: bytes.subarray(cursor.at, cursor.at + size) });
      cursor.at += size;
    } else break;
  }
  return nodes;
}

function readNumbers(bytes: Uint8Array): bigint[] {
  const numbers: bigint[] = [];
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) numbers.push(readNumber(bytes, cursor));
  return numbers;
}

function readNumber(bytes: Uint8Array, cursor: { at: number }): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[cursor.at++] ?? 0;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) break;
  }
  return BigInt.asUintN(64, value);
}

function encode(nodes: readonly Node[]): Uint8Array {
  return concatAll(
    nodes.map((node) => {
      if (node.kind === 'number') return concatAll([tag(node.field, VARINT), varint(node.value)]);
      if (node.kind === 'message') return bytesField(node.field, encode(node.children));
      if (node.kind === 'packed') return bytesField(node.field, concatAll(node.numbers.map((value) => varint(value))));
      return encodeRaw(node.field, node.wireType, node.bytes);
    }),
  );
}

function encodeRaw(field: number, wireType: number, bytes: Uint8Array): Uint8Array {
  const padded = concatAll([bytes, new Uint8Array(8)]);
  const view = new DataView(padded.buffer);
  if (wireType === LENGTH_DELIMITED) return bytesField(field, bytes);
  if (wireType === FIXED64) return fixed64Field(field, view.getBigUint64(0, true));
  if (wireType === FIXED32) return fixed32Field(field, view.getUint32(0, true));
  return concatAll([tag(field, wireType), wireType === VARINT ? varint(bytes[0] ?? 0) : new Uint8Array(0)]);
}
