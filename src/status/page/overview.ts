/**
 * What the page shows at one moment, as JSON. Of the targets only those that the page asked for: a loop can have very many.
 * This file is read by both sides, so it imports nothing.
 */
export interface Overview {
  readonly version: string;
  /** Unix milliseconds, like all times here. */
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly state: 'starting' | 'running' | 'stopping';
  readonly config: {
    readonly path?: string;
    readonly loadedAtMs: number;
    /** Why the last reload kept the old config. */
    readonly error?: string;
  };
  /** Of all targets, whatever the filter. */
  readonly counts: HealthCounts;
  readonly remotes: readonly RemoteSummary[];
  /** The sources of targets, but for those that stand in the config. */
  readonly mechanisms: readonly MechanismSummary[];
  readonly jobs: readonly JobOverview[];
}

export const HEALTHS = ['up', 'down', 'absent', 'unknown'] as const;
export type Health = (typeof HEALTHS)[number];
export type HealthCounts = Readonly<Record<Health, number>>;

export interface RemoteSummary {
  readonly name: string;
  readonly url: string;
  readonly state: 'up' | 'down' | 'paused';
  readonly lastFailure?: string;
  readonly queued: number;
  readonly queuedBytes: number;
  readonly maxBytes: number;
  readonly inFlight: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly retries: number;
  readonly dropped: number;
}

export interface MechanismSummary {
  /** `kubernetes-sd-configs[0]`. */
  readonly name: string;
  readonly jobs: readonly string[];
  /** Before relabelling. */
  readonly targets: number;
  readonly lastSuccessMs?: number;
  readonly refreshes: number;
  readonly failedRefreshes: number;
  readonly failures: readonly Problem[];
}

export interface JobOverview {
  readonly name: string;
  readonly isDiscovered: boolean;
  /** Of all its targets, whatever the filter. */
  readonly counts: HealthCounts;
  /** How many of them the filter lets through. */
  readonly matching: number;
  /** Whether its targets are shown; `rows` is empty where not. */
  readonly isOpen: boolean;
  /** The first of those that match, what needs attention first. */
  readonly rows: readonly TargetRow[];
  readonly rejected: readonly Problem[];
  readonly droppedCount: number;
  /** The first of them, where the page has asked for them. */
  readonly dropped: readonly DroppedRow[];
  readonly duplicates: number;
}

export interface Problem {
  readonly message: string;
  readonly hint?: string;
}

export interface DroppedRow {
  readonly reason: string;
  readonly labels: Labels;
}

export interface TargetRow {
  readonly key: string;
  readonly health: Health;
  readonly isScraping: boolean;
  readonly instance: string;
  /** The application's name. */
  readonly service: string;
  readonly profile: string;
  /** Without those that have a field of their own. */
  readonly labels: Labels;
  readonly intervalMs: number;
  readonly lastScrapeMs?: number;
  readonly durationMs?: number;
  readonly bytes?: number;
  readonly nextMs?: number;
  readonly missed: number;
  readonly failures: number;
  readonly error?: Problem;
  /** Where the page has asked for them. */
  readonly details?: TargetDetails;
}

export interface TargetDetails {
  readonly url: string;
  readonly timeoutMs: number;
  readonly labels: Labels;
  readonly discoveredLabels: Labels;
}

export type Labels = readonly (readonly [name: string, value: string])[];
