import type { ScrapedProfile } from '../scrape/scraped-profile.ts';
import type { DeltaOutcome } from './delta-outcome.ts';

/** Frees the bytes of a response that has been looked at, but for what is passed on of it. They are empty afterwards. */
export function releaseScraped({ content }: ScrapedProfile, outcome: DeltaOutcome): void {
  content.release(outcome.kind === 'profile' ? outcome.body : undefined);
}
