import { isDeepStrictEqual } from 'node:util';
import type { Config, ScrapeConfig } from '../config/scrape-config.ts';
import type { DiscoveryUpdate } from '../discovery/discoverer.ts';
import type { ProfileSettings, PullDeps, PullOptions } from '../pull.ts';
import { createTurns } from '../scrape/turns.ts';
import type { TargetsOfJob } from '../targets/from-groups.ts';
import type { Target } from '../targets/target.ts';
import { JobWatch } from './job-watch.ts';
import type { JobView } from './loop-view.ts';
import { type RoundDeps, type RoundWorld, TargetLoop } from './target-loop.ts';
import { type LoopClock, TimerQueue } from './timer-queue.ts';

/** What the loop touches of the world. Each is a function so that a test can rule it. */
export interface LoopDeps extends RoundDeps, Pick<PullDeps, 'targetsFromGroups'> {
  /** Full answers of a job's discovery until the signal. */
  watch(job: ScrapeConfig, signal: AbortSignal): AsyncIterable<DiscoveryUpdate>;
  /** The jobs in force: connections of others, or of those with other HTTP settings, are of no more use. */
  retainJobs(jobs: readonly ScrapeConfig[]): void;
  /** The target is gone: what is in memory of it may go. */
  forget(target: Target): void;
  /** Aborts `signal`, and with it the requests under way. */
  cancelScrapes(): void;
  readonly clock: LoopClock;
}

/** What a config file and the flags say about a loop; a reload gives new ones. */
export interface LoopSettings extends Pick<PullOptions, 'isWanted' | 'labels' | 'writeEmpty'> {
  readonly config: Config;
}

/**
 * Scrapes every wanted target at its slots until stopped: discovery -> targets -> a `TargetLoop` each. Discovery and
 * reloads change the set; a target that stays keeps its phase, its connections and its baseline.
 */
export class ScrapeLoop {
  readonly #deps: LoopDeps;
  readonly #world: RoundWorld;
  readonly #queue: TimerQueue;
  #settings: LoopSettings;
  #profileSettings: ProfileSettings;
  readonly #jobs = new Map<string, Job>();
  /** Gone, with a scrape under way that may end. */
  readonly #leaving = new Map<string, TargetLoop>();
  readonly #running = new Set<TargetLoop>();
  #isStopping = false;
  #onIdle: (() => void) | undefined;

  constructor(settings: LoopSettings, concurrency: number, deps: LoopDeps) {
    this.#deps = deps;
    this.#settings = settings;
    this.#profileSettings = profileSettingsOf(settings);
    this.#queue = new TimerQueue(deps.clock, this.#onClockJump);
    this.#world = {
      queue: this.#queue,
      clock: deps.clock,
      turns: createTurns(concurrency),
      deps,
      running: this.#running,
      settings: () => this.#profileSettings,
      isStopping: () => this.#isStopping,
      onEnded: this.#onEnded,
    };
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Every job has had one answer of its discovery. */
  get isReady(): boolean {
    return [...this.#jobs.values()].every(({ found }) => found !== undefined);
  }

  get settings(): LoopSettings {
    return this.#settings;
  }

  start(): void {
    this.#watchJobs();
  }

  /** Takes over another config. Targets that are in both go on as if nothing had happened. */
  apply(settings: LoopSettings): void {
    if (this.#isStopping) return;
    this.#settings = settings;
    this.#profileSettings = profileSettingsOf(settings);
    this.#deps.retainJobs(settings.config.scrapeConfigs);
    this.#watchJobs();
  }

  /** Starts nothing new, gives what is under way `graceMs` to end, then cuts it off. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#queue.clear();
    for (const job of this.#jobs.values()) job.cancelRotation();
    const watches = [...this.#jobs.values()].map(({ watch }) => watch.stop());
    if (this.#running.size > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      const cancelTimer = this.#deps.clock.schedule(graceMs, this.#deps.cancelScrapes);
      await idle;
      cancelTimer();
    }
    await Promise.all(watches);
  }

  jobs(): readonly JobView[] {
    return [...this.#jobs.values()].map(({ watch, found, targets }) => ({
      name: watch.job.jobName,
      config: found?.job ?? watch.job,
      isDiscovered: found !== undefined,
      discoveryFailures: watch.failures,
      targets: Array.from(targets.values(), (loop) => loop.view()),
      dropped: found?.dropped ?? [],
      droppedCount: found?.droppedCount ?? 0,
      rejected: found?.rejected ?? [],
      duplicates: found?.duplicates ?? 0,
    }));
  }

  #watchJobs(): void {
    const before = new Map(this.#jobs);
    this.#jobs.clear();
    for (const config of this.#settings.config.scrapeConfigs) {
      const job = before.get(config.jobName);
      before.delete(config.jobName);
      this.#jobs.set(config.jobName, job ? this.#takeOver(job, config) : this.#watchJob(config, new Map()));
    }
    for (const job of before.values()) {
      this.#end(job);
      for (const loop of job.targets.values()) this.#retire(loop);
    }
  }

  /** The same discovery goes on; another one starts, and until its first answer the targets are those of before. */
  #takeOver(job: Job, config: ScrapeConfig): Job {
    const { watch } = job;
    if (!isDeepStrictEqual(watch.job.discovery, config.discovery)) {
      this.#end(job);
      return this.#watchJob(config, job.targets);
    }
    watch.job = config;
    if (watch.latest) this.#rebuild(job, watch.latest);
    return job;
  }

  #watchJob(config: ScrapeConfig, targets: Map<string, TargetLoop>): Job {
    const watch = new JobWatch(config, this.#deps);
    const job: Job = { watch, targets, found: undefined, told: new Set(), cancelRotation: () => {} };
    watch.start((update) => this.#rebuild(job, update));
    return job;
  }

  #end({ watch, cancelRotation }: Job): void {
    cancelRotation();
    watch.stop().catch((error: unknown) => this.#deps.onEvent({ type: 'fault', error }));
  }

  /** Compares the targets that discovery gives now with those there are, by key. */
  #rebuild(job: Job, { groups }: DiscoveryUpdate): void {
    if (this.#isStopping) return;
    const config = job.watch.job;
    const { clock } = this.#deps;
    const found = this.#deps.targetsFromGroups(config, groups, clock.now());
    job.found = found;
    job.cancelRotation();
    if (found.validUntilMs !== undefined) {
      job.cancelRotation = clock.schedule(Math.max(0, found.validUntilMs - clock.now()), () => this.#rotate(job));
    }
    this.#tellNews(job, found);
    const gone = job.targets;
    job.targets = new Map();
    let added = 0;
    for (const target of found.targets) {
      if (!this.#settings.isWanted(target)) continue;
      const loop = gone.get(target.key);
      if (!gone.delete(target.key)) added += 1;
      job.targets.set(target.key, this.#keep(target, loop));
    }
    for (const loop of gone.values()) this.#retire(loop);
    if (added > 0 || gone.size > 0) {
      const { jobName } = config;
      this.#deps.onEvent({ type: 'targets-changed', jobName, added, removed: gone.size, total: job.targets.size });
    }
  }

  /** The sample of the job's targets is another now. */
  #rotate(job: Job): void {
    if (job.watch.latest) this.#rebuild(job, job.watch.latest);
  }

  #tellNews(job: Job, { warnings, rejected }: TargetsOfJob): void {
    const inForce = new Set<string>();
    const isNew = (message: string) => {
      inForce.add(message);
      return !job.told.has(message);
    };
    for (const message of warnings) if (isNew(message)) this.#deps.onEvent({ type: 'warning', message });
    for (const one of rejected) {
      if (isNew(`${one.place}: ${one.message}`)) this.#deps.onEvent({ type: 'rejected', rejected: one });
    }
    job.told = inForce;
  }

  /** `loop`: of the target as it was. */
  #keep(target: Target, loop = this.#leaving.get(target.key)): TargetLoop {
    if (loop) {
      this.#leaving.delete(target.key);
      loop.update(target);
      return loop;
    }
    const created = new TargetLoop(target, this.#world);
    created.start();
    return created;
  }

  #retire(loop: TargetLoop): void {
    loop.retire();
    if (this.#running.has(loop)) this.#leaving.set(loop.target.key, loop);
    else this.#deps.forget(loop.target);
  }

  readonly #onEnded = (loop: TargetLoop): void => {
    if (loop.isGone) {
      this.#leaving.delete(loop.target.key);
      this.#deps.forget(loop.target);
    }
    if (this.#running.size === 0) this.#onIdle?.();
  };

  readonly #onClockJump = (): void => {
    this.#deps.onEvent({ type: 'clock-jumped' });
    for (const loop of this.#leaving.values()) loop.regrid();
    for (const { targets } of this.#jobs.values()) for (const loop of targets.values()) loop.regrid();
  };
}

interface Job {
  readonly watch: JobWatch;
  /** Those that are scraped, by key. */
  targets: Map<string, TargetLoop>;
  /** Undefined before the first answer of discovery. */
  found: TargetsOfJob | undefined;
  /** Warnings and rejections in force. */
  told: Set<string>;
  /** Ends the wait for another sample of the targets. */
  cancelRotation: () => void;
}

function profileSettingsOf({ config, labels, writeEmpty }: LoopSettings): ProfileSettings {
  return { externalLabels: config.externalLabels, labels, writeEmpty };
}
