import type { ScrapeConfig } from '../config/scrape-config.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { redactUrl } from '../safe-text/redact-url.ts';
import { formatHostPort } from './address.ts';
import type { ProfileRequest } from './fan-out.ts';
import type { Target, TargetOrigin } from './target.ts';

/** One address after relabelling: what its profiles share. */
export interface Instance {
  readonly job: ScrapeConfig;
  /** Public ones, sorted by name. */
  readonly labels: LabelSet;
  readonly discoveredLabels: LabelSet;
  readonly spyName: string;
  readonly origin: TargetOrigin;
  readonly intervalMs: number;
  /** Undefined where nobody set one. */
  readonly timeoutMs: number | undefined;
}

/** Scheme, host and port; of a unix socket as it was written, with a colon before the path that follows. */
export function baseUrlOf(origin: TargetOrigin): string {
  if (origin.socketPath !== undefined) return `${origin.scheme === 'https' ? 'https+' : ''}${origin.hostname}:`;
  return `${origin.scheme}://${formatHostPort(origin)}`;
}

/**
 * A target as the loop keeps it: what it shares with the other profiles of its address, and with the same profile of other
 * addresses, is theirs.
 */
export class InstanceTarget implements Target {
  readonly key: string;
  readonly scrapeTimeoutMs: number;
  readonly #instance: Instance;
  readonly #request: ProfileRequest;

  constructor(key: string, instance: Instance, request: ProfileRequest, scrapeTimeoutMs: number) {
    this.key = key;
    this.scrapeTimeoutMs = scrapeTimeoutMs;
    this.#instance = instance;
    this.#request = request;
  }

  get job(): ScrapeConfig {
    return this.#instance.job;
  }

  get profile(): Target['profile'] {
    return this.#request.profile;
  }

  get labels(): LabelSet {
    return this.#instance.labels;
  }

  get discoveredLabels(): LabelSet {
    return this.#instance.discoveredLabels;
  }

  get spyName(): string {
    return this.#instance.spyName;
  }

  get url(): string {
    return redactUrl(baseUrlOf(this.#instance.origin) + this.#request.pathAndQuery);
  }

  get origin(): TargetOrigin {
    return this.#instance.origin;
  }

  get pathAndQuery(): string {
    return this.#request.pathAndQuery;
  }

  get scrapeIntervalMs(): number {
    return this.#instance.intervalMs;
  }

  get format(): Target['format'] {
    return this.#request.format;
  }

  get seconds(): number | undefined {
    return this.#request.seconds;
  }
}
