import { join, resolve } from 'node:path';
import type { Config, ScrapeConfig } from '../config/scrape-config.ts';
import { createDeltaTracker } from '../delta/delta-tracker.ts';
import { openStateStore } from '../delta/state-store.ts';
import type { DiscoveryUpdate } from '../discovery/discoverer.ts';
import { DiscoveryPool } from '../discovery/discovery-pool.ts';
import type { LoopDeps } from '../loop/scrape-loop.ts';
import type { PullDeps } from '../pull.ts';
import { redactUrl } from '../safe-text/redact-url.ts';
import { JobScrapers } from '../scrape/job-scrapers.ts';
import { createFileSink } from '../sinks/file/file-sink.ts';
import type { PyroscopeSink } from '../sinks/pyroscope/pyroscope-sink.ts';
import type { Sink } from '../sinks/sink.ts';
import { targetsFromGroups } from '../targets/from-groups.ts';
import type { Target } from '../targets/target.ts';
import { abortableSleep } from './abortable-sleep.ts';
import type { Io } from './io.ts';
import type { Log } from './log.ts';
import { openRemotes, remotesOf } from './remotes.ts';

export interface PipelineFlags {
  readonly out?: string;
  readonly push: readonly string[];
  readonly stateDir?: string;
  readonly maxStateAge: number;
  readonly discoveryTimeout: number;
  readonly fsync: boolean;
  readonly dryRun: boolean;
  readonly loop: boolean;
}

/** The rooms joined for one run. */
export interface Pipeline {
  readonly deps: Omit<PullDeps, 'onEvent'>;
  /** What a loop needs beyond that. */
  readonly loopDeps: Pick<LoopDeps, 'watch' | 'retainJobs' | 'restoreBaseline' | 'scrapeFailed' | 'forget'>;
  /** Removes saved snapshots that are too old to be of use. Throws a StateError. */
  evictStates(): void;
  /** For messages: where results go. */
  readonly receivers: readonly string[];
  /** As the user gave it; undefined where no files are written. */
  readonly outDir: string | undefined;
  /** The sources of targets that a loop follows. */
  readonly discovery: Pick<DiscoveryPool, 'view'>;
  /** Part of the sinks. */
  readonly remotes: readonly PyroscopeSink[];
  close(): Promise<void>;
}

/** Opens sinks, state and scrapers. A dry run opens nothing that writes. Rejects with SinkError or StateError. */
export async function openPipeline(
  config: Config,
  flags: PipelineFlags,
  { io, log, signal }: { io: Io; log: Log; signal: AbortSignal },
): Promise<Pipeline> {
  const remoteConfigs = remotesOf(config, flags.push, io);
  const outDir = flags.out ?? config.output.dir ?? (remoteConfigs.length === 0 ? 'profiles' : undefined);
  const stateDir =
    flags.stateDir ?? config.output.stateDir ?? (flags.loop ? join(outDir ?? 'profiles', '.state') : undefined);
  const tracker = createDeltaTracker({ maxStateAgeMs: flags.maxStateAge, ownsResponses: true });
  const store = stateDir === undefined || flags.dryRun ? undefined : await openStateStore(resolve(io.cwd, stateDir));
  const sinks: Sink[] = [];
  let remotes: readonly PyroscopeSink[] = [];
  const scrapers = new JobScrapers({ environment: io.env, signal });
  const discovery = new DiscoveryPool({ environment: io.env });
  const close = async () => {
    scrapers.close();
    await Promise.all(sinks.map((sink) => sink.close()));
    await store?.close();
    await discovery.close();
  };
  const evictStates = () => void store?.evict(Date.now(), flags.maxStateAge);
  try {
    evictStates();
    if (!flags.dryRun) {
      if (outDir !== undefined) sinks.push(await createFileSink({ dir: resolve(io.cwd, outDir), fsync: flags.fsync }));
      remotes = await openRemotes(remoteConfigs, { outDir, keepsOutcomes: !flags.loop, io, log });
      sinks.push(...remotes);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const restoreBaseline = (target: Target) => {
    const verdicts = new Set<'none' | 'restored' | 'torn' | 'version'>();
    for (const state of store?.load(target.key) ?? []) {
      const verdict = tracker.importState(target.key, state);
      if (verdict === 'restored') return verdict;
      verdicts.add(verdict);
    }
    const [newest = 'none'] = verdicts;
    return newest;
  };
  return {
    receivers: [...(outDir === undefined ? [] : [outDir]), ...remoteConfigs.map(({ url }) => redactUrl(url))],
    remotes,
    outDir,
    discovery,
    close,
    deps: {
      signal,
      discover: (job) => discoverUnlessStopped(job, discovery, { signal, timeoutMs: flags.discoveryTimeout }),
      targetsFromGroups,
      scrape: (target) => scrapers.scrape(target),
      delta: (scraped) => tracker.next(scraped),
      hasBaseline: (target) => {
        const restored = restoreBaseline(target);
        if (restored === 'torn') log.warn(`${target.url}: its saved snapshot is torn: starting afresh`);
        if (restored === 'version')
          log.warn(`${target.url}: its saved snapshot is of another version: starting afresh`);
        return restored === 'restored' && tracker.hasBaseline(target, Date.now());
      },
      commitBaseline: (target) => {
        tracker.keep(target.key);
        const state = store && tracker.exportState(target.key);
        if (state) store.save(target.key, state);
      },
      revertBaseline: (target) => tracker.undo(target.key),
      sinks,
      sleep: abortableSleep(signal),
      now: Date.now,
    },
    evictStates,
    loopDeps: {
      watch: (job, until) => discovery.watch(job, until),
      retainJobs: (jobs) => scrapers.retain(jobs),
      restoreBaseline,
      scrapeFailed: (target) => tracker.failed(target.key),
      // Its saved snapshot stays for --max-state-age, in case it comes back.
      forget: (target) => tracker.forget(target.key),
    },
  };
}

async function discoverUnlessStopped(
  job: ScrapeConfig,
  discovery: DiscoveryPool,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<DiscoveryUpdate> {
  try {
    return await discovery.once(job, options);
  } catch (error) {
    if (!options.signal.aborted) throw error;
    return { groups: [], failures: [], warnings: [] };
  }
}
