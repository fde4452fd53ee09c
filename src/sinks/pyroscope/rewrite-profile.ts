import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { DEFAULT_PROFILE_LIMITS } from '../../profile/limits.ts';
import { PROFILE, SAMPLE } from '../../profile/message-types.ts';
import { int64 } from '../../profile/profile-fault.ts';
import { ProfileIndex } from '../../profile/profile-index.ts';
import { LABEL_FIELDS, SampleReader } from '../../profile/sample-reader.ts';
import { WireReader } from '../../profile/wire-reader.ts';
import { isUseless } from './inspect-profile.ts';

export interface Rewrite {
  /** The name a sample's label is to have; undefined drops the label. */
  readonly labelName: (name: string) => string | undefined;
  /** Leave out samples that a server would remove. */
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

const SAMPLE_FIELD = 2;
const STRING_TABLE_FIELD = 6;
const TIME_NANOS_FIELD = 9;

interface Label {
  readonly key: number;
  readonly str: number;
  readonly num: bigint;
  readonly unit: number;
}

interface MergedSample {
  /** As it stands in the profile. */
  readonly stack: Uint8Array;
  readonly labels: readonly Label[];
  readonly values: bigint[];
}

/**
 * Writes a profile anew with other labels on its samples, and perhaps another time. Samples that become equal are merged,
 * so that totals stay; everything else is copied byte by byte. Expects a profile that `inspectProfile` has accepted.
 */
export function rewriteProfile(pprof: Uint8Array, rewrite: Rewrite): Rewritten {
  const index = new ProfileIndex();
  index.fill(pprof, DEFAULT_PROFILE_LIMITS);
  const strings = new AddedStrings(index);
  const names = new LabelNames(index, strings, rewrite.labelName);
  const { samples, lostLabels } = mergedSamples(index, names, rewrite.dropUseless);
  const writer = new BinaryWriter();
  for (const sample of samples) writeSample(writer, sample);
  copyOtherFields(pprof, rewrite.timeNanos !== undefined, writer);
  for (const text of strings.added) writer.tag(STRING_TABLE_FIELD, WireType.LengthDelimited).string(text);
  if (rewrite.timeNanos !== undefined) writer.tag(TIME_NANOS_FIELD, WireType.Varint).int64(rewrite.timeNanos);
  return { pprof: writer.finish(), samples: samples.length, lostLabels };
}

/** The same profile with another time. */
export function withTimeNanos(pprof: Uint8Array, timeNanos: bigint): Uint8Array {
  const writer = new BinaryWriter();
  copyOtherFields(pprof, true, writer, true);
  writer.tag(TIME_NANOS_FIELD, WireType.Varint).int64(timeNanos);
  return writer.finish();
}

function copyOtherFields(pprof: Uint8Array, dropsTime: boolean, writer: BinaryWriter, keepsSamples = false): void {
  const reader = new WireReader();
  reader.bytes = pprof;
  reader.enter(PROFILE, -1, 0, pprof.length);
  let from = 0;
  while (reader.next()) {
    const isLeftOut =
      (reader.field === SAMPLE_FIELD && !keepsSamples) || (reader.field === TIME_NANOS_FIELD && dropsTime);
    if (!isLeftOut) continue;
    if (reader.tagAt > from) writer.raw(pprof.subarray(from, reader.tagAt));
    from = reader.pos;
  }
  if (from < pprof.length) writer.raw(pprof.subarray(from));
}

function mergedSamples(
  index: ProfileIndex,
  names: LabelNames,
  dropUseless: boolean,
): { readonly samples: readonly MergedSample[]; readonly lostLabels: number } {
  const merged = new Map<string, MergedSample>();
  const reader = new SampleReader(index);
  reader.start(true);
  const halves = new Int32Array(index.sampleTypes.length * 2);
  let lostLabels = 0;
  for (let number = 0; number < index.sampleCount; number++) {
    reader.read(number, halves, 0);
    if (dropUseless && isUseless(halves)) continue;
    const { labels, lost } = names.apply(reader);
    lostLabels += lost;
    const values = valuesOf(halves);
    const stack = stackBytes(index, number);
    const key = `${Buffer.from(stack).toString('latin1')}|${labelKey(labels)}`;
    const same = merged.get(key);
    if (same === undefined) merged.set(key, { stack, labels, values });
    else for (const [column, value] of values.entries()) same.values[column] = (same.values[column] ?? 0n) + value;
  }
  return { samples: [...merged.values()], lostLabels };
}

/** Names are unique within a sample, so order tells nothing. */
function labelKey(labels: readonly Label[]): string {
  return labels
    .map(({ key, str, num, unit }) => `${key},${str},${num},${unit}`)
    .sort()
    .join(';');
}

function valuesOf(halves: Int32Array): bigint[] {
  const values: bigint[] = [];
  for (let at = 0; at < halves.length; at += 2) values.push(int64(halves[at]!, halves[at + 1]!));
  return values;
}

/** All location fields of a sample, tags and lengths included. */
function stackBytes(index: ProfileIndex, number: number): Uint8Array {
  const fields = new WireReader();
  fields.bytes = index.bytes;
  const start = index.samples.data[number * 2]!;
  fields.enter(SAMPLE, number, start, index.samples.data[number * 2 + 1]!);
  const parts: Uint8Array[] = [];
  while (fields.next()) if (fields.field === 1) parts.push(index.bytes.subarray(fields.tagAt, fields.pos));
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function writeSample(writer: BinaryWriter, { stack, values, labels }: MergedSample): void {
  writer.tag(SAMPLE_FIELD, WireType.LengthDelimited).fork();
  if (stack.length > 0) writer.raw(stack);
  writer.tag(2, WireType.LengthDelimited).fork();
  for (const value of values) writer.int64(value);
  writer.join();
  for (const { key, str, num, unit } of labels) {
    writer.tag(3, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.Varint).int64(key);
    if (str !== 0) writer.tag(2, WireType.Varint).int64(str);
    if (num !== 0n) writer.tag(3, WireType.Varint).int64(num);
    if (unit !== 0) writer.tag(4, WireType.Varint).int64(unit);
    writer.join();
  }
  writer.join();
}

/** The profile's string table with what comes behind it. */
class AddedStrings {
  readonly added: string[] = [];
  readonly #first: number;
  readonly #indexes = new Map<string, number>();

  constructor(index: ProfileIndex) {
    this.#first = index.strings.length;
  }

  indexOf(text: string): number {
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    const added = this.#first + this.added.length;
    this.added.push(text);
    this.#indexes.set(text, added);
    return added;
  }
}

/** Which string index a label's name becomes; each name is looked at once. */
class LabelNames {
  readonly #index: ProfileIndex;
  readonly #strings: AddedStrings;
  readonly #rename: (name: string) => string | undefined;
  /** By the old index; undefined drops the label. */
  readonly #renamed = new Map<number, { readonly key: number; readonly name: string } | undefined>();

  constructor(index: ProfileIndex, strings: AddedStrings, rename: (name: string) => string | undefined) {
    this.#index = index;
    this.#strings = strings;
    this.#rename = rename;
  }

  /** The labels a sample is to have: of several with one name the first. */
  apply(sample: SampleReader): { readonly labels: readonly Label[]; readonly lost: number } {
    const labels: Label[] = [];
    const taken = new Set<string>();
    let lost = 0;
    for (let label = 0; label < sample.labelCount; label++) {
      const at = label * LABEL_FIELDS;
      const key = sample.labels[at]!;
      const str = sample.labels[at + 1]!;
      const num = int64(sample.labels[at + 2]!, sample.labels[at + 3]!);
      const unit = sample.labels[at + 4]!;
      if (str === 0) {
        labels.push({ key, str, num, unit });
        continue;
      }
      const renamed = this.#lookUp(key);
      if (renamed === undefined) continue;
      if (taken.has(renamed.name)) {
        lost += 1;
        continue;
      }
      taken.add(renamed.name);
      labels.push({ key: renamed.key, str, num, unit });
    }
    return { labels, lost };
  }

  #lookUp(key: number): { readonly key: number; readonly name: string } | undefined {
    if (this.#renamed.has(key)) return this.#renamed.get(key);
    const name = this.#index.strings.text(key);
    const wanted = this.#rename(name);
    const renamed =
      wanted === undefined ? undefined : { key: wanted === name ? key : this.#strings.indexOf(wanted), name: wanted };
    this.#renamed.set(key, renamed);
    return renamed;
  }
}
