import type { ScrapeConfig } from '../config/scrape-config.ts';
import { createHttpClient, type HttpClientOptions } from '../http/client.ts';
import type { Target, TargetOrigin } from '../targets/target.ts';
import { type ScrapeOptions, scrapeTarget } from './scrape-target.ts';
import type { ScrapedProfile } from './scraped-profile.ts';

/** Scrapes the targets of one job: all of them share the job's HTTP client, and so its tokens, TLS and connections. */
export interface Scraper {
  /** Rejects with ScrapeError, see `scrapeTarget`. */
  scrape(target: Target, options?: ScrapeOptions): Promise<ScrapedProfile>;
  /** Lets scrapes under way end and closes idle connections; no new scrapes are taken. */
  close(): void;
  /** Cancels scrapes under way, which also stops the profiles that targets are taking for them. */
  destroy(): void;
}

/** Opens nothing before the first scrape. Aborting `options.signal` is `destroy`. */
export function createScraper(job: ScrapeConfig, options: HttpClientOptions = {}): Scraper {
  const client = createHttpClient(job.http, options);
  const plainOrigins = new WeakSet<TargetOrigin>();
  return {
    scrape: (target, scrapeOptions) => scrapeTarget(target, client, { ...scrapeOptions, plainOrigins }),
    close: () => client.close(),
    destroy: () => client.destroy(),
  };
}
