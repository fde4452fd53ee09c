import type { LabelSet } from '../labels/label-set.ts';
import type { RelabelRule } from '../labels/relabel.ts';
import type { DiscoveryConfig } from './discovery-config.ts';
import type { FileKind } from './file-kind.ts';
import type { HttpClientConfig } from './http-client-config.ts';
import type { Shard, WrittenShard } from './shard.ts';

/** A whole config file after defaults: what the rest of the program reads. Durations are milliseconds. */
export interface Config {
  /** As given on the command line; `-` for standard input; undefined where there was no file (`scrape host:port`). */
  readonly path: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly externalLabels: LabelSet;
  /** As written; what comes of it where the process runs is in each job. */
  readonly shard: WrittenShard | undefined;
  readonly scrapeConfigs: readonly ScrapeConfig[];
  readonly output: OutputConfig;
  readonly remoteWrite: readonly RemoteWriteConfig[];
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface OutputConfig {
  readonly dir: string | undefined;
  readonly stateDir: string | undefined;
  /** 0 keeps all. */
  readonly maxAgeMs: number;
  /** 0 keeps all. */
  readonly maxBytes: number;
}

/** One job: an entry of `scrape-configs`. */
export interface ScrapeConfig {
  readonly jobName: string;
  /** The system that the file was written for: it decides what rules see, and what stands in for a missing application name. */
  readonly kind: FileKind;
  readonly scheme: 'http' | 'https';
  /** What `__metrics_path__` says to rules that read it; undefined where none does. Nothing is asked for at that path. */
  readonly metricsPath: string | undefined;
  readonly scrapeIntervalMs: number;
  /** Undefined where nobody set one: then each profile gets max(15 s, seconds + 5 s). */
  readonly scrapeTimeoutMs: number | undefined;
  /** Bounds the received and the inflated body alike; Infinity where the user wrote 0. */
  readonly bodySizeLimitBytes: number;
  /** 0 = no limit. */
  readonly targetLimit: number;
  /** Canonical names, in the order written. */
  readonly enabledProfiles: readonly string[];
  /** Every profile that a label could switch on: presets with the user's overrides, and the user's own. */
  readonly profiles: ReadonlyMap<string, ProfileConfig>;
  /** Job-level query parameters, for all profiles. */
  readonly params: QueryParams;
  readonly relabelRules: readonly RelabelRule[];
  readonly discovery: readonly DiscoveryConfig[];
  readonly http: HttpClientConfig;
  readonly onCounterReset: 'emit' | 'skip';
  /** The profiles of one address take turns, as the program takes one profiling request at a time. */
  readonly isExclusive: boolean;
  /** What to do with labels inside a profile's samples that a server refuses. */
  readonly sampleLabels: 'sanitize' | 'drop' | 'keep';
  /** Undefined: all targets. Set for a process, not by its config file. */
  readonly shard: Shard | undefined;
  /** Undefined: all targets. */
  readonly sample: SampleConfig | undefined;
}

/** A part of a job's targets that changes slowly. */
export type SampleConfig = { readonly rotateEveryMs: number } & (
  | { readonly type: 'count'; readonly count: number }
  | { readonly type: 'ratio'; readonly ratio: number }
);

export type QueryParams = ReadonlyMap<string, readonly string[]>;

export interface ProfileConfig {
  /** Canonical name: `cpu`, `mem`, `goroutines` … or the user's own. */
  readonly name: string;
  readonly path: string;
  /** Preset's parameters overridden by the user's; job parameters lie between the two (see `presetParams`). */
  readonly params: QueryParams;
  /** The part of `params` that came from the preset alone, which job-level `params` override. */
  readonly presetParams: QueryParams;
  /** Keyed by pprof sample type name. */
  readonly sampleTypes: ReadonlyMap<string, SampleTypeConfig>;
  /** True where columns that `sampleTypes` does not list are dropped: the user wrote a list and not `all-sample-types`. */
  readonly dropsUnlisted: boolean;
  /** Sample types that the user removed with `null` or `false`. */
  readonly removedSampleTypes: ReadonlySet<string>;
  /** It was configured as an endpoint of godeltaprof; `isDeltaEndpoint` judges the path that is in force. */
  readonly usesDeltaEndpoint: boolean;
  /** For a godeltaprof entry that replaced a preset: where the profile is asked for when a label or user sets `seconds`. */
  readonly standardPath: string | undefined;
  /**
   * For this profile alone, on a copy of what the job's rules left. A target that they drop is not scraped for this profile;
   * address and scheme may become other ones.
   */
  readonly relabelRules: readonly RelabelRule[];
  /** As the user wrote it; undefined: the parameter `debug` of the request decides. */
  readonly format: ProfileFormat | undefined;
}

/** `text`: the answer is a dump for people, as Go's with `debug=2`, and no pprof. */
export type ProfileFormat = 'pprof' | 'text';

export interface SampleTypeConfig {
  readonly units: string | undefined;
  readonly displayName: string | undefined;
  readonly aggregation: 'sum' | 'average';
  /** As the user declared it; undefined where the column's own name and the profile decide. */
  readonly isCumulative: boolean | undefined;
  readonly isSampled: boolean;
}

/** One remote of `remote-write`. */
export interface RemoteWriteConfig {
  readonly url: string;
  /** Unique; also the name of its queue directory. */
  readonly name: string;
  readonly api: 'ingest' | 'push';
  readonly tenantId: string | undefined;
  readonly headers: ReadonlyMap<string, string>;
  readonly timeoutMs: number;
  /** Added to every profile sent here, over equal names (the old server's `tags`). */
  readonly tags: LabelSet;
  readonly writeRelabelRules: readonly RelabelRule[];
  readonly http: HttpClientConfig;
  readonly queue: QueueConfig;
  /** What the server refuses, where its operator has set other limits than the default ones. */
  readonly limits: PushLimits;
}

/** Limits of a Pyroscope server on what it takes; 0: no limit. */
export interface PushLimits {
  /** Inflated. */
  readonly maxProfileBytes: number;
  /** Inflated; a larger profile never fits the server's rate limiter and gets 429 for ever. */
  readonly burstBytes: number;
  readonly maxSamples: number;
  /** Of a series, with those that the server adds and those that samples carry. */
  readonly maxLabelNames: number;
  readonly maxLabelNameBytes: number;
  readonly maxLabelValueBytes: number;
  readonly maxLabelsPerSample: number;
  /** How far back the server's window goes. Older profiles are sent all the same, with a warning. */
  readonly maxAgeMs: number;
}

export interface QueueConfig {
  /** Undefined: `.queue` under the output directory, else under `profiles`. */
  readonly dir: string | undefined;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly maxInFlight: number;
  /** How often the queue is synced to disk; `always` before each entry counts as written. */
  readonly sync: number | 'always';
}

/** Defaults, each once. P = the old Pyroscope server's pull mode. */
export const DEFAULT_SCRAPE_INTERVAL_MS = 10_000; // P
export const CONPROF_SCRAPE_INTERVAL_MS = 60_000;
export const DEFAULT_SCRAPE_TIMEOUT_MS = 15_000; // P, raised per profile where `seconds` needs it
export const TIMEOUT_MARGIN_MS = 5_000; // a CPU profile of N seconds answers after N s plus up to 0.2 s
export const DEFAULT_BODY_SIZE_LIMIT_BYTES = 64 * 1024 * 1024;
export const MIN_SCRAPE_INTERVAL_MS = 1_000; // profiling more often hurts the target

export const DEFAULT_REMOTE_TIMEOUT_MS = 10_000; // P
export const DEFAULT_QUEUE: QueueConfig = {
  dir: undefined,
  maxBytes: 512 * 1024 * 1024,
  maxAgeMs: 6 * 3_600_000,
  minBackoffMs: 500,
  maxBackoffMs: 5 * 60_000,
  maxInFlight: 8,
  sync: 1_000,
};

/** The defaults of Pyroscope 1.x and 2.x, pkg/validation/limits.go. */
export const DEFAULT_PUSH_LIMITS: PushLimits = {
  maxProfileBytes: 4 * 1024 * 1024,
  burstBytes: 2 * 1024 * 1024,
  maxSamples: 16_000,
  maxLabelNames: 30,
  maxLabelNameBytes: 1024,
  maxLabelValueBytes: 2048,
  maxLabelsPerSample: 100,
  maxAgeMs: 3_600_000,
};
