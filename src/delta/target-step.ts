import { createHash } from 'node:crypto';
import { checkInEngine, openInEngine } from '../profile/engine-profile.ts';
import { isGzip } from '../profile/gunzip.ts';
import type { ProfileLimits } from '../profile/limits.ts';
import { type ProfileHeader, validateProfile } from '../profile/validate-profile.ts';
import type { ScrapedProfile } from '../scrape/scraped-profile.ts';
import type { Target } from '../targets/target.ts';
import { CLOCK_TOLERANCE_MS } from './clock-watch.ts';
import type { DeltaHeld, DeltaOutcome, DeltaProfile } from './delta-outcome.ts';
import { type ColumnUse, type DeltaMade, type DeltaPlan, rewriteProfile } from './engine.ts';
import { makeDelta } from './make-delta.ts';
import { columnUseOf, hasListedType, type ProfileKind, profileKindOf } from './profile-kind.ts';
import { afterSnapshot, CALM_SCRAPES } from './reset-history.ts';
import { elapsedNanos, msToNanos, nanosOf, type Stamp, type TrackedTarget } from './tracked-target.ts';

/** A measurement shorter than this part of what was asked for leaves some of the interval out. */
const WHOLE_MEASUREMENT = 0.9;

export interface StepResult {
  /** Its body may not be compressed yet. */
  readonly outcome: DeltaOutcome;
  readonly tracked: TrackedTarget;
}

/** One response against what is known of its target: what to pass on, and what to remember. */
export class TargetStep {
  readonly #scraped: ScrapedProfile;
  readonly #target: Target;
  readonly #before: TrackedTarget | undefined;
  readonly #limits: ProfileLimits;
  readonly #ownsResponse: boolean;
  readonly #warnings: string[] = [];
  #clockOffsetMs: number | undefined;

  /** `ownsResponse`: its bytes may be freed when they are no longer needed. */
  constructor(
    scraped: ScrapedProfile,
    before: TrackedTarget | undefined,
    options: { readonly limits: ProfileLimits; readonly ownsResponse: boolean },
  ) {
    this.#scraped = scraped;
    this.#target = scraped.target;
    this.#before = before;
    this.#limits = options.limits;
    this.#ownsResponse = options.ownsResponse;
  }

  /** How far the target's clock is ahead of ours; undefined where the response does not tell. Known after `take`. */
  get clockOffsetMs(): number | undefined {
    return this.#clockOffsetMs;
  }

  /** Throws ProfileError. */
  take(): StepResult {
    const kind = profileKindOf(this.#target);
    switch (kind) {
      case 'cumulative':
        return this.#cumulative();
      case 'ready-delta':
        return this.#readyDelta();
      default:
        return this.#asItIs(kind);
    }
  }

  #cumulative(): StepResult {
    let stamp = this.#ourStamp();
    const result = makeDelta({
      content: this.#scraped.content,
      spendsContent: this.#ownsResponse,
      state: this.#before?.state,
      limits: this.#limits,
      plan: (header) => {
        stamp = this.#stampOf(header);
        const elapsed = this.#before ? elapsedNanos(this.#before.stamp, stamp) : 0n;
        return { columns: this.#columnsOf(header), timeNanos: nanosOf(stamp), durationNanos: elapsed };
      },
    });
    const fingerprint = this.#fingerprintOf(result.header);
    this.#tellUnlisted(result.header);
    if (this.#before?.state !== undefined && fingerprint === this.#before.fingerprint) {
      this.#warn('sent the same response as before: is there a cache in between?');
      return { outcome: this.#held('stale'), tracked: { ...this.#before, hasGap: false } };
    }
    const isReset = result.kind === 'delta' && result.isReset;
    const history = afterSnapshot(this.#before, isReset);
    const tracked: TrackedTarget = { state: result.state, stamp, fingerprint, hasGap: false, ...history };
    if (result.kind !== 'delta') {
      if (result.kind === 'types-changed') {
        this.#warn(`has other sample types than before: ${typesText(result.header)}; starting afresh`);
      }
      return { outcome: this.#held(result.kind), tracked };
    }
    if (isReset && history.calmNeeded > 0) {
      this.#warn(
        `counters were reset twice within ${CALM_SCRAPES} scrapes: several processes seem to answer at ` +
          `${this.#target.labels.get('instance') ?? this.#target.url}; scrape each at an address of its own`,
      );
      return { outcome: this.#held('alternating'), tracked };
    }
    if (isReset && this.#target.job.onCounterReset === 'skip') return { outcome: this.#held('reset-skipped'), tracked };
    return { outcome: this.#deltaOutcome(result, stamp), tracked };
  }

  #deltaOutcome(made: DeltaMade, stamp: Stamp): DeltaProfile {
    const untilNanos = nanosOf(stamp);
    const elapsed = this.#before ? elapsedNanos(this.#before.stamp, stamp) : 0n;
    return this.#profile(made.profile, untilNanos - elapsed, untilNanos, {
      sampleTypes: made.sampleTypes,
      samples: made.samples,
      isReset: made.isReset,
      clamped: made.clamped,
    });
  }

  /** Heap, mutex or block with `seconds`: its cumulative columns are differences already, the others mean nothing. */
  #readyDelta(): StepResult {
    const header = this.#validate(true);
    if (header.durationNanos <= 0n) {
      this.#warn('ignores the parameter seconds (Go before 1.15): its snapshots are subtracted here');
      return this.#cumulative();
    }
    this.#tellUnlisted(header);
    const uses = this.#columnsOf(header);
    const meaningless = header.sampleTypes.filter((_, column) => uses[column] === 'keep');
    if (meaningless.length > 0) {
      this.#warn(
        `with seconds, ${typesText({ sampleTypes: meaningless })} are differences too and mean nothing: dropped`,
      );
    }
    const stamp = this.#stampOf(header);
    const untilNanos = nanosOf(stamp);
    const made = rewriteProfile({
      profile: this.#scraped.content.pprof,
      limits: this.#limits,
      plan: () => ({
        columns: uses.map((use): ColumnUse => (use === 'subtract' ? 'keep' : 'drop')),
        timeNanos: untilNanos,
        durationNanos: header.durationNanos,
      }),
    });
    const outcome = this.#profile(made.profile, untilNanos - header.durationNanos, untilNanos, made);
    return { outcome, tracked: this.#stampOnly(stamp) };
  }

  /** What needs no subtraction: passed on as it came, unless its time or its columns are to be changed. */
  #asItIs(kind: Exclude<ProfileKind, 'cumulative' | 'ready-delta'>): StepResult {
    const header = this.#validate(kind === 'delta-endpoint');
    const stamp = this.#stampOf(header);
    const tracked = this.#stampOnly(stamp);
    this.#tellUnlisted(header);
    const uses = this.#columnsOf(header);
    if (header.sampleTypes.length > 0 && uses.every((use) => use === 'drop')) {
      return { outcome: this.#held('nothing-listed'), tracked };
    }
    if (kind === 'delta-endpoint' && (this.#before === undefined || this.#before.hasGap)) {
      return { outcome: this.#held('discarded'), tracked };
    }
    const { fromNanos, untilNanos, isOurs } = this.#intervalOf(kind, header, stamp);
    const isWhole = kind !== 'delta-endpoint' && !isOurs && !uses.includes('drop');
    const times = {
      timeNanos: kind === 'measured' ? fromNanos : untilNanos,
      durationNanos: kind === 'instantaneous' ? 0n : untilNanos - fromNanos,
    };
    const made = isWhole
      ? { body: this.#receivedBody(), sampleTypes: header.sampleTypes, samples: header.samples, clamped: 0 }
      : this.#rewritten({ columns: uses, ...times });
    const isShort =
      kind === 'measured' && Number(untilNanos - fromNanos) < (this.#target.seconds ?? 0) * 1e9 * WHOLE_MEASUREMENT;
    return { outcome: { ...this.#profile(made.body, fromNanos, untilNanos, made), isPartial: isShort }, tracked };
  }

  #rewritten(plan: DeltaPlan): { body: Uint8Array } & Pick<DeltaProfile, 'sampleTypes' | 'samples' | 'clamped'> {
    const made = rewriteProfile({ profile: this.#scraped.content.pprof, limits: this.#limits, plan: () => plan });
    return { ...made, body: made.profile };
  }

  /** The interval that a profile speaks for. `isOurs`: not as the profile itself says, because its clock is off. */
  #intervalOf(
    kind: ProfileKind,
    header: ProfileHeader,
    stamp: Stamp,
  ): { fromNanos: bigint; untilNanos: bigint; isOurs: boolean } {
    const { requestedAtMs } = this.#scraped;
    if (kind === 'measured') {
      const length = this.#measuredNanos(header);
      const isPlausible = this.#isPlausible(header.timeNanos, requestedAtMs);
      const saidNanos = isPlausible ? header.timeNanos : msToNanos(requestedAtMs);
      // A measurement ends with its answer at the latest, whatever the target's clock says.
      const lateNanos = saidNanos + length - this.#answeredNanos();
      const fromNanos = lateNanos > 0n ? saidNanos - lateNanos : saidNanos;
      return { fromNanos, untilNanos: fromNanos + length, isOurs: !isPlausible && header.timeNanos !== 0n };
    }
    const untilNanos = nanosOf(stamp);
    if (this.#before !== undefined && !this.#before.hasGap) {
      return { fromNanos: untilNanos - elapsedNanos(this.#before.stamp, stamp), untilNanos, isOurs: false };
    }
    return { fromNanos: untilNanos - msToNanos(this.#target.scrapeIntervalMs), untilNanos, isOurs: false };
  }

  /**
   * How long the target measured, in nanoseconds: as the profile says; else as it was asked, but no longer than the request
   * took, as some targets answer at once.
   */
  #measuredNanos({ durationNanos }: ProfileHeader): bigint {
    if (durationNanos > 0n) return durationNanos;
    return msToNanos(Math.max(0, Math.min((this.#target.seconds ?? 0) * 1000, this.#scraped.durationMs)));
  }

  /** When the last byte of the answer was there, by our clock, Unix nanoseconds. */
  #answeredNanos(): bigint {
    const { requestedAtMs, respondedAtMs, durationMs } = this.#scraped;
    return msToNanos(Math.max(respondedAtMs, requestedAtMs + durationMs));
  }

  #columnsOf(header: ProfileHeader): ColumnUse[] {
    return header.sampleTypes.map((type) => columnUseOf(this.#target.profile, type));
  }

  #tellUnlisted(header: ProfileHeader): void {
    const { profile } = this.#target;
    if (header.sampleTypes.length === 0 || hasListedType(profile, header)) return;
    this.#warn(
      `has none of the sample types of ${profile.name} (${[...profile.sampleTypes.keys()].join(', ')}); it has ${typesText(header)}`,
    );
  }

  #stampOf(header: ProfileHeader): Stamp {
    const { respondedAtMs } = this.#scraped;
    const isPlausible = this.#isPlausible(header.timeNanos, respondedAtMs);
    return { ...this.#ourStamp(), targetNanos: isPlausible ? header.timeNanos : 0n };
  }

  #ourStamp(): Stamp {
    const { respondedAtMs, monotonicMs } = this.#scraped;
    return { targetNanos: 0n, wallMs: respondedAtMs, monotonicMs };
  }

  #stampOnly(stamp: Stamp): TrackedTarget {
    return {
      state: undefined,
      stamp,
      fingerprint: 0n,
      sinceReset: Number.POSITIVE_INFINITY,
      calmNeeded: 0,
      hasGap: false,
    };
  }

  #isPlausible(timeNanos: bigint, nowMs: number): boolean {
    if (timeNanos <= 0n) return false;
    this.#clockOffsetMs = Number(timeNanos) / 1e6 - nowMs;
    return Math.abs(this.#clockOffsetMs) <= CLOCK_TOLERANCE_MS;
  }

  /** The time if the profile has one, which no two responses share; else a hash of the bytes. */
  #fingerprintOf(header: ProfileHeader): bigint {
    if (header.timeNanos !== 0n) return header.timeNanos;
    return createHash('sha256').update(this.#scraped.content.pprof).digest().readBigInt64LE();
  }

  /** Throws ProfileError. */
  #validate(allowNegative: boolean): ProfileHeader {
    const { content } = this.#scraped;
    const limits = this.#limits;
    const opened = openInEngine(content, limits);
    if (opened && checkInEngine(opened, limits)) return opened.header;
    return validateProfile(content.pprof, { limits, allowNegative });
  }

  #receivedBody(): Uint8Array {
    const { content } = this.#scraped;
    return isGzip(content.body) ? content.body : content.pprof;
  }

  #warn(message: string): void {
    this.#warnings.push(`${this.#target.url}: ${message}`);
  }

  #held(reason: DeltaHeld['reason']): DeltaHeld {
    return { kind: 'held', reason, warnings: this.#warnings };
  }

  #profile(
    body: Uint8Array,
    fromNanos: bigint,
    untilNanos: bigint,
    made: Pick<DeltaProfile, 'sampleTypes' | 'samples' | 'clamped'> & { readonly isReset?: boolean },
  ): DeltaProfile {
    return {
      kind: 'profile',
      body,
      fromNanos,
      untilNanos,
      sampleTypes: made.sampleTypes,
      samples: made.samples,
      isReset: made.isReset ?? false,
      isPartial: false,
      clamped: made.clamped,
      warnings: this.#warnings,
    };
  }
}

function typesText({ sampleTypes }: Pick<ProfileHeader, 'sampleTypes'>): string {
  return sampleTypes.map(({ type, unit }) => `${type}/${unit}`).join(', ');
}
