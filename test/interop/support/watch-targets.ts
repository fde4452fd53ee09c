/**
 * Follows the discovery of a config until it is killed, as a loop does without scraping: a line of JSON for each state of
 * the targets of all jobs.
 *
 *     watch-targets.ts CONFIG
 */
import { writeSync } from 'node:fs';
import { loadConfig } from '../../../src/config/load-config.ts';
import { DiscoveryPool } from '../../../src/discovery/discovery-pool.ts';
import { targetsFromGroups } from '../../../src/targets/from-groups.ts';

const [file = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const pool = new DiscoveryPool({ environment: process.env });
const { config } = await loadConfig(file, { expandEnv: false, env: {} });

await Promise.all(
  config.scrapeConfigs.map(async (job) => {
    for await (const update of pool.watch(job, signal)) {
      const { targets } = targetsFromGroups(job, update.groups);
      const line = {
        job: job.jobName,
        targets: targets.map(({ url, labels }) => ({ url, labels: Object.fromEntries(labels) })),
        failures: update.failures.map(({ message, hint }) => ({ message, hint })),
        warnings: update.warnings,
      };
      writeSync(1, `${JSON.stringify(line)}\n`);
    }
  }),
);
