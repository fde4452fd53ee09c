import type { Config, ScrapeConfig } from '../config/scrape-config.ts';
import { DiscoveryPool } from '../discovery/discovery-pool.ts';
import { ConfigError, type Problem } from '../errors.ts';
import type { ApplicationSource } from '../targets/application.ts';
import { describeDrop } from '../targets/drop-reason.ts';
import { targetsFromGroups } from '../targets/from-groups.ts';

export interface TargetFindings {
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Names of jobs of whose targets none can be scraped; a warning says why. */
  readonly unusableJobs: ReadonlySet<string>;
  /** By job's name: what the application names of the targets that were found are taken from. */
  readonly applicationSources: ReadonlyMap<string, ReadonlySet<ApplicationSource>>;
}

const TIMEOUT_MS = 30_000;

/**
 * What is wrong with the targets that a config holds itself or finds in target files: the part of discovery that needs no
 * network. A file that is not there yet, and a target that can't be scraped, are warnings, as neither keeps a scrape from
 * the others.
 */
export async function checkTargets(config: Config, file: string): Promise<TargetFindings> {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  const unusableJobs = new Set<string>();
  const applicationSources = new Map<string, ReadonlySet<ApplicationSource>>();
  const pool = new DiscoveryPool();
  const { signal } = new AbortController();
  for (const job of config.scrapeConfigs) {
    const path = `job ${job.jobName}`;
    const { failures, groups } = await pool.once(withLocalDiscovery(job), { signal, timeoutMs: TIMEOUT_MS });
    for (const failure of failures) {
      if (failure.code === 'SD_FILE_MISSING') warnings.push(problemOf(file, path, failure));
      else errors.push(...(configErrorIn(failure)?.problems ?? [problemOf(file, path, failure)]));
    }
    const found = targetsFromGroups(job, groups);
    for (const rejected of oncePerMessage(found.rejected)) {
      warnings.push(problemOf(file, `${path}: ${rejected.place}`, rejected));
    }
    applicationSources.set(job.jobName, found.applicationSources);
    const isEmpty = found.rejected.length === 0 && found.droppedCount === 0;
    if (found.targets.length > 0 || failures.length > 0 || !isWhole(job, isEmpty)) continue;
    unusableJobs.add(job.jobName);
    const [dropped] = found.dropped;
    if (found.rejected.length > 0 || dropped === undefined) continue;
    warnings.push(
      problemOf(file, path, {
        message: `all of its instances are dropped: ${describeDrop(dropped.reason, job)}`,
        hint: `pyro-pull targets --explain ${file} shows why`,
      }),
    );
  }
  return { errors, warnings, unusableJobs, applicationSources };
}

/** Whether what was found here is all that there is. A target file that lists none now is expected to list some later. */
function isWhole({ discovery }: ScrapeConfig, isEmpty: boolean): boolean {
  return discovery.every((source) => (isEmpty ? source.mechanism === 'static' : isLocal(source)));
}

function isLocal({ mechanism }: ScrapeConfig['discovery'][number]): boolean {
  return mechanism === 'static' || mechanism === 'file';
}

function withLocalDiscovery(job: ScrapeConfig): ScrapeConfig {
  return { ...job, discovery: job.discovery.filter(isLocal) };
}

/** A fault that all targets of a group share is one line, with how many more have it. */
function oncePerMessage<Item extends { readonly message: string; readonly place: string }>(
  items: readonly Item[],
): Item[] {
  const byMessage = new Map<string, Item[]>();
  for (const item of items) {
    const alike = byMessage.get(item.message);
    if (alike) alike.push(item);
    else byMessage.set(item.message, [item]);
  }
  return [...byMessage.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    return [others.length === 0 ? first : { ...first, place: `${first.place} (and ${others.length} more)` }];
  });
}

/** A target file's faults with their places are the cause of what discovery says. */
function configErrorIn(error: unknown): ConfigError | undefined {
  if (error instanceof ConfigError) return error;
  return error instanceof Error && error.cause !== undefined ? configErrorIn(error.cause) : undefined;
}

function problemOf(
  file: string,
  path: string,
  { message, hint }: { readonly message: string; readonly hint: string | undefined },
): Problem {
  return { file, position: undefined, path, message, hint, excerpt: undefined };
}
