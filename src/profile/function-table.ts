import { IdTable } from './id-table.ts';
import { Int32List } from './int32-list.ts';
import type { ProfileLimits } from './limits.ts';
import { FUNCTION } from './message-types.ts';
import { overLimit } from './profile-fault.ts';
import { ShortVarint } from './short-varint.ts';
import { refuseRepeatedId } from './table-ids.ts';
import { WireReader } from './wire-reader.ts';

/** The functions of a profile, by slot: 1 for the first one in the profile. */
export class FunctionTable {
  /** Start and end of each message. */
  readonly ranges = new Int32List();
  readonly ids = new IdTable();
  /** String indexes of name, system name and filename of each. */
  readonly #strings = new Int32List();
  readonly #varint = new ShortVarint();
  readonly #reader = new WireReader();
  #bytes: Uint8Array = new Uint8Array(0);
  #idLo = 0;
  #idHi = 0;
  #name = 0;
  #systemName = 0;
  #filename = 0;

  get length(): number {
    return this.ranges.length >>> 1;
  }

  clear(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#reader.bytes = bytes;
    this.ids.clear();
    this.ranges.clear();
    this.#strings.clear();
  }

  /** Makes room for so many functions. */
  reserve(count: number): void {
    this.ranges.reserve(count * 2);
    this.ids.reserve(count);
  }

  add(start: number, end: number, limits: ProfileLimits): void {
    if (this.length === limits.maxFunctions) throw overLimit(`more than ${limits.maxFunctions} functions`);
    this.ranges.push2(start, end);
  }

  /** Reads what was added, with a string table of so many entries. */
  read(strings: number): void {
    const { data, length } = this.ranges;
    const count = length >>> 1;
    this.#strings.resize(count * 3);
    const indexes = this.#strings.data;
    for (let entry = 0; entry < count; entry++) {
      const start = data[entry * 2]!;
      const end = data[entry * 2 + 1]!;
      if (!this.#readFast(start, end, strings)) this.#readCarefully(entry, start, end, strings);
      this.ids.push(this.#idLo, this.#idHi);
      indexes[entry * 3] = this.#name;
      indexes[entry * 3 + 1] = this.#systemName;
      indexes[entry * 3 + 2] = this.#filename;
    }
    refuseRepeatedId(FUNCTION, this.ids, this.ranges, this.#reader);
  }

  /** String index of a function's name. */
  name(slot: number): number {
    return this.#strings.data[slot * 3 - 3]!;
  }

  systemName(slot: number): number {
    return this.#strings.data[slot * 3 - 2]!;
  }

  filename(slot: number): number {
    return this.#strings.data[slot * 3 - 1]!;
  }

  /** False without a verdict where the message isn't an ordinary one (see SampleReader). */
  #readFast(start: number, end: number, strings: number): boolean {
    const bytes = this.#bytes;
    const varint = this.#varint;
    let id = 0;
    let name = 0;
    let systemName = 0;
    let filename = 0;
    let pos = start;
    while (pos < end) {
      const tag = bytes[pos]!;
      let lo = bytes[pos + 1]!;
      pos += 2;
      if (lo >= 0x80) {
        const next = bytes[pos]!;
        if (next < 0x80) {
          lo = (lo & 0x7f) | (next << 7);
          pos += 1;
        } else {
          pos = varint.read(bytes, pos - 1);
          if (pos < 0 || varint.hi !== 0) return false;
          lo = varint.lo;
        }
      }
      if (tag === 0x08) {
        id = lo;
        continue;
      }
      if (tag === 0x28) continue;
      if (lo < 0 || lo >= strings) return false;
      if (tag === 0x10) name = lo;
      else if (tag === 0x18) systemName = lo;
      else if (tag === 0x20) filename = lo;
      else return false;
    }
    this.#idLo = id;
    this.#idHi = 0;
    this.#name = name;
    this.#systemName = systemName;
    this.#filename = filename;
    return pos === end && id !== 0;
  }

  #readCarefully(ordinal: number, start: number, end: number, strings: number): void {
    const reader = this.#reader;
    this.#idLo = 0;
    this.#idHi = 0;
    this.#name = 0;
    this.#systemName = 0;
    this.#filename = 0;
    reader.enter(FUNCTION, ordinal, start, end);
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          this.#idLo = reader.lo;
          this.#idHi = reader.hi;
          break;
        case 2:
          this.#name = reader.index(strings);
          break;
        case 3:
          this.#systemName = reader.index(strings);
          break;
        case 4:
          this.#filename = reader.index(strings);
          break;
      }
    }
    if ((this.#idLo | this.#idHi) === 0) throw reader.messageFault('has the id 0');
  }
}
