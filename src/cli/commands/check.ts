import type { ScrapeConfig } from '../../config/scrape-config.ts';
import { ConfigError, type Problem, UsageError } from '../../errors.ts';
import { oneLine } from '../../safe-text/one-line.ts';
import { type ApplicationSource, infersApplication, possibleSources } from '../../targets/application.ts';
import { VERSION } from '../../version.ts';
import { checkTargets, type TargetFindings } from '../check-targets.ts';
import { loadConfigFor } from '../config-source.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from '../exit-code.ts';
import { type Io, paintFor, writeLines } from '../io.ts';
import { formatError, formatProblems } from '../print-error.ts';
import { count } from '../render/units.ts';

export interface CheckOptions {
  readonly file?: string;
  readonly expandEnv: boolean;
  readonly json: boolean;
  readonly printRules: boolean;
}

/**
 * Validates a config and everything it refers to. Exit code 0 where it is usable, 1 where it is valid and a job can have no
 * usable target, 2 where it is not valid.
 */
export async function check(options: CheckOptions, io: Io): Promise<number> {
  if (options.printRules && options.json) throw new UsageError('--print-rules and --json do not go together');
  try {
    const { config, file, ...loaded } = await loadConfigFor(io, {
      file: options.file,
      expandEnv: options.expandEnv,
      sinkFlags: { writesFiles: false, pushes: false },
    });
    const targets = await checkTargets(config, file);
    if (targets.errors.length > 0) throw new ConfigError(file, targets.errors);
    const warnings = [...loaded.warnings, ...targets.warnings];
    const jobNames = config.scrapeConfigs.map((job) => job.jobName);
    const unusable = jobNames.filter((name) => loaded.unusableJobs.has(name) || targets.unusableJobs.has(name));
    const exitCode = unusable.length === 0 ? EXIT_OK : EXIT_FAILED;
    if (options.json) {
      writeJson(io, {
        file,
        valid: true,
        jobs: jobNames,
        unusableJobs: unusable,
        applications: config.scrapeConfigs.map((job) => ({ job: job.jobName, from: sourcesOf(job, targets) })),
        errors: [],
        warnings: warnings.map(plain),
      });
      return exitCode;
    }
    const paint = paintFor(io.stderr, io.env);
    if (warnings.length > 0) {
      io.stderr.write(`${paint.yellow(oneLine(`${count(warnings.length, 'warning')} in ${file}`))}\n`);
      io.stderr.write(formatProblems(warnings, 'warning', paint));
    }
    if (options.printRules) {
      const { rulesYaml } = await import('../render/rules.ts');
      io.stdout.write(rulesYaml(config));
      return exitCode;
    }
    const lines = [`${file}: valid, ${count(config.scrapeConfigs.length, 'job')}: ${namesOf(jobNames)}`];
    const inferring = config.scrapeConfigs.filter((job) => infersApplication(job.kind));
    for (const job of inferring.slice(0, MAX_APPLICATIONS)) lines.push(applicationLine(job, sourcesOf(job, targets)));
    const left = inferring.length - MAX_APPLICATIONS;
    if (left > 0) lines.push(`and ${count(left, 'more job')}: pyro-pull check --json prints all`);
    if (unusable.length > 0) lines.push(unusableLine(unusable, jobNames.length));
    writeLines(io.stdout, lines);
    return exitCode;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (options.json)
      writeJson(io, {
        file: error.file,
        valid: false,
        jobs: [],
        unusableJobs: [],
        applications: [],
        errors: error.problems.map(plain),
        warnings: [],
      });
    else io.stderr.write(formatError(error, paintFor(io.stderr, io.env), { debug: false, version: VERSION }));
    return EXIT_USAGE;
  }
}

/** What the application names of a job are taken from; all that they may be taken from where no target is known yet. */
function sourcesOf(job: ScrapeConfig, { applicationSources }: TargetFindings): readonly ApplicationSource[] {
  const found = [...(applicationSources.get(job.jobName) ?? [])];
  return found.length > 0 ? found : possibleSources(job.kind);
}

function applicationLine({ jobName }: ScrapeConfig, sources: readonly ApplicationSource[]): string {
  const names = sources.map((source) => (source === 'job-name' ? "the job's name" : `label ${source}`));
  return `job ${jobName}: the application name is taken from ${names.join(', else ')}`;
}

function unusableLine(unusable: readonly string[], jobs: number): string {
  return `${unusable.length} of ${count(jobs, 'job')} can have no usable target: ${namesOf(unusable)}`;
}

/** With 15 warnings and their excerpts the whole output is at most 60 lines. */
const MAX_APPLICATIONS = 10;
const MAX_NAMES = 20;

function namesOf(names: readonly string[]): string {
  const left = names.length - MAX_NAMES;
  return left > 0 ? `${names.slice(0, MAX_NAMES).join(', ')} and ${left} more` : names.join(', ');
}

function plain(problem: Problem): Record<string, unknown> {
  const { position, path, message, hint } = problem;
  return { line: position?.line, column: position?.column, path, message, hint };
}

function writeJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
