import { parseConfig } from '../config/parse-config.ts';
import { demoScrapeConfigText, startDemoService } from '../selfprofile/demo-service.ts';
import type { ConfigSource } from './config-source.ts';
import type { Io } from './io.ts';

/** Starts the embedded service and gives the config that scrapes it, read by the same parser as every other. */
export async function openDemo(io: Io): Promise<ConfigSource> {
  const service = await startDemoService();
  const text = demoScrapeConfigText(service.address);
  io.stderr.write(
    `demo service on http://${service.address}, scraped with this config:\n${text.replace(/^/gm, '  ').trimEnd()}\n`,
  );
  const { config, warnings } = await parseConfig(text, { file: 'demo', dir: io.cwd, expandEnv: false, env: {} });
  return { config, warnings, close: () => service.close() };
}
