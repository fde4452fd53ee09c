import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshDirectory } from './places.ts';

export interface JobOptions {
  readonly profiles: readonly string[];
  readonly targets: readonly string[];
  /** Further lines of the job, indented by four spaces. */
  readonly more?: string;
}

/** Writes a config with one job, `interop`, and gives its path. */
export function writeConfig({ profiles, targets, more = '' }: JobOptions): string {
  const file = join(freshDirectory('config'), 'pyro-pull.yml');
  writeFileSync(
    file,
    `scrape-configs:
  - job-name: interop
    enabled-profiles: [${profiles.join(', ')}]
    static-configs:
      - application: shop
        targets: ${JSON.stringify(targets)}
${more}`,
  );
  return file;
}
