import type { Config } from '../../config/scrape-config.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { type PullEvent, type PullOptions, planOnce, pullOnce } from '../../pull.ts';
import { expectBriefRun } from '../brief-run.ts';
import { checkFlags } from '../check-flags.ts';
import { configSourceOf } from '../config-source.ts';
import { EXIT_FAILED, EXIT_OK, exitCodeOfSignal } from '../exit-code.ts';
import { type Io, paintFor, writeLines } from '../io.ts';
import { labelsOfFlags } from '../label-flags.ts';
import { createLog, type Log, logProblems } from '../log.ts';
import { openPipeline, type Pipeline } from '../pipeline.ts';
import type { ScrapeFlags } from '../program.ts';
import { startProgress } from '../progress.ts';
import { isDelivered, remoteLine, summarise } from '../remotes.ts';
import { logEvent } from '../render/event-log.ts';
import { dryRunJson, dryRunLines, planLine } from '../render/plan.ts';
import { PROFILE_HEADER, profileLine, profileRow } from '../render/profile-line.ts';
import { Report } from '../render/report.ts';
import { table } from '../render/table.ts';
import { createRetainer } from '../retain-files.ts';
import { aborted, listenForSignals, type Signals } from '../signals.ts';
import { createTargetFilter } from '../target-filter.ts';

export interface ScrapeOptions extends ScrapeFlags {
  readonly targets: readonly string[];
}

/** One round over all targets. Gives the exit code; rejects with UsageError, ConfigError or StateError before anything is scraped. */
export async function scrape(options: ScrapeOptions, io: Io): Promise<number> {
  checkFlags(options);
  expectBriefRun();
  const labels = labelsOfFlags(options.label);
  const isForMachines = options.json || options.logFormat !== 'text';
  const progress = await startProgress(io, { isPlain: isForMachines, now: Date.now });
  let level = options.logLevel ?? 'info';
  const log = createLog(io.stderr, {
    level: () => level,
    format: options.logFormat,
    paint: paintFor(io.stderr, io.env, isForMachines),
    now: () => new Date(),
    around: progress.around,
  });
  try {
    const source = await configSourceOf({ ...options, sinks: options }, io);
    try {
      level = options.logLevel ?? source.config.logLevel ?? 'info';
      logProblems(log, source.warnings, options.logFormat);
      return await scrapeConfig({ config: source.config, labels, options, io, log, update: progress.update });
    } finally {
      await source.close();
    }
  } finally {
    progress.stop();
  }
}

interface Context {
  readonly config: Config;
  readonly labels: LabelSet;
  readonly options: ScrapeOptions;
  readonly io: Io;
  readonly log: Log;
  update(text: string): void;
}

async function scrapeConfig(context: Context): Promise<number> {
  const { config, options, io, log } = context;
  const filter = await createTargetFilter(options, config);
  const pullOptions: PullOptions = {
    concurrency: options.concurrency,
    windowMs: options.window,
    isWanted: filter.isWanted,
    labels: context.labels,
    writeEmpty: options.writeEmpty,
  };
  const signals = listenForSignals(io, log);
  try {
    const pipeline = await openPipeline(config, options, { io, log, signal: signals.signal });
    try {
      return options.dryRun
        ? await dryRun(context, pullOptions, pipeline)
        : await runOnce(context, pullOptions, pipeline, signals);
    } finally {
      await pipeline.close();
    }
  } finally {
    signals.stopListening();
  }
}

async function dryRun(context: Context, pullOptions: PullOptions, pipeline: Pipeline): Promise<number> {
  const { config, options, io, log } = context;
  const report = new Report(performance.now());
  const onEvent = (event: PullEvent) => {
    report.add(event);
    logEvent(event, log);
  };
  const plan = await planOnce(config, pullOptions, { ...pipeline.deps, onEvent });
  onEvent({ type: 'planned', plan });
  if (options.json) io.stdout.write(dryRunJson(plan));
  else writeLines(io.stdout, dryRunLines(plan, pipeline.receivers));
  return report.isClean ? EXIT_OK : EXIT_FAILED;
}

async function runOnce(
  context: Context,
  pullOptions: PullOptions,
  pipeline: Pipeline,
  signals: Signals,
): Promise<number> {
  const { config, options, io, log } = context;
  const report = new Report(performance.now());
  const rows: string[][] = [];
  const sent: PullEvent[] = [];
  const sinkOf = new Map(pipeline.remotes.map((sink) => [sink.name, sink]));
  const print = (event: PullEvent) => {
    const line = profileLine(event, (remote, entry) => sinkOf.get(remote)?.outcomeOf(entry));
    if (line) io.stdout.write(`${JSON.stringify(line)}\n`);
  };
  const onEvent = (event: PullEvent) => {
    report.add(event);
    logEvent(event, log);
    if (event.type === 'planned') log.info(planLine(event.plan, pipeline.receivers));
    if (options.json) {
      // What is sent has its outcome at the end.
      if (event.type === 'finished' && pipeline.remotes.length > 0) sent.push(event);
      else print(event);
    } else if (event.type === 'finished') rows.push(profileRow(event, pipeline.outDir));
    context.update(progressText(report));
  };
  await pullOnce(config, pullOptions, { ...pipeline.deps, onEvent });

  if (pipeline.remotes.length > 0) {
    context.update('sending what is queued');
    const flushed = Promise.all(pipeline.remotes.map((remote) => remote.flush(options.pushDeadline)));
    await Promise.race([flushed, aborted(signals.signal)]);
  }
  const remotes = pipeline.remotes.map(summarise);
  for (const event of sent) print(event);

  if (options.json)
    io.stdout.write(
      `${JSON.stringify({ ...report.summary(performance.now()), ...(remotes.length > 0 && { remotes }) })}\n`,
    );
  else if (rows.length > 0)
    log.aside(() => writeLines(io.stdout, table(PROFILE_HEADER, rows.sort(byPath), new Set([2, 3]))));
  for (const line of report.failureLines()) log.error(line);
  for (const line of report.summaryLines(performance.now())) log.info(line);
  for (const remote of remotes) log[isDelivered(remote) ? 'info' : 'error'](remoteLine(remote), { ...remote });
  if (report.isIdle)
    log.info('no target at the moment: those there are belong to other shards, or are not in the sample');
  else if (report.expected === 0)
    log.error('no target to scrape', { hint: 'pyro-pull targets shows what was discovered and why it was dropped' });
  if (pipeline.outDir !== undefined && report.suggestedPath !== undefined) {
    log.info(`open one: go tool pprof -http=: ${pipeline.outDir}/${report.suggestedPath}`);
  }
  if (!signals.signal.aborted) await createRetainer(pipeline.outDir, () => config.output, { io, log })();
  const received = signals.received();
  if (received) return exitCodeOfSignal(received);
  return report.isClean && remotes.every(isDelivered) ? EXIT_OK : EXIT_FAILED;
}

function byPath(a: readonly string[], b: readonly string[]): number {
  const [left, right] = [a.at(-1) ?? '', b.at(-1) ?? ''];
  return left < right ? -1 : left > right ? 1 : 0;
}

function progressText(report: Report): string {
  const failed = report.failed > 0 ? `, ${report.failed} failed` : '';
  return `scraped ${report.done} of ${report.expected} profiles${failed}`;
}
