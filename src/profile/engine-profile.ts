import { type Engine, engineFor, leaveEngine } from '../wasm/engine.ts';
import { HEADER } from '../wasm/exchange.ts';
import { claimedBytes, isBelievable, isGzip } from './gunzip.ts';
import type { ProfileLimits } from './limits.ts';
import type { ProfileBody } from './profile-body.ts';
import type { SampleType } from './sample-type.ts';
import type { ProfileHeader } from './validate-profile.ts';

/** A profile that lies in the engine's memory, indexed. Of no use any more when the next one is opened. */
export interface EngineProfile {
  readonly engine: Engine;
  readonly header: ProfileHeader;
  /** A copy of the protobuf. */
  readonly copied: () => Uint8Array;
}

/**
 * Times the limit on a profile's bytes: the memory that the engine may take. It keeps what it has taken, and where it gives
 * up the other engine needs as much again.
 */
const MEMORY_RATIO = 2;
/** What is taken for any profile, however low that limit is. */
const SMALL_MEMORY_BYTES = 64 * 1024 * 1024;
/** Times a profile's own bytes: the least that a delta of it takes, with its lists and what comes out. */
const LEAST_RATIO = 3;

/** What was opened last, so that what one room has opened the next one needn't open again. */
let opened:
  | { readonly content: ProfileBody; readonly limits: ProfileLimits; readonly profile: EngineProfile }
  | undefined;

/**
 * Inflates a body in the engine (what is not gzip is copied) and checks all of the profile but its locations and samples.
 * Undefined where the engine gives up without a verdict, be it that something is wrong or only not ordinary, or that there
 * is too much of it: zlib and the readers in TypeScript decide then.
 */
export function openInEngine(content: ProfileBody, limits: ProfileLimits): EngineProfile | undefined {
  if (opened?.content === content && opened.limits === limits) return opened.profile;
  opened = undefined;
  const body = content.inflated ?? content.body;
  const length = isGzip(body) ? claimedBytes(body) : body.length;
  if (length > content.maxBytes || (isGzip(body) && !isBelievable(length, body))) return undefined;
  const memoryBytes = Math.max(SMALL_MEMORY_BYTES, limits.maxBytes * MEMORY_RATIO);
  if (length * LEAST_RATIO > memoryBytes) return undefined;
  const engine = engineFor(length, memoryBytes);
  if (engine === undefined) return undefined;
  const at = isGzip(body) ? engine.inflate(body, length) : engine.place(body);
  const isIndexed = at !== 0 && engine.calls.index(at, length) !== 0;
  engine.look();
  const header = isIndexed ? headerWithin(engine, limits) : undefined;
  if (header === undefined) {
    leaveEngine();
    return undefined;
  }
  const copied = (): Uint8Array => {
    const pprof = engine.copy(at, length);
    leaveEngine();
    return pprof;
  };
  const profile = { engine, header, copied };
  opened = { content, limits, profile };
  return profile;
}

/** Checks what `openInEngine` did not. False: no verdict, as above. */
export function checkInEngine({ engine }: EngineProfile, limits: ProfileLimits): boolean {
  const { maxLabelsPerSample, maxStackDepth } = limits;
  const isGood = engine.calls.check(maxStackDepth, maxLabelsPerSample) !== 0;
  engine.look();
  if (!isGood) leaveEngine();
  return isGood;
}

/** Lets go of the body that was opened last. */
export function closeInEngine(): void {
  opened = undefined;
}

/** What the indexed profile says of itself; undefined where it is over a limit. */
function headerWithin(engine: Engine, limits: ProfileLimits): ProfileHeader | undefined {
  const { calls, numbers, words } = engine;
  const word = (field: number): number => words[(calls.header + field) >>> 2]!;
  const number = (field: number): bigint => numbers[(calls.header + field) >>> 3]!;
  const isWithin =
    word(HEADER.sampleTypes) <= limits.maxSampleTypes &&
    word(HEADER.samples) <= limits.maxSamples &&
    word(HEADER.mappings) <= limits.maxMappings &&
    word(HEADER.locations) <= limits.maxLocations &&
    word(HEADER.functions) <= limits.maxFunctions &&
    word(HEADER.strings) <= limits.maxStrings;
  if (!isWithin) return undefined;
  const sampleTypes: SampleType[] = [];
  for (let ordinal = 0; ordinal < word(HEADER.sampleTypes); ordinal++) {
    const field = HEADER.firstSampleType + ordinal * 16;
    if (!isNameWithin(engine, field, limits) || !isNameWithin(engine, field + 8, limits)) return undefined;
    sampleTypes.push({ type: engineText(engine, field), unit: engineText(engine, field + 8) });
  }
  const hasPeriodType = word(HEADER.hasPeriodType) !== 0;
  if (
    hasPeriodType &&
    !(isNameWithin(engine, HEADER.periodType, limits) && isNameWithin(engine, HEADER.periodUnit, limits))
  ) {
    return undefined;
  }
  return {
    sampleTypes,
    samples: word(HEADER.samples),
    timeNanos: number(HEADER.timeNanos),
    durationNanos: number(HEADER.durationNanos),
    periodType: hasPeriodType
      ? { type: engineText(engine, HEADER.periodType), unit: engineText(engine, HEADER.periodUnit) }
      : undefined,
    period: number(HEADER.period),
    notUtf8: 0,
  };
}

/** Whether a string that the header tells of is short enough for a name. */
function isNameWithin({ calls, words }: Engine, field: number, { maxTypeBytes }: ProfileLimits): boolean {
  const at = (calls.header + field) >>> 2;
  return words[at + 1]! - words[at]! <= maxTypeBytes;
}

/** A string that the header tells of. */
export function engineText({ bytes, calls, words }: Engine, field: number): string {
  const at = (calls.header + field) >>> 2;
  return bytes.toString('utf8', words[at], words[at + 1]);
}
