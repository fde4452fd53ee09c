import { createHash } from 'node:crypto';
import { isDeltaEndpoint } from '../config/delta-endpoint.ts';
import { checkInEngine, openInEngine } from '../profile/engine-profile.ts';
import { isCumulativeType } from '../profile/go-columns.ts';
import { isGzip } from '../profile/gunzip.ts';
import type { ProfileLimits } from '../profile/limits.ts';
import { TWICE_WARNING } from '../profile/open-profile.ts';
import type { ProfileKind } from '../profile/profile-kind.ts';
import { type ProfileHeader, validateProfile } from '../profile/validate-profile.ts';
import type { ScrapedProfile } from '../scrape/scraped-profile.ts';
import type { Target } from '../targets/target.ts';
import { CLOCK_TOLERANCE_MS } from './clock-watch.ts';
import type { DeltaHeld, DeltaOutcome, DeltaProfile } from './delta-outcome.ts';
import { type ColumnUse, type DeltaMade, type DeltaPlan, rewriteProfile } from './engine.ts';
import { makeDelta } from './make-delta.ts';
import { columnUseOf, expectsTwoSnapshots, hasListedType, kindOf, type Reading, readingOf } from './profile-kind.ts';
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
    // What is expected to count up is not looked at twice.
    if (this.#target.seconds === undefined && expectsTwoSnapshots(this.#target)) {
      const result = this.#cumulative();
      if (result !== undefined) return result;
    }
    const header = this.#validate();
    const reading = readingOf(this.#target, header);
    switch (reading) {
      case 'cumulative':
        if (this.#target.seconds !== undefined) {
          this.#warn('ignores the parameter seconds: its snapshots are subtracted here');
        }
        return this.#cumulative() ?? this.#asItIs('state', header);
      case 'seconds-delta':
        return this.#secondsDelta(header);
      default:
        return this.#asItIs(reading, header);
    }
  }

  /** Undefined where the header shows that there is nothing to subtract. */
  #cumulative(): StepResult | undefined {
    let stamp = this.#ourStamp();
    const result = makeDelta({
      content: this.#scraped.content,
      spendsContent: this.#ownsResponse,
      state: this.#before?.state,
      limits: this.#limits,
      plan: (header) => {
        if (readingOf(this.#target, header) !== 'cumulative') return undefined;
        stamp = this.#stampOf(header);
        const elapsed = this.#before ? elapsedNanos(this.#before.stamp, stamp) : 0n;
        return { columns: this.#columnsOf(header), timeNanos: nanosOf(stamp), durationNanos: elapsed };
      },
    });
    if (result.kind === 'declined') return undefined;
    const fingerprint = this.#fingerprintOf(result.header);
    this.#tellOddities(result.header);
    this.#tellOwnDuration(result.header);
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
    return this.#profile('delta', made.profile, untilNanos - elapsed, untilNanos, {
      sampleTypes: made.sampleTypes,
      samples: made.samples,
      isReset: made.isReset,
      clamped: made.clamped,
    });
  }

  /**
   * A snapshot profile of Go with `seconds`: the target made the difference of two snapshots, of all columns. Of heap, mutex
   * and block that is what is wanted, without the `inuse` columns, which mean nothing as differences. Of a profile that has
   * no cumulative column (goroutines) the difference is what was asked for: written as it came, with its negative values.
   */
  #secondsDelta(header: ProfileHeader): StepResult {
    const uses = this.#columnsOf(header);
    if (!uses.includes('subtract')) return this.#asItIs('seconds-delta', header);
    this.#tellOddities(header);
    const meaningless = header.sampleTypes.filter((_, column) => uses[column] === 'keep');
    if (meaningless.length > 0) {
      this.#warn(
        `with seconds, ${typesText({ sampleTypes: meaningless })} are differences too and mean nothing: dropped`,
      );
    }
    const stamp = this.#stampOf(header);
    const untilNanos = nanosOf(stamp);
    const made = this.#rewritten({
      columns: uses.map((use): ColumnUse => (use === 'subtract' ? 'keep' : 'drop')),
      timeNanos: untilNanos,
      durationNanos: header.durationNanos,
    });
    const outcome = this.#profile('delta', made.body, untilNanos - header.durationNanos, untilNanos, made);
    return { outcome, tracked: this.#stampOnly(stamp) };
  }

  /** What needs no subtraction: passed on as it came, unless its time or its columns are to be changed. */
  #asItIs(reading: Exclude<Reading, 'cumulative'>, header: ProfileHeader): StepResult {
    const stamp = this.#stampOf(header);
    const tracked = this.#stampOnly(stamp);
    this.#tellOddities(header);
    const uses = this.#columnsOf(header);
    if (header.sampleTypes.length > 0 && uses.every((use) => use === 'drop')) {
      return { outcome: this.#held('nothing-listed'), tracked };
    }
    this.#tellReading(reading, header);
    if (reading === 'since-last-answer' && (this.#before === undefined || this.#before.hasGap)) {
      return { outcome: this.#held('discarded'), tracked };
    }
    const { fromNanos, untilNanos, isOurs } = this.#intervalOf(reading, header, stamp);
    // Only godeltaprof is known to leave the duration out although there is one.
    const lacksDuration = isDeltaEndpoint(this.#target.profile, this.#target.pathAndQuery);
    const isWhole = !lacksDuration && !isOurs && !uses.includes('drop');
    const times = {
      timeNanos: reading === 'measured' ? fromNanos : untilNanos,
      durationNanos: reading === 'state' ? 0n : untilNanos - fromNanos,
    };
    const made = isWhole
      ? { body: this.#receivedBody(), sampleTypes: header.sampleTypes, samples: header.samples, clamped: 0 }
      : this.#rewritten({ columns: uses, ...times });
    const isShort =
      reading === 'measured' && Number(untilNanos - fromNanos) < (this.#target.seconds ?? 0) * 1e9 * WHOLE_MEASUREMENT;
    const kind = kindOf(reading, this.#target.profile, header);
    return { outcome: { ...this.#profile(kind, made.body, fromNanos, untilNanos, made), isPartial: isShort }, tracked };
  }

  #rewritten(plan: DeltaPlan): { body: Uint8Array } & Pick<DeltaProfile, 'sampleTypes' | 'samples' | 'clamped'> {
    const made = rewriteProfile({ profile: this.#scraped.content.pprof, limits: this.#limits, plan: () => plan });
    return { ...made, body: made.profile };
  }

  /** The interval that a profile speaks for. `isOurs`: not as the profile itself says, because its clock is off. */
  #intervalOf(
    reading: Reading,
    header: ProfileHeader,
    stamp: Stamp,
  ): { fromNanos: bigint; untilNanos: bigint; isOurs: boolean } {
    const { durationNanos, timeNanos } = header;
    if (reading === 'measured' && this.#target.seconds !== undefined) return this.#measuredInterval(header);
    const untilNanos = nanosOf(stamp);
    if (durationNanos > 0n && reading !== 'since-last-answer' && reading !== 'state') {
      const hasTime = this.#isPlausible(timeNanos, this.#scraped.respondedAtMs);
      const isStart = hasTime && isCloser(timeNanos + durationNanos, timeNanos, this.#scraped.respondedAtMs);
      const endNanos = isStart ? timeNanos + durationNanos : untilNanos;
      return { fromNanos: endNanos - durationNanos, untilNanos: endNanos, isOurs: !hasTime && timeNanos !== 0n };
    }
    if (this.#before !== undefined && this.#adjoins(reading, this.#before)) {
      return { fromNanos: untilNanos - elapsedNanos(this.#before.stamp, stamp), untilNanos, isOurs: false };
    }
    return { fromNanos: untilNanos - msToNanos(this.#target.scrapeIntervalMs), untilNanos, isOurs: false };
  }

  /**
   * Whether the interval begins at the answer before this one. What happened meanwhile has to be told from there, however
   * long ago that was. A state stands for its own scrape interval, and not for the time in which no pyro-pull ran.
   */
  #adjoins(reading: Reading, { hasGap, stamp }: TrackedTarget): boolean {
    const isOfThisProcess = stamp.monotonicMs !== undefined;
    return !hasGap && (reading !== 'state' || isOfThisProcess);
  }

  #measuredInterval(header: ProfileHeader): { fromNanos: bigint; untilNanos: bigint; isOurs: boolean } {
    const { requestedAtMs } = this.#scraped;
    const length = this.#measuredNanos(header);
    const isPlausible = this.#isPlausible(header.timeNanos, requestedAtMs);
    const saidNanos = isPlausible ? header.timeNanos : msToNanos(requestedAtMs);
    // A measurement ends with its answer at the latest, whatever the target's clock says.
    const lateNanos = saidNanos + length - this.#answeredNanos();
    const fromNanos = lateNanos > 0n ? saidNanos - lateNanos : saidNanos;
    return { fromNanos, untilNanos: fromNanos + length, isOurs: !isPlausible && header.timeNanos !== 0n };
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
    return header.sampleTypes.map((type) => columnUseOf(this.#target.profile, type, header));
  }

  /** What the profile says of itself, where the config or its columns' names would say something else. */
  #tellReading(reading: Reading, header: ProfileHeader): void {
    if (reading === 'own-interval') {
      this.#warn(
        `is a delta already: it has a duration of ${secondsText(header.durationNanos)} beside ${namedText(header)}; ` +
          'written as it is. If they count since the start of the process, set cumulative: true for them in sample-types',
      );
    } else if (
      reading === 'since-last-answer' &&
      !isDeltaEndpoint(this.#target.profile, this.#target.pathAndQuery) &&
      header.periodType !== undefined
    ) {
      this.#warn(
        `is a delta already: ${namedText(header)} with the period type ${typesText({ sampleTypes: [header.periodType] })} ` +
          'count from its last answer on; written as it is. If they count since the start of the process, set ' +
          'cumulative: true for them in sample-types',
      );
    }
  }

  /** The user's word holds, even where the profile looks like a delta. */
  #tellOwnDuration(header: ProfileHeader): void {
    if (header.durationNanos <= 0n || this.#target.seconds !== undefined) return;
    this.#warn(
      `has a duration of ${secondsText(header.durationNanos)}, as a delta has, and is subtracted because the config says ` +
        'cumulative: true; remove that if it is a delta already',
    );
  }

  #tellOddities(header: ProfileHeader): void {
    if (this.#scraped.content.isTwice) this.#warn(TWICE_WARNING);
    if (header.notUtf8 > 0) {
      this.#warn(
        `has ${header.notUtf8} strings that are not UTF-8: files keep their bytes, JSON and servers get U+FFFD instead of them`,
      );
    }
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
  #validate(): ProfileHeader {
    const { content } = this.#scraped;
    const limits = this.#limits;
    const opened = openInEngine(content, limits);
    if (opened && checkInEngine(opened, limits)) return opened.header;
    return validateProfile(content.pprof, { limits });
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
    profileKind: ProfileKind,
    body: Uint8Array,
    fromNanos: bigint,
    untilNanos: bigint,
    made: Pick<DeltaProfile, 'sampleTypes' | 'samples' | 'clamped'> & { readonly isReset?: boolean },
  ): DeltaProfile {
    return {
      kind: 'profile',
      profileKind,
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

/** Whether the first time is closer to the moment than the second. */
function isCloser(first: bigint, second: bigint, atMs: number): boolean {
  return Math.abs(Number(first) / 1e6 - atMs) < Math.abs(Number(second) / 1e6 - atMs);
}

function namedText({ sampleTypes }: ProfileHeader): string {
  return typesText({ sampleTypes: sampleTypes.filter(isCumulativeType) });
}

function secondsText(nanos: bigint): string {
  return `${Number(nanos / 1_000_000n) / 1000} s`;
}

function typesText({ sampleTypes }: Pick<ProfileHeader, 'sampleTypes'>): string {
  return sampleTypes.map(({ type, unit }) => `${type}/${unit}`).join(', ');
}
