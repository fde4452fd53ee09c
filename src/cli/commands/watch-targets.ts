import type { Config, ScrapeConfig } from '../../config/scrape-config.ts';
import { DiscoveryPool } from '../../discovery/discovery-pool.ts';
import { formatLabels, type LabelSet } from '../../labels/label-set.ts';
import { JobWatch } from '../../loop/job-watch.ts';
import type { LoopEvent } from '../../loop/loop-event.ts';
import { redactLabel } from '../../safe-text/redact-url.ts';
import { shownLabels } from '../../status/shown-labels.ts';
import { type TargetsOfJob, targetsFromGroups } from '../../targets/from-groups.ts';
import type { Target } from '../../targets/target.ts';
import { type Io, writeLines } from '../io.ts';
import type { Log } from '../log.ts';
import { LoopLog } from '../render/loop-log.ts';
import { jobLine, targetJson } from '../render/targets.ts';
import { aborted } from '../signals.ts';
import { type TargetChange, targetChanges } from '../target-changes.ts';
import type { TargetFilter } from '../target-filter.ts';

interface Context {
  readonly jobs: Config['scrapeConfigs'];
  readonly filter: TargetFilter;
  readonly isJson: boolean;
  readonly io: Io;
  readonly log: Log;
}

/** Prints each change of the targets as it comes, until SIGINT or SIGTERM. */
export async function watchTargets(context: Context): Promise<void> {
  const { jobs, io, log } = context;
  const stop = new AbortController();
  const unlisten = io.onSignal(() => stop.abort());
  const loopLog = new LoopLog(log, schedule);
  const pool = new DiscoveryPool({ environment: io.env });
  // Signals alone keep no process alive, and static targets never change.
  const alive = setInterval(() => {}, 60_000);
  const followed = jobs.map((job) => new FollowedJob(job, pool, context, loopLog.add));
  try {
    await aborted(stop.signal);
  } finally {
    unlisten();
    clearInterval(alive);
    await Promise.all(followed.map((one) => one.stop()));
    await pool.close();
    loopLog.close();
  }
}

/** The targets of one job as they were last shown. */
class FollowedJob {
  readonly #job: ScrapeConfig;
  readonly #watch: JobWatch;
  readonly #context: Context;
  readonly #onEvent: (event: LoopEvent) => void;
  #shown: readonly Target[] = [];
  #lastLine = '';
  #told = new Set<string>();
  #cancelRotation = () => {};

  constructor(job: ScrapeConfig, pool: DiscoveryPool, context: Context, onEvent: (event: LoopEvent) => void) {
    this.#job = job;
    this.#context = context;
    this.#onEvent = (event) => {
      onEvent(event);
      this.#printFailure(event);
    };
    this.#watch = new JobWatch(job, { watch: (_, signal) => pool.watch(job, signal), onEvent: this.#onEvent });
    this.#watch.start(() => this.#refresh());
  }

  async stop(): Promise<void> {
    this.#cancelRotation();
    await this.#watch.stop();
  }

  #refresh(): void {
    const found = targetsFromGroups(this.#job, this.#watch.latest?.groups ?? []);
    const wanted = found.targets.filter(this.#context.filter.isWanted);
    for (const change of targetChanges(this.#shown, wanted)) this.#print(change);
    this.#shown = wanted;
    this.#printState(found);
    this.#tellNews(found);
    this.#cancelRotation();
    if (found.validUntilMs !== undefined) {
      this.#cancelRotation = schedule(Math.max(0, found.validUntilMs - Date.now()), () => this.#refresh());
    }
  }

  #print({ type, target, before }: TargetChange): void {
    const old = before && { labelsBefore: Object.fromEntries(shownLabels(before.labels)) };
    if (this.#context.isJson) {
      this.#writeJson({ type, ...targetJson(target), ...old });
      return;
    }
    const { jobName } = this.#job;
    const labels =
      before === undefined
        ? formatLabels(new Map(shownLabels(target.labels)))
        : formatChanges(before.labels, target.labels);
    this.#write(`${SIGNS[type]} ${jobName} ${target.profile.name} ${target.url} ${labels}`);
  }

  /** Also says that discovery has answered where there is no target. */
  #printState(found: TargetsOfJob): void {
    const line = jobLine(found, this.#shown.length);
    if (line === this.#lastLine) return;
    this.#lastLine = line;
    const { droppedCount: dropped, rejected } = found;
    const counts = { active: this.#shown.length, dropped, rejected: rejected.length };
    if (this.#context.isJson) this.#writeJson({ type: 'state', job: this.#job.jobName, ...counts });
    else this.#write(line);
  }

  #printFailure(event: LoopEvent): void {
    if (!this.#context.isJson) return;
    if (event.type === 'discovery-failed') {
      const { jobName, error } = event;
      this.#writeJson({ type: event.type, job: jobName, code: error.code, error: error.message, hint: error.hint });
    } else if (event.type === 'discovery-recovered') this.#writeJson({ type: event.type, job: event.jobName });
  }

  #tellNews({ warnings, rejected }: TargetsOfJob): void {
    const inForce = new Set<string>();
    const isNew = (message: string) => {
      inForce.add(message);
      return !this.#told.has(message);
    };
    for (const message of warnings) if (isNew(message)) this.#onEvent({ type: 'warning', message });
    for (const one of rejected) {
      if (isNew(`${one.place}: ${one.message}`)) this.#onEvent({ type: 'rejected', rejected: one });
    }
    this.#told = inForce;
  }

  #write(line: string): void {
    writeLines(this.#context.io.stdout, [`${new Date().toTimeString().slice(0, 8)} ${line}`]);
  }

  #writeJson(value: Readonly<Record<string, unknown>>): void {
    this.#context.io.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...value })}\n`);
  }
}

const SIGNS: Readonly<Record<TargetChange['type'], string>> = { added: '+', removed: '-', changed: '~' };

/** `{env="a" -> "b"}`: only what is not the same. */
function formatChanges(before: LabelSet, after: LabelSet): string {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const parts = names.flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    const shown = (value = '') => JSON.stringify(redactLabel(name, value));
    return old === now ? [] : [`${name}=${shown(old)} -> ${shown(now)}`];
  });
  return `{${parts.join(', ')}}`;
}

function schedule(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
