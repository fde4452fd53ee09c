// The 64-bit hash of content, lane for lane that of src/delta/content-hash.ts: states pass from one engine to the other.

let laneA: u32 = 0;
let laneB: u32 = 0;
let seedA: u32 = 0;
let seedB: u32 = 0;

export function seedHash(a: u32, b: u32): void {
  seedA = a;
  seedB = b;
}

export function startHash(kind: u32): void {
  laneA = seedA;
  laneB = seedB;
  addWord(kind);
}

/** Goes on from lanes that were taken before. */
export function resumeHash(lanes: u64): void {
  laneA = <u32>lanes;
  laneB = <u32>(lanes >>> 32);
}

function addWord(word: u32): void {
  addWords(word, word);
}

function addWords(forA: u32, forB: u32): void {
  const a = (laneA ^ forA) * 0x9e3779b1;
  laneA = a ^ (a >>> 15);
  const b = (laneB ^ forB) * 0x85ebca6b;
  laneB = b ^ (b >>> 13);
}

/** Both halves of a hash. */
export function addLanes(lanes: u64): void {
  addWords(<u32>lanes, <u32>(lanes >>> 32));
}

export function addInt64(value: u64): void {
  addWord(<u32>value);
  addWord(<u32>(value >>> 32));
}

export function addBytes(start: usize, end: usize): void {
  addWord(<u32>(end - start));
  let pos = start;
  for (; pos + 4 <= end; pos += 4) addWord(load<u32>(pos));
  for (; pos < end; pos++) addWord(load<u8>(pos));
}

/** The lanes as they are, A in the low half. */
export function lanes(): u64 {
  return <u64>laneA | ((<u64>laneB) << 32);
}

/** The lanes with every bit spread over its lane, A in the low half. */
export function finishedLanes(): u64 {
  return <u64>finalMix(laneA) | ((<u64>finalMix(laneB)) << 32);
}

/** The finalizer of MurmurHash3 (public domain). */
export function finalMix(value: u32): u32 {
  let mixed = (value ^ (value >>> 16)) * 0x85ebca6b;
  mixed = (mixed ^ (mixed >>> 13)) * 0xc2b2ae35;
  return mixed ^ (mixed >>> 16);
}
