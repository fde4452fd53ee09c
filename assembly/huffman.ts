// Huffman codes of limited length, in the canonical order of RFC 1951, section 3.2.2.

const MOST_SYMBOLS: i32 = 288;
/** Of each symbol in use: frequency << 9 | symbol. */
const KEYS: usize = memory.data(4 * (MOST_SYMBOLS + 1), 16);
const SORTED: usize = memory.data(4 * MOST_SYMBOLS, 16);
/**
 * Inner nodes of the tree, in ascending order of weight: first their weights, then their parents, at last their
 * depths.
 */
const NODES: usize = memory.data(4 * MOST_SYMBOLS, 16);
const BUCKETS: usize = memory.data(4 * 256, 16);
const NEXT_CODES: usize = memory.data(4 * 16, 16);

/** From this many keys on a radix sort is faster than one by insertion. */
const MANY: u32 = 24;

/**
 * Makes the lengths (a byte for each symbol, 0 = not in use) of a code for `count` frequencies (u32, each below 2^16):
 * the best code there is, and nearly the best where lengths come to the limit. Puts into `counts` how many codes there
 * are of each length (16 u32), and returns how many bits the coded symbols take. The code is complete: with fewer than
 * two symbols in use there are codes of one bit for others, since not every decoder takes less.
 */
export function makeLengths(frequencies: usize, count: u32, limit: u32, lengths: usize, counts: usize): u32 {
  memory.fill(lengths, 0, count);
  memory.fill(counts, 0, 64);
  let used: u32 = 0;
  let most: u32 = 0;
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const frequency = load<u32>(frequencies + (symbol << 2));
    // Without a branch, which would often be mispredicted.
    store<u32>(used << 2, (frequency << 9) | symbol, KEYS);
    used += <u32>(frequency !== 0);
    most |= frequency;
  }
  if (used < 2) {
    const only = used === 0 ? 0 : load<u32>(KEYS) & 511;
    store<u8>(lengths + only, 1);
    store<u8>(lengths + (only === 0 ? 1 : 0), 1);
    store<u32>(counts, 2, 4);
    return most;
  }
  const sorted = sort(used, most);
  countLengths(sorted, used, limit, counts);
  let bits: u32 = 0;
  let at = sorted;
  for (let length = limit; length > 0; length--) {
    for (const end = at + (load<u32>(counts + (length << 2)) << 2); at < end; at += 4) {
      const key = load<u32>(at);
      store<u8>(lengths + (key & 511), <u8>length);
      bits += (key >>> 9) * length;
    }
  }
  return bits;
}

/** Brings KEYS into ascending order; returns where they are then. */
function sort(count: u32, most: u32): usize {
  if (count < MANY) {
    sortByInsertion(count);
    return KEYS;
  }
  sortByByte(KEYS, SORTED, count, 9);
  if (most < 256) return SORTED;
  sortByByte(SORTED, KEYS, count, 17);
  return KEYS;
}

function sortByInsertion(count: u32): void {
  for (let at: usize = KEYS + 4; at < KEYS + (count << 2); at += 4) {
    const key = load<u32>(at);
    let hole = at;
    for (; hole > KEYS && load<u32>(hole - 4) > key; hole -= 4) store<u32>(hole, load<u32>(hole - 4));
    store<u32>(hole, key);
  }
}

/** One round of a radix sort. */
function sortByByte(from: usize, to: usize, count: u32, shift: u32): void {
  memory.fill(BUCKETS, 0, 4 * 256);
  const end = from + (count << 2);
  for (let at = from; at < end; at += 4) {
    const bucket = ((load<u32>(at) >>> shift) & 255) << 2;
    store<u32>(bucket, load<u32>(bucket, BUCKETS) + 4, BUCKETS);
  }
  let place = <u32>to;
  for (let bucket: usize = BUCKETS; bucket < BUCKETS + 4 * 256; bucket += 4) {
    const size = load<u32>(bucket);
    store<u32>(bucket, place);
    place += size;
  }
  for (let at = from; at < end; at += 4) {
    const key = load<u32>(at);
    const bucket = ((key >>> shift) & 255) << 2;
    const goal = load<u32>(bucket, BUCKETS);
    store<u32>(goal, key);
    store<u32>(bucket, goal + 4, BUCKETS);
  }
}

/**
 * How many codes there are of each length. The tree is made in one array out of two queues, leaves and inner nodes,
 * after Moffat and Katajainen, "In-Place Calculation of Minimum-Redundancy Codes" (1995).
 */
function countLengths(leaves: usize, count: u32, limit: u32, counts: usize): void {
  const nodes = count - 1;
  const endOfLeaves = leaves + (count << 2);
  let leaf = leaves;
  let child: usize = NODES;
  for (let node: usize = NODES; node < NODES + (nodes << 2); node += 4) {
    let weight: u32 = 0;
    for (let side = 0; side < 2; side++) {
      if (child < node && (leaf === endOfLeaves || load<u32>(child) < load<u32>(leaf) >>> 9)) {
        weight += load<u32>(child);
        store<u32>(child, <u32>node);
        child += 4;
      } else {
        weight += load<u32>(leaf) >>> 9;
        leaf += 4;
      }
    }
    store<u32>(node, weight);
  }
  // From the root down, each inner node takes the place of a leaf and brings two a level below: one leaf more, and
  // Kraft's sum stays 1.
  const root: usize = NODES + ((nodes - 1) << 2);
  store<u32>(root, 0);
  store<u32>(counts, 2, 4);
  let without: u32 = 0;
  for (let node = root - 4; node >= NODES; node -= 4) {
    const depth = load<u32>(load<u32>(node)) + 1;
    store<u32>(node, depth);
    if (depth < limit) split(counts, depth);
    else without++;
  }
  // What has no room below the limit splits a leaf above it instead, the deepest there is.
  for (; without > 0; without--) {
    let depth = limit - 1;
    while (load<u32>(counts + (depth << 2)) === 0) depth--;
    split(counts, depth);
  }
}

/** A leaf of this depth becomes an inner node. */
function split(counts: usize, depth: u32): void {
  const place = counts + (depth << 2);
  store<u32>(place, load<u32>(place) - 1);
  store<u32>(place, load<u32>(place, 4) + 2, 4);
}

/** Of each symbol, as a u32: its code << 8, the bit that is sent first lowest, and the length of that. */
export function makeCodes(lengths: usize, count: u32, counts: usize, codes: usize): void {
  let code: u32 = 0;
  for (let place: usize = 4; place < 64; place += 4) {
    code <<= 1;
    store<u32>(place, code, NEXT_CODES);
    code += load<u32>(counts + place);
  }
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    const place = length << 2;
    const next = load<u32>(place, NEXT_CODES);
    store<u32>(place, next + 1, NEXT_CODES);
    // No bit is left of it where the length is 0.
    store<u32>(codes + (symbol << 2), ((reversed(next & 0xffff) >>> (16 - length)) << 8) | length);
  }
}

/** Sixteen bits from last to first. */
function reversed(bits: u32): u32 {
  const pairs = ((bits & 0x5555) << 1) | ((bits >>> 1) & 0x5555);
  const fours = ((pairs & 0x3333) << 2) | ((pairs >>> 2) & 0x3333);
  const bytes = ((fours & 0x0f0f) << 4) | ((fours >>> 4) & 0x0f0f);
  return ((bytes & 0xff) << 8) | (bytes >>> 8);
}
