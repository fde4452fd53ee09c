import { findConfig, type LoadOptions, loadConfig, STDIN } from '../config/load-config.ts';
import type { ParsedConfig } from '../config/parse-config.ts';
import type { Config } from '../config/scrape-config.ts';
import type { WrittenShard } from '../config/shard.ts';
import { type Problem, UsageError } from '../errors.ts';
import type { Io } from './io.ts';
import { withShard } from './shard.ts';

export interface LoadedConfig extends ParsedConfig {
  /** As shown to the user; `-` for standard input. */
  readonly file: string;
}

/** The config that was named, else the first of the default names in the working directory. */
export async function loadConfigFor(
  io: Io,
  options: { file: string | undefined; expandEnv: boolean } & Pick<LoadOptions, 'sinkFlags'>,
): Promise<LoadedConfig> {
  const file = options.file ?? (await findConfig(io.cwd));
  if (file === undefined) {
    throw new UsageError('no config: there is no pyro-pull.yml or pyro-pull.yaml in the working directory', {
      hint: 'name one with --config FILE, give addresses as host:port, or try: pyro-pull scrape --demo',
    });
  }
  const loaded = await loadConfig(file, {
    cwd: io.cwd,
    ...(file === STDIN ? { stdin: io.stdin } : {}),
    expandEnv: options.expandEnv,
    env: io.env,
    sinkFlags: options.sinkFlags,
  });
  return { ...loaded, file };
}

/** Whether a config lies where one is looked for without a name. */
export async function hasDefaultConfig(io: Io): Promise<boolean> {
  return (await findConfig(io.cwd)) !== undefined;
}

export interface ConfigSource {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** Stops what was started for it. */
  close(): Promise<void>;
}

/** Where the config of a scrape comes from: a file, the addresses on the command line, or the demo service. */
export async function configSourceOf(
  options: {
    config?: string;
    demo: boolean;
    targets: readonly string[];
    expandEnv: boolean;
    shard?: WrittenShard;
    /** Undefined for a command that writes no profiles. */
    sinks?: { readonly out?: string; readonly push: readonly string[] };
  },
  io: Io,
): Promise<ConfigSource> {
  const source = await unshardedSourceOf(options, io);
  return { ...source, config: withShard(source.config, options.shard, io.env) };
}

async function unshardedSourceOf(
  options: Pick<Parameters<typeof configSourceOf>[0], 'config' | 'demo' | 'targets' | 'expandEnv' | 'sinks'>,
  io: Io,
): Promise<ConfigSource> {
  const named = [
    ...(options.config === undefined ? [] : ['--config']),
    ...(options.demo ? ['--demo'] : []),
    ...(options.targets.length > 0 ? ['addresses on the command line'] : []),
  ];
  if (named.length > 1) {
    throw new UsageError(`${named.join(' and ')} do not go together`, {
      hint: 'give a config, or addresses as host:port, or --demo',
    });
  }
  if (options.demo) {
    const { openDemo } = await import('./demo.ts');
    return openDemo(io);
  }
  if (options.targets.length > 0) {
    const { adHocConfig } = await import('../targets/ad-hoc-job.ts');
    return { config: adHocConfig(options.targets), warnings: [], close: async () => {} };
  }
  const { config: file, expandEnv, sinks } = options;
  const sinkFlags = sinks && { writesFiles: sinks.out !== undefined, pushes: sinks.push.length > 0 };
  const { config, warnings } = await loadConfigFor(io, { file, expandEnv, sinkFlags });
  return { config, warnings, close: async () => {} };
}
