import type { DiscoveryConfig } from '../config/discovery-config.ts';
import { formatDuration } from '../config/duration.ts';
import type { ScrapeConfig } from '../config/scrape-config.ts';
import { DiscoveryError } from '../errors.ts';
import type { Environment } from '../http/proxy.ts';
import { ChangeSignal } from './change-signal.ts';
import type { Discoverer, DiscoveryUpdate } from './discoverer.ts';
import { blockName, createDiscoverer } from './index.ts';
import { type MechanismView, SharedSource } from './shared-source.ts';
import { UpdateSpacing } from './update-spacing.ts';
import { REAL_TIME, type WaitDeps } from './wait.ts';

export interface DiscoveryPoolOptions {
  readonly deps?: WaitDeps;
  /** As `process.env`: where proxies are looked for, and a Kubernetes cluster around this process. Default: nothing. */
  readonly environment?: Environment;
}

type DiscoveredJob = Pick<ScrapeConfig, 'discovery'> & Partial<Pick<ScrapeConfig, 'jobName'>>;

/**
 * The discoverers of all jobs. Blocks that stand at the same place of their job and say the same are one: five jobs on one API
 * server make one watch. Also after a reload, since a source is left alone for a moment before it is stopped.
 */
export class DiscoveryPool {
  readonly #deps: WaitDeps;
  readonly #environment: Environment;
  readonly #sources = new Map<string, SharedSource>();
  readonly #answers = new Map<string, Promise<DiscoveryUpdate>>();

  constructor({ deps = REAL_TIME, environment = {} }: DiscoveryPoolOptions = {}) {
    this.#deps = deps;
    this.#environment = environment;
  }

  /**
   * One full answer of all mechanisms of a job; jobs with the same blocks get the same answer. A mechanism that fails, or has
   * not answered after `timeoutMs`, is a failure in the update and leaves the groups of the others. Rejects only when the
   * signal aborts, with its reason.
   */
  async once(job: DiscoveredJob, options: { signal: AbortSignal; timeoutMs: number }): Promise<DiscoveryUpdate> {
    const answers = blocksOf(job).map((block) => {
      let answer = this.#answers.get(block.key);
      if (answer === undefined) {
        answer = this.#ask(block, options);
        this.#answers.set(block.key, answer);
      }
      return answer;
    });
    return mergeUpdates(await Promise.all(answers));
  }

  /**
   * The full answers of all mechanisms of a job together, whenever one of them has news, until the signal. A burst of news
   * comes in steps, see `UpdateSpacing`. Failures and warnings are those in force, so a message that was there
   * before is not new.
   */
  async *watch(job: DiscoveredJob, signal: AbortSignal): AsyncGenerator<DiscoveryUpdate> {
    const sources = blocksOf(job).map((block) => this.#sourceOf(block));
    const latest: (DiscoveryUpdate | undefined)[] = sources.map(() => undefined);
    const stop = new AbortController();
    const until = AbortSignal.any([signal, stop.signal]);
    const change = new ChangeSignal();
    const spacing = new UpdateSpacing();
    let openCount = sources.length;
    let hasNews = false;
    let fault: { readonly error: unknown } | undefined;
    const leave = sources.map((source, index) =>
      source.join({
        jobName: job.jobName ?? '',
        onUpdate: (update) => {
          latest[index] = update;
          hasNews = true;
          change.notify();
        },
        onEnd: (error) => {
          fault ??= error;
          openCount -= 1;
          change.notify();
        },
      }),
    );
    try {
      while (openCount > 0) {
        await change.next(until);
        const delayMs = hasNews ? spacing.delayMs(this.#deps.now()) : 0;
        if (delayMs > 0) await this.#deps.sleep(delayMs, until);
        if (fault !== undefined) throw fault.error;
        if (until.aborted) return;
        if (!hasNews) continue;
        hasNews = false;
        const startMs = this.#deps.now();
        yield mergeUpdates(latest.filter((update) => update !== undefined));
        spacing.takenIn(startMs, this.#deps.now());
      }
    } finally {
      stop.abort();
      for (const one of leave) one();
    }
  }

  /** What is being watched, in the order in which it was first asked for. Without static blocks, which can't fail. */
  view(): readonly MechanismView[] {
    return [...this.#sources.values()].map((source) => source.view()).filter(({ mechanism }) => mechanism !== 'static');
  }

  /** Stops everything at once. */
  async close(): Promise<void> {
    await Promise.all([...this.#sources.values()].map((source) => source.stop()));
  }

  #sourceOf({ key, config, name }: Block): SharedSource {
    let source = this.#sources.get(key);
    if (source === undefined) {
      source = new SharedSource({
        mechanism: config.mechanism,
        name,
        deps: this.#deps,
        create: (deps) => createDiscoverer(config, name, deps, this.#environment),
        onStopped: () => this.#sources.delete(key),
      });
      this.#sources.set(key, source);
    }
    return source;
  }

  async #ask(
    { config, name }: Block,
    { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
  ): Promise<DiscoveryUpdate> {
    const discoverer = await createDiscoverer(config, name, this.#deps, this.#environment);
    return onceWithin(discoverer, timeoutMs, { signal, deps: this.#deps });
  }
}

/** One discovery block of a job. */
interface Block {
  readonly config: DiscoveryConfig;
  /** Its place in the job: `file-sd-configs[1]`. All static blocks of a job are one. */
  readonly name: string;
  /** The same for blocks that can share a discoverer. */
  readonly key: string;
}

function blocksOf({ discovery }: DiscoveredJob): Block[] {
  const counts = new Map<string, number>();
  return discovery.map((config) => {
    const block = blockName(config.mechanism);
    const index = counts.get(block) ?? 0;
    counts.set(block, index + 1);
    const name = config.mechanism === 'static' ? block : `${block}[${index}]`;
    return { config, name, key: `${name} ${asText(config)}` };
  });
}

function asText(config: DiscoveryConfig): string {
  return JSON.stringify(config, (_key, value: unknown) => (value instanceof Map ? [...value] : value));
}

async function onceWithin(
  discoverer: Discoverer,
  timeoutMs: number,
  { signal, deps }: { readonly signal: AbortSignal; readonly deps: WaitDeps },
): Promise<DiscoveryUpdate> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const timeout = deps.sleep(timeoutMs, both).then(() => {
    signal.throwIfAborted();
    return timedOut(discoverer, timeoutMs);
  });
  const answer = discoverer.once(both);
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    stop.abort();
    // Whichever lost the race may still reject because it was stopped; nobody waits for it any more.
    for (const loser of [answer, timeout]) loser.catch(() => undefined);
  }
}

function timedOut(discoverer: Discoverer, timeoutMs: number): DiscoveryUpdate {
  const message = `${discoverer.name}: no full answer within ${formatDuration(timeoutMs)}`;
  const error = new DiscoveryError('SD_TIMEOUT', message, { hint: 'see --discovery-timeout' });
  return { groups: [], failures: [error], warnings: [] };
}

function mergeUpdates(updates: readonly DiscoveryUpdate[]): DiscoveryUpdate {
  return {
    groups: updates.flatMap(({ groups }) => groups),
    failures: updates.flatMap(({ failures }) => failures),
    warnings: updates.flatMap(({ warnings }) => warnings),
  };
}
