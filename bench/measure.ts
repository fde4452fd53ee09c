/** One thing to be measured. Runs itself so many times and says what that took, in microseconds of CPU. */
export interface Contestant {
  readonly name: string;
  run(times: number): number | Promise<number>;
}

/**
 * CPU time of this process (all threads: GC and JIT too) for so many calls. No forced collection before them: it would throw
 * away compiled code, and each contestant's share of the ordinary ones belongs to its cost.
 */
export function inProcess(name: string, operation: () => unknown): Contestant {
  return {
    name,
    run(times) {
      const start = process.cpuUsage();
      for (let count = 0; count < times; count++) operation();
      const { user, system } = process.cpuUsage(start);
      return user + system;
    },
  };
}

const WARM_UP_MICROS = 600_000;

export interface MeasureOptions {
  readonly rounds?: number;
  /** How long one contestant's turn should last. */
  readonly turnMicros?: number;
}

/**
 * Microseconds of CPU for one operation of each contestant: the median over rounds in which they take turns, so that
 * whatever else the machine does falls on all of them.
 */
export async function measure(
  contestants: readonly Contestant[],
  { rounds = 9, turnMicros = 60_000 }: MeasureOptions = {},
): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const { name, run } of contestants) {
    // Warm-up, until the compiler has done its work (a loop runs for weeks), then the number of calls that fill a turn.
    let calls = 1;
    let taken = await run(1);
    for (let total = taken; total < WARM_UP_MICROS; total += taken) {
      calls = Math.max(1, Math.min(calls * 8, Math.ceil((turnMicros * calls) / Math.max(1, taken))));
      taken = await run(calls);
    }
    times.set(name, Math.max(1, Math.round((turnMicros * calls) / Math.max(1, taken))));
  }
  const results = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of contestants) {
      const calls = times.get(name) ?? 1;
      results.get(name)?.push((await run(calls)) / calls);
    }
  }
  return new Map([...results].map(([name, values]) => [name, median(values)]));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
