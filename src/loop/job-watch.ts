import type { ScrapeConfig } from '../config/scrape-config.ts';
import type { DiscoveryUpdate } from '../discovery/discoverer.ts';
import type { DiscoveryError } from '../errors.ts';
import type { LoopEvent } from './loop-event.ts';

export interface JobWatchDeps {
  watch(job: ScrapeConfig, signal: AbortSignal): AsyncIterable<DiscoveryUpdate>;
  onEvent(event: LoopEvent): void;
}

/** Follows the discovery of one job, and tells of each failure and warning when it is new. */
export class JobWatch {
  job: ScrapeConfig;
  /** The last full answer; undefined before the first. */
  latest: DiscoveryUpdate | undefined;
  readonly #deps: JobWatchDeps;
  readonly #stop = new AbortController();
  #told = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(job: ScrapeConfig, deps: JobWatchDeps) {
    this.job = job;
    this.#deps = deps;
  }

  get failures(): readonly DiscoveryError[] {
    return this.latest?.failures ?? [];
  }

  /** Calls `onUpdate` at each new answer. */
  start(onUpdate: (update: DiscoveryUpdate) => void): void {
    this.#running = this.#follow(onUpdate);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #follow(onUpdate: (update: DiscoveryUpdate) => void): Promise<void> {
    try {
      for await (const update of this.#deps.watch(this.job, this.#stop.signal)) {
        if (this.#stop.signal.aborted) return;
        const hadFailures = this.failures.length > 0;
        this.latest = update;
        this.#tellNews(update, hadFailures);
        onUpdate(update);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#deps.onEvent({ type: 'fault', error });
    }
  }

  #tellNews({ failures, warnings }: DiscoveryUpdate, hadFailures: boolean): void {
    const { onEvent } = this.#deps;
    const { jobName } = this.job;
    const inForce = new Set<string>();
    const isNew = (message: string) => {
      inForce.add(message);
      return !this.#told.has(message);
    };
    for (const error of failures) if (isNew(error.message)) onEvent({ type: 'discovery-failed', jobName, error });
    for (const message of warnings) if (isNew(message)) onEvent({ type: 'warning', message });
    if (hadFailures && failures.length === 0) onEvent({ type: 'discovery-recovered', jobName });
    this.#told = inForce;
  }
}
