import type { MechanismView } from '../../src/discovery/shared-source.ts';
import type { LoopEvent } from '../../src/loop/loop-event.ts';
import type { ConfigView, JobView, LoopHandle, LoopView, ReloadResult, TargetView } from '../../src/loop/loop-view.ts';
import type { RemoteView } from '../../src/status/remote-view.ts';
import { targetsFromGroups } from '../../src/targets/from-groups.ts';
import { jobOf, type WrittenJob } from './job-of.ts';

export const STARTED_MS = Date.UTC(2026, 10, 22, 12, 0, 0);

/** A loop of which a test says all that it shows. */
export class FakeLoop implements LoopHandle {
  readonly shownJobs: JobView[] = [];
  shownMechanisms: MechanismView[] = [];
  isReady = true;
  isStopping = false;
  config: ConfigView = {
    path: '/etc/pyro-pull.yml',
    loadedAtMs: STARTED_MS,
    isLastReloadGood: true,
    lastReloadError: undefined,
  };
  reloads = 0;
  reloadResult: ReloadResult = { isGood: true };
  readonly #listeners = new Set<(event: LoopEvent) => void>();

  readonly view: LoopView = ((loop: FakeLoop) => ({
    startedAtMs: STARTED_MS,
    get isReady() {
      return loop.isReady;
    },
    get isStopping() {
      return loop.isStopping;
    },
    get config() {
      return loop.config;
    },
    jobs: () => [...loop.shownJobs],
    mechanisms: () => loop.shownMechanisms,
  }))(this);

  reload(): Promise<ReloadResult> {
    this.reloads += 1;
    return Promise.resolve(this.reloadResult);
  }

  subscribe(listener: (event: LoopEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  emit(event: LoopEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Adds a job whose targets are all up; `changes` is asked for what is else so of each. */
  async addJob(
    written: WrittenJob,
    targets: readonly Readonly<Record<string, string>>[],
    changes: (view: TargetView, index: number) => Partial<TargetView> = () => ({}),
  ): Promise<JobView> {
    const config = await jobOf(written);
    const labels = targets.map((target) => new Map(Object.entries({ __name__: 'shop', ...target })));
    const found = targetsFromGroups(config, [{ source: '0', labels: new Map(), targets: labels }]);
    const job: JobView = {
      name: config.jobName,
      config,
      isDiscovered: true,
      discoveryFailures: [],
      targets: found.targets.map((target, index) => {
        const view = upView(target);
        return { ...view, ...changes(view, index) };
      }),
      dropped: found.dropped,
      droppedCount: found.droppedCount,
      rejected: found.rejected,
      duplicates: found.duplicates,
    };
    this.shownJobs.push(job);
    return job;
  }
}

function upView(target: TargetView['target']): TargetView {
  return {
    target,
    health: 'up',
    isScraping: false,
    lastScrapeMs: STARTED_MS + 60_000,
    lastDurationMs: 12.5,
    lastBytes: 21_000,
    lastError: undefined,
    failuresInRow: 0,
    nextSlotMs: STARTED_MS + 75_000,
    missedSlots: 0,
  };
}

export function fakeRemote(changes: Partial<RemoteView> = {}): RemoteView {
  return {
    name: 'main',
    url: 'http://pyroscope:4040',
    state: 'up',
    lastFailure: undefined,
    queued: 3,
    queuedBytes: 65_536,
    maxBytes: 536_870_912,
    inFlight: 1,
    accepted: 1200,
    rejected: 2,
    retries: 4,
    dropped: 5,
    corrupt: 6,
    filtered: 7,
    ...changes,
  };
}
