import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/**
 * The fields of profile.proto that are looked at here, by number. Everything else about a profile, and whether it is one
 * at all, is for the readers in `profile/`; these expect what those have accepted.
 */
export const SAMPLE_TYPE = 1;
export const SAMPLE = 2;
export const STRING_TABLE = 6;
export const TIME_NANOS = 9;
export const DEFAULT_SAMPLE_TYPE = 14;
export const SAMPLE_STACK = 1;
export const SAMPLE_VALUE = 2;
export const SAMPLE_LABEL = 3;

/** A label of a sample; strings by index. Without a text (`str` 0) it is a number. */
export interface RawLabel {
  readonly key: number;
  readonly str: number;
  readonly num: bigint;
  readonly unit: number;
}

export interface RawSample {
  /** All its location fields as they stand in the message. */
  readonly stack: Uint8Array;
  readonly values: readonly bigint[];
  readonly labels: readonly RawLabel[];
}

/** Where a field of a message lies: with its tag, and its content alone if that has a length. */
export interface Field {
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly content: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** Shows each field of a message, in its order. */
export function forEachField(message: Uint8Array, visit: (field: Field) => void): void {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, type] = reader.tag();
    let content: Uint8Array = NOTHING;
    if (type === WireType.LengthDelimited) content = reader.bytes();
    else reader.skip(type, number);
    visit({ number, start, end: reader.pos, content });
  }
}

export function readSample(message: Uint8Array): RawSample {
  const stack: Uint8Array[] = [];
  const values: bigint[] = [];
  const labels: RawLabel[] = [];
  forEachField(message, ({ number, start, end, content }) => {
    if (number === SAMPLE_STACK) stack.push(message.subarray(start, end));
    else if (number === SAMPLE_LABEL) labels.push(readLabel(content));
    else if (number === SAMPLE_VALUE) readValues(message.subarray(start, end), values);
  });
  return { stack: stack.length === 1 ? (stack[0] ?? NOTHING) : Buffer.concat(stack), values, labels };
}

/** Packed or one by one. */
function readValues(field: Uint8Array, values: bigint[]): void {
  const reader = new BinaryReader(field);
  const [, type] = reader.tag();
  if (type === WireType.LengthDelimited) reader.uint32();
  while (reader.pos < reader.len) values.push(BigInt(reader.int64()));
}

function readLabel(message: Uint8Array): RawLabel {
  const reader = new BinaryReader(message);
  const numbers = [0n, 0n, 0n, 0n, 0n];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.Varint && number < numbers.length) numbers[number] = BigInt(reader.int64());
    else reader.skip(type, number);
  }
  const [, key = 0n, str = 0n, num = 0n, unit = 0n] = numbers;
  return { key: Number(key), str: Number(str), num, unit: Number(unit) };
}
