import type { Discoverer, DiscoveryUpdate } from './discoverer.ts';
import type { DiscovererDeps } from './refresh-meter.ts';
import { isSameUpdate } from './same-update.ts';

/** A source that is asked again and again. It remembers what was last good. */
export interface RefreshedSource {
  /** Everything that is known after asking once more. Rejects only when the signal aborts. */
  refresh(signal: AbortSignal): Promise<DiscoveryUpdate>;
  close(): void;
}

export interface RefreshingOptions {
  readonly name: string;
  readonly intervalMs: number;
  readonly deps: DiscovererDeps;
  /** Called for each run; what the source remembers ends with it. */
  open(): RefreshedSource;
}

/**
 * A discoverer that asks at once and then at every tick of its interval. A failure changes nothing in that rhythm: neither
 * an earlier retry nor a longer wait, as in Prometheus.
 */
export function createRefreshingDiscoverer({ name, intervalMs, deps, open }: RefreshingOptions): Discoverer {
  return {
    name,
    async once(signal) {
      const source = open();
      try {
        const update = await source.refresh(signal);
        signal.throwIfAborted();
        return update;
      } finally {
        source.close();
      }
    },
    async *watch(signal) {
      const source = open();
      let last: DiscoveryUpdate | undefined;
      try {
        while (!signal.aborted) {
          const startedMs = deps.now();
          const update = await refreshUnlessStopped(source, signal);
          if (update === undefined) return;
          if (update.failures.length > 0) deps.meter?.failed();
          else deps.meter?.succeeded();
          if (last === undefined || !isSameUpdate(last, update)) {
            last = update;
            yield update;
          }
          // The wall clock may have been set back meanwhile.
          await deps.sleep(Math.max(1, Math.min(intervalMs, startedMs + intervalMs - deps.now())), signal);
        }
      } finally {
        source.close();
      }
    },
  };
}

async function refreshUnlessStopped(
  source: RefreshedSource,
  signal: AbortSignal,
): Promise<DiscoveryUpdate | undefined> {
  try {
    const update = await source.refresh(signal);
    return signal.aborted ? undefined : update;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
