import { withoutEmpty } from '../../labels/label-set.ts';
import type { FileKind } from '../file-kind.ts';
import type { Reporter } from '../findings.ts';
import type { WrittenConfig } from '../schema/config.ts';
import { type NormalizeContext, resolvePath } from '../schema/context.ts';
import type { Config, LogLevel, OutputConfig } from '../scrape-config.ts';
import { type JobDefaults, type NormalizedJob, normalizeJob } from './job.ts';
import { normalizeRemoteWrite } from './remote-write.ts';

export interface NormalizedConfig {
  readonly config: Config;
  readonly jobs: readonly NormalizedJob[];
}

/** From what was written, in whichever spelling and shape, to what the program reads: defaults filled in, names resolved. */
export function normalizeConfig(
  written: WrittenConfig,
  { file, kind }: { readonly file: string; readonly kind: FileKind },
  report: Reporter,
  context: NormalizeContext,
): NormalizedConfig {
  const { global = {} } = written;
  const defaults: JobDefaults = {
    scrapeIntervalMs: global['scrape-interval'],
    scrapeTimeoutMs: global['scrape-timeout'],
    bodySizeLimitBytes: global['body-size-limit'],
    targetLimit: global['target-limit'],
    kind,
  };
  const jobs = (written['scrape-configs'] ?? []).flatMap((job, index) =>
    job === undefined ? [] : [normalizeJob(job, defaults, report.at('scrape-configs', index), context)],
  );
  return {
    config: {
      path: file,
      logLevel: written['log-level'] && LOG_LEVELS[written['log-level']],
      externalLabels: withoutEmpty(
        new Map([...(global['external-labels'] ?? []), ...(written['external-labels'] ?? [])]),
      ),
      shard: written.shard,
      scrapeConfigs: jobs.map((job) => job.config),
      output: outputFrom(written.output ?? {}, context),
      remoteWrite: normalizeRemoteWrite(written['remote-write'], report.at('remote-write'), context),
    },
    jobs,
  };
}

const LOG_LEVELS: Readonly<Record<NonNullable<WrittenConfig['log-level']>, LogLevel>> = {
  panic: 'error',
  fatal: 'error',
  error: 'error',
  warn: 'warn',
  warning: 'warn',
  info: 'info',
  debug: 'debug',
  trace: 'debug',
};

function outputFrom(written: NonNullable<WrittenConfig['output']>, context: NormalizeContext): OutputConfig {
  const { dir, 'state-dir': stateDir } = written;
  return {
    dir: dir === undefined ? undefined : resolvePath(dir, context),
    stateDir: stateDir === undefined ? undefined : resolvePath(stateDir, context),
    maxAgeMs: written['max-age'] ?? 0,
    maxBytes: written['max-bytes'] ?? 0,
  };
}
