import type { Config, ScrapeConfig } from '../../src/config/scrape-config.ts';
import type { DeltaOutcome } from '../../src/delta/delta-outcome.ts';
import type { DiscoveryUpdate } from '../../src/discovery/discoverer.ts';
import { EMPTY_LABELS } from '../../src/labels/label-set.ts';
import type { LoopEvent } from '../../src/loop/loop-event.ts';
import { type LoopDeps, type LoopSettings, ScrapeLoop } from '../../src/loop/scrape-loop.ts';
import { ProfileBody } from '../../src/profile/profile-body.ts';
import type { ScrapedProfile } from '../../src/scrape/scraped-profile.ts';
import { adHocConfig } from '../../src/targets/ad-hoc-job.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import type { Target } from '../../src/targets/target.ts';
import { FakeLoopClock, settled } from './fake-loop-clock.ts';

export const OUTCOME: DeltaOutcome = {
  kind: 'profile',
  profileKind: 'delta',
  body: new Uint8Array([1]),
  fromNanos: 0n,
  untilNanos: 1n,
  sampleTypes: [],
  samples: 1,
  isReset: false,
  isPartial: false,
  clamped: 0,
  warnings: [],
};

/** Discovery that answers when a test says so. */
class FakeDiscovery {
  readonly #waiting = new Set<() => void>();
  readonly #latest = new Map<string, DiscoveryUpdate>();

  update(jobName: string, addresses: readonly string[], changes: Partial<DiscoveryUpdate> = {}): void {
    const targets = addresses.map((address) => new Map([['__address__', address]]));
    const groups = [{ source: '0', labels: new Map([['__name__', 'shop']]), targets }];
    this.#latest.set(jobName, { groups, failures: [], warnings: [], ...changes });
    for (const wake of this.#waiting) wake();
  }

  async *watch({ jobName }: ScrapeConfig, signal: AbortSignal): AsyncGenerator<DiscoveryUpdate> {
    let given: DiscoveryUpdate | undefined;
    while (!signal.aborted) {
      const latest = this.#latest.get(jobName);
      if (latest && latest !== given) {
        given = latest;
        yield latest;
        continue;
      }
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        signal.addEventListener('abort', () => resolve());
      });
    }
  }
}

/** A loop whose time, network and disk a test rules. Every request is answered after `takesMs` unless `scrape` is given. */
export class LoopWorld {
  readonly clock = new FakeLoopClock();
  readonly discovery = new FakeDiscovery();
  readonly events: LoopEvent[] = [];
  readonly requests: { readonly profile: string; readonly address: string; readonly atMs: number }[] = [];
  readonly calls: string[] = [];
  readonly loop: ScrapeLoop;
  readonly startMs = this.clock.now();
  settings: LoopSettings;
  takesMs: (target: Target) => number = () => 10;
  fails: (target: Target) => Error | undefined = () => undefined;
  readonly #abort = new AbortController();

  constructor(
    options: { readonly profiles?: readonly string[]; readonly config?: Config; readonly concurrency?: number } = {},
    world: Partial<LoopDeps> = {},
  ) {
    const { profiles = ['mem'] } = options;
    const config = options.config ?? adHocConfig(['h:1']);
    this.settings = {
      config,
      isWanted: ({ profile }) => profiles.includes(profile.name),
      labels: EMPTY_LABELS,
      writeEmpty: false,
    };
    const deps: LoopDeps = {
      clock: this.clock,
      signal: this.#abort.signal,
      cancelScrapes: () => this.#abort.abort(),
      watch: (job, signal) => this.discovery.watch(job, signal),
      targetsFromGroups,
      scrape: (target) => this.#scrape(target),
      scrapeFailed: (target) => void this.calls.push(`failed ${target.profile.name}`),
      delta: () => OUTCOME,
      sinks: [],
      restoreBaseline: (target) => {
        this.calls.push(`restore ${target.profile.name}`);
        return 'none';
      },
      commitBaseline: () => {},
      revertBaseline: () => {},
      retainJobs: () => {},
      forget: (target) => void this.calls.push(`forget ${target.profile.name}`),
      sleep: (ms, signal) => this.#sleep(ms, signal),
      onEvent: (event) => void this.events.push(event),
      ...world,
    };
    this.loop = new ScrapeLoop(this.settings, options.concurrency ?? 64, deps);
  }

  /** Starts with these targets of job `cli`. */
  async start(addresses: readonly string[] = ['h:1']): Promise<void> {
    this.discovery.update('cli', addresses);
    this.loop.start();
    await settled();
  }

  eventsOf<Type extends LoopEvent['type']>(type: Type): Extract<LoopEvent, { readonly type: Type }>[] {
    return this.events.filter((event): event is Extract<LoopEvent, { readonly type: Type }> => event.type === type);
  }

  async #scrape(target: Target): Promise<ScrapedProfile> {
    const { hostname, port } = target.origin;
    this.requests.push({ profile: target.profile.name, address: `${hostname}:${port}`, atMs: this.clock.now() });
    await this.#sleep(this.takesMs(target), this.#abort.signal);
    const error = this.fails(target);
    if (error) throw error;
    const body = new Uint8Array(7);
    return {
      target,
      content: new ProfileBody(body, 1e6),
      requestedAtMs: 0,
      respondedAtMs: 0,
      monotonicMs: 0,
      durationMs: 0,
    };
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        cancel();
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const cancel = this.clock.schedule(ms, finish);
      signal.addEventListener('abort', finish);
    });
  }
}
