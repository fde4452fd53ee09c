import type * as z from 'zod/mini';
import { ANNOTATION_PRESETS } from '../annotation-presets.ts';
import { DISCOVERY_BLOCKS, refusedDiscovery } from '../mechanisms/index.ts';
import { MIN_SCRAPE_INTERVAL_MS } from '../scrape-config.ts';
import { httpClientKeys } from './http-client.ts';
import { profilingConfig } from './parca.ts';
import { profiles, queryParams } from './profile.ts';
import { relabelRule } from './relabel.ts';
import { sample } from './sample.ts';
import { boolean, byteSize, duration, integer, text, word } from './scalars.ts';
import { list, mapping, texts } from './structures.ts';

export const scrapeInterval = duration(MIN_SCRAPE_INTERVAL_MS);
/** 0 means the default, as in Prometheus, Parca and the old Pyroscope server. */
export const scrapeTimeout = duration(0);
export const targetLimit = integer({ min: 0n, max: 2n ** 31n });

/** One entry of `scrape-configs`. */
export const job = mapping(
  () => ({
    'job-name': text(),
    'scrape-interval': scrapeInterval,
    'scrape-timeout': scrapeTimeout,
    scheme: word(['http', 'https'], { ignoresCase: true }),
    'body-size-limit': byteSize(),
    'target-limit': targetLimit,
    'enabled-profiles': texts(),
    profiles,
    params: queryParams,
    'use-delta-profiles': boolean(),
    'use-delta-endpoints': boolean(),
    'profiling-config': profilingConfig,
    exclusive: boolean(),
    'on-counter-reset': word(['emit', 'skip']),
    'sample-labels': word(['sanitize', 'drop', 'keep']),
    'annotation-preset': word(ANNOTATION_PRESETS),
    'relabel-configs': list(relabelRule),
    sample,
    ...DISCOVERY_BLOCKS,
    ...httpClientKeys,
  }),
  { isIgnored: isIgnoredJobKey, refused: refusedJobKey },
);

export type WrittenJob = z.output<typeof job>;

/** Prometheus's and Parca's keys that say nothing about profiles. */
const IGNORED: ReadonlySet<string> = new Set([
  'always-scrape-classic-histograms',
  'convert-classic-histograms-to-nhcb',
  'enable-compression',
  'extra-scrape-metrics',
  'fallback-scrape-protocol',
  'honor-labels',
  'honor-timestamps',
  'keep-dropped-targets',
  'label-limit',
  'label-name-length-limit',
  'label-value-length-limit',
  'metric-name-escaping-scheme',
  'metric-name-validation-scheme',
  'metric-relabel-configs',
  'metrics-path',
  'native-histogram-bucket-limit',
  'native-histogram-min-bucket-factor',
  'normalized-addresses',
  'sample-limit',
  'scrape-classic-histograms',
  'scrape-failure-log-file',
  'scrape-native-histograms',
  'scrape-protocols',
  'track-timestamps-staleness',
]);

export function isIgnoredJobKey(key: string): boolean {
  return IGNORED.has(key);
}

function refusedJobKey(key: string, written: string): { message: string; hint: string } | undefined {
  if (key === 'external-labels') {
    return {
      message: `"${written}" is not a key of a job`,
      hint: 'put it at the top, or set labels in static-configs',
    };
  }
  return refusedDiscovery(key, written);
}
