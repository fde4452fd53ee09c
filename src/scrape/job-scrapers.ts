import { isDeepStrictEqual } from 'node:util';
import type { ScrapeConfig } from '../config/scrape-config.ts';
import type { HttpClientOptions } from '../http/client.ts';
import type { Target } from '../targets/target.ts';
import type { ScrapedProfile } from './scraped-profile.ts';
import { createScraper, type Scraper } from './scraper.ts';

/** A scraper for each job, made at its first scrape and kept as long as the job's HTTP settings stay the same. */
export class JobScrapers {
  readonly #options: HttpClientOptions;
  readonly #scrapers = new Map<string, { readonly http: ScrapeConfig['http']; readonly scraper: Scraper }>();

  /** Aborting `options.signal` cancels all scrapes under way. */
  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** Rejects with ScrapeError. */
  scrape(target: Target): Promise<ScrapedProfile> {
    const { job } = target;
    let known = this.#scrapers.get(job.jobName);
    if (!known) {
      known = { http: job.http, scraper: createScraper(job, this.#options) };
      this.#scrapers.set(job.jobName, known);
    }
    return known.scraper.scrape(target);
  }

  /** The config was read again: connections that were made for other settings, or for no job any more, are closed. */
  retain(jobs: readonly ScrapeConfig[]): void {
    const https = new Map(jobs.map(({ jobName, http }) => [jobName, http]));
    for (const [jobName, { http, scraper }] of this.#scrapers) {
      if (isDeepStrictEqual(http, https.get(jobName))) continue;
      scraper.close();
      this.#scrapers.delete(jobName);
    }
  }

  /** Lets scrapes under way end and takes no new ones. */
  close(): void {
    for (const { scraper } of this.#scrapers.values()) scraper.close();
  }
}
