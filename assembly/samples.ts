// Reads the samples of an indexed profile one after the other, checks them, and makes the key of each.
//
// Like the index it knows only what ordinary profiles hold, and gives up without a verdict on anything else.

import { addBytes, addInt64, addLanes, finalMix, finishedLanes, lanes, resumeHash, startHash } from './content-hash';
import {
  endOf,
  locationCount,
  SAMPLE,
  STRING,
  sampleCount,
  sampleTypeCount,
  startOf,
  stringCount,
} from './profile-index';
import { number, readVarint } from './wire';

const TEXT: u32 = 1;
const NUMBER: u32 = 2;

/** The numbers of the sample that was read last, in the order of the sample types. */
export const values: usize = memory.data(32 * 8, 8);
/** Its key, lane A in the low half. */
export let key: u64 = 0;

let hashes: usize = 0;
let locations: u32 = 0;
let columns: u32 = 0;
let strings: u32 = 0;
let seedA: u32 = 0;
let seedB: u32 = 0;
let maxStackDepth: u32 = 0;
let maxLabels: u32 = 0;

/** What was made of the last label but for its number, and of which strings. */
let labelStart: u64 = 0;
let labelKey: u32 = 0;
let labelStr: u32 = 0;
let labelUnit: u32 = 0;

/** `hashOfLocations`: eight bytes for each location by its slot, from 1; with 0 samples are only checked. */
export function startSamples(hashOfLocations: usize, a: u32, b: u32, stackDepth: u32, labelsOfSample: u32): void {
  hashes = hashOfLocations;
  locations = locationCount();
  columns = sampleTypeCount();
  strings = stringCount();
  seedA = a;
  seedB = b;
  maxStackDepth = stackDepth;
  maxLabels = labelsOfSample;
  labelKey = 0;
}

/** Reads and checks all samples, and nothing more. */
export function areSamplesGood(): bool {
  const count = sampleCount();
  for (let sample: u32 = 0; sample < count; sample++) if (!readSample(sample)) return false;
  return true;
}

/** Reads a sample by its number, from 0, into `values` and `key`. */
export function readSample(sample: u32): bool {
  const end = endOf(SAMPLE, sample);
  let pos = startOf(SAMPLE, sample);
  // All that the loops use stays in locals: globals pass through memory each time.
  const table = hashes;
  const most = locations;
  let a = seedA;
  let b = seedB;
  let depth: u32 = 0;
  let value: u32 = 0;
  let labels: u32 = 0;
  let labelsA: u32 = 0;
  let labelsB: u32 = 0;
  while (pos < end) {
    const tag: u32 = load<u8>(pos++);
    // A number that isn't packed is read like a packed field of at least one byte.
    const isPacked = (tag & 7) === 2;
    let stop = pos + 1;
    if (isPacked) {
      let length: u32 = load<u8>(pos++);
      if (length >= 0x80) {
        length = (length & 0x7f) | ((<u32>load<u8>(pos++)) << 7);
        if (length >= 0x4000) return false;
      }
      stop = pos + length;
      if (stop > end) return false;
    }
    if (tag === 0x0a || tag === 0x08) {
      // location_id
      while (pos < stop) {
        let slot: u32 = load<u8>(pos++);
        if (slot >= 0x80) {
          slot = (slot & 0x7f) | ((<u32>load<u8>(pos++)) << 7);
          if (slot >= 0x4000) {
            slot = (slot & 0x3fff) | ((<u32>load<u8>(pos++)) << 14);
            if (slot >= 0x20_0000) return false;
          }
        }
        if (slot - 1 >= most) return false;
        if (table !== 0) {
          const hash = load<u64>(table + slot * 8);
          a = rotl<u32>((a ^ <u32>hash) * 0x9e3779b1, 13);
          b = rotl<u32>((b ^ <u32>(hash >>> 32)) * 0x85ebca6b, 17);
        }
        depth++;
      }
    } else if (tag === 0x12 || tag === 0x10) {
      // value
      while (pos < stop) {
        if (value === columns) return false;
        let one: u64 = load<u8>(pos);
        if (one < 0x80) {
          pos++;
        } else {
          pos = readVarint(pos);
          one = number;
          // Negative ones are those of a difference that the target made, and not ordinary.
          if (pos === 0 || <i64>one < 0) return false;
        }
        store<u64>(values + value * 8, one);
        value++;
      }
    } else if (tag === 0x1a) {
      // label
      if (labels === maxLabels) return false;
      const hash = readLabel(pos, stop);
      if (hash === GIVEN_UP) return false;
      labelsA += <u32>hash;
      labelsB += <u32>(hash >>> 32);
      labels++;
      pos = stop;
    } else {
      return false;
    }
    if (isPacked && pos !== stop) return false;
  }
  if (pos !== end || value !== columns || depth > maxStackDepth) return false;
  a ^= depth;
  b ^= depth;
  key = <u64>finalMix(a + labelsA) | ((<u64>finalMix(b + labelsB)) << 32);
  return true;
}

/** Stands for a label that is not an ordinary one. Of the hashes of good ones one in 2^64 is given up on for nothing. */
const GIVEN_UP: u64 = u64.MAX_VALUE;

/** The hash of a label, or GIVEN_UP. */
function readLabel(start: usize, stop: usize): u64 {
  let pos = start;
  let keyString: u32 = 0;
  let str: u32 = 0;
  let num: u64 = 0;
  let unit: u32 = 0;
  while (pos < stop) {
    const tag: u32 = load<u8>(pos);
    pos = readVarint(pos + 1);
    if (pos === 0) return GIVEN_UP;
    if (tag === 0x18) {
      num = number;
      continue;
    }
    if (number >= strings) return GIVEN_UP;
    if (tag === 0x08) keyString = <u32>number;
    else if (tag === 0x10) str = <u32>number;
    else if (tag === 0x20) unit = <u32>number;
    else return GIVEN_UP;
  }
  if (pos !== stop || keyString === 0 || (str !== 0 && num !== 0)) return GIVEN_UP;
  if (hashes === 0) return 0;
  if (keyString === labelKey && str === labelStr && unit === labelUnit) resumeHash(labelStart);
  else startLabel(keyString, str, unit);
  if (str === 0) addInt64(num);
  return finishedLanes();
}

/** Hashes key and string, or key and unit of a number. In a heap profile these are the same for every sample. */
function startLabel(keyString: u32, str: u32, unit: u32): void {
  const name = hashOfString(keyString);
  const text = hashOfString(str === 0 ? unit : str);
  startHash(str === 0 ? NUMBER : TEXT);
  addLanes(name);
  addLanes(text);
  labelStart = lanes();
  labelKey = keyString;
  labelStr = str;
  labelUnit = unit;
}

function hashOfString(string: u32): u64 {
  startHash(TEXT);
  addBytes(startOf(STRING, string), endOf(STRING, string));
  return finishedLanes();
}
