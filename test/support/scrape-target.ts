import { DEFAULT_HTTP_CLIENT, type HttpClientConfig } from '../../src/config/http-client-config.ts';
import type { Target } from '../../src/targets/target.ts';
import type { FakeTarget } from './fake-target.ts';
import { finishedProfile } from './finished-profile.ts';

export interface TargetChanges {
  readonly path?: string;
  readonly profileName?: string;
  readonly seconds?: number;
  readonly timeoutMs?: number;
  readonly bodySizeLimitBytes?: number;
  readonly http?: Partial<HttpClientConfig>;
  readonly isExclusive?: boolean;
}

/** One profile of a fake target, of job `shop`; the heap without `seconds` unless told otherwise. */
export function targetAt({ origin, url }: Pick<FakeTarget, 'origin' | 'url'>, changes: TargetChanges = {}): Target {
  const { path = '/debug/pprof/heap', profileName = 'mem', seconds, timeoutMs = 5000 } = changes;
  const { target } = finishedProfile({ profileName });
  return {
    ...target,
    job: {
      ...target.job,
      bodySizeLimitBytes: changes.bodySizeLimitBytes ?? target.job.bodySizeLimitBytes,
      isExclusive: changes.isExclusive ?? false,
      http: { ...DEFAULT_HTTP_CLIENT, ...changes.http },
    },
    url: `${url}${path}`,
    origin,
    pathAndQuery: path,
    scrapeTimeoutMs: timeoutMs,
    seconds,
  };
}
