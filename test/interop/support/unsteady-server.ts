import type { TestContext } from 'node:test';
import {
  type Answer,
  type FakePyroscope,
  type ReceivedProfile,
  startFakePyroscope,
} from '../../support/fake-pyroscope.ts';
import type { Random } from '../../support/random.ts';

/** Of ten answers three to four are bad. */
const MISHAPS: readonly Answer[] = [
  { status: 429 },
  { status: 503, headers: { 'retry-after': '0' } },
  { status: 500 },
  { fault: 'reset' },
  { fault: 'lost' },
  { fault: 'stall' },
  { delayMs: 50 },
];

/** A server at one address that fails at random, and comes and goes. */
export class UnsteadyServer<Id> {
  isSteady = false;
  url = '';
  downs = 0;
  /** Taken, with the answer cut off. */
  readonly lostIds = new Set<Id>();
  readonly #random: Random;
  readonly #idOf: (received: ReceivedProfile) => Id;
  readonly #earlier: ReceivedProfile[] = [];
  #server: FakePyroscope | undefined;

  /** `idOf` tells profiles apart. */
  constructor(random: Random, idOf: (received: ReceivedProfile) => Id) {
    this.#random = random;
    this.#idOf = idOf;
  }

  async open(t: TestContext): Promise<void> {
    this.#server = await startFakePyroscope(t, this.url === '' ? undefined : Number(new URL(this.url).port));
    this.url = this.#server.url;
    this.#server.answer = (received) => {
      const mishap = this.isSteady ? undefined : MISHAPS[this.#random.below(20)];
      if (mishap?.fault === 'lost') this.lostIds.add(this.#idOf(received));
      return mishap ?? {};
    };
  }

  async close(): Promise<void> {
    if (this.#server === undefined) return;
    await this.#server.close();
    this.#earlier.push(...this.#server.received);
    this.#server = undefined;
  }

  async toggle(t: TestContext): Promise<void> {
    if (this.#server === undefined) return this.open(t);
    this.downs += 1;
    return this.close();
  }

  received(): ReceivedProfile[] {
    return [...this.#earlier, ...(this.#server?.received ?? [])];
  }

  /** How often each profile was taken. */
  counts(): Map<Id, number> {
    const counts = new Map<Id, number>();
    for (const received of this.received()) {
      if (!received.isAccepted) continue;
      const id = this.#idOf(received);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }
}
