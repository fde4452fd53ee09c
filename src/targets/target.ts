import type { ProfileConfig, ProfileFormat, ScrapeConfig } from '../config/scrape-config.ts';
import type { LabelSet } from '../labels/label-set.ts';

/** One profile of one instance: an address with five enabled profiles is five targets. Immutable. */
export interface Target {
  /**
   * Hex of the 64-bit FNV-1a over public labels and URL: all that tells two targets apart. The same key after a refresh
   * is the same target. It also fixes the target's phase inside the scrape interval.
   */
  readonly key: string;
  readonly job: ScrapeConfig;
  readonly profile: ProfileConfig;
  /** After relabelling: no `__` names except `__name__`. Sorted by name. */
  readonly labels: LabelSet;
  /** Before relabelling, for `targets --explain`. */
  readonly discoveredLabels: LabelSet;
  readonly spyName: string;
  /** `http://host:port/path?query`, for messages and the index: secrets in the query are not shown. */
  readonly url: string;
  readonly origin: TargetOrigin;
  /** Path and query as requested. */
  readonly pathAndQuery: string;
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  /** Length of the measurement that the target makes during the request; undefined for a snapshot. */
  readonly seconds: number | undefined;
  /** `text`: the answer is a dump for people, kept as it is. */
  readonly format: ProfileFormat;
}

/** Where to connect. Kept in parts because `URL` drops default ports and refuses IPv6 zones. */
export interface TargetOrigin {
  readonly scheme: 'http' | 'https';
  /** Without brackets: `::1`. Of a unix socket: as it was written, `unix:///run/app.sock`. */
  readonly hostname: string;
  /** Of a unix socket: 0. */
  readonly port: number;
  /** The file of a unix socket. */
  readonly socketPath?: string | undefined;
}

/** Why a discovered target is not scraped although nothing is wrong with it. */
export interface DroppedTarget {
  readonly jobName: string;
  readonly discoveredLabels: LabelSet;
  readonly reason: DropReason;
}

export type DropReason =
  | { readonly type: 'relabel'; readonly ruleIndex: number }
  | { readonly type: 'no-profile-enabled' }
  /** It belongs to another process. */
  | { readonly type: 'shard'; readonly shard: number }
  /** Its turn will come. */
  | { readonly type: 'sample' }
  | { readonly type: 'target-limit'; readonly limit: number };

/** A discovered target that cannot be scraped because something is wrong with it. */
export interface RejectedTarget {
  readonly jobName: string;
  readonly discoveredLabels: LabelSet;
  /** `instance 2 in group targets.json:0`. */
  readonly place: string;
  readonly message: string;
  readonly hint: string | undefined;
}
