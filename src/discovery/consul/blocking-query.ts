import type { DiscovererDeps } from '../refresh-meter.ts';
import type { ConsulAnswer, Since } from './consul-api.ts';

/** Consul's advice; also Prometheus's wait. */
const RETRY_MS = 15_000;
/** How long the server may hold a question; Prometheus's number. */
const WAIT_MS = 120_000;
/** As long where there may be an answer at once. */
const BRIEF_WAIT_MS = 1_000;

export interface BlockingQuery<T> {
  readonly deps: DiscovererDeps;
  /** The least time between two questions: Consul wakes those who wait far more often than something changed. */
  readonly intervalMs: number;
  ask(since: Since | undefined, signal: AbortSignal): Promise<ConsulAnswer<T>>;
  /** Called with what is new, and with the answer that follows a failure. */
  onAnswer(answer: ConsulAnswer<T>): void;
  onFailure(error: unknown): void;
}

/**
 * Asks again and again until the signal; the server answers when something changed or its wait is over. A server that has just
 * begun anew may be far below the index that we know, and would hold the question for all of the wait. So that is brief after a
 * failure, and after an answer without news that came too soon, which is how an agent ends the questions that it holds when it is
 * stopped.
 */
export async function followQuery<T>(query: BlockingQuery<T>, signal: AbortSignal): Promise<void> {
  const { deps, intervalMs } = query;
  let index: number | undefined;
  let isFailing = false;
  let waitMs = WAIT_MS;
  let nextTickMs = deps.now() + intervalMs;
  while (!signal.aborted) {
    try {
      const askedMs = deps.now();
      const answer = await query.ask(index === undefined ? undefined : { index, waitMs }, signal);
      if (signal.aborted) return;
      deps.meter?.succeeded();
      if (answer.index !== index || isFailing) query.onAnswer(answer);
      isFailing = false;
      const isTooSoon = answer.index === index && deps.now() - askedMs < waitMs;
      waitMs = isTooSoon ? BRIEF_WAIT_MS : WAIT_MS;
      // A lower number means that the server's state began anew; the old one might not be reached for long.
      index = index !== undefined && answer.index < index ? undefined : answer.index;
    } catch (error) {
      if (signal.aborted) return;
      isFailing = true;
      waitMs = BRIEF_WAIT_MS;
      deps.meter?.failed();
      query.onFailure(error);
      await deps.sleep(RETRY_MS, signal);
      continue;
    }
    const nowMs = deps.now();
    // A tick that went by while the server held the question counts, so a long-quiet service is answered at once.
    if (nowMs < nextTickMs) await deps.sleep(Math.min(intervalMs, nextTickMs - nowMs), signal);
    nextTickMs += Math.max(1, Math.ceil((deps.now() - nextTickMs + 1) / intervalMs)) * intervalMs;
  }
}
