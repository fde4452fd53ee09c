import { IdTable } from './id-table.ts';
import { Int32List } from './int32-list.ts';
import type { ProfileLimits } from './limits.ts';
import { MAPPING } from './message-types.ts';
import { overLimit } from './profile-fault.ts';
import { refuseRepeatedId } from './table-ids.ts';
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

/** The mappings of a profile, by slot: 1 for the first one, which is that of the program itself. There are few of them. */
export class MappingTable {
  /** Start and end of each message. */
  readonly ranges = new Int32List();
  readonly ids = new IdTable();
  #mappings: Mapping[] = [];
  readonly #reader = new WireReader();

  get length(): number {
    return this.ranges.length >>> 1;
  }

  clear(bytes: Uint8Array): void {
    this.#reader.bytes = bytes;
    this.ids.clear();
    this.ranges.clear();
    this.#mappings = [];
  }

  add(start: number, end: number, limits: ProfileLimits): void {
    if (this.length === limits.maxMappings) throw overLimit(`more than ${limits.maxMappings} mappings`);
    this.ranges.push2(start, end);
  }

  /** Reads what was added, with a string table of so many entries. */
  read(strings: number): void {
    const { data, length } = this.ranges;
    for (let at = 0; at < length; at += 2) {
      this.#reader.enter(MAPPING, at >>> 1, data[at]!, data[at + 1]!);
      this.#mappings.push(this.#readMapping(strings));
    }
    refuseRepeatedId(MAPPING, this.ids, this.ranges, this.#reader);
  }

  /** Undefined for slot 0, which stands for no mapping. */
  get(slot: number): Mapping | undefined {
    return this.#mappings[slot - 1];
  }

  #readMapping(strings: number): Mapping {
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
    let idLo = 0;
    let idHi = 0;
    while (reader.next()) {
      const { lo, hi } = reader;
      switch (reader.field) {
        case 1:
          idLo = lo;
          idHi = hi;
          break;
        case 2:
          mapping.startLo = lo;
          mapping.startHi = hi;
          break;
        case 3:
          mapping.limitLo = lo;
          mapping.limitHi = hi;
          break;
        case 4:
          mapping.offsetLo = lo;
          mapping.offsetHi = hi;
          break;
        case 5:
          mapping.filename = reader.index(strings);
          break;
        case 6:
          mapping.buildId = reader.index(strings);
          break;
      }
    }
    if ((idLo | idHi) === 0) throw reader.messageFault('has the id 0');
    this.ids.push(idLo, idHi);
    return mapping;
  }
}
