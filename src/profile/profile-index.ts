import { countEntries, tableBytes } from './count-entries.ts';
import { FunctionTable } from './function-table.ts';
import { Int32List } from './int32-list.ts';
import { DEFAULT_PROFILE_LIMITS, type ProfileLimits } from './limits.ts';
import { LocationTable } from './location-table.ts';
import { MappingTable } from './mapping-table.ts';
import { PERIOD_TYPE, PROFILE, SAMPLE_TYPE } from './message-types.ts';
import { int64, malformed, overLimit, refuseMemory } from './profile-fault.ts';
import type { SampleType } from './sample-type.ts';
import { StringTable } from './string-table.ts';
import { WireReader } from './wire-reader.ts';

const EMPTY = new Uint8Array(0);
const NO_VIEW = new DataView(EMPTY.buffer);
/** From this size on the entries are counted before there is memory for them. */
const COUNTED_BYTES = 1024 * 1024;
/** Offsets are 32-bit numbers. */
const MAX_OFFSET = 2 ** 31 - 1;
/** Field numbers go up to 15. */
const FIELDS = 16;

/**
 * Where everything is in one profile: offsets into its bytes and slots of its tables, no objects for each entry. Filling it
 * checks all of the profile but the samples, which a SampleReader checks as it reads them.
 *
 * One index is filled again and again, so that its arrays are allocated once.
 */
export class ProfileIndex {
  bytes: Uint8Array = EMPTY;
  /** The same bytes, for several at once. */
  view: DataView = NO_VIEW;
  limits: ProfileLimits = DEFAULT_PROFILE_LIMITS;
  /** Where the content of each sample message starts; `endOfMessage` says where it ends. */
  readonly samples = new Int32List();
  readonly mappings = new MappingTable();
  readonly functions = new FunctionTable();
  readonly locations = new LocationTable(this.mappings, this.functions);
  readonly strings = new StringTable();

  sampleTypes: SampleType[] = [];
  /** String indexes of type and unit of each sample type. */
  readonly sampleTypeStrings = new Int32List();
  /** String indexes of the comments. */
  readonly comments = new Int32List();
  periodType: SampleType | undefined;
  /** String indexes of the period type's type and unit. */
  readonly periodTypeStrings = new Int32List();
  timeNanos = 0n;
  durationNanos = 0n;
  period = 0n;
  /** String indexes; 0 where absent. */
  dropFrames = 0;
  keepFrames = 0;
  defaultSampleType = 0;
  docUrl = 0;

  /** The string references at the top level, by field number: the index (of several the highest), and its offset. */
  readonly #references = new Int32Array(FIELDS);
  readonly #referencesAt = new Int32Array(FIELDS);
  /** Start and end of each sample_type message, and of the last period_type. */
  readonly #sampleTypeRanges = new Int32List();
  #periodTypeStart = -1;
  #periodTypeEnd = -1;
  readonly #reader = new WireReader();
  readonly #typeReader = new WireReader(this.#reader);

  get sampleCount(): number {
    return this.samples.length;
  }

  /** Reads a profile. Throws ProfileError; the index is of no use then until it is filled again. */
  fill(bytes: Uint8Array, limits: ProfileLimits): void {
    // A Buffer is another kind of object than a plain Uint8Array: with both, each access below would be a decision.
    this.#clear(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), limits);
    if (bytes.length > MAX_OFFSET) throw overLimit('it has 2 GiB or more');
    if (bytes.length >= COUNTED_BYTES) this.#makeRoom();
    this.#scan();
    this.strings.seal();
    this.#readSampleTypes();
    this.#readPeriodType();
    this.#checkReferences();
    this.mappings.read(this.strings.length);
    this.functions.read(this.strings.length);
    this.locations.read();
  }

  /** Lets go of the profile's bytes. */
  release(): void {
    this.bytes = EMPTY;
    this.view = NO_VIEW;
    this.strings.clear(EMPTY);
    this.samples.clear();
    for (const table of [this.mappings, this.functions, this.locations]) table.clear(EMPTY);
    this.#reader.bytes = EMPTY;
    this.#typeReader.bytes = EMPTY;
  }

  #clear(bytes: Uint8Array, limits: ProfileLimits): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.limits = limits;
    this.samples.clear();
    for (const table of [this.mappings, this.functions, this.locations]) table.clear(bytes);
    this.strings.clear(bytes);
    this.sampleTypes = [];
    this.#sampleTypeRanges.clear();
    this.sampleTypeStrings.clear();
    this.periodTypeStrings.clear();
    this.comments.clear();
    this.#references.fill(0);
    this.periodType = undefined;
    this.#periodTypeStart = -1;
    this.#periodTypeEnd = -1;
    this.timeNanos = 0n;
    this.durationNanos = 0n;
    this.period = 0n;
    this.dropFrames = 0;
    this.keepFrames = 0;
    this.defaultSampleType = 0;
    this.docUrl = 0;
    this.#reader.bytes = bytes;
    this.#typeReader.bytes = bytes;
  }

  /** Exactly as much as the entries need. Throws ProfileError where there are too many of them. */
  #makeRoom(): void {
    const { functions, limits, locations, samples, strings } = this;
    const counts = countEntries(this.bytes);
    refuseMore(counts.samples, limits.maxSamples, 'samples');
    refuseMore(counts.mappings, limits.maxMappings, 'mappings');
    refuseMore(counts.locations, limits.maxLocations, 'locations');
    refuseMore(counts.functions, limits.maxFunctions, 'functions');
    refuseMore(counts.strings, limits.maxStrings, 'strings');
    refuseMemory(tableBytes(counts) + this.bytes.length, limits);
    samples.reserve(counts.samples);
    locations.reserve(counts.locations);
    functions.reserve(counts.functions);
    strings.reserve(counts.strings);
  }

  /** One walk over the top-level fields. References are looked at afterwards: Go writes the string table last. */
  #scan(): void {
    const reader = this.#reader;
    if (this.bytes.length === 0) throw malformed('it is empty', 0);
    reader.enter(PROFILE, -1, 0, this.bytes.length);
    this.#skimLists();
    while (reader.next()) {
      this.#takeField(reader);
      this.#skimLists();
    }
  }

  /**
   * Takes what the reader comes to next as long as it is an entry of one of the four long lists, of up to 16 kB: nearly all
   * of a profile. Whatever else comes is left to the reader, faults too.
   */
  #skimLists(): void {
    const { bytes, functions, limits, locations, samples, strings } = this;
    const end = bytes.length;
    let { pos } = this.#reader;
    while (pos + 2 < end) {
      const tag = bytes[pos]!;
      let length = bytes[pos + 1]!;
      let start = pos + 2;
      if (length >= 0x80) {
        length = (length & 0x7f) | (bytes[start]! << 7);
        start += 1;
        if (length >= 0x4000) break;
      }
      const stop = start + length;
      if (stop > end) break;
      if (tag === 0x12) {
        if (samples.length === limits.maxSamples) break;
        samples.push(start);
      } else if (tag === 0x22) locations.add(start, stop, limits);
      else if (tag === 0x2a) functions.add(start, stop, limits);
      else if (tag === 0x32) strings.push(start, stop, limits);
      else break;
      pos = stop;
    }
    this.#reader.pos = pos;
  }

  #takeField(reader: WireReader): void {
    switch (reader.field) {
      case 1:
        if (this.#sampleTypeRanges.length === this.limits.maxSampleTypes * 2) {
          throw overLimit(`more than ${this.limits.maxSampleTypes} sample types`);
        }
        pushRange(this.#sampleTypeRanges, reader);
        break;
      case 2:
        if (this.sampleCount === this.limits.maxSamples) {
          throw overLimit(`more than ${this.limits.maxSamples} samples`);
        }
        this.samples.push(reader.start);
        break;
      case 3:
        this.mappings.add(reader.start, reader.stop, this.limits);
        break;
      case 4:
        this.locations.add(reader.start, reader.stop, this.limits);
        break;
      case 5:
        this.functions.add(reader.start, reader.stop, this.limits);
        break;
      case 6:
        this.strings.push(reader.start, reader.stop, this.limits);
        break;
      default:
        this.#takeScalar(reader);
    }
  }

  #takeScalar(reader: WireReader): void {
    switch (reader.field) {
      case 7:
        this.dropFrames = this.#lastReference(reader);
        break;
      case 8:
        this.keepFrames = this.#lastReference(reader);
        break;
      case 9:
        // Two profiles one after the other are one valid message with mixed-up tables; the second time gives them away.
        if (this.timeNanos !== 0n) throw reader.fault('occurs twice: two profiles were concatenated');
        this.timeNanos = int64(reader.lo, reader.hi);
        break;
      case 10:
        this.durationNanos = int64(reader.lo, reader.hi);
        break;
      case 11:
        this.#periodTypeStart = reader.start;
        this.#periodTypeEnd = reader.stop;
        break;
      case 12:
        this.period = int64(reader.lo, reader.hi);
        break;
      case 13:
        this.#takeComments(reader);
        break;
      case 14:
        this.defaultSampleType = this.#lastReference(reader);
        break;
      case 15:
        this.docUrl = this.#lastReference(reader);
        break;
    }
  }

  #takeComments(reader: WireReader): void {
    if (!reader.isPacked) {
      this.#takeComment(reader);
      return;
    }
    const { stop } = reader;
    reader.pos = reader.start;
    while (reader.pos < stop) {
      reader.readVarint(stop);
      this.#takeComment(reader);
    }
  }

  #takeComment(reader: WireReader): void {
    if (this.comments.length === this.limits.maxComments) {
      throw overLimit(`more than ${this.limits.maxComments} comments`);
    }
    const index = reader.index(Number.POSITIVE_INFINITY);
    if (index > this.#references[reader.field]!) this.#noteReference(reader, index);
    this.comments.push(index);
  }

  #readSampleTypes(): void {
    const { data, length } = this.#sampleTypeRanges;
    for (let at = 0; at < length; at += 2) {
      const ordinal = at >>> 1;
      this.#typeReader.enter(SAMPLE_TYPE, ordinal, data[at]!, data[at + 1]!);
      this.sampleTypes.push(this.#readType(this.sampleTypeStrings));
    }
    if (length === 0 && this.sampleCount > 0) {
      throw malformed('it has samples but no sample_type', this.samples.data[0]!);
    }
  }

  #readPeriodType(): void {
    if (this.#periodTypeStart < 0) return;
    this.#typeReader.enter(PERIOD_TYPE, -1, this.#periodTypeStart, this.#periodTypeEnd);
    this.periodType = this.#readType(this.periodTypeStrings);
  }

  #readType(indexes: Int32List): SampleType {
    const reader = this.#typeReader;
    let type = 0;
    let unit = 0;
    while (reader.next()) {
      const index = reader.index(this.strings.length);
      if (reader.field === 1) type = index;
      else unit = index;
    }
    indexes.push(type);
    indexes.push(unit);
    for (const index of [type, unit]) {
      const length = this.strings.end(index) - this.strings.start(index);
      if (length > this.limits.maxTypeBytes) {
        throw overLimit(`${reader.path()} has a name of ${length} bytes, more than ${this.limits.maxTypeBytes}`);
      }
    }
    return { type: this.strings.text(type), unit: this.strings.text(unit) };
  }

  /** Takes a string reference whose table may not have been read yet; where the field occurs again, that one counts. */
  #lastReference(reader: WireReader): number {
    const index = reader.index(Number.POSITIVE_INFINITY);
    this.#noteReference(reader, index);
    return index;
  }

  #noteReference({ field, tagAt }: WireReader, index: number): void {
    this.#references[field] = index;
    this.#referencesAt[field] = tagAt;
  }

  #checkReferences(): void {
    for (let field = 0; field < FIELDS; field++) {
      const index = this.#references[field]!;
      if (index < this.strings.length) continue;
      throw malformed(
        `${PROFILE.fields[field]!.name} is string ${index}, the string table has ${this.strings.length}`,
        this.#referencesAt[field]!,
      );
    }
  }
}

function refuseMore(count: number, most: number, what: string): void {
  if (count > most) throw overLimit(`${count} ${what}, more than ${most}`);
}

/**
 * Where a message ends whose content starts here: its length stands before it. Read backwards, the bytes of the length are
 * the last one and all before it that have the highest bit; the tag ends with a byte that does not have it.
 */
export function endOfMessage(bytes: Uint8Array, start: number): number {
  let at = start - 1;
  let length = bytes[at]!;
  while (bytes[at - 1]! >= 0x80) length = (length << 7) | (bytes[--at]! & 0x7f);
  return start + length;
}

function pushRange(list: Int32List, reader: WireReader): void {
  list.push2(reader.start, reader.stop);
}
