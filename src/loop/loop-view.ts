import type { ScrapeConfig } from '../config/scrape-config.ts';
import type { MechanismView } from '../discovery/shared-source.ts';
import type { DiscoveryError, PyroPullError } from '../errors.ts';
import type { DroppedTarget, RejectedTarget, Target } from '../targets/target.ts';
import type { LoopEvent } from './loop-event.ts';

/** A running loop as the HTTP surface sees it. */
export interface LoopHandle {
  readonly view: LoopView;
  /** Reads the config again. Calls that overlap share the work. Never rejects. */
  reload(): Promise<ReloadResult>;
  /** Calls back at each event until the returned function is called. The listener must be quick and must not throw. */
  subscribe(listener: (event: LoopEvent) => void): () => void;
}

export type ReloadResult = { readonly isGood: true } | { readonly isGood: false; readonly error: PyroPullError };

/** The state of a loop at the moment it is asked. Each call makes new objects; nothing here changes the loop. */
export interface LoopView {
  /** Unix milliseconds. */
  readonly startedAtMs: number;
  /** Every job has had one answer of its discovery. */
  readonly isReady: boolean;
  /** No new scrapes start. */
  readonly isStopping: boolean;
  readonly config: ConfigView;
  jobs(): readonly JobView[];
  /** The sources of targets; several jobs may share one. */
  mechanisms(): readonly MechanismView[];
}

export interface ConfigView {
  /** As given on the command line; undefined where there is no file. */
  readonly path: string | undefined;
  /** When the config in force was read, Unix milliseconds. */
  readonly loadedAtMs: number;
  readonly isLastReloadGood: boolean;
  /** Why the last reload kept the old config; undefined where it was good. */
  readonly lastReloadError: PyroPullError | undefined;
}

export interface JobView {
  readonly name: string;
  /** The config that `dropped` was found with. */
  readonly config: ScrapeConfig;
  /** False before the first answer of its discovery. */
  readonly isDiscovered: boolean;
  readonly discoveryFailures: readonly DiscoveryError[];
  readonly targets: readonly TargetView[];
  /** The first of those that relabelling or a limit dropped. */
  readonly dropped: readonly DroppedTarget[];
  readonly droppedCount: number;
  readonly rejected: readonly RejectedTarget[];
  readonly duplicates: number;
}

export interface TargetView {
  readonly target: Target;
  /** `absent`: the target answers, but has no such profile (404). */
  readonly health: TargetHealth;
  readonly isScraping: boolean;
  /** When the last scrape began, Unix milliseconds; undefined before the first. */
  readonly lastScrapeMs: number | undefined;
  readonly lastDurationMs: number | undefined;
  /** Length of the last good response as received. */
  readonly lastBytes: number | undefined;
  /** Of the last scrape; undefined where all went well. A profile that could not be written leaves the target up. */
  readonly lastError: FailureView | undefined;
  readonly failuresInRow: number;
  /** Undefined while a scrape is under way. */
  readonly nextSlotMs: number | undefined;
  readonly missedSlots: number;
}

/** An error without its stack and the errors behind it, which are two kilobytes for each target of a fleet that is down. */
export type FailureView = Pick<PyroPullError, 'code' | 'message' | 'hint'>;

export type TargetHealth = 'unknown' | 'up' | 'down' | 'absent';
