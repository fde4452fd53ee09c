import type { Mapping } from '../profile/mapping-table.ts';
import { LINE, LOCATION } from '../profile/message-types.ts';
import type { ProfileIndex } from '../profile/profile-index.ts';
import { WireReader } from '../profile/wire-reader.ts';
import type { ContentHash } from './content-hash.ts';

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
 * are all there is.
 */
export function hashLocations(index: ProfileIndex, hash: ContentHash): Int32Array {
  const { locations } = index;
  const mappings = hashMappings(index, hash);
  const hashes = new Int32Array((locations.length + 1) * 2);
  let lines: LineHasher | undefined;
  for (let slot = 1; slot <= locations.length; slot++) {
    const mapping = locations.mapping(slot);
    const addressLo = locations.addressLo(slot);
    const addressHi = locations.addressHi(slot);
    hash
      .start((addressLo | addressHi) === 0 ? SYMBOL : ADDRESS)
      .words(mappings[mapping * 2]!, mappings[mapping * 2 + 1]!);
    if ((addressLo | addressHi) === 0) {
      lines ??= new LineHasher(index);
      lines.add(slot, hash);
    } else {
      addPlace(addressLo, addressHi, index.mappings.get(mapping), hash);
    }
    hash.finish();
    hashes[slot * 2] = hash.a;
    hashes[slot * 2 + 1] = hash.b;
  }
  return hashes;
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
  hash.bytes(bytes, strings.start(main.filename), endOfFilename(index, main.filename)).finish();
  return [hash.a, hash.b | 1];
}

/** Two lanes for each mapping slot; slot 0 is the location without a mapping. */
function hashMappings(index: ProfileIndex, hash: ContentHash): Int32Array {
  const { bytes, mappings, strings } = index;
  const hashes = new Int32Array((mappings.length + 1) * 2);
  for (let slot = 0; slot <= mappings.length; slot++) {
    const { buildId, filename } = mappings.get(slot) ?? { buildId: 0, filename: 0 };
    if (!isEmpty(index, buildId)) {
      hash.start(BUILD_ID).bytes(bytes, strings.start(buildId), strings.end(buildId));
    } else if (!isEmpty(index, filename)) {
      hash.start(FILENAME).bytes(bytes, strings.start(filename), endOfFilename(index, filename));
    } else {
      hash.start(NOTHING);
    }
    hash.finish();
    hashes[slot * 2] = hash.a;
    hashes[slot * 2 + 1] = hash.b;
  }
  return hashes;
}

/** Adds address - memory_start + file_offset, or the address itself if the mapping covers nothing. */
function addPlace(addressLo: number, addressHi: number, mapping: Mapping | undefined, hash: ContentHash): void {
  if (mapping === undefined || (mapping.startLo === mapping.limitLo && mapping.startHi === mapping.limitHi)) {
    hash.int64(addressLo, addressHi);
    return;
  }
  const fromStartLo = (addressLo - mapping.startLo) | 0;
  const borrow = addressLo >>> 0 < mapping.startLo >>> 0 ? 1 : 0;
  const lo = (fromStartLo + mapping.offsetLo) | 0;
  const carry = lo >>> 0 < fromStartLo >>> 0 ? 1 : 0;
  hash.int64(lo, (addressHi - mapping.startHi - borrow + mapping.offsetHi + carry) | 0);
}

function isEmpty(index: ProfileIndex, string: number): boolean {
  return string === 0 || index.strings.start(string) === index.strings.end(string);
}

function endOfFilename(index: ProfileIndex, filename: number): number {
  const { bytes, strings } = index;
  const end = strings.end(filename);
  const cut = end - DELETED.length;
  return cut >= strings.start(filename) && DELETED.every((byte, at) => bytes[cut + at] === byte) ? cut : end;
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
