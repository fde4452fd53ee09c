import type { ScrapedProfile } from '../scrape/scraped-profile.ts';
import { compressedBody } from './compress-profile.ts';
import type { DeltaProfile } from './delta-outcome.ts';
import { msToNanos } from './tracked-target.ts';

/**
 * A text dump as it is passed on: the text, compressed. Its interval is the moment of the answer; where the target measured
 * during the request, it is the request.
 */
export async function textDump({ target, content, ...times }: ScrapedProfile): Promise<DeltaProfile> {
  const { requestedAtMs, respondedAtMs, durationMs } = times;
  const untilMs = target.seconds === undefined ? respondedAtMs : Math.max(respondedAtMs, requestedAtMs + durationMs);
  const fromMs = target.seconds === undefined ? untilMs : Math.min(requestedAtMs, untilMs);
  return {
    kind: 'profile',
    profileKind: 'text',
    body: await compressedBody(content.body),
    fromNanos: msToNanos(fromMs),
    untilNanos: msToNanos(untilMs),
    sampleTypes: [],
    samples: 0,
    isReset: false,
    isPartial: false,
    clamped: 0,
    warnings: [],
  };
}
