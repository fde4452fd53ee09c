import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Delivery, type DeliveryOptions } from '../../src/sinks/queue/delivery.ts';
import type { EntryMeta } from '../../src/sinks/queue/entry-meta.ts';
import { QueueDirectory } from '../../src/sinks/queue/queue-directory.ts';
import type { QueueEvent } from '../../src/sinks/queue/queue-event.ts';
import type { Verdict } from '../../src/sinks/queue/verdict.ts';
import { FakeClock } from './fake-clock.ts';

interface After {
  after(run: () => Promise<void>): void;
}

export async function scratchDir(t: After): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'pyro-queue-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export function metaOf(changes: Partial<EntryMeta> = {}): EntryMeta {
  return {
    profile: 'cpu',
    labels: new Map([
      ['__name__', 'shop'],
      ['instance', 'a:6060'],
    ]),
    spyName: 'gospy',
    fromNanos: 1_763_805_600_000_000_001n,
    untilNanos: 1_763_805_610_000_000_002n,
    sampleTypes: [{ type: 'samples', unit: 'count' }],
    columns: new Map([['samples', { displayName: 'cpu', units: 'samples', aggregation: 'sum' }]]),
    samples: 3,
    bytes: 4,
    pprofBytes: 100,
    sampleRate: 100,
    queuedAtMs: 1_763_805_611_000,
    file: undefined,
    pushId: undefined,
    refusals: 0,
    answer: undefined,
    ...changes,
  };
}

/** A series of its own for each instance. */
export function labelsOf(instance: string): ReadonlyMap<string, string> {
  return new Map([
    ['__name__', 'shop'],
    ['instance', instance],
  ]);
}

export const BODY = Uint8Array.of(1, 2, 3, 4);

export const ACCEPTED: Verdict = { type: 'accepted' };
export const DOWN: Verdict = { type: 'unavailable', answer: 'connection refused', retryAfterMs: undefined };

export interface DeliveryRig {
  readonly dir: string;
  readonly clock: FakeClock;
  readonly delivery: Delivery;
  readonly events: QueueEvent[];
  /** Bodies in the order in which they were tried. */
  readonly tried: string[];
  /** Files of the queue itself, without locks. */
  files(): Promise<string[]>;
}

/** A queue with a remote that answers as `answer` says; `number` counts attempts from 1. */
export async function startDelivery(
  t: After,
  answer: (meta: EntryMeta, number: number, signal: AbortSignal) => Verdict | Promise<Verdict>,
  changes: Partial<DeliveryOptions> & { readonly dir?: string } = {},
): Promise<DeliveryRig> {
  const { dir = await mkdtemp(join(tmpdir(), 'pyro-queue-')), ...options } = changes;
  const clock = new FakeClock();
  const events: QueueEvent[] = [];
  const tried: string[] = [];
  const { queue, contents } = await QueueDirectory.open(dir, {
    sync: 60_000,
    now: () => clock.now(),
    onSyncError: (error) => {
      throw error;
    },
  });
  const delivery = new Delivery({
    queue,
    contents,
    maxBytes: 1_000_000,
    maxAgeMs: 6 * 3_600_000,
    maxInFlight: 8,
    backoff: { minMs: 500, maxMs: 300_000 },
    deliver: async (meta, body, signal) => {
      tried.push(Buffer.from(body).toString());
      return answer(meta, tried.length, signal);
    },
    onAccepted: () => {},
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  t.after(async () => {
    await delivery.close();
    await rm(dir, { recursive: true, force: true });
  });
  const files = async () => (await readdir(dir)).filter((name) => !name.startsWith('.lock-')).sort();
  return { dir, clock, delivery, events, tried, files };
}

/** Waits, without regard to any clock, until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, what = 'the expected state'): Promise<void> {
  const endsAt = Date.now() + 5_000;
  while (!(await holds())) {
    if (Date.now() > endsAt) throw new Error(`${what} did not come about`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
