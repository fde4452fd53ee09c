import { formatDuration, parseDuration } from '../config/duration.ts';
import {
  DEFAULT_SCRAPE_TIMEOUT_MS,
  MIN_SCRAPE_INTERVAL_MS,
  type QueryParams,
  type ScrapeConfig,
  TIMEOUT_MARGIN_MS,
} from '../config/scrape-config.ts';
import { ValueError } from '../config/value-error.ts';

/** The timing of one instance, before a profile's `seconds` are known. Milliseconds. */
export interface Timing {
  readonly intervalMs: number;
  /** Undefined where nobody set one. */
  readonly timeoutMs: number | undefined;
}

/** What `__scrape_interval__` and `__scrape_timeout__` say before the rules, so that rules can read them. */
export interface TimingTexts {
  readonly interval: string;
  readonly timeout: string;
}

export function timingTextsOf(job: ScrapeConfig): TimingTexts {
  return {
    interval: formatDuration(job.scrapeIntervalMs),
    timeout: formatDuration(job.scrapeTimeoutMs ?? DEFAULT_SCRAPE_TIMEOUT_MS),
  };
}

/** Labels that still say what the job says are the job's. Throws a `ValueError`. */
export function readTiming(job: ScrapeConfig, texts: TimingTexts, labels: TimingTexts): Timing {
  return {
    intervalMs:
      labels.interval === '' || labels.interval === texts.interval
        ? job.scrapeIntervalMs
        : parseTiming('interval', labels.interval, MIN_SCRAPE_INTERVAL_MS),
    timeoutMs:
      labels.timeout === '' || labels.timeout === texts.timeout
        ? job.scrapeTimeoutMs
        : parseTiming('timeout', labels.timeout, 1),
  };
}

function parseTiming(what: 'interval' | 'timeout', text: string, minMs: number): number {
  const place = `__scrape_${what}__`;
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError(`${place}: ${error.message}`, error.hint ?? '');
  }
  if (ms === 0) throw new ValueError(`scrape ${what} cannot be 0`, `set ${place} to at least ${formatDuration(minMs)}`);
  if (ms < minMs) {
    throw new ValueError(`scrape ${what} ${text} is too short`, `set ${place} to at least ${formatDuration(minMs)}`);
  }
  return ms;
}

/**
 * Seconds that the target measures during the request, or undefined for a profile that answers at once. What a preset
 * asks for shrinks to `presetLimit` (undefined: it is not from a preset); what a user asks for must fit the interval. Throws a `ValueError`.
 */
export function readSeconds(
  profileName: string,
  params: QueryParams,
  { presetLimit, intervalMs }: { presetLimit: number | undefined; intervalMs: number },
): number | undefined {
  const values = params.get('seconds');
  if (values === undefined) return undefined;
  const [text = ''] = values;
  const seconds = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0;
  if (values.length !== 1 || seconds === 0) {
    throw new ValueError(
      `profile ${profileName}: seconds must be one positive whole number, not ${JSON.stringify(values.join(', '))}`,
      'a Go target takes anything else for 30',
    );
  }
  if (presetLimit !== undefined) return Math.min(seconds, presetLimit);
  if (seconds * 1000 > intervalMs) {
    throw new ValueError(
      `profile ${profileName}: seconds=${seconds} is longer than the scrape interval ${formatDuration(intervalMs)}`,
      `set the interval to at least ${seconds}s`,
    );
  }
  return seconds;
}

/** A timeout that was set holds as it is and must leave room for `seconds`; else there is a margin on top. Throws a `ValueError`. */
export function readTimeoutMs(profileName: string, timeoutMs: number | undefined, seconds: number | undefined): number {
  const secondsMs = (seconds ?? 0) * 1000;
  if (timeoutMs === undefined) return Math.max(DEFAULT_SCRAPE_TIMEOUT_MS, secondsMs + TIMEOUT_MARGIN_MS);
  if (timeoutMs > secondsMs) return timeoutMs;
  throw new ValueError(
    `profile ${profileName}: scrape timeout ${formatDuration(timeoutMs)} is not longer than its seconds=${seconds}`,
    `set the timeout to at least ${formatDuration(secondsMs + TIMEOUT_MARGIN_MS)}`,
  );
}
