import { HttpError, ScrapeError } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import type { ResponseHead } from '../http/response.ts';
import type { Target, TargetOrigin } from '../targets/target.ts';
import { checkBody } from './check-body.ts';
import { checkText } from './check-text.ts';
import type { ScrapedProfile } from './scraped-profile.ts';
import { statusError, tlsBehindHint } from './status-error.ts';

export interface ScrapeOptions {
  /** Called when the headers are there: from now on the scrape is work, before it only waited. Must not throw. */
  readonly onHeaders?: ((head: ResponseHead) => void) | undefined;
  /** Origins that have answered over plain HTTP. Those of good answers are added. */
  readonly plainOrigins?: WeakSet<TargetOrigin> | undefined;
}

/**
 * One request for one profile. Rejects with ScrapeError: the codes of HttpError (`TIMEOUT`, `CONNECTION_REFUSED` …), of
 * `statusError`, of `checkBody` and `checkText`. `CANCELLED` is no failure of the target.
 */
export async function scrapeTarget(
  target: Target,
  client: HttpClient,
  { onHeaders, plainOrigins }: ScrapeOptions = {},
): Promise<ScrapedProfile> {
  const { job } = target;
  try {
    const response = await client.request({
      origin: target.origin,
      path: target.pathAndQuery,
      timeoutMs: target.scrapeTimeoutMs,
      maxBodyBytes: job.bodySizeLimitBytes,
      isHeld: waitsForTarget(target),
      onHeaders,
    });
    if (response.status !== 200) throw statusError(target, response);
    if (target.origin.scheme === 'http') plainOrigins?.add(target.origin);
    const check = target.format === 'text' ? checkText : checkBody;
    const content = await check(response.body, response.headers, job.bodySizeLimitBytes);
    const { requestedAtMs, respondedAtMs, monotonicMs, durationMs } = response;
    return { target, content, requestedAtMs, respondedAtMs, monotonicMs, durationMs };
  } catch (error) {
    throw inTermsOfTheJob(error, target, plainOrigins);
  }
}

/** Whether a scrape of this target mostly waits, because the target measures during the request. */
export function waitsForTarget(target: Target): boolean {
  return target.seconds !== undefined;
}

/** Names the setting of the job that an error is about. Errors that are no one's but ours pass unchanged. */
function inTermsOfTheJob(error: unknown, target: Target, plainOrigins?: WeakSet<TargetOrigin>): unknown {
  if (!(error instanceof HttpError) && !(error instanceof ScrapeError)) return error;
  const isPlain = error.code === 'TLS_EXPECTED' && plainOrigins?.has(target.origin) === true;
  const hint = isPlain ? tlsBehindHint(target) : jobHint(error.code, target);
  if (error instanceof ScrapeError && hint === undefined) return error;
  return new ScrapeError(error.code, error.message, { hint: hint ?? error.hint, cause: error });
}

function jobHint(code: string, { job, profile, seconds, scrapeTimeoutMs }: Target): string | undefined {
  switch (code) {
    case 'BODY_TOO_LARGE':
      return `raise body-size-limit of job ${job.jobName} if that is a real profile`;
    case 'TIMEOUT':
      return seconds !== undefined && seconds * 1000 + 1000 > scrapeTimeoutMs
        ? `raise scrape-timeout above the ${seconds}s that ${profile.name} takes`
        : undefined;
    default:
      return undefined;
  }
}
