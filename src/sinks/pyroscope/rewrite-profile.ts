import { isUtf8 } from 'node:buffer';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  forEachField,
  type RawLabel,
  readSample,
  SAMPLE,
  SAMPLE_LABEL,
  SAMPLE_VALUE,
  STRING_TABLE,
  TIME_NANOS,
} from './pprof-message.ts';

export interface Rewrite {
  /** The name a sample's label is to have; undefined drops the label. */
  readonly labelName: (name: string) => string | undefined;
  /** Leave out samples that a server would remove: all zero, or one value negative. */
  readonly dropUseless: boolean;
  /** Unix nanoseconds; undefined leaves the profile's own. */
  readonly timeNanos: bigint | undefined;
}

export interface Rewritten {
  readonly pprof: Uint8Array;
  readonly samples: number;
  /** Labels that fell to an equal name in the same sample. */
  readonly lostLabels: number;
}

interface MergedSample {
  readonly stack: Uint8Array;
  readonly labels: readonly RawLabel[];
  values: readonly bigint[];
}

/**
 * Writes a profile anew with other labels on its samples, and perhaps another time. Samples that become equal are merged,
 * so that totals stay; everything else is copied byte by byte. Expects a profile that `inspectProfile` has accepted.
 */
export function rewriteProfile(pprof: Uint8Array, { labelName, dropUseless, timeNanos }: Rewrite): Rewritten {
  const names = new LabelNames(stringsOf(pprof), labelName);
  const merged = new Map<string, MergedSample>();
  let lostLabels = 0;
  forEachField(pprof, ({ number, content }) => {
    if (number !== SAMPLE) return;
    const sample = readSample(content);
    if (dropUseless && isUseless(sample.values)) return;
    const { labels, lost } = names.apply(sample.labels);
    lostLabels += lost;
    const key = `${Buffer.from(sample.stack).toString('latin1')}|${labelKey(labels)}`;
    const same = merged.get(key);
    if (same === undefined) merged.set(key, { ...sample, labels });
    else same.values = same.values.map((value, column) => value + (sample.values[column] ?? 0n));
  });
  const writer = new BinaryWriter();
  for (const sample of merged.values()) writeSample(writer, sample);
  copyFields(pprof, writer, (number) => number !== SAMPLE && (number !== TIME_NANOS || timeNanos === undefined));
  for (const text of names.added) writer.tag(STRING_TABLE, WireType.LengthDelimited).string(text);
  if (timeNanos !== undefined) writer.tag(TIME_NANOS, WireType.Varint).int64(timeNanos);
  return { pprof: writer.finish(), samples: merged.size, lostLabels };
}

/** The same profile with another time. */
export function withTimeNanos(pprof: Uint8Array, timeNanos: bigint): Uint8Array {
  const writer = new BinaryWriter();
  copyFields(pprof, writer, (number) => number !== TIME_NANOS);
  writer.tag(TIME_NANOS, WireType.Varint).int64(timeNanos);
  return writer.finish();
}

/** The same profile with U+FFFD for what is not UTF-8 in its strings. */
export function withUtf8(pprof: Uint8Array): Uint8Array {
  const writer = new BinaryWriter();
  let from = 0;
  forEachField(pprof, ({ number, content, start, end }) => {
    if (number !== STRING_TABLE || isUtf8(content)) return;
    if (start > from) writer.raw(pprof.subarray(from, start));
    writer.tag(STRING_TABLE, WireType.LengthDelimited).string(Buffer.from(content).toString('utf8'));
    from = end;
  });
  if (from < pprof.length) writer.raw(pprof.subarray(from));
  return writer.finish();
}

function copyFields(pprof: Uint8Array, writer: BinaryWriter, isWanted: (number: number) => boolean): void {
  let from = 0;
  forEachField(pprof, ({ number, start, end }) => {
    if (isWanted(number)) return;
    if (start > from) writer.raw(pprof.subarray(from, start));
    from = end;
  });
  if (from < pprof.length) writer.raw(pprof.subarray(from));
}

function stringsOf(pprof: Uint8Array): string[] {
  const strings: string[] = [];
  forEachField(pprof, ({ number, content }) => {
    if (number === STRING_TABLE) strings.push(Buffer.from(content).toString('utf8'));
  });
  return strings;
}

function isUseless(values: readonly bigint[]): boolean {
  return values.some((value) => value < 0n) || values.every((value) => value === 0n);
}

/** Names are unique within a sample, so order tells nothing. */
function labelKey(labels: readonly RawLabel[]): string {
  return labels
    .map(({ key, str, num, unit }) => `${key},${str},${num},${unit}`)
    .sort()
    .join(';');
}

function writeSample(writer: BinaryWriter, { stack, values, labels }: MergedSample): void {
  writer.tag(SAMPLE, WireType.LengthDelimited).fork();
  if (stack.length > 0) writer.raw(stack);
  writer.tag(SAMPLE_VALUE, WireType.LengthDelimited).fork();
  for (const value of values) writer.int64(value);
  writer.join();
  for (const { key, str, num, unit } of labels) {
    writer.tag(SAMPLE_LABEL, WireType.LengthDelimited).fork();
    for (const [field, value] of [BigInt(key), BigInt(str), num, BigInt(unit)].entries()) {
      if (value !== 0n) writer.tag(field + 1, WireType.Varint).int64(value);
    }
    writer.join();
  }
  writer.join();
}

/** Which string a label's name becomes; each name is looked at once. */
class LabelNames {
  /** New strings, behind those that the profile has. */
  readonly added: string[] = [];
  readonly #strings: readonly string[];
  readonly #rename: (name: string) => string | undefined;
  /** By the old index; undefined drops the label. */
  readonly #renamed = new Map<number, { readonly key: number; readonly name: string } | undefined>();

  constructor(strings: readonly string[], rename: (name: string) => string | undefined) {
    this.#strings = strings;
    this.#rename = rename;
  }

  /** The labels a sample is to have: of several with one name the first. */
  apply(labels: readonly RawLabel[]): { readonly labels: readonly RawLabel[]; readonly lost: number } {
    const kept: RawLabel[] = [];
    const taken = new Set<string>();
    let lost = 0;
    for (const label of labels) {
      if (label.str === 0) {
        kept.push(label);
        continue;
      }
      const renamed = this.#lookUp(label.key);
      if (renamed === undefined) continue;
      if (taken.has(renamed.name)) lost += 1;
      else kept.push({ ...label, key: renamed.key });
      taken.add(renamed.name);
    }
    return { labels: kept, lost };
  }

  #lookUp(key: number): { readonly key: number; readonly name: string } | undefined {
    if (this.#renamed.has(key)) return this.#renamed.get(key);
    const name = this.#strings[key] ?? '';
    const wanted = this.#rename(name);
    const renamed = wanted === undefined ? undefined : { key: wanted === name ? key : this.#add(wanted), name: wanted };
    this.#renamed.set(key, renamed);
    return renamed;
  }

  #add(text: string): number {
    const known = this.added.indexOf(text);
    if (known >= 0) return this.#strings.length + known;
    this.added.push(text);
    return this.#strings.length + this.added.length - 1;
  }
}
