import { freeNow } from '../profile/free-now.ts';
import type { ScrapedProfile } from '../scrape/scraped-profile.ts';
import type { DeltaOutcome } from './delta-outcome.ts';

/** Frees the bytes of a response that has been looked at, but for what is passed on of it. They are empty afterwards. */
export function releaseScraped({ body, pprof }: ScrapedProfile, outcome: DeltaOutcome): void {
  const passedOn = outcome.kind === 'profile' ? outcome.body.buffer : undefined;
  for (const bytes of new Set([body, pprof])) if (bytes.buffer !== passedOn) freeNow(bytes);
}
