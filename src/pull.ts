import type { Config, ScrapeConfig } from './config/scrape-config.ts';
import type { DeltaHeld, DeltaOutcome } from './delta/delta-outcome.ts';
import { expectsTwoSnapshots } from './delta/profile-kind.ts';
import type { DiscoveryUpdate } from './discovery/discoverer.ts';
import type { TargetGroup } from './discovery/target-group.ts';
import { type DiscoveryError, PyroPullError, SinkError } from './errors.ts';
import type { LabelSet } from './labels/label-set.ts';
import { freeNow } from './profile/free-now.ts';
import type { ScrapedProfile } from './scrape/scraped-profile.ts';
import { createTurns, type ScrapeTurns, scrapeInTurn } from './scrape/turns.ts';
import type { FinishedProfile, Receipt, Sink, WrittenProfile } from './sinks/sink.ts';
import type { TargetsOfJob } from './targets/from-groups.ts';
import type { Target } from './targets/target.ts';

/** What a one-shot run touches of the world. Each is a function so that a test can rule it. */
export interface PullDeps {
  /** One full answer of all discovery mechanisms of a job, within their time limit; an empty one when the run is stopped. */
  discover(job: ScrapeConfig): Promise<DiscoveryUpdate>;
  targetsFromGroups(job: ScrapeConfig, groups: readonly TargetGroup[], nowMs: number): TargetsOfJob;
  /** Rejects with a ScrapeError. */
  scrape(target: Target): Promise<ScrapedProfile>;
  /** Throws a ProfileError. */
  delta(scraped: ScrapedProfile): DeltaOutcome | Promise<DeltaOutcome>;
  /** Whether the delta stage holds a snapshot of this target that is young enough to subtract. */
  hasBaseline(target: Target): boolean;
  readonly sinks: readonly Sink[];
  /**
   * The last snapshot of this target counts: what came of it is written, so the next delta may start from it. Until
   * this is called a stopped run leaves the earlier snapshot in force, and no interval is lost. Throws a StateError.
   */
  commitBaseline(target: Target): void;
  /** What came of the last snapshot is lost: the next delta starts from the one before it. */
  revertBaseline(target: Target): void;
  /** Resolves early when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Unix milliseconds. */
  now(): number;
  onEvent(event: PullEvent): void;
  readonly signal: AbortSignal;
}

export interface PullOptions {
  readonly concurrency: number;
  /** Distance of two snapshots where no earlier one is at hand; undefined: each job's scrape interval. */
  readonly windowMs: number | undefined;
  readonly isWanted: (target: Target) => boolean;
  /** Set on every profile, over equal names. */
  readonly labels: LabelSet;
  /** Hand empty deltas to the sinks too. */
  readonly writeEmpty: boolean;
}

/** Everything worth telling about a run, in the order it happens. */
export type PullEvent =
  | { readonly type: 'discovery-failed'; readonly job: ScrapeConfig; readonly error: DiscoveryError }
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'planned'; readonly plan: Plan }
  | { readonly type: 'held'; readonly target: Target; readonly reason: DeltaHeld['reason'] }
  | { readonly type: 'empty'; readonly target: Target }
  | {
      readonly type: 'finished';
      readonly target: Target;
      readonly profile: WrittenProfile;
      readonly receipts: readonly Receipt[];
      /** How long the (last) scrape took. */
      readonly durationMs: number;
    }
  | { readonly type: 'failed'; readonly target: Target; readonly stage: Stage; readonly error: PyroPullError };

export type Stage = 'scrape' | 'delta' | 'write';

/** What a run is going to do, known before the first scrape. */
export interface Plan {
  readonly steps: readonly Step[];
  /** All that was discovered, wanted or not. */
  readonly jobs: readonly TargetsOfJob[];
  /** The longest of the windows that targets wait out; 0 where every snapshot has an earlier one. */
  readonly windowMs: number;
}

/** One target and how it is expected to be scraped in this run; the first response may show that it is otherwise. */
export interface Step {
  readonly target: Target;
  /** `once`: one request gives the result; `twice`: a snapshot now, another after the window. */
  readonly scrapes: 'once' | 'twice';
  /** Wait before the request that gives the result. */
  readonly windowMs: number;
}

/**
 * One round over every wanted target: config -> discovery -> targets -> scrape -> delta -> sinks. A target that fails
 * is an event and never stops another; only faults of ours reject.
 */
export async function pullOnce(config: Config, options: PullOptions, deps: PullDeps): Promise<void> {
  const plan = await planOnce(config, options, deps);
  deps.onEvent({ type: 'planned', plan });
  const turns = createTurns(options.concurrency);
  await Promise.all(inOrderOfTurns(plan.steps).map((step) => pullStep(step, { config, options, deps, turns })));
}

/** Discovers, builds targets, and decides for each whether one request does or two snapshots are needed. */
export async function planOnce(
  config: Config,
  options: Pick<PullOptions, 'windowMs' | 'isWanted'>,
  deps: Pick<PullDeps, 'discover' | 'targetsFromGroups' | 'hasBaseline' | 'now' | 'onEvent'>,
): Promise<Plan> {
  const jobs = await Promise.all(
    config.scrapeConfigs.map(async (job) => {
      const update = await deps.discover(job);
      for (const error of update.failures) deps.onEvent({ type: 'discovery-failed', job, error });
      for (const message of update.warnings) deps.onEvent({ type: 'warning', message });
      const found = deps.targetsFromGroups(job, update.groups, deps.now());
      for (const message of found.warnings) deps.onEvent({ type: 'warning', message });
      return found;
    }),
  );
  const steps = jobs.flatMap((found) => {
    const wanted = found.targets.filter(options.isWanted);
    // Asked of all: a response may turn out to be a snapshot although nothing in the config says so.
    const lacking = wanted.filter((target) => !deps.hasBaseline(target));
    const windowed = new Set(lacking.filter(expectsTwoSnapshots));
    return wanted.map((target): Step => {
      const windowMs = options.windowMs ?? target.scrapeIntervalMs;
      if (windowed.has(target)) return { target, scrapes: 'twice', windowMs };
      // The state of now is taken together with the later snapshots, so that all of a run shows one moment.
      const waits = target.seconds === undefined && !expectsTwoSnapshots(target) && windowed.size > 0;
      return { target, scrapes: 'once', windowMs: waits ? windowMs : 0 };
    });
  });
  return { steps, jobs, windowMs: steps.reduce((most, step) => Math.max(most, step.windowMs), 0) };
}

/** First snapshots first: where profiles take turns, their windows pass while others are measured. */
function inOrderOfTurns(steps: readonly Step[]): readonly Step[] {
  const isFirst = ({ scrapes }: Step) => scrapes === 'twice';
  return [...steps.filter(isFirst), ...steps.filter((step) => !isFirst(step))];
}

interface Run {
  readonly config: Config;
  readonly options: PullOptions;
  readonly deps: PullDeps;
  readonly turns: ScrapeTurns;
}

/**
 * Whether a second snapshot is needed is known when the first response is there: what turns out to be a state, or a delta
 * already, is written at once, and what turns out to count up waits for its window although the plan did not say so.
 */
async function pullStep(step: Step, run: Run): Promise<void> {
  const { target } = step;
  const { deps, config, options } = run;
  const scrape = () => scrapeInTurn(target, run.turns, deps);
  const settings = { externalLabels: config.externalLabels, labels: options.labels, writeEmpty: options.writeEmpty };
  if (deps.signal.aborted) return;
  if (step.scrapes === 'once' && step.windowMs > 0) {
    await deps.sleep(step.windowMs, deps.signal);
    if (deps.signal.aborted) return;
  }
  const first = await pullTarget(target, scrape, settings, deps);
  if (first?.type !== 'held' || !isStart(first.reason)) {
    if (first) deps.onEvent(first);
    return;
  }
  await deps.sleep(options.windowMs ?? target.scrapeIntervalMs, deps.signal);
  if (deps.signal.aborted) return;
  const second = await pullTarget(target, scrape, settings, deps);
  if (second) deps.onEvent(second);
}

/** Whether the response is one that the next one speaks from. */
function isStart(reason: DeltaHeld['reason']): boolean {
  return reason === 'baseline' || reason === 'discarded' || reason === 'types-changed';
}

/** What came of one request for one profile. */
export type TargetResult = Extract<PullEvent, { readonly type: 'held' | 'empty' | 'finished' | 'failed' }>;
type TargetFailed = Extract<PullEvent, { readonly type: 'failed' }>;

/** What is the same for all profiles of a run. */
export interface ProfileSettings extends Pick<PullOptions, 'labels' | 'writeEmpty'> {
  readonly externalLabels: LabelSet;
}

/**
 * One target's way through the rooms: the response that `scrape` gives -> delta -> sinks, then the baseline moves on.
 * Undefined where the scrape was cut off by us, which is no failure of the target. Rejects only for faults of ours.
 */
export async function pullTarget(
  target: Target,
  scrape: () => Promise<ScrapedProfile>,
  settings: ProfileSettings,
  deps: Pick<PullDeps, 'delta' | 'sinks' | 'commitBaseline' | 'revertBaseline' | 'signal'> & {
    onEvent(event: Extract<PullEvent, { readonly type: 'warning' }>): void;
  },
): Promise<TargetResult | undefined> {
  let stage: Stage = 'scrape';
  try {
    const scraped = await scrape();
    stage = 'delta';
    const outcome = await deps.delta(scraped);
    for (const message of outcome.warnings) deps.onEvent({ type: 'warning', message });
    stage = 'write';
    if (outcome.kind === 'held') {
      deps.commitBaseline(target);
      return { type: 'held', target, reason: outcome.reason };
    }
    if (outcome.samples === 0 && target.format === 'pprof' && !settings.writeEmpty) {
      deps.commitBaseline(target);
      return { type: 'empty', target };
    }
    const labels = finalLabels(target, settings.externalLabels, settings.labels);
    const profile: FinishedProfile = { ...outcome, target, labels };
    const receipts = await writeToAll(profile, deps.sinks);
    deps.commitBaseline(target);
    return { type: 'finished', target, profile: written(profile), receipts, durationMs: scraped.durationMs };
  } catch (error) {
    if (stage === 'write') deps.revertBaseline(target);
    return failureOf(error, target, stage, deps);
  }
}

/** Undefined for a request that we cut off ourselves. */
function failureOf(
  error: unknown,
  target: Target,
  stage: Stage,
  { signal }: Pick<PullDeps, 'signal'>,
): TargetFailed | undefined {
  if (!(error instanceof PyroPullError)) throw error;
  if (stage === 'scrape' && (signal.aborted || error.code === 'CANCELLED')) return undefined;
  return { type: 'failed', target, stage, error };
}

/** The target's labels; external labels where it has none of that name; `--label` over both. Sorted by name. */
export function finalLabels(target: Target, externalLabels: LabelSet, flagLabels: LabelSet): LabelSet {
  if (externalLabels.size === 0 && flagLabels.size === 0) return target.labels;
  const merged = new Map([...externalLabels, ...target.labels, ...flagLabels]);
  return new Map([...merged].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function written({ body, ...rest }: FinishedProfile): WrittenProfile {
  const profile = { ...rest, bytes: body.length };
  freeNow(body);
  return profile;
}

/** Every sink gets the profile even where another fails; the first failure is then thrown. */
async function writeToAll(profile: FinishedProfile, sinks: readonly Sink[]): Promise<readonly Receipt[]> {
  const takers = profile.target.format === 'text' ? sinks.filter(({ takesText }) => takesText !== false) : sinks;
  if (takers.length === 0 && sinks.length > 0) {
    throw new SinkError('TEXT_NEEDS_FILES', 'a text dump is never sent to a server, and no files are written', {
      hint: 'set output: {dir: profiles} in the config, or scrape with --out DIR',
    });
  }
  const results = await Promise.allSettled(takers.map((sink) => sink.write(profile)));
  const receipts: Receipt[] = [];
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason;
    receipts.push(result.value);
  }
  return receipts;
}
