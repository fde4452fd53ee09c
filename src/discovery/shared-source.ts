import type { DiscoveryConfig } from '../config/discovery-config.ts';
import type { DiscoveryError } from '../errors.ts';
import type { Discoverer, DiscoveryUpdate } from './discoverer.ts';
import type { DiscovererDeps } from './refresh-meter.ts';
import type { WaitDeps } from './wait.ts';

/** How one source of targets is doing; jobs whose blocks say the same share it. */
export interface MechanismView {
  readonly mechanism: DiscoveryConfig['mechanism'];
  /** Its place in the jobs that have it: `kubernetes-sd-configs[0]`. */
  readonly name: string;
  readonly jobNames: readonly string[];
  /** Full answers since the start, whether they brought news or not. */
  readonly refreshes: number;
  /** Questions without a good answer since the start. */
  readonly failedRefreshes: number;
  /** Unix milliseconds of the last full answer; undefined before the first. */
  readonly lastSuccessMs: number | undefined;
  /** In the last full answer, before relabelling. */
  readonly targets: number;
  /** What is wrong at the moment. */
  readonly failures: readonly DiscoveryError[];
}

/** Somebody who follows a source. */
export interface Follower {
  readonly jobName: string;
  onUpdate(update: DiscoveryUpdate): void;
  /** The source has ended; with an error where that is a fault of ours. */
  onEnd(fault: { readonly error: unknown } | undefined): void;
}

/** A reload leaves a source and joins it again, and its targets must not be asked for anew. */
const LINGER_MS = 2_000;

interface SharedSourceOptions {
  readonly mechanism: DiscoveryConfig['mechanism'];
  readonly name: string;
  readonly deps: WaitDeps;
  create(deps: DiscovererDeps): Promise<Discoverer>;
  /** It must not be joined any more. */
  onStopped(): void;
}

/** One discoverer and those who follow it. It runs from the first who joins until a while after the last has left. */
export class SharedSource {
  readonly #options: SharedSourceOptions;
  readonly #followers = new Set<Follower>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #linger: AbortController | undefined;
  #latest: DiscoveryUpdate | undefined;
  #refreshes = 0;
  #failedRefreshes = 0;
  #lastSuccessMs: number | undefined;

  constructor(options: SharedSourceOptions) {
    this.#options = options;
  }

  /** What is known already comes at once. Gives the way to leave. */
  join(follower: Follower): () => void {
    this.#linger?.abort();
    this.#followers.add(follower);
    if (this.#latest) follower.onUpdate(this.#latest);
    this.#running ??= this.#run();
    return () => {
      if (this.#followers.delete(follower) && this.#followers.size === 0) void this.#lingerThenStop();
    };
  }

  async stop(): Promise<void> {
    this.#options.onStopped();
    this.#stop.abort();
    this.#linger?.abort();
    await this.#running;
  }

  view(): MechanismView {
    const { mechanism, name } = this.#options;
    const { groups = [], failures = [] } = this.#latest ?? {};
    return {
      mechanism,
      name,
      jobNames: [...new Set([...this.#followers].map(({ jobName }) => jobName))],
      refreshes: this.#refreshes,
      failedRefreshes: this.#failedRefreshes,
      lastSuccessMs: this.#lastSuccessMs,
      targets: groups.reduce((sum, { targets }) => sum + targets.length, 0),
      failures,
    };
  }

  async #run(): Promise<void> {
    let fault: { readonly error: unknown } | undefined;
    try {
      const { deps } = this.#options;
      const discoverer = await this.#options.create({
        now: () => deps.now(),
        sleep: (ms, signal) => deps.sleep(ms, signal),
        meter: { succeeded: this.#succeeded, failed: this.#failed },
      });
      for await (const update of discoverer.watch(this.#stop.signal)) {
        this.#latest = update;
        for (const { onUpdate } of this.#followers) onUpdate(update);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) fault = { error };
    }
    this.#options.onStopped();
    for (const { onEnd } of this.#followers) onEnd(fault);
  }

  async #lingerThenStop(): Promise<void> {
    const linger = new AbortController();
    this.#linger = linger;
    await this.#options.deps.sleep(LINGER_MS, linger.signal);
    if (!linger.signal.aborted) await this.stop();
  }

  readonly #succeeded = (): void => {
    this.#refreshes += 1;
    this.#lastSuccessMs = this.#options.deps.now();
  };

  readonly #failed = (): void => {
    this.#failedRefreshes += 1;
  };
}
