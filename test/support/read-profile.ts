import { isUtf8 } from 'node:buffer';
import type { SampleType } from '../../src/profile/sample-type.ts';

/**
 * A second reader of pprof, for tests: slow, strict, with a BigInt for every number and an object for every message, so that
 * it is right by being plain. Shares no code with the product's readers.
 */
export interface ReadProfile {
  readonly sampleTypes: readonly SampleType[];
  readonly samples: readonly ReadSample[];
  readonly mappings: readonly ReadMapping[];
  readonly locations: readonly ReadLocation[];
  readonly functions: readonly ReadFunction[];
  readonly strings: readonly string[];
  /** How many of them are not UTF-8. */
  readonly notUtf8: number;
  readonly dropFrames: string;
  readonly keepFrames: string;
  readonly timeNanos: bigint;
  readonly durationNanos: bigint;
  readonly periodType: SampleType | undefined;
  readonly period: bigint;
  readonly comments: readonly string[];
  readonly defaultSampleType: string;
  readonly docUrl: string;
}

export interface ReadSample {
  /** Leaf first. */
  readonly stack: readonly ReadLocation[];
  readonly values: readonly bigint[];
  readonly labels: readonly ReadLabel[];
}

export interface ReadLabel {
  readonly key: string;
  /** Undefined for a number. */
  readonly str: string | undefined;
  readonly num: bigint;
  readonly unit: string;
}

export interface ReadMapping {
  readonly id: bigint;
  readonly start: bigint;
  readonly limit: bigint;
  readonly offset: bigint;
  readonly filename: string;
  readonly buildId: string;
  readonly flags: readonly boolean[];
}

export interface ReadLocation {
  readonly id: bigint;
  readonly mapping: ReadMapping | undefined;
  readonly address: bigint;
  readonly lines: readonly ReadLine[];
  readonly isFolded: boolean;
}

export interface ReadLine {
  readonly function: ReadFunction;
  readonly line: bigint;
  readonly column: bigint;
}

export interface ReadFunction {
  readonly id: bigint;
  readonly name: string;
  readonly systemName: string;
  readonly filename: string;
  readonly startLine: bigint;
}

/** Why the bytes are not a well-formed profile. */
export class MalformedProfile extends Error {}

/**
 * Reads uncompressed pprof bytes. Throws `MalformedProfile` for whatever must be refused. Of a field given twice the last one
 * counts; whether a bad reference is excused when a good one follows is not said anywhere, so that callers choose.
 */
export function readProfile(bytes: Uint8Array, overridden: 'excused' | 'refused' = 'excused'): ReadProfile {
  if (bytes.length === 0) malformed('empty');
  const message = readMessage(bytes, 0, bytes.length, {
    scalars: [7, 8, 9, 10, 12, 14, 15],
    repeatedScalars: [13],
    messages: [1, 2, 3, 4, 5, 6, 11],
  });
  const times = message.allScalars(9);
  if (times.some((time, index) => time !== 0n && index < times.length - 1)) {
    malformed('second time_nanos: concatenated profiles');
  }

  const stringBytes = message.ranges(6).map(({ start, end }) => bytes.subarray(start, end));
  const strings = stringBytes.map(exactText);
  if (strings[0] !== '') malformed('string 0 is absent or not empty');
  const text = (index: bigint): string => {
    const found = index >= 0n && index < strings.length ? strings[Number(index)] : undefined;
    return found ?? malformed(`string index ${index} of ${strings.length}`);
  };
  /** The occurrences of a reference that must be good. */
  const references = (fields: Fields, number: number): readonly bigint[] =>
    overridden === 'refused' ? fields.allScalars(number) : fields.allScalars(number).slice(-1);
  const textOf = (fields: Fields, number: number): string => references(fields, number).map(text).at(-1) ?? '';
  const valueType = ({ start, end }: Range): SampleType => {
    const fields = readMessage(bytes, start, end, { scalars: [1, 2] });
    const nameOf = (number: number): string => {
      textOf(fields, number);
      return Buffer.from(stringBytes[Number(fields.scalar(number))] ?? []).toString('utf8');
    };
    return { type: nameOf(1), unit: nameOf(2) };
  };

  const sampleTypes = message.ranges(1).map(valueType);
  // Google's reader takes them; which of the two a column of another profile is, nobody can say.
  if (
    overridden === 'refused' &&
    new Set(sampleTypes.map(({ type, unit }) => JSON.stringify([type, unit]))).size < sampleTypes.length
  ) {
    malformed('two equal sample types');
  }
  const periodTypes = message.ranges(11).slice(-1).map(valueType);

  const mappings = message.ranges(3).map(({ start, end }): ReadMapping => {
    const fields = readMessage(bytes, start, end, { scalars: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });
    return {
      id: unsigned(fields.scalar(1)),
      start: unsigned(fields.scalar(2)),
      limit: unsigned(fields.scalar(3)),
      offset: unsigned(fields.scalar(4)),
      filename: textOf(fields, 5),
      buildId: textOf(fields, 6),
      flags: [7, 8, 9, 10].map((flag) => fields.scalar(flag) !== 0n),
    };
  });
  const functions = message.ranges(5).map(({ start, end }): ReadFunction => {
    const fields = readMessage(bytes, start, end, { scalars: [1, 2, 3, 4, 5] });
    return {
      id: unsigned(fields.scalar(1)),
      name: textOf(fields, 2),
      systemName: textOf(fields, 3),
      filename: textOf(fields, 4),
      startLine: fields.scalar(5),
    };
  });
  const mappingById = byId('mapping', mappings);
  const functionById = byId('function', functions);

  const locations = message.ranges(4).map(({ start, end }): ReadLocation => {
    const fields = readMessage(bytes, start, end, { scalars: [1, 2, 3, 5], messages: [4] });
    const lines = fields.ranges(4).map((range): ReadLine => {
      const line = readMessage(bytes, range.start, range.end, { scalars: [1, 2, 3] });
      const referredFunctions = references(line, 1).map(
        (id) => functionById.get(unsigned(id)) ?? malformed(`line of an absent function ${unsigned(id)}`),
      );
      const lineFunction = referredFunctions.at(-1) ?? malformed('line without a function');
      return { function: lineFunction, line: line.scalar(2), column: line.scalar(3) };
    });
    return {
      id: unsigned(fields.scalar(1)),
      mapping: mappingById.get(unsigned(fields.scalar(2))),
      address: unsigned(fields.scalar(3)),
      lines,
      isFolded: fields.scalar(5) !== 0n,
    };
  });
  const locationById = byId('location', locations);

  const samples = message.ranges(2).map(({ start, end }): ReadSample => {
    const fields = readMessage(bytes, start, end, { repeatedScalars: [1, 2], messages: [3] });
    const values = fields.allScalars(2);
    if (values.length !== sampleTypes.length)
      malformed(`${values.length} values for ${sampleTypes.length} sample types`);
    const stack = fields
      .allScalars(1)
      .map((id) => locationById.get(unsigned(id)) ?? malformed(`sample of absent location ${unsigned(id)}`));
    const labels = fields.ranges(3).map((range): ReadLabel => {
      const label = readMessage(bytes, range.start, range.end, { scalars: [1, 2, 3, 4] });
      return {
        key: textOf(label, 1),
        str: textOf(label, 2) === '' && label.scalar(2) === 0n ? undefined : textOf(label, 2),
        num: label.scalar(2) === 0n ? label.scalar(3) : 0n,
        unit: textOf(label, 4),
      };
    });
    return { stack, values, labels };
  });
  if (samples.length > 0 && sampleTypes.length === 0) malformed('samples without sample types');

  return {
    sampleTypes,
    samples,
    mappings,
    locations,
    functions,
    strings,
    notUtf8: stringBytes.filter((string) => !isUtf8(string)).length,
    dropFrames: textOf(message, 7),
    keepFrames: textOf(message, 8),
    timeNanos: message.scalar(9),
    durationNanos: message.scalar(10),
    periodType: periodTypes.at(-1),
    period: message.scalar(12),
    comments: message.allScalars(13).map(text),
    defaultSampleType: textOf(message, 14),
    docUrl: textOf(message, 15),
  };
}

/** Whether the bytes are good only because a later field makes up for a bad reference before it. */
export function isExcused(bytes: Uint8Array): boolean {
  try {
    readProfile(bytes, 'refused');
    return false;
  } catch {
    return true;
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
}

interface MessageShape {
  readonly scalars?: readonly number[];
  readonly repeatedScalars?: readonly number[];
  /** Nested messages and strings. */
  readonly messages?: readonly number[];
}

class Fields {
  readonly scalarsByNumber = new Map<number, bigint[]>();
  readonly rangesByNumber = new Map<number, Range[]>();

  /** Signed; 0 if absent; the last one if repeated. */
  scalar(number: number): bigint {
    return this.allScalars(number).at(-1) ?? 0n;
  }

  allScalars(number: number): readonly bigint[] {
    return this.scalarsByNumber.get(number) ?? [];
  }

  ranges(number: number): readonly Range[] {
    return this.rangesByNumber.get(number) ?? [];
  }
}

function readMessage(bytes: Uint8Array, start: number, end: number, shape: MessageShape): Fields {
  const fields = new Fields();
  const cursor = { at: start };
  while (cursor.at < end) {
    const tagAt = cursor.at;
    const tag = unsigned(readVarint(bytes, cursor, end));
    const number = Number(tag >> 3n);
    const wireType = Number(tag & 7n);
    if (wireType === 0) {
      const value = readVarint(bytes, cursor, end);
      if (shape.scalars?.includes(number) || shape.repeatedScalars?.includes(number)) {
        append(fields.scalarsByNumber, number, value);
      } else if (shape.messages?.includes(number)) malformed(`varint in field ${number} at ${tagAt}`);
    } else if (wireType === 2) {
      const length = unsigned(readVarint(bytes, cursor, end));
      if (length > BigInt(end - cursor.at)) malformed(`length ${length} at ${tagAt} is more than the rest`);
      const range = { start: cursor.at, end: cursor.at + Number(length) };
      cursor.at = range.end;
      if (shape.messages?.includes(number)) append(fields.rangesByNumber, number, range);
      else if (shape.repeatedScalars?.includes(number)) {
        const packed = { at: range.start };
        while (packed.at < range.end) append(fields.scalarsByNumber, number, readVarint(bytes, packed, range.end));
      } else if (shape.scalars?.includes(number)) malformed(`bytes in field ${number} at ${tagAt}`);
    } else if (wireType === 1 || wireType === 5) {
      cursor.at += wireType === 1 ? 8 : 4;
      if (cursor.at > end) malformed(`fixed-width field at ${tagAt} is cut`);
      const known = [...(shape.scalars ?? []), ...(shape.repeatedScalars ?? []), ...(shape.messages ?? [])];
      if (known.includes(number)) malformed(`fixed-width value in field ${number} at ${tagAt}`);
    } else malformed(`wire type ${wireType} at ${tagAt}`);
  }
  return fields;
}

/** Signed 64 bits. */
function readVarint(bytes: Uint8Array, cursor: { at: number }, end: number): bigint {
  let value = 0n;
  for (let index = 0n; index < 10n; index++) {
    const byte = cursor.at < end ? bytes[cursor.at++] : undefined;
    if (byte === undefined) return malformed(`varint is cut at ${end}`);
    value |= BigInt(byte & 127) << (7n * index);
    if (byte < 128) return BigInt.asIntN(64, value);
  }
  return malformed(`varint of more than 10 bytes before ${cursor.at}`);
}

/** What is not UTF-8 reads as no other string does. */
function exactText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes);
  return isUtf8(bytes) ? text.toString('utf8') : `\ufffd${text.toString('hex')}`;
}

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function byId<T extends { readonly id: bigint }>(kind: string, entries: readonly T[]): Map<bigint, T> {
  const map = new Map<bigint, T>();
  for (const entry of entries) {
    if (entry.id === 0n) malformed(`${kind} with id 0`);
    if (map.has(entry.id)) malformed(`two ${kind}s with id ${entry.id}`);
    map.set(entry.id, entry);
  }
  return map;
}

function append<V>(map: Map<number, V[]>, number: number, value: V): void {
  const values = map.get(number);
  if (values) values.push(value);
  else map.set(number, [value]);
}

function malformed(message: string): never {
  throw new MalformedProfile(message);
}
