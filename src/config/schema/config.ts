import type * as z from 'zod/mini';
import { parseShard } from '../shard.ts';
import { job, scrapeInterval, scrapeTimeout, targetLimit } from './job.ts';
import { remoteWrite } from './remote-write.ts';
import { byteSize, duration, nonEmptyText, scalar, textOf, word } from './scalars.ts';
import { isServerKey } from './server-keys.ts';
import { labels, list, mapping } from './structures.ts';

const global = mapping(
  () => ({
    'scrape-interval': scrapeInterval,
    'scrape-timeout': scrapeTimeout,
    'external-labels': labels(),
    'body-size-limit': byteSize(),
    'target-limit': targetLimit,
  }),
  { isIgnored: isIgnoredGlobalKey },
);

/** The whole file, whichever tool it was written for. */
export const config = mapping(
  () => ({
    'scrape-configs': list(job),
    global,
    'log-level': word(['panic', 'fatal', 'error', 'warn', 'warning', 'info', 'debug', 'trace'], { ignoresCase: true }),
    'external-labels': labels(),
    shard: scalar('a shard', (node) => parseShard(textOf(node))),
    output: mapping(() => ({
      dir: nonEmptyText(),
      'state-dir': nonEmptyText(),
      'max-age': duration(0),
      'max-bytes': byteSize(),
    })),
    'remote-write': remoteWrite,
  }),
  { isIgnored: (key) => isIgnoredRootKey(key) || isExtension(key), refused: refusedRootKey },
);

export type WrittenConfig = z.output<typeof config>;

/** A home for anchors, as in Compose files. */
export function isExtension(key: string): boolean {
  return key.startsWith('x-');
}

export function isIgnoredRootKey(key: string): boolean {
  return isServerKey(key);
}

const IGNORED_GLOBAL: ReadonlySet<string> = new Set([
  'always-scrape-classic-histograms',
  'convert-classic-histograms-to-nhcb',
  'evaluation-interval',
  'extra-scrape-metrics',
  'keep-dropped-targets',
  'label-limit',
  'label-name-length-limit',
  'label-value-length-limit',
  'metric-name-escaping-scheme',
  'metric-name-validation-scheme',
  'query-log-file',
  'rule-query-offset',
  'sample-limit',
  'scrape-failure-log-file',
  'scrape-native-histograms',
  'scrape-protocols',
]);

export function isIgnoredGlobalKey(key: string): boolean {
  return IGNORED_GLOBAL.has(key);
}

function refusedRootKey(key: string, written: string): { message: string; hint: string } | undefined {
  if (key !== 'scrape-config-files') return undefined;
  return {
    message: `"${written}" is not supported`,
    hint: 'put the jobs of those files into this one',
  };
}
