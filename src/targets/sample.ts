import type { SampleConfig } from '../config/scrape-config.ts';
import { FNV_OFFSET, fnv1a } from './key.ts';

/** The part of a job's addresses that is scraped now. */
export interface Sample {
  readonly chosen: ReadonlySet<string>;
  /** Unix milliseconds; until then the same addresses give the same sample. */
  readonly validUntilMs: number;
}

/** A rotation goes in this many steps, so that few targets change at one moment. */
const STEPS = 60;
const PHASE = 0x5eed;

/**
 * Chooses addresses by hash and time alone: two processes, and two jobs, choose the same ones, a restart changes nothing, and
 * an address that comes or goes moves hardly any other.
 */
export function chooseSample(addresses: Iterable<string>, config: SampleConfig, nowMs: number): Sample {
  const stepMs = config.rotateEveryMs / STEPS;
  const step = Math.floor(nowMs / stepMs);
  const hashed = [...new Set(addresses)].sort().map((address): Hashed => ({ address, hash: hashOf(address) }));
  const chosen = config.type === 'count' ? choose(hashed, config.count, step) : pass(hashed, config.ratio, step);
  return { chosen, validUntilMs: Math.ceil((step + 1) * stepMs) };
}

interface Hashed {
  readonly address: string;
  readonly hash: number;
}

/** Each address draws anew once a rotation, at a moment of its own, and is in below the ratio. None depends on another. */
function pass(hashed: readonly Hashed[], ratio: number, step: number): Set<string> {
  const chosen = new Set<string>();
  for (const { address, hash } of hashed) {
    const epoch = Math.floor((step + (mix(hash, PHASE) % STEPS)) / STEPS);
    if (mix(hash, epoch) < ratio * 2 ** 32) chosen.add(address);
  }
  return chosen;
}

/**
 * Exactly `count` places, each with a rotation that begins at a moment of its own. A place takes the free address with the
 * highest hash of its own for this rotation (rendezvous hashing), so the address stays for the whole of it.
 */
function choose(hashed: readonly Hashed[], count: number, step: number): Set<string> {
  if (hashed.length <= count) return new Set(hashed.map(({ address }) => address));
  const free = new Set(hashed);
  const chosen = new Set<string>();
  for (let place = 0; place < count; place++) {
    const epoch = Math.floor((step + Math.floor((place * STEPS) / count)) / STEPS);
    const seed = mix(place, epoch);
    let best: Hashed | undefined;
    let highest = -1;
    for (const one of free) {
      const score = mix(one.hash, seed);
      if (score > highest) {
        highest = score;
        best = one;
      }
    }
    if (best === undefined) break;
    free.delete(best);
    chosen.add(best.address);
  }
  return chosen;
}

/** FNV's low bits of similar texts differ, its high ones hardly. */
function hashOf(address: string): number {
  const { high, low } = fnv1a(FNV_OFFSET, address);
  return mix(high, low);
}

/** 32 bits that depend on each bit of both: the final steps of MurmurHash3. */
function mix(a: number, b: number): number {
  let x = a ^ Math.imul(b, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
