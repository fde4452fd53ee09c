import { resolve } from 'node:path';
import type { Config } from '../../config/scrape-config.ts';
import { PyroPullError } from '../../errors.ts';
import type { LoopEvent } from '../../loop/loop-event.ts';
import type { LoopHandle } from '../../loop/loop-view.ts';
import { Reloader } from '../../loop/reloader.ts';
import { type LoopSettings, ScrapeLoop } from '../../loop/scrape-loop.ts';
import { SYSTEM_LOOP_CLOCK } from '../../loop/timer-queue.ts';
import { fileStamp, watchFile } from '../../loop/watch-file.ts';
import { type ListenAddress, parseListenAddress } from '../../status/listen-address.ts';
import { abortableSleep } from '../abortable-sleep.ts';
import { boundHeap } from '../bound-heap.ts';
import { checkFlags } from '../check-flags.ts';
import { type ConfigSource, configSourceOf } from '../config-source.ts';
import { EXIT_OK } from '../exit-code.ts';
import { type Io, paintFor } from '../io.ts';
import { labelsOfFlags } from '../label-flags.ts';
import { createLog, type Log, logProblems } from '../log.ts';
import { openPipeline, type Pipeline } from '../pipeline.ts';
import { remoteLine, summarise } from '../remotes.ts';
import { LoopLog } from '../render/loop-log.ts';
import { profileLine } from '../render/profile-line.ts';
import { createRetainer } from '../retain-files.ts';
import { aborted, listenForSignals } from '../signals.ts';
import { createTargetFilter } from '../target-filter.ts';
import type { ScrapeOptions } from './scrape.ts';

const STATES_EVERY_MS = 3_600_000;
const RETENTION_EVERY_MS = 60_000;

/**
 * Scrapes until SIGINT or SIGTERM and gives 0 then. Rejects with UsageError, ConfigError, SinkError or StateError before
 * anything is scraped.
 */
export async function loop(options: ScrapeOptions, io: Io): Promise<number> {
  boundHeap();
  checkFlags(options);
  const listenAddress = options.listen === undefined ? undefined : parseListenAddress(options.listen);
  const labels = labelsOfFlags(options.label);
  let configLevel: Config['logLevel'];
  const log = createLog(io.stderr, {
    level: () => options.logLevel ?? configLevel ?? 'info',
    format: options.logFormat,
    paint: paintFor(io.stderr, io.env, options.logFormat !== 'text'),
    now: () => new Date(),
  });
  const settingsOf = async ({ config, warnings }: Pick<ConfigSource, 'config' | 'warnings'>): Promise<LoopSettings> => {
    const { isWanted } = await createTargetFilter(options, config);
    logProblems(log, warnings, options.logFormat);
    configLevel = config.logLevel;
    return { config, isWanted, labels, writeEmpty: options.writeEmpty };
  };
  const source = await configSourceOf({ ...options, sinks: options }, io);
  try {
    const settings = await settingsOf(source);
    const reload = async () => settingsOf(await readAgain(settings.config, options, io));
    await runLoop({ settings, reload, options, listenAddress, io, log });
    return EXIT_OK;
  } finally {
    await source.close();
  }
}

interface Context {
  readonly settings: LoopSettings;
  readonly reload: () => Promise<LoopSettings>;
  readonly options: ScrapeOptions;
  readonly listenAddress: ListenAddress | undefined;
  readonly io: Io;
  readonly log: Log;
}

async function runLoop(context: Context): Promise<void> {
  const { settings, options, io, log } = context;
  const stop = listenForSignals(io, log);
  const cut = new AbortController();
  try {
    const pipeline = await openPipeline(settings.config, options, { io, log, signal: cut.signal });
    try {
      await runPipeline(context, pipeline, stop.signal, () => cut.abort());
    } finally {
      await pipeline.close();
    }
    for (const remote of pipeline.remotes.map(summarise)) log.info(remoteLine(remote), { ...remote });
  } finally {
    stop.stopListening();
  }
}

async function runPipeline(
  context: Context,
  pipeline: Pipeline,
  stop: AbortSignal,
  cancelScrapes: () => void,
): Promise<void> {
  const { settings, options, io, log } = context;
  const clock = SYSTEM_LOOP_CLOCK;
  const loopLog = new LoopLog(log, clock.schedule);
  const listeners = new Set<(event: LoopEvent) => void>([loopLog.add]);
  if (options.json) listeners.add((event) => printProfile(event, io));
  const onEvent = (event: LoopEvent) => {
    for (const listener of listeners) listener(event);
  };
  const scrapeLoop = new ScrapeLoop(settings, options.concurrency, {
    ...pipeline.deps,
    ...pipeline.loopDeps,
    clock,
    cancelScrapes,
    onEvent,
  });
  const path = configFileOf(settings.config, options);
  const reloader = new Reloader(path, {
    load: context.reload,
    apply: (next) => {
      if (needsRestart(settings.config, next.config))
        log.warn('changes of output and remote-write are taken over by a restart, all others are in force');
      scrapeLoop.apply(next);
    },
    now: clock.now,
    onEvent,
  });
  const handle = handleOf({ scrapeLoop, reloader, discovery: pipeline.discovery }, listeners, clock.now());
  const surface = await openSurface(context, handle, pipeline);
  const stopListening = io.onHangup(() => void handle.reload());
  const watching =
    options.watchConfig && path !== undefined
      ? watchFile(resolve(io.cwd, path), () => void handle.reload(), stop, {
          sleep: abortableSleep(stop),
          stamp: fileStamp,
        })
      : Promise.resolve();
  const states = setInterval(() => evictStates(pipeline, log), STATES_EVERY_MS);
  const retain = createRetainer(pipeline.outDir, () => scrapeLoop.settings.config.output, { io, log });
  const retention = setInterval(() => void retain(), RETENTION_EVERY_MS);
  log.info(`scraping in a loop -> ${pipeline.receivers.join(', ')}`);
  try {
    scrapeLoop.start();
    await aborted(stop);
    const endsAtMs = clock.monotonic() + options.grace;
    await scrapeLoop.stop(options.grace);
    const leftMs = endsAtMs - clock.monotonic();
    if (leftMs > 0) await Promise.all(pipeline.remotes.map((remote) => remote.flush(leftMs)));
    await watching;
  } finally {
    clearInterval(states);
    clearInterval(retention);
    stopListening();
    await surface?.close();
    loopLog.close();
  }
}

/** The code for it is loaded only where it is wanted. */
async function openSurface({ listenAddress, log }: Context, handle: LoopHandle, { remotes }: Pipeline) {
  if (listenAddress === undefined) return undefined;
  const { listen } = await import('../listen.ts');
  return listen(listenAddress, handle, { remotes, log });
}

function handleOf(
  { scrapeLoop, reloader, discovery }: { scrapeLoop: ScrapeLoop; reloader: Reloader } & Pick<Pipeline, 'discovery'>,
  listeners: Set<(event: LoopEvent) => void>,
  startedAtMs: number,
): LoopHandle {
  return {
    view: {
      startedAtMs,
      get isReady() {
        return scrapeLoop.isReady;
      },
      get isStopping() {
        return scrapeLoop.isStopping;
      },
      get config() {
        return reloader.view;
      },
      jobs: () => scrapeLoop.jobs(),
      mechanisms: () => discovery.view(),
    },
    reload: () => reloader.reload(),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The file that can be read again; undefined for the demo, targets on the command line, and standard input. */
function configFileOf({ path }: Config, { demo }: ScrapeOptions): string | undefined {
  return demo || path === '-' ? undefined : path;
}

async function readAgain(config: Config, options: ScrapeOptions, io: Io): Promise<ConfigSource> {
  const path = configFileOf(config, options);
  if (path === undefined) {
    throw new PyroPullError('RELOAD', 'there is no config file to read again', {
      hint: 'start with --config FILE',
    });
  }
  return configSourceOf({ ...options, config: path, sinks: options }, io);
}

function needsRestart(before: Config, after: Config): boolean {
  const keptOf = ({ output: { dir, stateDir }, remoteWrite }: Config) => [dir, stateDir, remoteWrite];
  return comparable(keptOf(before)) !== comparable(keptOf(after));
}

/** As text: compiled relabel rules are functions, which never equal each other. */
function comparable(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (part instanceof Map ? [...part] : part));
}

function printProfile(event: LoopEvent, io: Io): void {
  if (event.type !== 'finished' && event.type !== 'empty' && event.type !== 'held' && event.type !== 'failed') return;
  // What becomes of it at a remote is told by the log and the metrics.
  const line = profileLine(event, () => undefined);
  if (line) io.stdout.write(`${JSON.stringify(line)}\n`);
}

function evictStates(pipeline: Pipeline, log: Log): void {
  try {
    pipeline.evictStates();
  } catch (error) {
    log.warn(error instanceof Error ? error.message : String(error));
  }
}
