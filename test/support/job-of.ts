import assert from 'node:assert/strict';
import { parseConfig } from '../../src/config/parse-config.ts';
import type { ScrapeConfig } from '../../src/config/scrape-config.ts';
import type { TargetGroup } from '../../src/discovery/target-group.ts';
import { targetGroupOf } from '../../src/discovery/target-group-of.ts';

/** Keys and values as in a config file. */
export type WrittenJob = Readonly<Record<string, unknown>>;

/** The job that a config file with these keys gives. */
export async function jobOf(written: WrittenJob): Promise<ScrapeConfig> {
  const job = { 'job-name': 'j', 'enabled-profiles': ['cpu', 'mem'], ...written };
  // A job that enables nothing is an error unless a label could still do it.
  const statics = { targets: [], labels: { __profile_cpu_enabled: 'false' } };
  const text = JSON.stringify({ 'scrape-configs': [{ 'static-configs': [statics], ...job }] });
  const { config } = await parseConfig(text, { file: 'test.yml', dir: '.', expandEnv: false, env: {} });
  const [only] = config.scrapeConfigs;
  assert.ok(only !== undefined);
  return only;
}

export interface WrittenGroup {
  readonly targets?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly application?: string;
  readonly 'spy-name'?: string;
}

/** The group that a discovery file with these keys gives, where it lets them pass. */
export function groupOf(written: WrittenGroup): TargetGroup {
  const group = {
    targets: written.targets ?? [],
    labels: new Map(Object.entries(written.labels ?? {})),
    application: written.application,
    spyName: written['spy-name'],
  };
  return targetGroupOf(group, '0');
}
