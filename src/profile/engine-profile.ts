import { type Engine, engineFor } from '../wasm/engine.ts';
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
  const engine = engineFor(length);
  if (engine === undefined) return undefined;
  const at = isGzip(body) ? engine.inflate(body, length) : engine.place(body);
  if (at === 0 || engine.calls.index(at, length, limits.maxStringBytes) === 0) return undefined;
  engine.look();
  const header = headerWithin(engine, limits);
  if (header === undefined) return undefined;
  const profile = { engine, header, copied: () => engine.copy(at, length) };
  opened = { content, limits, profile };
  return profile;
}

/** Checks what `openInEngine` did not. False: no verdict, as above. */
export function checkInEngine({ engine }: EngineProfile, limits: ProfileLimits): boolean {
  const { maxLabelsPerSample, maxLocationReferences, maxStackDepth } = limits;
  const isGood = engine.calls.check(maxStackDepth, maxLabelsPerSample, maxLocationReferences) !== 0;
  engine.look();
  return isGood;
}

/** Lets go of the body that was opened last. */
export function closeInEngine(): void {
  opened = undefined;
}

/** What the indexed profile says of itself; undefined where it is over a limit, or has a sample type twice. */
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
    const sampleType = { type: engineText(engine, field), unit: engineText(engine, field + 8) };
    if (sampleTypes.some(({ type, unit }) => type === sampleType.type && unit === sampleType.unit)) return undefined;
    sampleTypes.push(sampleType);
  }
  const hasPeriodType = word(HEADER.hasPeriodType) !== 0;
  return {
    sampleTypes,
    samples: word(HEADER.samples),
    timeNanos: number(HEADER.timeNanos),
    durationNanos: number(HEADER.durationNanos),
    periodType: hasPeriodType
      ? { type: engineText(engine, HEADER.periodType), unit: engineText(engine, HEADER.periodUnit) }
      : undefined,
    period: number(HEADER.period),
  };
}

/** A string that the header tells of. */
export function engineText({ bytes, calls, words }: Engine, field: number): string {
  const at = (calls.header + field) >>> 2;
  return bytes.toString('utf8', words[at], words[at + 1]);
}
