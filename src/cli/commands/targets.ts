import type { Config } from '../../config/scrape-config.ts';
import { DiscoveryPool } from '../../discovery/discovery-pool.ts';
import { UsageError } from '../../errors.ts';
import { type TargetsOfJob, targetsFromGroups } from '../../targets/from-groups.ts';
import { loadConfigFor } from '../config-source.ts';
import { EXIT_FAILED, EXIT_OK, exitCodeOfSignal } from '../exit-code.ts';
import { type Io, paintFor, writeLines } from '../io.ts';
import { createLog, type Log } from '../log.ts';
import type { TargetsFlags } from '../program.ts';
import { targetsJson, targetsLines } from '../render/targets.ts';
import { withShard } from '../shard.ts';
import { createTargetFilter, type TargetFilter } from '../target-filter.ts';

/** Runs discovery and relabelling, and shows what comes of it: once, or with `--watch` each change until it is stopped. */
export async function targets(flags: TargetsFlags, io: Io): Promise<number> {
  if (flags.watch && flags.explain) throw new UsageError('--watch and --explain do not go together');
  const { config, warnings } = await loadConfigFor(io, {
    file: flags.config ?? flags.file,
    expandEnv: flags.expandEnv,
  });
  const log = createLog(io.stderr, {
    level: () => 'info',
    format: 'text',
    paint: paintFor(io.stderr, io.env, flags.json),
    now: () => new Date(),
  });
  for (const warning of warnings) log.problem(warning);
  const filter = await createTargetFilter({ job: flags.job, profile: [], match: flags.match }, config);
  const jobs = withShard(config, flags.shard, io.env).scrapeConfigs.filter(
    ({ jobName }) => flags.job.length === 0 || flags.job.includes(jobName),
  );
  if (!flags.watch) return listTargets({ jobs, filter, flags, io, log });
  const { watchTargets } = await import('./watch-targets.ts');
  await watchTargets({ jobs, filter, isJson: flags.json, io, log });
  return EXIT_OK;
}

interface Context {
  readonly jobs: Config['scrapeConfigs'];
  readonly filter: TargetFilter;
  readonly flags: TargetsFlags;
  readonly io: Io;
  readonly log: Log;
}

/** Exit code 1 where a discovery failed or a target is wrong. */
async function listTargets({ jobs, filter, flags, io, log }: Context): Promise<number> {
  const stop = new AbortController();
  let received: 'SIGINT' | 'SIGTERM' | undefined;
  const unlisten = io.onSignal((signal) => {
    received = signal;
    stop.abort();
  });
  const pool = new DiscoveryPool({ environment: io.env });
  const options = { signal: stop.signal, timeoutMs: flags.discoveryTimeout };
  let failed = false;
  const found: TargetsOfJob[] = [];
  try {
    const updates = await Promise.all(jobs.map(async (job) => ({ job, update: await pool.once(job, options) })));
    for (const { job, update } of updates) {
      for (const failure of update.failures) {
        failed = true;
        log.error(`job ${job.jobName}: discovery failed: ${failure.message}`, { hint: failure.hint });
      }
      for (const message of update.warnings) log.warn(message);
      const ofJob = targetsFromGroups(job, update.groups);
      for (const message of ofJob.warnings) log.warn(message);
      if (ofJob.rejected.length > 0) failed = true;
      found.push(ofJob);
    }
  } catch (error) {
    if (received === undefined) throw error;
    return exitCodeOfSignal(received);
  } finally {
    unlisten();
  }
  if (flags.json) io.stdout.write(`${JSON.stringify(targetsJson(found, filter, flags.explain), null, 2)}\n`);
  else writeLines(io.stdout, targetsLines(found, filter, flags.explain));
  return failed ? EXIT_FAILED : EXIT_OK;
}
