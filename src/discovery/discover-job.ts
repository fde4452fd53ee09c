import { formatDuration } from '../config/duration.ts';
import type { ScrapeConfig } from '../config/scrape-config.ts';
import { DiscoveryError } from '../errors.ts';
import type { Environment } from '../http/proxy.ts';
import { ChangeSignal } from './change-signal.ts';
import type { Discoverer, DiscoveryUpdate } from './discoverer.ts';
import { blockName, createDiscoverer } from './index.ts';
import { UpdateSpacing } from './update-spacing.ts';
import { REAL_TIME, type WaitDeps } from './wait.ts';

export interface DiscoverOptions {
  readonly signal: AbortSignal;
  readonly deps?: WaitDeps;
  /** As `process.env`: where proxies are looked for, and a Kubernetes cluster around this process. Default: nothing. */
  readonly environment?: Environment;
}

/**
 * One full answer of all mechanisms of a job. One that fails, or has not answered after `timeoutMs`, is a failure in the
 * update and leaves the groups of the others. Rejects only when the signal aborts, with its reason.
 */
export async function discoverOnce(
  job: Pick<ScrapeConfig, 'discovery'>,
  { signal, timeoutMs, deps = REAL_TIME, environment = {} }: DiscoverOptions & { readonly timeoutMs: number },
): Promise<DiscoveryUpdate> {
  const discoverers = await createDiscoverers(job, deps, environment);
  return mergeUpdates(await Promise.all(discoverers.map((one) => onceWithin(one, timeoutMs, { signal, deps }))));
}

/**
 * The full answers of all mechanisms of a job together, whenever one of them has news, until the signal. A burst of news comes
 * in steps that grow apart, see `UpdateSpacing`. Failures and
 * warnings are those in force, so a message that was there before is not new.
 */
export async function* discoverJob(
  job: Pick<ScrapeConfig, 'discovery'>,
  { signal, deps = REAL_TIME, environment = {} }: DiscoverOptions,
): AsyncGenerator<DiscoveryUpdate> {
  const discoverers = await createDiscoverers(job, deps, environment);
  const latest: (DiscoveryUpdate | undefined)[] = discoverers.map(() => undefined);
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const change = new ChangeSignal();
  const spacing = new UpdateSpacing();
  let openCount = discoverers.length;
  let hasNews = false;
  let fault: { readonly error: unknown } | undefined;
  const follow = async (discoverer: Discoverer, index: number): Promise<void> => {
    try {
      for await (const update of discoverer.watch(until)) {
        latest[index] = update;
        hasNews = true;
        change.notify();
      }
    } catch (error) {
      fault ??= { error };
    }
    openCount -= 1;
    change.notify();
  };
  const following = discoverers.map(follow);
  try {
    while (openCount > 0) {
      await change.next(until);
      const delayMs = hasNews ? spacing.delayMs(deps.now()) : 0;
      if (delayMs > 0) await deps.sleep(delayMs, until);
      if (fault !== undefined) throw fault.error;
      if (until.aborted) return;
      if (!hasNews) continue;
      hasNews = false;
      spacing.handedOn(deps.now());
      yield mergeUpdates(latest.filter((update) => update !== undefined));
    }
  } finally {
    stop.abort();
    await Promise.all(following);
  }
}

/** Named as in the config: `file-sd-configs[1]`. All static blocks of a job are one. */
async function createDiscoverers(
  job: Pick<ScrapeConfig, 'discovery'>,
  deps: WaitDeps,
  environment: Environment,
): Promise<Discoverer[]> {
  const counts = new Map<string, number>();
  return Promise.all(
    job.discovery.map((config) => {
      const block = blockName(config.mechanism);
      const index = counts.get(block) ?? 0;
      counts.set(block, index + 1);
      return createDiscoverer(config, config.mechanism === 'static' ? block : `${block}[${index}]`, deps, environment);
    }),
  );
}

async function onceWithin(
  discoverer: Discoverer,
  timeoutMs: number,
  { signal, deps }: { readonly signal: AbortSignal; readonly deps: WaitDeps },
): Promise<DiscoveryUpdate> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const timeout = deps.sleep(timeoutMs, both).then(() => {
    signal.throwIfAborted();
    return timedOut(discoverer, timeoutMs);
  });
  const answer = discoverer.once(both);
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    stop.abort();
    // Whichever lost the race may still reject because it was stopped; nobody waits for it any more.
    for (const loser of [answer, timeout]) loser.catch(() => undefined);
  }
}

function timedOut(discoverer: Discoverer, timeoutMs: number): DiscoveryUpdate {
  const message = `${discoverer.name}: no full answer within ${formatDuration(timeoutMs)}`;
  const error = new DiscoveryError('SD_TIMEOUT', message, { hint: 'see --discovery-timeout' });
  return { groups: [], failures: [error], warnings: [] };
}

function mergeUpdates(updates: readonly DiscoveryUpdate[]): DiscoveryUpdate {
  return {
    groups: updates.flatMap(({ groups }) => groups),
    failures: updates.flatMap(({ failures }) => failures),
    warnings: updates.flatMap(({ warnings }) => warnings),
  };
}
