import type { Mapping } from '../profile/mapping-table.ts';
import { LINE, LOCATION } from '../profile/message-types.ts';
import type { ProfileIndex } from '../profile/profile-index.ts';
import type { StringTable } from '../profile/string-table.ts';
import { WireReader } from '../profile/wire-reader.ts';
import { withRoom } from '../profile/with-room.ts';
import { type ContentHash, finalMix, withWordA, withWordB } from './content-hash.ts';
import { KeyTable } from './key-table.ts';

const BUILD_ID = 1;
const FILENAME = 2;
const NOTHING = 3;
const ADDRESS = 4;
const SYMBOL = 5;
const MAIN_MAPPING = 6;

/** What Linux puts behind the path of a running program whose file was replaced. */
const DELETED = new TextEncoder().encode(' (deleted)');

/**
 * A 64-bit hash for each location of a profile, two lanes at twice its slot.
 *
 * Where there is an address, a location is its mapping and its place in the mapped file, which outlives address
 * randomisation. Names and lines are left out then: older Go named the same address differently from dump to dump
 * (golang/go#49171), which shows as a pair of a rise and a fall. Without an address (Node, Python, Rust) names and lines
 * are all there is. There are programs in which one address stands for several functions (virtual machines whose compilers
 * give all frames the same one): in their profiles the names of the functions belong to each location that has an address.
 */
export class LocationHashes {
  /** Valid up to the last location of the profile. */
  lanes: Int32Array = new Int32Array(256);
  /** Two lanes for each mapping slot; slot 0 is the location without a mapping. */
  #mappings: Int32Array = new Int32Array(32);
  /** For each mapping slot the lanes of a location in it before its address is added. */
  #starts: Int32Array = new Int32Array(32);
  readonly #place = new Place();
  readonly #table = new KeyTable();

  /**
   * Hashes the locations of a profile, those with an address without the names of their functions unless `withNames`. Gives
   * whether the names are needed, because two locations of one place are different functions.
   */
  fill(index: ProfileIndex, hash: ContentHash, withNames: boolean): boolean {
    const { locations } = index;
    this.lanes = withRoom(this.lanes, (locations.length + 1) * 2);
    this.#mappings = withRoom(this.#mappings, (index.mappings.length + 1) * 2);
    this.#starts = withRoom(this.#starts, (index.mappings.length + 1) * 2);
    this.#fillMappings(index, hash);
    const lanes = this.lanes;
    const mappings = this.#mappings;
    const starts = this.#starts;
    const place = this.#place;
    let lines: LineHasher | undefined;
    for (let slot = 1; slot <= locations.length; slot++) {
      const mapping = locations.mapping(slot) * 2;
      const addressLo = locations.addressLo(slot);
      const addressHi = locations.addressHi(slot);
      if ((addressLo | addressHi) !== 0) {
        place.find(addressLo, addressHi, index.mappings.get(mapping >>> 1));
        const a = withWordA(withWordA(starts[mapping]!, place.lo), place.hi);
        const b = withWordB(withWordB(starts[mapping + 1]!, place.lo), place.hi);
        if (withNames) {
          hash.a = a;
          hash.b = b;
          addFunctionNames(index, slot, hash);
          hash.finish();
        }
        lanes[slot * 2] = withNames ? hash.a : finalMix(a);
        lanes[slot * 2 + 1] = withNames ? hash.b : finalMix(b);
        continue;
      }
      hash.start(SYMBOL).words(mappings[mapping]!, mappings[mapping + 1]!);
      lines ??= new LineHasher(index);
      lines.add(slot, hash);
      hash.finish();
      lanes[slot * 2] = hash.a;
      lanes[slot * 2 + 1] = hash.b;
    }
    return !withNames && this.#hasAmbiguousPlace(index, hash);
  }

  /** Whether two locations with the same address have functions of different names. */
  #hasAmbiguousPlace(index: ProfileIndex, hash: ContentHash): boolean {
    const { locations } = index;
    const { lanes } = this;
    const table = this.#table;
    table.reset(locations.length);
    for (let slot = 1; slot <= locations.length; slot++) {
      // Without a name it may be any of them.
      if (locations.firstLine(slot + 1) === locations.firstLine(slot)) continue;
      const a = lanes[slot * 2]!;
      const b = lanes[slot * 2 + 1]!;
      let place = table.first(a);
      let other = table.at(place);
      while (other >= 0 && (lanes[other * 2] !== a || lanes[other * 2 + 1] !== b)) {
        place = table.next(place);
        other = table.at(place);
      }
      if (other < 0) table.put(place, slot);
      else if (!haveSameNames(index, hash, slot, other)) return true;
    }
    return false;
  }

  #fillMappings({ bytes, mappings, strings }: ProfileIndex, hash: ContentHash): void {
    for (let slot = 0; slot <= mappings.length; slot++) {
      const mapping = mappings.get(slot);
      const buildId = mapping?.buildId ?? 0;
      const filename = mapping?.filename ?? 0;
      if (strings.end(buildId) > strings.start(buildId)) {
        hash.start(BUILD_ID).bytes(bytes, strings.start(buildId), strings.end(buildId));
      } else if (strings.end(filename) > strings.start(filename)) {
        hash.start(FILENAME).bytes(bytes, strings.start(filename), endOfFilename(bytes, strings, filename));
      } else {
        hash.start(NOTHING);
      }
      hash.finish();
      const { a, b } = hash;
      this.#mappings[slot * 2] = a;
      this.#mappings[slot * 2 + 1] = b;
      hash.start(ADDRESS).words(a, b);
      this.#starts[slot * 2] = hash.a;
      this.#starts[slot * 2 + 1] = hash.b;
    }
  }
}

/**
 * Hash of what must stay the same while one process lives: build id, file and address of the main mapping, which is the
 * first one. Both halves 0 where there is no mapping.
 */
export function hashMainMapping(index: ProfileIndex, hash: ContentHash): readonly [a: number, b: number] {
  const main = index.mappings.get(1);
  if (main === undefined) return [0, 0];
  const { bytes, strings } = index;
  hash.start(MAIN_MAPPING).int64(main.startLo, main.startHi);
  hash.bytes(bytes, strings.start(main.buildId), strings.end(main.buildId));
  hash.bytes(bytes, strings.start(main.filename), endOfFilename(bytes, strings, main.filename)).finish();
  return [hash.a, hash.b | 1];
}

function haveSameNames(index: ProfileIndex, hash: ContentHash, slot: number, other: number): boolean {
  addFunctionNames(index, slot, hash.start(SYMBOL));
  const { a, b } = hash.finish();
  addFunctionNames(index, other, hash.start(SYMBOL));
  hash.finish();
  return hash.a === a && hash.b === b;
}

/** No file names and lines, which older Go took now from one and now from another place. */
function addFunctionNames(
  { bytes, functions, locations, strings }: ProfileIndex,
  slot: number,
  hash: ContentHash,
): void {
  const end = locations.firstLine(slot + 1);
  for (let line = locations.firstLine(slot); line < end; line++) {
    const fn = locations.functionOf(line);
    const name = functions.name(fn);
    const systemName = functions.systemName(fn);
    hash.bytes(bytes, strings.start(name), strings.end(name));
    hash.bytes(bytes, strings.start(systemName), strings.end(systemName));
  }
}

/** Where an address is in the file that is mapped there. */
class Place {
  lo = 0;
  hi = 0;

  /** Address - memory_start + file_offset, or the address itself if the mapping covers nothing. */
  find(addressLo: number, addressHi: number, mapping: Mapping | undefined): void {
    this.lo = addressLo;
    this.hi = addressHi;
    if (mapping === undefined || (mapping.startLo === mapping.limitLo && mapping.startHi === mapping.limitHi)) return;
    const fromStartLo = (addressLo - mapping.startLo) | 0;
    const borrow = addressLo >>> 0 < mapping.startLo >>> 0 ? 1 : 0;
    this.lo = (fromStartLo + mapping.offsetLo) | 0;
    const carry = this.lo >>> 0 < fromStartLo >>> 0 ? 1 : 0;
    this.hi = (addressHi - mapping.startHi - borrow + mapping.offsetHi + carry) | 0;
  }
}

function endOfFilename(bytes: Uint8Array, strings: StringTable, filename: number): number {
  const end = strings.end(filename);
  const cut = end - DELETED.length;
  if (cut < strings.start(filename)) return end;
  return DELETED.every((byte, at) => bytes[cut + at] === byte) ? cut : end;
}

/** Adds the lines of a location by the names that they refer to. */
class LineHasher {
  readonly #index: ProfileIndex;
  readonly #location = new WireReader();
  readonly #line = new WireReader(this.#location);

  constructor(index: ProfileIndex) {
    this.#index = index;
    this.#location.bytes = index.bytes;
    this.#line.bytes = index.bytes;
  }

  add(slot: number, hash: ContentHash): void {
    const { locations } = this.#index;
    const ranges = locations.ranges.data;
    let line = locations.firstLine(slot);
    this.#location.enter(LOCATION, slot - 1, ranges[slot * 2 - 2]!, ranges[slot * 2 - 1]!);
    while (this.#location.next()) {
      if (this.#location.field === 4) this.#addLine(locations.functionOf(line++), hash);
    }
  }

  #addLine(fn: number, hash: ContentHash): void {
    const { bytes, functions, strings } = this.#index;
    for (const string of [functions.name(fn), functions.systemName(fn), functions.filename(fn)]) {
      hash.bytes(bytes, strings.start(string), strings.end(string));
    }
    let lineLo = 0;
    let lineHi = 0;
    let columnLo = 0;
    let columnHi = 0;
    this.#line.enter(LINE, 0, this.#location.start, this.#location.stop);
    while (this.#line.next()) {
      if (this.#line.field === 2) {
        lineLo = this.#line.lo;
        lineHi = this.#line.hi;
      } else if (this.#line.field === 3) {
        columnLo = this.#line.lo;
        columnHi = this.#line.hi;
      }
    }
    hash.int64(lineLo, lineHi).int64(columnLo, columnHi);
  }
}
