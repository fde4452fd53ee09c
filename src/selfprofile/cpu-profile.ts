import { type Profiler, Session } from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallFrame, PprofBuilder } from './pprof-builder.ts';

/** Go's rate: 100 samples a second. */
const CPU_SAMPLING_INTERVAL_MICROS = 10_000;

/** Another CPU profile of this thread is being recorded. The message is what Go's handlers answer. */
export class CpuProfilerInUseError extends Error {
  constructor() {
    super('Could not enable CPU profiling: cpu profiling already in use');
    this.name = 'CpuProfilerInUseError';
  }
}

export interface CpuProfilerOptions {
  readonly samplingIntervalMicros?: number;
}

/**
 * CPU profiles of the calling thread through V8's inspector, one at a time as in Go. Other threads of the process
 * (garbage collection helpers, the libuv pool, workers) are not seen.
 */
export class CpuProfiler {
  readonly #samplingIntervalMicros: number;
  #isRecording = false;

  constructor(options: CpuProfilerOptions = {}) {
    this.#samplingIntervalMicros = options.samplingIntervalMicros ?? CPU_SAMPLING_INTERVAL_MICROS;
  }

  /**
   * A profile of the next `durationMs`, as pprof, not compressed. When the signal aborts, profiling stops at once and
   * the promise rejects with the signal's AbortError. Rejects with CpuProfilerInUseError while another is recorded.
   */
  async record(durationMs: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#isRecording) throw new CpuProfilerInUseError();
    this.#isRecording = true;
    const session = new Session();
    session.connect();
    try {
      await post((done) => session.post('Profiler.enable', done));
      const interval = this.#samplingIntervalMicros;
      await post((done) => session.post('Profiler.setSamplingInterval', { interval }, done));
      const timeNanos = BigInt(Date.now()) * 1_000_000n;
      await post((done) => session.post('Profiler.start', done));
      await sleep(durationMs, undefined, signal ? { signal } : {});
      const { profile } = await post<Profiler.StopReturnType>((done) => session.post('Profiler.stop', done));
      return encodeCpuProfile(profile, { timeNanos, samplingIntervalMicros: interval });
    } finally {
      session.disconnect(); // ends a recording that is still going on
      this.#isRecording = false;
    }
  }
}

/** The part of the inspector protocol's `Profiler.Profile` that is read here. Times are microseconds. */
export interface V8CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    /** Samples whose leaf this node is. */
    readonly hitCount?: number | undefined;
    readonly children?: readonly number[] | undefined;
  }[];
  readonly startTime: number;
  readonly endTime: number;
}

/**
 * V8's tree of call frames as a pprof of Go's shape: `samples/count` and `cpu/nanoseconds`.
 *
 * V8 samples on a wall clock and falls behind its interval (by 3 % at 10 ms, 27 % at 1 ms on a busy machine), so the
 * period is the measured one: the duration over all samples, idle ones included. `(idle)`, the wait of the event loop, is
 * then left out: it takes no CPU time. `(program)`, native code that no JavaScript called, and `(garbage collector)` do.
 */
export function encodeCpuProfile(
  profile: V8CpuProfile,
  { timeNanos, samplingIntervalMicros }: { readonly timeNanos: bigint; readonly samplingIntervalMicros: number },
): Uint8Array {
  const durationMicros = Math.max(0, profile.endTime - profile.startTime);
  const taken = profile.nodes.reduce((sum, node) => sum + (node.hitCount ?? 0), 0);
  const periodNanos = Math.round((taken > 0 ? durationMicros / taken : samplingIntervalMicros) * 1_000);

  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const stackOf = (leaf: number): CallFrame[] => {
    const stack: CallFrame[] = [];
    for (let id: number | undefined = leaf; id !== undefined; id = parents.get(id)) {
      const frame = nodes.get(id)?.callFrame;
      if (frame && frame.functionName !== '(root)') stack.push(frame);
    }
    return stack;
  };

  const builder = new PprofBuilder();
  for (const { id, callFrame, hitCount = 0 } of profile.nodes) {
    if (hitCount === 0 || callFrame.functionName === '(idle)') continue;
    builder.add(stackOf(id), [hitCount, hitCount * periodNanos]);
  }
  return builder.encode({
    sampleTypes: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: periodNanos,
    timeNanos,
    durationNanos: BigInt(Math.round(durationMicros * 1_000)),
  });
}

/** One inspector command as a promise. */
function post<Result = void>(send: (done: (error: Error | null, result: Result) => void) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    send((error, result) => (error ? reject(error) : resolve(result)));
  });
}
