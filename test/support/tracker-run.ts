import { gzipSync } from 'node:zlib';
import { DELTA_PRESETS, PRESETS } from '../../src/config/presets.ts';
import type { ProfileConfig, ScrapeConfig } from '../../src/config/scrape-config.ts';
import type { DeltaOutcome, DeltaProfile } from '../../src/delta/delta-outcome.ts';
import { createDeltaTracker, type DeltaTracker } from '../../src/delta/delta-tracker.ts';
import type { KeptTargets } from '../../src/delta/kept-targets.ts';
import { ProfileBody } from '../../src/profile/profile-body.ts';
import { validateProfile } from '../../src/profile/validate-profile.ts';
import type { ScrapedProfile } from '../../src/scrape/scraped-profile.ts';
import type { Target } from '../../src/targets/target.ts';
import { buildProfile, type ProfileSpec } from './build-profile.ts';
import { finishedProfile } from './finished-profile.ts';
import { type PrintedSample, printSamples } from './print-samples.ts';
import { type ReadProfile, readProfile } from './read-profile.ts';
import { inflated } from './recorded-profiles.ts';

/** Second 0 of the tests' clocks: 2026-11-22T10:00:00Z. */
export const START_NANOS = BigInt(Date.UTC(2026, 10, 22, 10)) * 1_000_000n;
const MAX_STATE_AGE_MS = 24 * 3600 * 1000;

export interface TrackerRunOptions {
  /** Name of a preset. */
  readonly profile?: string;
  /** The target's own delta endpoint in place of the preset. */
  readonly isDeltaEndpoint?: boolean;
  readonly seconds?: number;
  /** Path and query in force, in place of the preset's. */
  readonly pathAndQuery?: string;
  /** What the config says of the profile beyond its preset. */
  readonly config?: Partial<ProfileConfig>;
  readonly onCounterReset?: ScrapeConfig['onCounterReset'];
  readonly sample?: ScrapeConfig['sample'];
  /** Several runs may share one tracker, each with a key of its own. */
  readonly tracker?: DeltaTracker;
  readonly key?: string;
  /** Where a tracker of its own keeps its targets. */
  readonly kept?: KeptTargets;
}

/** When a response came, in seconds from the start. The profile says the same if `targetSeconds` says nothing else. */
export interface At {
  readonly seconds: number;
  /** The profile's own time; 0 for none. */
  readonly targetSeconds?: number | 'none';
}

/** The snapshots of one target, shown to a tracker one after the other. */
export class TrackerRun {
  readonly tracker: DeltaTracker;
  readonly target: Target;

  constructor({ profile = 'mem', isDeltaEndpoint = false, seconds, ...options }: TrackerRunOptions = {}) {
    this.tracker = options.tracker ?? createDeltaTracker({ maxStateAgeMs: MAX_STATE_AGE_MS }, options.kept);
    const preset = (isDeltaEndpoint ? DELTA_PRESETS : PRESETS).get(profile);
    if (!preset) throw new Error(`no preset ${profile}`);
    const { target } = finishedProfile();
    this.target = {
      ...target,
      key: options.key ?? target.key,
      labels: new Map([['instance', 'shop:6060']]),
      profile: { ...preset, ...options.config },
      seconds,
      pathAndQuery: options.pathAndQuery ?? (seconds === undefined ? preset.path : `${preset.path}?seconds=${seconds}`),
      job: { ...target.job, onCounterReset: options.onCounterReset ?? 'emit', sample: options.sample },
    };
  }

  next(spec: ProfileSpec, at: At): Promise<DeltaOutcome> {
    const { seconds, targetSeconds = seconds } = at;
    const timeNanos = targetSeconds === 'none' ? 0n : START_NANOS + nanos(targetSeconds);
    return this.nextBytes(buildProfile({ ...spec, timeNanos }), seconds);
  }

  nextBytes(pprof: Uint8Array, seconds: number): Promise<DeltaOutcome> {
    return this.nextResponse(gzipSync(pprof), undefined, seconds);
  }

  /** When a profile that was made elsewhere came, by its own word, so that no clock seems to be off. */
  secondsOf(pprof: Uint8Array): number {
    return Number(validateProfile(pprof).timeNanos - START_NANOS) / 1e9;
  }

  nextResponse(body: Uint8Array, pprof: Uint8Array | undefined, seconds: number): Promise<DeltaOutcome> {
    return this.tracker.next(this.responseAt(body, pprof, seconds));
  }

  responseAt(body: Uint8Array, pprof: Uint8Array | undefined, seconds: number): ScrapedProfile {
    return {
      target: this.target,
      content: new ProfileBody(body, 64 * 1024 * 1024, pprof),
      requestedAtMs: Number(START_NANOS / 1_000_000n) + (seconds - (this.target.seconds ?? 0)) * 1000,
      respondedAtMs: Number(START_NANOS / 1_000_000n) + seconds * 1000,
      // Its zero is somewhere else than that of the wall clock.
      monotonicMs: 77_000 + seconds * 1000,
      durationMs: (this.target.seconds ?? 0) * 1000,
    };
  }
}

export function nanos(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9));
}

/** What was passed on, read back. */
export function passedOn(outcome: DeltaOutcome): {
  outcome: DeltaProfile;
  read: ReadProfile;
  samples: PrintedSample[];
} {
  if (outcome.kind !== 'profile') throw new Error(`held: ${outcome.reason}`);
  const read = readProfile(inflated(outcome.body));
  return { outcome, read, samples: printSamples(read) };
}
