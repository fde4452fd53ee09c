import { hostname } from 'node:os';
import type { Config } from '../config/scrape-config.ts';
import { type Shard, shardOf, type WrittenShard } from '../config/shard.ts';
import { ValueError } from '../config/value-error.ts';
import { UsageError } from '../errors.ts';
import type { Io } from './io.ts';

/** Gives each job the shard of the flag, else of the config. Throws a UsageError where `auto` can't be found out. */
export function withShard(config: Config, flag: WrittenShard | undefined, env: Io['env']): Config {
  const written = flag ?? config.shard;
  if (written === undefined) return config;
  const shard = resolveShard(written, env);
  return { ...config, scrapeConfigs: config.scrapeConfigs.map((job) => ({ ...job, shard })) };
}

/** `auto` is the index of an Indexed Job, else the number at the end of the host name, as pods of a StatefulSet have it. */
function resolveShard({ index, total }: WrittenShard, env: Io['env']): Shard {
  if (index !== 'auto') return { index, total };
  const ofJob = env['JOB_COMPLETION_INDEX'];
  const host = env['HOSTNAME'] || hostname();
  const [source, text] =
    ofJob === undefined || ofJob === ''
      ? [`host name "${host}"`, /-(\d+)$/.exec(host)?.[1]]
      : [`JOB_COMPLETION_INDEX "${ofJob}"`, /^\d+$/.exec(ofJob)?.[0]];
  if (text === undefined) {
    throw new UsageError(`shard auto/${total}: ${source} does not end with a number`, {
      hint: 'auto is for pods of a StatefulSet or an Indexed Job: elsewhere write 0/N, 1/N …',
    });
  }
  try {
    return shardOf(Number(text), total);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new UsageError(`shard auto/${total}: ${error.message}, which ${source} asks for`, {
      hint: 'write as many shards as there are replicas or completions',
      cause: error,
    });
  }
}
