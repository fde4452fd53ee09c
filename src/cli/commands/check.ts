import { ConfigError, type Problem, UsageError } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import { checkTargets } from '../check-targets.ts';
import { loadConfigFor } from '../config-source.ts';
import { EXIT_OK, EXIT_USAGE } from '../exit-code.ts';
import { type Io, paintFor } from '../io.ts';
import { formatError, formatProblem } from '../print-error.ts';
import { count } from '../render/units.ts';

export interface CheckOptions {
  readonly file?: string;
  readonly expandEnv: boolean;
  readonly json: boolean;
  readonly printRules: boolean;
}

/** Validates a config and everything it refers to. Exit code 0 where it is usable, 2 where it is not. */
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
    if (options.json) {
      writeJson(io, {
        file,
        valid: true,
        jobs: config.scrapeConfigs.map((job) => job.jobName),
        errors: [],
        warnings: warnings.map(plain),
      });
      return EXIT_OK;
    }
    const paint = paintFor(io.stderr, io.env);
    if (warnings.length > 0) {
      io.stderr.write(`${paint.yellow(`${count(warnings.length, 'warning')} in ${file}`)}\n`);
      for (const warning of warnings) io.stderr.write(`${formatProblem(warning, paint)}\n`);
    }
    if (options.printRules) {
      const { rulesYaml } = await import('../render/rules.ts');
      io.stdout.write(rulesYaml(config));
      return EXIT_OK;
    }
    io.stdout.write(
      `${file}: valid, ${count(config.scrapeConfigs.length, 'job')}: ${config.scrapeConfigs.map((job) => job.jobName).join(', ')}\n`,
    );
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (options.json)
      writeJson(io, { file: error.file, valid: false, jobs: [], errors: error.problems.map(plain), warnings: [] });
    else io.stderr.write(formatError(error, paintFor(io.stderr, io.env), { debug: false, version: VERSION }));
    return EXIT_USAGE;
  }
}

function plain(problem: Problem): Record<string, unknown> {
  const { position, path, message, hint } = problem;
  return { line: position?.line, column: position?.column, path, message, hint };
}

function writeJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
