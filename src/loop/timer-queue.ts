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

/** Something that waits in the queue. There may be tens of thousands, so nothing wraps them. */
export interface Timer {
  /** Its place in the heap, which is the queue's business; -1 while it does not wait. */
  place: number;
  run(slotMs: number): void;
}

/** How soon a change of the wall clock is noticed. Waking up once a second costs nothing that can be measured. */
const LOOK_EVERY_MS = 1000;
/** Less is the work of NTP: slots are computed from the wall clock each time, which makes up for it. */
const JUMP_MS = 500;
/** Node's timers count whole milliseconds and may be early by a part of one. */
const EARLY_MS = 1;

/**
 * All waits of the loop in one binary heap behind one system timer, so that a waiting target costs a field and
 * three places. Waits are monotonic; a jump of the wall clock is told to `onJump`, which may then put every timer elsewhere.
 */
export class TimerQueue {
  readonly #clock: LoopClock;
  readonly #onJump: () => void;
  readonly #heap: Timer[] = [];
  /** Of each in the heap, monotonic milliseconds. In arrays of their own, where V8 has no object for each number. */
  readonly #dueMs: number[] = [];
  readonly #slotMs: number[] = [];
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

  /**
   * Has `timer` run at a time of the wall clock as it is now; instead of when it was due, if it waits already. It is told the
   * slot that it waited for.
   */
  put(timer: Timer, atMs: number, slotMs = atMs): void {
    const dueMs = this.#clock.monotonic() + (atMs - this.#clock.now());
    this.#settle(timer, timer.place === -1 ? this.#heap.length : timer.place, dueMs, slotMs);
    this.#arm();
  }

  /** The slot that it waits for; undefined while it does not wait. */
  slotOf({ place }: Timer): number | undefined {
    return this.#slotMs[place];
  }

  remove(timer: Timer): void {
    const { place } = timer;
    if (place === -1) return;
    timer.place = -1;
    const last = this.#heap.pop();
    const dueMs = this.#dueMs.pop();
    const slotMs = this.#slotMs.pop();
    if (last === undefined || dueMs === undefined || slotMs === undefined || last === timer) return;
    this.#settle(last, place, dueMs, slotMs);
  }

  clear(): void {
    for (const timer of this.#heap) timer.place = -1;
    for (const places of [this.#heap, this.#dueMs, this.#slotMs]) places.length = 0;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wakeMs = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const nextMs = this.#dueMs[0];
    if (nextMs === undefined) return;
    const nowMs = this.#clock.monotonic();
    const wakeMs = Math.min(nextMs, nowMs + LOOK_EVERY_MS);
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
      const [first] = this.#heap;
      const [dueMs = 0] = this.#dueMs;
      const [slotMs = 0] = this.#slotMs;
      if (first === undefined || dueMs > untilMs) break;
      this.remove(first);
      first.run(slotMs);
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

  /** Puts a timer where its time belongs, up or down from a place that is free. */
  #settle(timer: Timer, free: number, dueMs: number, slotMs: number): void {
    const due = this.#dueMs;
    let place = free;
    while (place > 0) {
      const up = (place - 1) >> 1;
      if (due[up]! <= dueMs) break;
      this.#move(up, place);
      place = up;
    }
    for (;;) {
      let child = 2 * place + 1;
      if (child >= due.length) break;
      if (child + 1 < due.length && due[child + 1]! < due[child]!) child += 1;
      if (due[child]! >= dueMs) break;
      this.#move(child, place);
      place = child;
    }
    this.#set(place, timer, dueMs, slotMs);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#heap[from]!, this.#dueMs[from]!, this.#slotMs[from]!);
  }

  #set(place: number, timer: Timer, dueMs: number, slotMs: number): void {
    this.#heap[place] = timer;
    this.#dueMs[place] = dueMs;
    this.#slotMs[place] = slotMs;
    timer.place = place;
  }
}
