/** How many entries of each list a profile has. */
export interface EntryCounts {
  readonly samples: number;
  readonly mappings: number;
  readonly locations: number;
  readonly functions: number;
  readonly strings: number;
}

/** Nothing more can be said of a message from here on. */
const BAD = -1;

/**
 * Counts the entries of a profile's lists without keeping anything, so that a profile with too many is refused before there
 * is memory for any of them. Stops without a verdict where the bytes are no protobuf: the reader finds the same place, and
 * names it.
 */
export function countEntries(bytes: Uint8Array): EntryCounts {
  const counts = new Float64Array(16);
  const end = bytes.length;
  let pos = 0;
  while (pos >= 0 && pos < end) {
    const tag = bytes[pos]!;
    const length = bytes[pos + 1]!;
    if (tag < 0x80 && (tag & 7) === 2 && length < 0x80) {
      pos += 2 + length;
      counts[tag >>> 3]! += 1;
    } else {
      pos = afterField(bytes, pos, counts);
    }
  }
  return {
    samples: counts[2]!,
    mappings: counts[3]!,
    locations: counts[4]!,
    functions: counts[5]!,
    strings: counts[6]!,
  };
}

/** Where a field of any kind ends; counts it where it is an entry of a list. */
function afterField(bytes: Uint8Array, start: number, counts: Float64Array): number {
  let at = skipVarint(bytes, start);
  switch (bytes[start]! & 7) {
    case 0:
      return skipVarint(bytes, at);
    case 1:
      return at + 8;
    case 5:
      return at + 4;
    case 2: {
      let length = 0;
      for (let scale = 1; ; scale *= 128) {
        if (at >= bytes.length || scale > 2 ** 31) return BAD;
        const byte = bytes[at++]!;
        length += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
      }
      if (bytes[start]! < 0x80) counts[bytes[start]! >>> 3]! += 1;
      return at + length;
    }
    default:
      return BAD;
  }
}

function skipVarint(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at]! >= 0x80) at++;
  return at + 1;
}

// What the tables of a reader hold for each entry: offsets, ids, string indexes, hashes, marks.
const SAMPLE_BYTES = 4;
const MAPPING_BYTES = 128;
const LOCATION_BYTES = 46;
const FUNCTION_BYTES = 30;
const STRING_BYTES = 9;

/** The memory that the tables for so many entries take. */
export function tableBytes({ samples, mappings, locations, functions, strings }: EntryCounts): number {
  return (
    samples * SAMPLE_BYTES +
    mappings * MAPPING_BYTES +
    locations * LOCATION_BYTES +
    functions * FUNCTION_BYTES +
    strings * STRING_BYTES
  );
}
