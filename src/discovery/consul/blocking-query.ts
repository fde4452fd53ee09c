import type { DiscovererDeps } from '../refresh-meter.ts';
import type { ConsulAnswer } from './consul-api.ts';

/** Consul's advice; also Prometheus's wait. */
const RETRY_MS = 15_000;

export interface BlockingQuery<T> {
  readonly deps: DiscovererDeps;
  /** The least time between two questions: Consul wakes those who wait far more often than something changed. */
  readonly intervalMs: number;
  ask(index: number | undefined, signal: AbortSignal): Promise<ConsulAnswer<T>>;
  /** Called with what is new, and with the answer that follows a failure. */
  onAnswer(answer: ConsulAnswer<T>): void;
  onFailure(error: unknown): void;
}

/** Asks again and again until the signal; the server answers when something changed or its wait is over. */
export async function followQuery<T>(query: BlockingQuery<T>, signal: AbortSignal): Promise<void> {
  const { deps, intervalMs } = query;
  let index: number | undefined;
  let isFailing = false;
  let nextTickMs = deps.now() + intervalMs;
  while (!signal.aborted) {
    try {
      const answer = await query.ask(index, signal);
      if (signal.aborted) return;
      deps.meter?.succeeded();
      if (answer.index !== index || isFailing) query.onAnswer(answer);
      isFailing = false;
      // A lower number means that the server's state began anew; the old one might not be reached for long.
      index = index !== undefined && answer.index < index ? undefined : answer.index;
    } catch (error) {
      if (signal.aborted) return;
      isFailing = true;
      deps.meter?.failed();
      query.onFailure(error);
      await deps.sleep(RETRY_MS, signal);
      continue;
    }
    const nowMs = deps.now();
    // A tick that went by while the server held the question counts, so a long-quiet service is answered at once.
    if (nowMs < nextTickMs) await deps.sleep(nextTickMs - nowMs, signal);
    nextTickMs += Math.max(1, Math.ceil((deps.now() - nextTickMs + 1) / intervalMs)) * intervalMs;
  }
}
