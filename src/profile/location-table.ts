import type { FunctionTable } from './function-table.ts';
import { IdTable } from './id-table.ts';
import { Int32List } from './int32-list.ts';
import type { ProfileLimits } from './limits.ts';
import type { MappingTable } from './mapping-table.ts';
import { LINE, LOCATION } from './message-types.ts';
import { overLimit, uint64Text } from './profile-fault.ts';
import { ShortVarint } from './short-varint.ts';
import { refuseRepeatedId } from './table-ids.ts';
import { WireReader } from './wire-reader.ts';

/** The locations of a profile, by slot: 1 for the first one in the profile. */
export class LocationTable {
  /** Start and end of each message. */
  readonly ranges = new Int32List();
  readonly ids = new IdTable();
  /** Slot of the mapping of each, 0 for none; then low and high half of its address. */
  readonly #fields = new Int32List();
  /** Slot of the function of each line of all locations, and where those of each location begin. */
  readonly #lineFunctions = new Int32List();
  readonly #lineStarts = new Int32List();
  readonly #mappings: MappingTable;
  readonly #functions: FunctionTable;
  readonly #varint = new ShortVarint();
  readonly #reader = new WireReader();
  readonly #lineReader = new WireReader(this.#reader);
  #bytes: Uint8Array = new Uint8Array(0);
  #idLo = 0;
  #idHi = 0;
  #mapping = 0;
  #addressLo = 0;
  #addressHi = 0;

  constructor(mappings: MappingTable, functions: FunctionTable) {
    this.#mappings = mappings;
    this.#functions = functions;
  }

  get length(): number {
    return this.ranges.length >>> 1;
  }

  clear(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#reader.bytes = bytes;
    this.#lineReader.bytes = bytes;
    this.ids.clear();
    for (const list of [this.ranges, this.#fields, this.#lineFunctions, this.#lineStarts]) list.clear();
  }

  /** Makes room for so many locations. */
  reserve(count: number): void {
    this.ranges.reserve(count * 2);
    this.ids.reserve(count);
  }

  add(start: number, end: number, limits: ProfileLimits): void {
    if (this.length === limits.maxLocations) throw overLimit(`more than ${limits.maxLocations} locations`);
    this.ranges.push2(start, end);
  }

  /** Reads what was added; mappings and functions must have been read. */
  read(): void {
    const { data, length } = this.ranges;
    const count = length >>> 1;
    this.#fields.resize(count * 3);
    this.#lineStarts.resize(count + 1);
    const fields = this.#fields.data;
    const lineStarts = this.#lineStarts.data;
    for (let entry = 0; entry < count; entry++) {
      const start = data[entry * 2]!;
      const end = data[entry * 2 + 1]!;
      const firstLine = this.#lineFunctions.length;
      lineStarts[entry] = firstLine;
      if (!this.#readFast(start, end)) {
        this.#lineFunctions.length = firstLine;
        this.#readCarefully(entry, start, end);
      }
      this.ids.push(this.#idLo, this.#idHi);
      fields[entry * 3] = this.#mapping;
      fields[entry * 3 + 1] = this.#addressLo;
      fields[entry * 3 + 2] = this.#addressHi;
    }
    lineStarts[count] = this.#lineFunctions.length;
    refuseRepeatedId(LOCATION, this.ids, this.ranges, this.#reader);
  }

  /** Slot of a location's mapping; 0 for none. */
  mapping(slot: number): number {
    return this.#fields.data[slot * 3 - 3]!;
  }

  addressLo(slot: number): number {
    return this.#fields.data[slot * 3 - 2]!;
  }

  addressHi(slot: number): number {
    return this.#fields.data[slot * 3 - 1]!;
  }

  /** A location's lines are the numbers from `firstLine(slot)` up to `firstLine(slot + 1)`. */
  firstLine(slot: number): number {
    return this.#lineStarts.data[slot - 1]!;
  }

  /** Slot of the function of a line. */
  functionOf(line: number): number {
    return this.#lineFunctions.data[line]!;
  }

  /** False without a verdict where the message isn't an ordinary one (see SampleReader). */
  #readFast(start: number, end: number): boolean {
    const bytes = this.#bytes;
    const varint = this.#varint;
    let id = 0;
    let mapping = 0;
    let addressLo = 0;
    let addressHi = 0;
    let pos = start;
    while (pos < end) {
      const tag = bytes[pos++]!;
      let lo = bytes[pos++]!;
      if (tag === 0x22) {
        if (lo >= 0x80 || pos + lo > end || !this.#readLineFast(pos, pos + lo)) return false;
        pos += lo;
        continue;
      }
      let hi = 0;
      if (lo >= 0x80) {
        pos = varint.read(bytes, pos - 1);
        if (pos < 0) return false;
        lo = varint.lo;
        hi = varint.hi;
      }
      if (tag === 0x18) {
        addressLo = lo;
        addressHi = hi;
        continue;
      }
      if (hi !== 0) return false;
      if (tag === 0x08) id = lo;
      else if (tag === 0x10) mapping = lo;
      else if (tag !== 0x28) return false;
    }
    this.#idLo = id;
    this.#idHi = 0;
    this.#addressLo = addressLo;
    this.#addressHi = addressHi;
    this.#mapping = mapping === 0 ? 0 : this.#mappings.ids.find(mapping, 0);
    return pos === end && id !== 0 && (mapping === 0 || this.#mapping !== 0);
  }

  #readLineFast(start: number, end: number): boolean {
    const bytes = this.#bytes;
    const varint = this.#varint;
    let id = 0;
    let pos = start;
    while (pos < end) {
      const tag = bytes[pos++]!;
      if (tag === 0x08) {
        pos = varint.read(bytes, pos);
        if (pos < 0 || varint.hi !== 0) return false;
        id = varint.lo;
      } else if (tag === 0x10 || tag === 0x18) {
        pos = varint.skip(bytes, pos);
        if (pos < 0) return false;
      } else {
        return false;
      }
    }
    const slot = this.#functions.ids.find(id, 0);
    this.#lineFunctions.push(slot);
    return pos === end && slot !== 0;
  }

  #readCarefully(ordinal: number, start: number, end: number): void {
    const reader = this.#reader;
    let mappingLo = 0;
    let mappingHi = 0;
    let lines = 0;
    this.#idLo = 0;
    this.#idHi = 0;
    this.#addressLo = 0;
    this.#addressHi = 0;
    reader.enter(LOCATION, ordinal, start, end);
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          this.#idLo = reader.lo;
          this.#idHi = reader.hi;
          break;
        case 2:
          mappingLo = reader.lo;
          mappingHi = reader.hi;
          break;
        case 3:
          this.#addressLo = reader.lo;
          this.#addressHi = reader.hi;
          break;
        case 4:
          this.#readLineCarefully(lines++);
          break;
      }
    }
    if ((this.#idLo | this.#idHi) === 0) throw reader.messageFault('has the id 0');
    // One that is not there counts as none, as in Google's reader.
    this.#mapping = (mappingLo | mappingHi) === 0 ? 0 : this.#mappings.ids.find(mappingLo, mappingHi);
  }

  #readLineCarefully(ordinal: number): void {
    const reader = this.#lineReader;
    const { start, stop } = this.#reader;
    let idLo = 0;
    let idHi = 0;
    reader.enter(LINE, ordinal, start, stop);
    while (reader.next()) {
      if (reader.field !== 1) continue;
      idLo = reader.lo;
      idHi = reader.hi;
    }
    if ((idLo | idHi) === 0) throw reader.messageFault('has no function_id');
    const slot = this.#functions.ids.find(idLo, idHi);
    if (slot === 0) {
      reader.field = 1;
      throw reader.fault(`is ${uint64Text(idLo, idHi)}, but there is no such function`, start);
    }
    this.#lineFunctions.push(slot);
  }
}
