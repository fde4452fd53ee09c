import { readFileSync } from 'node:fs';
import { type EngineExports, engineExports } from './engine-exports.ts';

/** Bytes behind what is read that the engine may look at, and behind what it writes that it may write to. */
const SLACK_BYTES = 16;
/** Memory beyond this is let go when a profile comes that needs far less: WebAssembly can't give any back. */
const LARGE_BYTES = 16 * 1024 * 1024;
/** About what a profile needs, in its own bytes. */
const NEEDED_RATIO = 8;
/** Larger profiles are left to the engine in TypeScript: with all that belongs to one the memory would pass 2 GiB. */
const MAX_PROFILE_BYTES = 256 * 1024 * 1024;
/** The most memory that an instance is given unless somebody asks for less. */
const MAX_MEMORY_BYTES = 2 ** 31 - 2 ** 20;

/** One instance of the engine in assembly/: its functions, and its memory as bytes and as 32-bit and 64-bit numbers. */
export class Engine {
  readonly calls: EngineExports;
  bytes: Buffer = NOTHING;
  words: Int32Array = new Int32Array(0);
  numbers: BigInt64Array = new BigInt64Array(0);

  constructor(calls: EngineExports) {
    this.calls = calls;
    this.look();
  }

  /** To be called after each call that may take memory: where that grew, the views of it are empty. */
  look(): void {
    if (this.bytes.length > 0) return;
    const { buffer } = this.calls.memory;
    this.bytes = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
    this.numbers = new BigInt64Array(buffer);
  }

  /** Puts bytes into memory; gives where they are, or 0 where there is no room. */
  place(bytes: Uint8Array): number {
    const at = this.calls.take(bytes.length + SLACK_BYTES);
    this.look();
    if (at !== 0) this.bytes.set(bytes, at);
    return at;
  }

  /**
   * Puts what one gzip member holds into memory, which must be exactly so many bytes; gives where they are, or 0 where there
   * is no room or it is anything else than that.
   */
  inflate(gzip: Uint8Array, length: number): number {
    const at = this.calls.take(length + SLACK_BYTES);
    // Behind it, and only for now.
    const source = this.place(gzip);
    if (at === 0 || source === 0) return 0;
    const inflated = this.calls.gunzip(source, gzip.length, at, length);
    this.calls.giveBack(at + length + SLACK_BYTES);
    return inflated === length ? at : 0;
  }

  /** Bytes out of memory, which may have grown since anyone looked: a call that gives up tells nobody. */
  copy(at: number, length: number): Uint8Array {
    this.look();
    return new Uint8Array(this.bytes.subarray(at, at + length));
  }
}

const NOTHING = Buffer.alloc(0);

let compiled: WebAssembly.Module | undefined;
/** There was no room for its memory; it isn't asked for again. */
let isRefused = false;
let engine: Engine | undefined;

/**
 * The engine, ready for a profile of so many bytes; what it held is forgotten. It gives up on what would take more than
 * `maxMemoryBytes`, beyond what it has at rest. Undefined for a profile beyond its reach,
 * and where WebAssembly is not to be had: `node --jitless` has none, a limit on address space leaves no room for its memory.
 */
export function engineFor(profileBytes: number, maxMemoryBytes = MAX_MEMORY_BYTES): Engine | undefined {
  if (profileBytes > MAX_PROFILE_BYTES || isRefused || typeof WebAssembly === 'undefined') return undefined;
  // A profile that was given up on may have made the memory grow.
  engine?.look();
  if (engine && engine.bytes.length > LARGE_BYTES && profileBytes * NEEDED_RATIO < engine.bytes.length / 2) {
    engine = undefined;
  }
  engine ??= instantiate();
  engine?.calls.begin(Math.min(maxMemoryBytes, MAX_MEMORY_BYTES));
  return engine;
}

/** The instance gave up on a profile. A large one goes at once: what does the work instead needs the memory. */
export function leaveEngine(): void {
  engine?.look();
  if (engine && engine.bytes.length > LARGE_BYTES) engine = undefined;
}

function instantiate(): Engine | undefined {
  compiled ??= new WebAssembly.Module(readFileSync(moduleUrl()));
  try {
    return new Engine(engineExports(new WebAssembly.Instance(compiled)));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    isRefused = true;
    return undefined;
  }
}

/** The build puts it beside the bundle. */
function moduleUrl(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? '../../.wasm-build/engine.wasm' : './engine.wasm', import.meta.url);
}
