import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type ParseOptions, parseConfig } from '../../src/config/parse-config.ts';
import type { Config, ScrapeConfig } from '../../src/config/scrape-config.ts';
import { ConfigError, type Problem } from '../../src/errors.ts';

/** `line:column path: message (hint)`. */
export function showProblem({ position, path, message, hint }: Problem): string {
  const place = position ? `${position.line}:${position.column} ` : '';
  return `${place}${path === '' ? '' : `${path}: `}${message}${hint === undefined ? '' : ` (${hint})`}`;
}

export interface ConfigVerdict {
  /** Undefined where there are errors. */
  readonly config: Config | undefined;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Parses a config whose files would lie in `/etc/pyro-pull`. */
export async function judgeConfig(
  text: string,
  env?: Readonly<Record<string, string | undefined>>,
  sinkFlags?: ParseOptions['sinkFlags'],
): Promise<ConfigVerdict> {
  const options = { file: 'shop.yml', dir: '/etc/pyro-pull', expandEnv: env !== undefined, env: env ?? {}, sinkFlags };
  try {
    const { config, warnings } = await parseConfig(text, options);
    return { config, errors: [], warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: undefined, errors: error.problems, warnings: [] };
  }
}

export const CONFIG_FIXTURES = new URL('../../fixtures/configs/', import.meta.url);

export function readConfigFixture(name: string): string {
  return readFileSync(new URL(name, CONFIG_FIXTURES), 'utf8');
}

/** The only job of a config whose job has these lines of YAML beside a name, a profile and a target. */
export async function configuredJob(lines: string, head = ''): Promise<ScrapeConfig> {
  const { config, errors } = await judgeConfig(jobYaml(lines, head));
  assert.deepEqual(errors.map(showProblem), []);
  const [job] = config?.scrapeConfigs ?? [];
  assert.ok(job);
  return job;
}

/** What is said of such a config, without places. */
export async function saidOfJob(lines: string, head = ''): Promise<{ errors: string[]; warnings: string[] }> {
  const { errors, warnings } = await judgeConfig(jobYaml(lines, head));
  const say = ({ path, message }: Problem) => `${path.replace('scrape-configs[0]', 'job')}: ${message}`;
  return { errors: errors.map(say), warnings: warnings.map(say) };
}

function jobYaml(lines: string, head: string): string {
  const has = (key: string) => new RegExp(`^${key}:`, 'm').test(lines);
  const job = [
    'job-name: j',
    ...(has('enabled-profiles') || has('profiling-config') ? [] : ['enabled-profiles: [cpu]']),
    ...(has('static-configs') ? [] : ['static-configs: [{targets: ["h:1"]}]']),
    ...lines.split('\n'),
  ];
  return `${head}\nscrape-configs:\n- ${job.join('\n  ')}\n`;
}
