import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { parseShard, type WrittenShard } from '../config/shard.ts';
import { PyroPullError } from '../errors.ts';
import { plainText } from '../safe-text/laid-out.ts';
import { VERSION } from '../version.ts';
import type { Io } from './io.ts';

/**
 * Defines the command line and runs the chosen command, whose code is loaded only then. Gives the exit code; rejects
 * with what the command rejects with.
 */
export async function runProgram(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  const finish = (code: number) => {
    exitCode = code;
  };
  const program = new Command('pyro-pull')
    .description('Pull mode for Pyroscope: scrapes pprof endpoints and writes or pushes delta profiles.')
    .version(VERSION, '-V, --version')
    .helpOption('-h, --help')
    .showSuggestionAfterError(true)
    .addHelpText('after', PROGRAM_EXAMPLES);

  // Where a command is named the others need not be known: defining all of them takes as long as a small delta.
  const [name = ''] = argv;
  const named = COMMANDS.get(name);
  for (const define of named ? [named] : COMMANDS.values()) define(program, io, finish);

  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureHelp({ optionDescription: describeOption })
      .configureOutput({
        // It repeats arguments, and paints nothing.
        writeOut: (text) => io.stdout.write(plainText(text)),
        writeErr: (text) => io.stderr.write(plainText(text)),
        getOutHelpWidth: () => io.stdout.columns,
        getErrHelpWidth: () => io.stderr.columns,
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      });
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version that were asked for are no fault; everything else is wrong usage, which commander calls 1.
    return error.exitCode === 0 && argv.length > 0 ? 0 : 2;
  }
  return exitCode;
}

/** In the order of the help. */
const COMMANDS: ReadonlyMap<string, (program: Command, io: Io, finish: (code: number) => void) => void> = new Map([
  ['scrape', defineScrape],
  ['check', defineCheck],
  ['targets', defineTargets],
  ['delta', defineDelta],
  ['push', definePush],
]);

const PROGRAM_EXAMPLES = `
Examples:
  $ pyro-pull scrape --demo                       see it work on a service of its own
  $ pyro-pull scrape -c pyro-pull.yml -o profiles one round over all targets of a config
  $ pyro-pull scrape localhost:6060               no config at all
Set NODE_DEBUG=undici to see each HTTP connection and request.`;

function defineScrape(program: Command, io: Io, finish: (code: number) => void): void {
  program
    .command('scrape')
    .description('scrape all targets (each enabled profile of each instance), once or in a loop')
    .argument(
      '[address...]',
      "host:port, a URL whose path is put before the profiles' paths, or unix:///path of a socket; scraped without a config",
    )
    .addOption(configOption())
    .option('--demo', 'no config: start the embedded demo service and scrape it', false)
    .option('--once', 'one round (default)')
    .option('--loop', 'scrape every target at its interval, until SIGINT or SIGTERM', false)
    .option(
      '-o, --out <dir>',
      "write profiles as files under this directory (default: the config's output.dir, else profiles)",
    )
    .addOption(pushOption())
    .option(
      '--state-dir <dir>',
      "keep the last snapshot of each cumulative profile here, across runs (default: the config's output.state-dir, else none; with --loop .state under --out)",
    )
    .addOption(
      new Option(
        '--window <duration>',
        "distance of the two snapshots where no earlier one is at hand (default: the job's scrape-interval)",
      ).argParser(argument(parseDuration)),
    )
    .option('--job <name>', 'take only this job (repeatable)', collect, [])
    .option('--profile <name>', 'take only this profile (repeatable)', collect, [])
    .option('--match <regex>', 'take only instances whose address or label values match (RE2; repeatable)', collect, [])
    .option('--label <name=value>', 'set a label on every profile, over an equal name (repeatable)', collect, [])
    .addOption(new Option('--concurrency <n>', 'scrapes at once').default(64).argParser(countArgument))
    .addOption(
      new Option('--max-state-age <duration>', 'an older snapshot is not subtracted')
        .default(86_400_000, '24h')
        .argParser(argument(parseDuration)),
    )
    .addOption(
      new Option('--discovery-timeout <duration>', 'how long discovery may take')
        .default(30_000, '30s')
        .argParser(argument(parseDuration)),
    )
    .addOption(
      new Option('--grace <duration>', '--loop: how long scrapes under way may take to end when it is stopped')
        .default(10_000, '10s')
        .argParser(argument(parseDuration)),
    )
    .addOption(shardOption())
    .option(
      '--listen <address>',
      '--loop: serve a page of the targets, metrics, health, reload and own profiles here; :9099 is loopback only (default: nowhere)',
    )
    .option('--watch-config', '--loop: read the config again when it changes, as at SIGHUP', false)
    .addOption(pushDeadlineOption())
    .option('--fsync', 'files survive a power cut', false)
    .option('--write-empty', 'write a file for an interval in which nothing happened, too', false)
    .option('--json', 'one JSON object a line on stdout for each profile, then a summary', false)
    .option('--dry-run', 'say what would be scraped and written, touch nothing', false)
    .addOption(expandEnvOption())
    .addOption(
      new Option(
        '--log-level <level>',
        "how much to say on stderr; default: the config's log-level, else info",
      ).choices(['error', 'warn', 'info', 'debug']),
    )
    .addOption(
      new Option('--log-format <format>', 'form of the lines on stderr')
        .choices(['text', 'logfmt', 'json'])
        .default('text'),
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 all written, 1 something failed (the rest was done), 2 wrong usage or config, 130/143 stopped by a signal.

Examples:
  $ pyro-pull scrape -c pyro-pull.yml --state-dir .state    from cron: deltas against the previous run
  $ pyro-pull scrape localhost:6060 --window 30s            two snapshots 30 seconds apart
  $ pyro-pull scrape -c pyro-pull.yml --job shop --json     machine readable
  $ pyro-pull scrape -c pyro-pull.yml --loop --listen :9099 until stopped, with a page at http://localhost:9099`,
    )
    .action(async (targets: string[], options: ScrapeFlags) => {
      if (options.loop && !options.dryRun) {
        const { loop } = await import('./commands/loop.ts');
        finish(await loop({ ...options, targets }, io));
        return;
      }
      const { scrape } = await import('./commands/scrape.ts');
      finish(await scrape({ ...options, targets }, io));
    });
}

/** As commander gives them. */
export interface ScrapeFlags {
  config?: string;
  demo: boolean;
  once?: boolean;
  loop: boolean;
  out?: string;
  push: string[];
  stateDir?: string;
  /** Milliseconds. */
  window?: number;
  job: string[];
  profile: string[];
  match: string[];
  label: string[];
  concurrency: number;
  maxStateAge: number;
  discoveryTimeout: number;
  pushDeadline: number;
  /** Milliseconds. */
  grace: number;
  shard?: WrittenShard;
  listen?: string;
  watchConfig: boolean;
  fsync: boolean;
  writeEmpty: boolean;
  json: boolean;
  dryRun: boolean;
  expandEnv: boolean;
  logLevel?: 'error' | 'warn' | 'info' | 'debug';
  logFormat: 'text' | 'logfmt' | 'json';
}

function defineCheck(program: Command, io: Io, finish: (code: number) => void): void {
  program
    .command('check')
    .description('validate a config and everything it refers to')
    .argument('[file]', 'scrape config; - reads standard input (default: pyro-pull.yml, pyro-pull.yaml)')
    .addOption(expandEnvOption())
    .option('--json', 'the result as one JSON document on stdout', false)
    .option('--print-rules', "print each job's relabel rules, with those that an annotation-preset stands for", false)
    .addHelpText(
      'after',
      '\nExit codes: 0 usable, 1 valid but a job can have no usable target, 2 not valid\n\nExamples:\n  $ pyro-pull check pyro-pull.yml\n  $ pyro-pull check server.yml --json',
    )
    .action(async (file: string | undefined, options: { expandEnv: boolean; json: boolean; printRules: boolean }) => {
      const { check } = await import('./commands/check.ts');
      finish(await check({ ...options, ...(file === undefined ? {} : { file }) }, io));
    });
}

function defineTargets(program: Command, io: Io, finish: (code: number) => void): void {
  program
    .command('targets')
    .description('run discovery and relabelling once; list active targets and dropped instances')
    .argument('[file]', 'scrape config, the same as --config')
    .addOption(configOption())
    .option('--job <name>', 'take only this job (repeatable)', collect, [])
    .option('--match <regex>', 'take only instances whose address or label values match (RE2; repeatable)', collect, [])
    .option('--explain', 'replay the relabel rules one by one, with the labels before and after', false)
    .option('--watch', 'go on and print each change as it comes, until SIGINT', false)
    .addOption(
      new Option('--discovery-timeout <duration>', 'how long discovery may take')
        .default(30_000, '30s')
        .argParser(argument(parseDuration)),
    )
    .addOption(shardOption())
    .addOption(expandEnvOption())
    .option('--json', 'the result as one JSON document on stdout, with --watch one object a line', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ pyro-pull targets -c pyro-pull.yml\n  $ pyro-pull targets --explain --match 10.1.2.3\n  $ pyro-pull targets --watch',
    )
    .action(async (file: string | undefined, options: TargetsFlags) => {
      const { targets } = await import('./commands/targets.ts');
      finish(await targets({ ...options, ...(file === undefined ? {} : { file }) }, io));
    });
}

export interface TargetsFlags {
  config?: string;
  file?: string;
  job: string[];
  match: string[];
  explain: boolean;
  watch: boolean;
  discoveryTimeout: number;
  shard?: WrittenShard;
  expandEnv: boolean;
  json: boolean;
}

function defineDelta(program: Command, io: Io, finish: (code: number) => void): void {
  program
    .command('delta')
    .description('what happened between two snapshots of one process')
    .argument('<before>', 'pprof file')
    .argument('<after>', 'pprof file of the same profile, taken later')
    .requiredOption('-o, --output <file>', 'where to write the delta; - for standard output')
    .option('--json', 'what was done as one JSON document (on stderr where the delta goes to stdout)', false)
    .option('--body-size-limit <size>', 'refuse a file that is larger than this uncompressed', '64MiB')
    .addHelpText(
      'after',
      '\nExit codes: 0 written, 1 a file is missing, unreadable or no snapshot, 2 wrong usage\n\nExample:\n  $ pyro-pull delta heap.before.pb.gz heap.after.pb.gz -o heap.delta.pb.gz',
    )
    .action(
      async (before: string, after: string, options: { output: string; json: boolean; bodySizeLimit: string }) => {
        const { delta } = await import('./commands/delta.ts');
        finish(await delta({ before, after, ...options }, io));
      },
    );
}

function definePush(program: Command, io: Io, finish: (code: number) => void): void {
  program
    .command('push')
    .description('send profile files, or a directory that scrape wrote, to a remote Pyroscope')
    .argument(
      '[path...]',
      'profile files or directories; labels and times come from the index, else from the pprof itself',
    )
    .addOption(pushOption())
    .addOption(configOption())
    .option('--label <name=value>', 'set a label on every profile, over an equal name (repeatable)', collect, [])
    .option('--retry', 'also send what a remote refused before; needs no path', false)
    .addOption(pushDeadlineOption())
    .addOption(expandEnvOption())
    .option('--json', 'what became of the files as one JSON document on stdout', false)
    .addHelpText(
      'after',
      `
The queue is the one that scrape uses for the same config or directory, so what scrape could not send goes along.

Examples:
  $ pyro-pull push profiles --push http://localhost:4040
  $ pyro-pull push --retry -c pyro-pull.yml                 what the server refused, once it is set right`,
    )
    .action(async (paths: string[], options: PushFlags) => {
      const { push } = await import('./commands/push.ts');
      finish(await push(paths, options, io));
    });
}

export interface PushFlags {
  push: string[];
  config?: string;
  label: string[];
  retry: boolean;
  pushDeadline: number;
  expandEnv: boolean;
  json: boolean;
}

function pushOption(): Option {
  return new Option(
    '--push <url>',
    "also send to this Pyroscope (repeatable; adds to the config's remotes; default: PYROSCOPE_SERVER_ADDRESS where none is configured)",
  )
    .argParser(collect)
    .default([]);
}

function pushDeadlineOption(): Option {
  return new Option(
    '--push-deadline <duration>',
    'how long to go on sending at the end; the rest stays queued for the next run',
  )
    .default(30_000, '30s')
    .argParser(argument(parseDuration));
}

/** The words of an option with its default, where that is not simply "off" or "none". */
function describeOption(option: Option): string {
  const { description, defaultValue, defaultValueDescription, argChoices } = option;
  const notes: string[] = [];
  if (argChoices) notes.push(argChoices.join(', '));
  const isOff =
    defaultValue === undefined || defaultValue === false || (Array.isArray(defaultValue) && defaultValue.length === 0);
  if (!isOff) notes.push(`default: ${defaultValueDescription ?? defaultValue}`);
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}

function configOption(): Option {
  return new Option(
    '-c, --config <file>',
    'scrape config; - reads standard input (default: pyro-pull.yml, pyro-pull.yaml)',
  );
}

function shardOption(): Option {
  return new Option(
    '--shard <i/n>',
    "take only this share of the targets, by their address: 0/3, 1/3, 2/3, or auto/3 in a StatefulSet or Indexed Job (default: the config's shard, else all)",
  ).argParser(argument(parseShard));
}

function expandEnvOption(): Option {
  return new Option('--expand-env', 'replace ${NAME} and ${NAME:-default} in values, never in relabel rules').default(
    false,
  );
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function countArgument(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1.');
  return Number(text);
}

/** A flag's text as the config's own reader takes it, without loading the config's parser. */
function argument<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof PyroPullError)) throw error;
      throw new InvalidArgumentError(`${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}.`);
    }
  };
}
