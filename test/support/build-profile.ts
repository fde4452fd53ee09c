import type { SampleType } from '../../src/profile/sample-type.ts';
import {
  bytesField,
  concatAll,
  fixed32Field,
  fixed64Field,
  packedField,
  stringField,
  varintField,
} from './protobuf-bytes.ts';
import { Random } from './random.ts';

/**
 * A second writer of pprof, for tests: what a profile says (`ProfileSpec`) apart from how it is laid out in bytes (`Layout`),
 * so that one meaning can be written in every legal way. https://github.com/google/pprof/blob/main/proto/profile.proto
 */
export interface ProfileSpec {
  readonly sampleTypes: readonly SampleType[];
  readonly samples: readonly SampleSpec[];
  /** Written even where no frame uses them, the first one first (the main binary); those of frames follow. */
  readonly mappings?: readonly MappingSpec[];
  readonly periodType?: SampleType;
  readonly period?: bigint;
  readonly timeNanos?: bigint;
  readonly durationNanos?: bigint;
  readonly defaultSampleType?: string;
  readonly comments?: readonly string[];
  readonly dropFrames?: string;
  readonly keepFrames?: string;
  readonly docUrl?: string;
}

export interface SampleSpec {
  /** Leaf first. */
  readonly stack: readonly FrameSpec[];
  /** One for each sample type. */
  readonly values: readonly bigint[];
  readonly labels?: readonly LabelSpec[];
}

/** A location: equal ones share an id. */
export interface FrameSpec {
  readonly address?: bigint;
  readonly mapping?: MappingSpec;
  /** Innermost inlined call first. */
  readonly lines?: readonly LineSpec[];
  readonly isFolded?: boolean;
}

export interface LineSpec {
  readonly name: string;
  readonly systemName?: string;
  readonly filename?: string;
  readonly startLine?: bigint;
  readonly line?: bigint;
  readonly column?: bigint;
}

export interface MappingSpec {
  readonly start?: bigint;
  readonly limit?: bigint;
  readonly offset?: bigint;
  readonly filename?: string;
  readonly buildId?: string;
  readonly hasFunctions?: boolean;
  readonly hasFilenames?: boolean;
  readonly hasLineNumbers?: boolean;
  readonly hasInlineFrames?: boolean;
}

/** A string label or a number; with neither, a label of the key alone. */
export interface LabelSpec {
  readonly key: string;
  readonly str?: string;
  readonly num?: bigint;
  readonly unit?: string;
}

/** How the same profile is put into bytes. The default is what Go's runtime writes. */
export interface Layout {
  /** `go`: tables between the samples, strings last, values before locations; `google`: ascending field numbers. */
  readonly order: 'go' | 'google' | 'reversed' | 'shuffled';
  /** `auto` packs repeated numbers when there are more than two, as Go and google/pprof do. */
  readonly packing: 'auto' | 'packed' | 'unpacked' | 'mixed';
  /** `sparse` ids are spread over 31 bits, `wide` ones over all 64. */
  readonly ids: 'dense' | 'shuffled' | 'sparse' | 'wide';
  /** `shuffled` also holds unused, repeated and several empty strings. */
  readonly strings: 'first-use' | 'shuffled';
  /** Fields that the format does not know, in every message, most of them with tags of more than one byte. */
  readonly unknownFields: boolean;
  /** Fields of value 0 are written and not left out. */
  readonly explicitZeros: boolean;
  /** Superfluous bytes in every number. */
  readonly padding: number;
  readonly permuteSamples: boolean;
  readonly permuteLabels: boolean;
  /** Some samples are written as two that sum to it. */
  readonly splitSamples: boolean;
  readonly seed: number;
}

export const GO_LAYOUT: Layout = {
  order: 'go',
  packing: 'auto',
  ids: 'dense',
  strings: 'first-use',
  unknownFields: false,
  explicitZeros: false,
  padding: 0,
  permuteSamples: false,
  permuteLabels: false,
  splitSamples: false,
  seed: 1,
};

/** The uncompressed pprof bytes of a profile. */
export function buildProfile(spec: ProfileSpec, layout: Partial<Layout> = {}): Uint8Array {
  return new ProfileWriter({ ...GO_LAYOUT, ...layout }).write(spec);
}

interface Field {
  readonly number: number;
  readonly bytes: Uint8Array;
}

class ProfileWriter {
  readonly #layout: Layout;
  readonly #random: Random;
  readonly #fields: Field[] = [];
  readonly #mappings: Table<MappingSpec>;
  readonly #locations: Table<FrameSpec>;
  readonly #functions: Table<LineSpec>;
  readonly #stringIndexes = new Map<string, number[]>();
  readonly #strings: string[] = [''];

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#random = new Random(layout.seed);
    const nextId = idSource(layout.ids, this.#random);
    this.#mappings = new Table(mappingContent, nextId());
    this.#locations = new Table(frameContent, nextId());
    this.#functions = new Table(functionContent, nextId());
  }

  write(spec: ProfileSpec): Uint8Array {
    if (this.#layout.strings === 'shuffled') this.#prepareStrings(spec);
    for (const mapping of spec.mappings ?? []) this.#mappings.idOf(mapping);

    if (spec.periodType) this.#add(11, this.#valueType(11, spec.periodType));
    this.#addScalar(12, spec.period ?? 0n);
    for (const type of spec.sampleTypes) this.#add(1, this.#valueType(1, type));
    this.#addScalar(14, this.#string(spec.defaultSampleType ?? ''));
    for (const sample of this.#arrange(spec.samples)) this.#addSample(sample);
    this.#addScalar(9, spec.timeNanos ?? 0n);
    this.#addScalar(10, spec.durationNanos ?? 0n);
    for (const [mapping, id] of this.#mappings) this.#add(3, this.#mapping(mapping, id));
    this.#addScalar(7, this.#string(spec.dropFrames ?? ''));
    this.#addScalar(8, this.#string(spec.keepFrames ?? ''));
    for (const bytes of this.#numbers(
      13,
      (spec.comments ?? []).map((text) => this.#string(text)),
    ))
      this.#add(13, bytes);
    this.#addScalar(15, this.#string(spec.docUrl ?? ''));
    for (const text of this.#strings) this.#add(6, stringField(6, text));
    return concatAll(this.#ordered(this.#fields));
  }

  #arrange(samples: readonly SampleSpec[]): readonly SampleSpec[] {
    const written = this.#layout.splitSamples ? samples.flatMap((sample) => this.#split(sample)) : samples;
    return this.#layout.permuteSamples ? this.#random.shuffled(written) : written;
  }

  #split(sample: SampleSpec): SampleSpec[] {
    if (this.#random.chance(0.5)) return [sample];
    const part = sample.values.map((value) => (value < 2n ? 0n : value / BigInt(2 + this.#random.below(3))));
    const rest = sample.values.map((value, column) => value - (part[column] ?? 0n));
    return [
      { ...sample, values: part },
      { ...sample, values: rest },
    ];
  }

  #addSample(sample: SampleSpec): void {
    const ids = sample.stack.map((frame) => this.#locationId(frame));
    const labels = sample.labels ?? [];
    const fields: Field[] = [];
    for (const bytes of this.#numbers(2, sample.values)) fields.push({ number: 2, bytes });
    for (const bytes of this.#numbers(1, ids)) fields.push({ number: 1, bytes });
    for (const label of this.#layout.permuteLabels ? this.#random.shuffled(labels) : labels) {
      fields.push({ number: 3, bytes: this.#label(label) });
    }
    this.#add(2, this.#message(2, fields));
  }

  #label(label: LabelSpec): Uint8Array {
    const fields: Field[] = [];
    this.#scalar(fields, 1, this.#string(label.key));
    // Go through #stringNotZero: index 0 would say that there is no string.
    this.#scalar(fields, 2, label.str === undefined ? 0 : this.#stringNotZero(label.str));
    this.#scalar(fields, 3, label.num ?? 0n);
    this.#scalar(fields, 4, this.#string(label.unit ?? ''));
    return this.#message(3, fields);
  }

  #locationId(frame: FrameSpec): bigint {
    const known = this.#locations.find(frame);
    if (known !== undefined) return known;
    const id = this.#locations.idOf(frame);
    const fields: Field[] = [];
    this.#scalar(fields, 1, id);
    this.#scalar(fields, 3, frame.address ?? 0n);
    const newFunctions: Field[] = [];
    for (const line of frame.lines ?? []) {
      const lineFields: Field[] = [];
      this.#scalar(lineFields, 1, this.#functionId(line, newFunctions));
      this.#scalar(lineFields, 2, line.line ?? 0n);
      this.#scalar(lineFields, 3, line.column ?? 0n);
      fields.push({ number: 4, bytes: this.#message(4, lineFields) });
    }
    this.#scalar(fields, 2, frame.mapping ? this.#mappings.idOf(frame.mapping) : 0n);
    this.#scalar(fields, 5, frame.isFolded ? 1 : 0);
    this.#add(4, this.#message(4, fields));
    this.#fields.push(...newFunctions);
    return id;
  }

  #functionId(line: LineSpec, newFunctions: Field[]): bigint {
    const known = this.#functions.find(line);
    if (known !== undefined) return known;
    const id = this.#functions.idOf(line);
    const fields: Field[] = [];
    this.#scalar(fields, 1, id);
    this.#scalar(fields, 2, this.#string(line.name));
    this.#scalar(fields, 3, this.#string(line.systemName ?? line.name));
    this.#scalar(fields, 4, this.#string(line.filename ?? ''));
    this.#scalar(fields, 5, line.startLine ?? 0n);
    newFunctions.push({ number: 5, bytes: this.#message(5, fields) });
    return id;
  }

  #mapping(mapping: MappingSpec, id: bigint): Uint8Array {
    const fields: Field[] = [];
    this.#scalar(fields, 1, id);
    this.#scalar(fields, 2, mapping.start ?? 0n);
    this.#scalar(fields, 3, mapping.limit ?? 0n);
    this.#scalar(fields, 4, mapping.offset ?? 0n);
    this.#scalar(fields, 5, this.#string(mapping.filename ?? ''));
    this.#scalar(fields, 6, this.#string(mapping.buildId ?? ''));
    this.#scalar(fields, 7, mapping.hasFunctions ? 1 : 0);
    this.#scalar(fields, 8, mapping.hasFilenames ? 1 : 0);
    this.#scalar(fields, 9, mapping.hasLineNumbers ? 1 : 0);
    this.#scalar(fields, 10, mapping.hasInlineFrames ? 1 : 0);
    return this.#message(3, fields);
  }

  #valueType(field: number, { type, unit }: SampleType): Uint8Array {
    const fields: Field[] = [];
    this.#scalar(fields, 1, this.#string(type));
    this.#scalar(fields, 2, this.#string(unit));
    return this.#message(field, fields);
  }

  #message(field: number, fields: readonly Field[]): Uint8Array {
    return bytesField(field, concatAll(this.#ordered(fields)));
  }

  #add(number: number, bytes: Uint8Array): void {
    this.#fields.push({ number, bytes });
  }

  #addScalar(number: number, value: number | bigint): void {
    this.#scalar(this.#fields, number, value);
  }

  #scalar(fields: Field[], number: number, value: number | bigint): void {
    if (this.#layout.explicitZeros || BigInt(value) !== 0n) {
      fields.push({ number, bytes: varintField(number, value, this.#layout.padding) });
    }
  }

  /** A repeated number field, in one or more pieces that follow each other. */
  #numbers(field: number, values: readonly (number | bigint)[]): Uint8Array[] {
    const { packing, padding } = this.#layout;
    if (values.length === 0) return packing === 'mixed' && this.#random.chance(0.3) ? [packedField(field, [])] : [];
    if (packing === 'packed' || (packing === 'auto' && values.length > 2)) return [packedField(field, values, padding)];
    if (packing !== 'mixed') return values.map((value) => varintField(field, value, padding));
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < values.length; ) {
      const run = values.slice(at, at + 1 + this.#random.below(3));
      const [first] = run;
      if (run.length === 1 && first !== undefined && this.#random.chance(0.7)) {
        pieces.push(varintField(field, first, padding));
      } else {
        pieces.push(packedField(field, run, padding));
      }
      at += run.length;
    }
    return pieces;
  }

  #ordered(fields: readonly Field[]): Uint8Array[] {
    const all = this.#layout.unknownFields ? this.#withUnknown(fields) : fields;
    const { order } = this.#layout;
    if (order === 'go') return all.map(({ bytes }) => bytes);
    const byNumber = groupByNumber(all);
    const numbers = [...byNumber.keys()].sort((a, b) => a - b);
    if (order === 'reversed') numbers.reverse();
    if (order !== 'shuffled')
      return numbers.flatMap((number) => (byNumber.get(number) ?? []).map(({ bytes }) => bytes));
    // Any order, but those of one number stay in theirs: that one has a meaning.
    const turns = this.#random.shuffled(all.map(({ number }) => number));
    const next = new Map<number, number>();
    return turns.map((number) => {
      const at = next.get(number) ?? 0;
      next.set(number, at + 1);
      const field = byNumber.get(number)?.[at];
      if (!field) throw new Error('unreachable: as many turns as fields');
      return field.bytes;
    });
  }

  #withUnknown(fields: readonly Field[]): Field[] {
    const result = [...fields];
    for (let count = this.#random.below(3); count > 0; count--) {
      const number = this.#random.pick([16, 99, 2047, 2048, 2 ** 29 - 1]);
      const bytes = this.#random.pick([
        () => varintField(number, this.#random.bits64()),
        () => fixed32Field(number, this.#random.bits()),
        () => fixed64Field(number, this.#random.bits64()),
        () => stringField(number, 'of a later version'.slice(0, this.#random.below(19))),
      ])();
      result.splice(this.#random.below(result.length + 1), 0, { number, bytes });
    }
    return result;
  }

  #string(text: string): number {
    const indexes = this.#stringIndexes.get(text);
    if (indexes !== undefined) return this.#random.pick(indexes);
    if (text === '') return 0;
    return this.#addString(text);
  }

  #stringNotZero(text: string): number {
    if (text !== '') return this.#string(text);
    const index = this.#strings.indexOf('', 1);
    return index > 0 ? index : this.#addString('');
  }

  #addString(text: string): number {
    const index = this.#strings.push(text) - 1;
    const indexes = this.#stringIndexes.get(text);
    if (indexes) indexes.push(index);
    else if (text !== '') this.#stringIndexes.set(text, [index]);
    return index;
  }

  #prepareStrings(spec: ProfileSpec): void {
    const texts = [...stringsOf(spec)];
    const repeated = texts.filter(() => this.#random.chance(0.2));
    for (const text of this.#random.shuffled([...texts, ...repeated, 'unused', '', ''])) this.#addString(text);
  }
}

function groupByNumber(fields: readonly Field[]): Map<number, Field[]> {
  const groups = new Map<number, Field[]>();
  for (const field of fields) {
    const group = groups.get(field.number);
    if (group) group.push(field);
    else groups.set(field.number, [field]);
  }
  return groups;
}

/** Ids by content. */
class Table<T extends object> {
  readonly #contentOf: (item: T) => string;
  readonly #nextId: () => bigint;
  readonly #idsByContent = new Map<string, bigint>();
  readonly #idsByItem = new Map<T, bigint>();
  readonly #entries: [T, bigint][] = [];

  constructor(contentOf: (item: T) => string, nextId: () => bigint) {
    this.#contentOf = contentOf;
    this.#nextId = nextId;
  }

  find(item: T): bigint | undefined {
    return this.#idsByItem.get(item) ?? this.#idsByContent.get(this.#contentOf(item));
  }

  idOf(item: T): bigint {
    const known = this.find(item);
    const id = known ?? this.#nextId();
    if (known === undefined) {
      this.#entries.push([item, id]);
      this.#idsByContent.set(this.#contentOf(item), id);
    }
    this.#idsByItem.set(item, id);
    return id;
  }

  [Symbol.iterator](): IterableIterator<[T, bigint]> {
    return this.#entries[Symbol.iterator]();
  }
}

/** Makes a source of ids for each of the three tables. */
function idSource(kind: Layout['ids'], random: Random): () => () => bigint {
  return () => {
    const used = new Set<bigint>([0n]);
    let count = 0n;
    const fresh = (make: () => bigint): bigint => {
      for (let id = make(); ; id = make()) {
        if (used.has(id)) continue;
        used.add(id);
        return id;
      }
    };
    if (kind === 'dense') return () => ++count;
    if (kind === 'sparse') return () => fresh(() => BigInt(random.bits() >>> random.below(32)));
    if (kind === 'wide') {
      return () =>
        fresh(() => BigInt.asUintN(64, random.chance(0.3) ? -1n - BigInt(random.below(999)) : random.bits64()));
    }
    // A permutation within blocks, as the number of entries is not known before the end.
    let block: bigint[] = [];
    return () => {
      if (block.length === 0) {
        block = random.shuffled(Array.from({ length: 16 }, () => ++count));
      }
      return block.pop() ?? 0n;
    };
  };
}

function mappingContent(mapping: MappingSpec): string {
  return JSON.stringify([
    `${mapping.start ?? 0n}`,
    `${mapping.limit ?? 0n}`,
    `${mapping.offset ?? 0n}`,
    mapping.filename ?? '',
    mapping.buildId ?? '',
    [mapping.hasFunctions, mapping.hasFilenames, mapping.hasLineNumbers, mapping.hasInlineFrames].map(Boolean),
  ]);
}

function functionContent(line: LineSpec): string {
  return JSON.stringify([line.name, line.systemName ?? line.name, line.filename ?? '', `${line.startLine ?? 0n}`]);
}

function frameContent(frame: FrameSpec): string {
  return JSON.stringify([
    `${frame.address ?? 0n}`,
    frame.mapping ? mappingContent(frame.mapping) : null,
    (frame.lines ?? []).map((line) => [functionContent(line), `${line.line ?? 0n}`, `${line.column ?? 0n}`]),
    Boolean(frame.isFolded),
  ]);
}

function stringsOf(spec: ProfileSpec): Set<string> {
  const texts = new Set<string>();
  const add = (...found: (string | undefined)[]): void => {
    for (const text of found) if (text) texts.add(text);
  };
  for (const { type, unit } of [...spec.sampleTypes, ...(spec.periodType ? [spec.periodType] : [])]) add(type, unit);
  add(spec.defaultSampleType, spec.dropFrames, spec.keepFrames, spec.docUrl, ...(spec.comments ?? []));
  for (const mapping of spec.mappings ?? []) add(mapping.filename, mapping.buildId);
  for (const sample of spec.samples) {
    for (const label of sample.labels ?? []) add(label.key, label.str, label.unit);
    for (const frame of sample.stack) {
      add(frame.mapping?.filename, frame.mapping?.buildId);
      for (const line of frame.lines ?? []) add(line.name, line.systemName, line.filename);
    }
  }
  return texts;
}
