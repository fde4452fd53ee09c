import { IdTable } from './id-table.ts';
import { Int32List } from './int32-list.ts';
import type { ProfileLimits } from './limits.ts';
import { FUNCTION, LINE, LOCATION, MAPPING, type MessageType } from './message-types.ts';
import { malformed, overLimit, uint64Text } from './profile-fault.ts';
import { WireReader } from './wire-reader.ts';

/** One mapping; 64-bit numbers in halves, strings by index. */
export interface Mapping {
  startLo: number;
  startHi: number;
  limitLo: number;
  limitHi: number;
  offsetLo: number;
  offsetHi: number;
  filename: number;
  buildId: number;
}

/** Ints kept for a location: slot of its mapping (0 for none), halves of its address. */
const LOCATION_FIELDS = 3;
/** Ints kept for a function: string indexes of name, system name, filename. */
const FUNCTION_FIELDS = 3;

/**
 * The mappings, functions and locations of a profile. Entries have slots in the order of the profile, from 1; slot 0 stands
 * for none. `read` resolves and checks every reference between them.
 */
export class SymbolTables {
  /** Start and end of each message. */
  readonly mappingRanges = new Int32List();
  readonly functionRanges = new Int32List();
  readonly locationRanges = new Int32List();
  mappings: Mapping[] = [];
  readonly locationIds = new IdTable();

  readonly #mappingIds = new IdTable();
  readonly #functionIds = new IdTable();
  readonly #locations = new Int32List();
  readonly #functions = new Int32List();
  /** Function slot of each line of each location, and where a location's lines start in it. */
  readonly #lineFunctions = new Int32List();
  readonly #lineStarts = new Int32List();
  readonly #reader = new WireReader();
  readonly #lineReader = new WireReader(this.#reader);
  #limits: ProfileLimits | undefined;
  #strings = 0;

  get locationCount(): number {
    return this.locationRanges.length >>> 1;
  }

  get functionCount(): number {
    return this.functionRanges.length >>> 1;
  }

  clear(bytes: Uint8Array, limits: ProfileLimits): void {
    this.#limits = limits;
    this.#reader.bytes = bytes;
    this.#lineReader.bytes = bytes;
    for (const list of [this.mappingRanges, this.functionRanges, this.locationRanges]) list.clear();
    for (const list of [this.#locations, this.#functions, this.#lineFunctions, this.#lineStarts]) list.clear();
    for (const table of [this.#mappingIds, this.#functionIds, this.locationIds]) table.clear();
    this.mappings = [];
  }

  addMapping(start: number, end: number): void {
    this.#add(this.mappingRanges, start, end, this.#limits!.maxMappings, 'mappings');
  }

  addFunction(start: number, end: number): void {
    this.#add(this.functionRanges, start, end, this.#limits!.maxFunctions, 'functions');
  }

  addLocation(start: number, end: number): void {
    this.#add(this.locationRanges, start, end, this.#limits!.maxLocations, 'locations');
  }

  /** Reads all entries. `strings` is the length of the string table. */
  read(strings: number): void {
    this.#strings = strings;
    this.#readEach(MAPPING, this.mappingRanges, this.#mappingIds, this.#readMapping);
    this.#readEach(FUNCTION, this.functionRanges, this.#functionIds, this.#readFunction);
    this.#readEach(LOCATION, this.locationRanges, this.locationIds, this.#readLocation);
    this.#lineStarts.push(this.#lineFunctions.length);
  }

  /** Slot of a location's mapping; 0 for none. */
  mappingOf(location: number): number {
    return this.#locations.data[(location - 1) * LOCATION_FIELDS]!;
  }

  addressLo(location: number): number {
    return this.#locations.data[(location - 1) * LOCATION_FIELDS + 1]!;
  }

  addressHi(location: number): number {
    return this.#locations.data[(location - 1) * LOCATION_FIELDS + 2]!;
  }

  /** A location's lines are the numbers from `firstLine(slot)` up to `firstLine(slot + 1)`. */
  firstLine(location: number): number {
    return this.#lineStarts.data[location - 1]!;
  }

  /** Slot of the function of a line. */
  functionOf(line: number): number {
    return this.#lineFunctions.data[line]!;
  }

  functionName(slot: number): number {
    return this.#functions.data[(slot - 1) * FUNCTION_FIELDS]!;
  }

  functionSystemName(slot: number): number {
    return this.#functions.data[(slot - 1) * FUNCTION_FIELDS + 1]!;
  }

  functionFilename(slot: number): number {
    return this.#functions.data[(slot - 1) * FUNCTION_FIELDS + 2]!;
  }

  #add(ranges: Int32List, start: number, end: number, limit: number, what: string): void {
    if (ranges.length === limit * 2) throw overLimit(`more than ${limit} ${what}`);
    ranges.push(start);
    ranges.push(end);
  }

  /** Reads the entries of one table; each `readEntry` leaves the entry's id in `#idLo` and `#idHi`. */
  #readEach(type: MessageType, ranges: Int32List, ids: IdTable, readEntry: () => void): void {
    const { data, length } = ranges;
    for (let at = 0; at < length; at += 2) {
      this.#idLo = 0;
      this.#idHi = 0;
      this.#reader.enter(type, at >>> 1, data[at]!, data[at + 1]!);
      readEntry.call(this);
      if ((this.#idLo | this.#idHi) === 0) throw malformed(`${type.name}[${at >>> 1}].id is 0`, data[at]!);
      ids.push(this.#idLo, this.#idHi);
    }
    const repeated = ids.seal();
    if (repeated >= 0) {
      this.#reader.enter(type, repeated, data[repeated * 2]!, data[repeated * 2 + 1]!);
      while (this.#reader.next()) if (this.#reader.field === 1) break;
      const { lo, hi } = this.#reader;
      throw this.#reader.fault(`is ${uint64Text(lo, hi)}, as that of an earlier ${type.name}`);
    }
  }

  #idLo = 0;
  #idHi = 0;

  #takeId(): void {
    this.#idLo = this.#reader.lo;
    this.#idHi = this.#reader.hi;
  }

  #readMapping(): void {
    const reader = this.#reader;
    const mapping = {
      startLo: 0,
      startHi: 0,
      limitLo: 0,
      limitHi: 0,
      offsetLo: 0,
      offsetHi: 0,
      filename: 0,
      buildId: 0,
    };
    const at = reader.pos;
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          this.#takeId();
          break;
        case 2:
          mapping.startLo = reader.lo;
          mapping.startHi = reader.hi;
          break;
        case 3:
          mapping.limitLo = reader.lo;
          mapping.limitHi = reader.hi;
          break;
        case 4:
          mapping.offsetLo = reader.lo;
          mapping.offsetHi = reader.hi;
          break;
        case 5:
          mapping.filename = reader.index(this.#strings);
          break;
        case 6:
          mapping.buildId = reader.index(this.#strings);
          break;
      }
    }
    const { startLo, startHi, limitLo, limitHi } = mapping;
    if (startHi >>> 0 > limitHi >>> 0 || (startHi === limitHi && startLo >>> 0 > limitLo >>> 0)) {
      throw malformed(`mapping[${this.mappings.length}] has its memory_start above its memory_limit`, at);
    }
    this.mappings.push(mapping);
  }

  #readFunction(): void {
    const reader = this.#reader;
    let name = 0;
    let systemName = 0;
    let filename = 0;
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          this.#takeId();
          break;
        case 2:
          name = reader.index(this.#strings);
          break;
        case 3:
          systemName = reader.index(this.#strings);
          break;
        case 4:
          filename = reader.index(this.#strings);
          break;
      }
    }
    this.#functions.push(name);
    this.#functions.push(systemName);
    this.#functions.push(filename);
  }

  #readLocation(): void {
    const reader = this.#reader;
    let mappingLo = 0;
    let mappingHi = 0;
    let addressLo = 0;
    let addressHi = 0;
    const firstLine = this.#lineFunctions.length;
    this.#lineStarts.push(firstLine);
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          this.#takeId();
          break;
        case 2:
          mappingLo = reader.lo;
          mappingHi = reader.hi;
          break;
        case 3:
          addressLo = reader.lo;
          addressHi = reader.hi;
          break;
        case 4:
          this.#readLine(this.#lineFunctions.length - firstLine);
          break;
      }
    }
    const mapping = (mappingLo | mappingHi) === 0 ? 0 : this.#mappingIds.find(mappingLo, mappingHi);
    if (mapping === 0 && (mappingLo | mappingHi) !== 0) throw this.#absent(reader, 2, mappingLo, mappingHi, 'mapping');
    this.#locations.push(mapping);
    this.#locations.push(addressLo);
    this.#locations.push(addressHi);
  }

  #readLine(ordinal: number): void {
    const reader = this.#lineReader;
    let idLo = 0;
    let idHi = 0;
    reader.enter(LINE, ordinal, this.#reader.start, this.#reader.stop);
    while (reader.next()) {
      if (reader.field !== 1) continue;
      idLo = reader.lo;
      idHi = reader.hi;
    }
    if ((idLo | idHi) === 0) {
      throw reader.messageFault('has no function_id');
    }
    const slot = this.#functionIds.find(idLo, idHi);
    if (slot === 0) throw this.#absent(reader, 1, idLo, idHi, 'function');
    this.#lineFunctions.push(slot);
  }

  /** The fault of a reference to nothing; of a repeated field the last one counts, so it is found at the end of a message. */
  #absent(reader: WireReader, field: number, lo: number, hi: number, what: string): Error {
    reader.field = field;
    return reader.fault(`is ${uint64Text(lo, hi)}, but there is no such ${what}`, reader.messageStart);
  }
}
