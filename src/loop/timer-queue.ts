/** Time as the loop sees it, so that a test can rule it. */
export interface LoopClock {
  /** Unix milliseconds, for stamps and slots. May be set to any value at any time. */
  now(): number;
  /** Milliseconds that only go forward, for waiting. */
  monotonic(): number;
  /** Calls back once after the time, not earlier than 1 ms before it; gives the way to cancel. */
  schedule(ms: number, run: () => void): () => void;
}

export const SYSTEM_LOOP_CLOCK: LoopClock = {
  now: Date.now,
  monotonic: () => performance.now(),
  schedule(ms, run) {
    const timer = setTimeout(run, Math.ceil(ms));
    return () => clearTimeout(timer);
  },
};

/** Something that waits in the queue. The fields are the queue's; there may be tens of thousands, so nothing wraps them. */
export interface Timer {
  /** Monotonic milliseconds. */
  dueMs: number;
  /** Its place in the heap; -1 while it does not wait. */
  place: number;
  run(): void;
}

/** How soon a change of the wall clock is noticed. Waking up once a second costs nothing that can be measured. */
const LOOK_EVERY_MS = 1000;
/** Less is the work of NTP: slots are computed from the wall clock each time, which makes up for it. */
const JUMP_MS = 500;
/** Node's timers count whole milliseconds and may be early by a part of one. */
const EARLY_MS = 1;

/**
 * All waits of the loop in one binary heap behind one system timer, so that a waiting target costs two fields and a
 * place. Waits are monotonic; a jump of the wall clock is told to `onJump`, which may then put every timer elsewhere.
 */
export class TimerQueue {
  readonly #clock: LoopClock;
  readonly #onJump: () => void;
  readonly #heap: Timer[] = [];
  /** Wall clock minus monotonic clock. */
  #offsetMs: number;
  #wakeMs = Number.POSITIVE_INFINITY;
  #cancelWake: (() => void) | undefined;

  constructor(clock: LoopClock, onJump: () => void) {
    this.#clock = clock;
    this.#onJump = onJump;
    this.#offsetMs = clock.now() - clock.monotonic();
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Has `timer` run at a time of the wall clock as it is now; instead of when it was due, if it waits already. */
  put(timer: Timer, atMs: number): void {
    timer.dueMs = this.#clock.monotonic() + (atMs - this.#clock.now());
    if (timer.place === -1) {
      timer.place = this.#heap.length;
      this.#heap.push(timer);
    }
    this.#settle(timer);
    this.#arm();
  }

  remove(timer: Timer): void {
    const { place } = timer;
    if (place === -1) return;
    const last = this.#heap.pop();
    timer.place = -1;
    if (last === undefined || last === timer) return;
    last.place = place;
    this.#heap[place] = last;
    this.#settle(last);
  }

  clear(): void {
    for (const timer of this.#heap) timer.place = -1;
    this.#heap.length = 0;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wakeMs = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const next = this.#heap[0];
    if (next === undefined) return;
    const nowMs = this.#clock.monotonic();
    const wakeMs = Math.min(next.dueMs, nowMs + LOOK_EVERY_MS);
    // A wake-up that is too early does no harm, so only an earlier one replaces it.
    if (this.#cancelWake && this.#wakeMs <= wakeMs) return;
    this.#cancelWake?.();
    this.#wakeMs = wakeMs;
    this.#cancelWake = this.#clock.schedule(Math.max(0, wakeMs - nowMs), this.#wake);
  }

  readonly #wake = (): void => {
    this.#cancelWake = undefined;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    this.#lookForJump();
    const untilMs = this.#clock.monotonic() + EARLY_MS;
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > untilMs) break;
      this.remove(first);
      first.run();
    }
    this.#arm();
  };

  #lookForJump(): void {
    const offsetMs = this.#clock.now() - this.#clock.monotonic();
    const hasJumped = Math.abs(offsetMs - this.#offsetMs) > JUMP_MS;
    // Slow drift is followed, so that it never adds up to a jump.
    this.#offsetMs = offsetMs;
    if (hasJumped) this.#onJump();
  }

  /** Moves a timer up or down to where its time belongs. */
  #settle(timer: Timer): void {
    const heap = this.#heap;
    const { dueMs } = timer;
    let place = timer.place;
    while (place > 0) {
      const up = (place - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || parent.dueMs <= dueMs) break;
      heap[place] = parent;
      parent.place = place;
      place = up;
    }
    for (;;) {
      const left = 2 * place + 1;
      const right = heap[left + 1];
      let child = heap[left];
      if (child === undefined) break;
      if (right !== undefined && right.dueMs < child.dueMs) child = right;
      if (child.dueMs >= dueMs) break;
      const down = child.place;
      heap[place] = child;
      child.place = place;
      place = down;
    }
    heap[place] = timer;
    timer.place = place;
  }
}
