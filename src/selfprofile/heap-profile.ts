import { type HeapProfiler as Protocol, Session } from 'node:inspector';
import { type CallFrame, frameKey, PprofBuilder } from './pprof-builder.ts';

/** Go's MemProfileRate: one sample for about so many bytes allocated. */
const HEAP_SAMPLING_INTERVAL_BYTES = 512 * 1024;
/**
 * How often V8's own store of samples is emptied, which grows with every sample until then (about 200 bytes each). Not
 * more often, as the inspector collects garbage first, all of it: 10 ms for a small heap.
 */
const COLLECT_INTERVAL_MS = 60_000;

export interface HeapProfilerOptions {
  readonly samplingIntervalBytes?: number;
  readonly collectIntervalMs?: number;
}

/**
 * Allocations of the calling thread since `start`, through V8's sampling heap profiler.
 *
 * V8 can either forget a sample when its object is collected or keep it for ever. Kept, they add up to what was ever
 * allocated, which is Go's `alloc_space`: cumulative, never smaller than before. Nothing tells which of them are still
 * alive, and a thread has one such profiler only, so there are no `inuse_*` columns. Nor is there `alloc_objects`: the
 * protocol tells bytes alone, and sizes that differ give equal bytes. Bytes are V8's estimate of all allocations, not
 * only the sampled ones (each sample is scaled by the chance that an object of its size is sampled). Memory outside of
 * the JavaScript heap, such as the contents of Buffers, is not seen.
 */
export class HeapProfiler {
  readonly #session = new Session();
  readonly #samplingIntervalBytes: number;
  readonly #root: AllocationNode = { frame: undefined, bytes: 0, children: new Map() };
  readonly #timer: NodeJS.Timeout;
  #isSampling = false;

  /** Begins to sample. Throws what the inspector says when it can't. */
  static start(options: HeapProfilerOptions = {}): HeapProfiler {
    const profiler = new HeapProfiler(options);
    profiler.#startSampling();
    return profiler;
  }

  private constructor(options: HeapProfilerOptions) {
    this.#samplingIntervalBytes = options.samplingIntervalBytes ?? HEAP_SAMPLING_INTERVAL_BYTES;
    this.#session.connect();
    this.#timer = setInterval(() => this.#collect(), options.collectIntervalMs ?? COLLECT_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Everything allocated since `start`, as pprof, not compressed. Also after `stop`. */
  profile(): Uint8Array {
    if (this.#isSampling) this.#collect();
    return encodeHeapProfile(this.#root, {
      timeNanos: BigInt(Date.now()) * 1_000_000n,
      samplingIntervalBytes: this.#samplingIntervalBytes,
    });
  }

  stop(): void {
    if (!this.#isSampling) return;
    clearInterval(this.#timer);
    this.#stopSampling();
    this.#session.disconnect();
  }

  /**
   * Moves V8's samples into our own sums and begins afresh. The distance to the next sample is drawn without memory
   * (exponentially), so beginning afresh loses nothing and skews nothing. Only what the inspector itself allocates to
   * hand the samples over goes unseen.
   */
  #collect(): void {
    this.#stopSampling();
    this.#startSampling();
  }

  #startSampling(): void {
    const parameters = {
      samplingInterval: this.#samplingIntervalBytes,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    };
    postNow((done) => this.#session.post('HeapProfiler.startSampling', parameters, done));
    this.#isSampling = true;
  }

  #stopSampling(): void {
    this.#isSampling = false;
    const { profile } = postNow<Protocol.StopSamplingReturnType>((done) =>
      this.#session.post('HeapProfiler.stopSampling', done),
    );
    addAllocations(this.#root, profile.head);
  }
}

/** One inspector command, answered before this returns, as a session to its own thread does. */
function postNow<Result = void>(send: (done: (error: Error | null, result: Result) => void) => void): Result {
  const answers: { error: Error | null; result: Result }[] = [];
  send((error, result) => answers.push({ error, result }));
  const [answer] = answers;
  if (!answer) throw new Error('the inspector has not answered');
  if (answer.error) throw answer.error;
  return answer.result;
}

/** Sums of allocated bytes by call stack, over any number of V8's profiles. */
export interface AllocationNode {
  /** Undefined for the root. */
  readonly frame: CallFrame | undefined;
  /** Allocated by this function itself, called this way. */
  bytes: number;
  readonly children: Map<string, AllocationNode>;
}

/** The part of the inspector protocol's `HeapProfiler.SamplingHeapProfileNode` that is read here. */
export interface V8AllocationNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly V8AllocationNode[];
}

/** Adds a tree of V8's to the sums. Node ids of V8 change with every profile; functions don't. */
export function addAllocations(sums: AllocationNode, tree: V8AllocationNode): void {
  sums.bytes += tree.selfSize;
  for (const child of tree.children) {
    const key = frameKey(child.callFrame);
    let node = sums.children.get(key);
    if (!node) {
      node = { frame: child.callFrame, bytes: 0, children: new Map() };
      sums.children.set(key, node);
    }
    addAllocations(node, child);
  }
}

/** One cumulative column, `alloc_space/bytes`; the period is the sampling interval, as in Go. */
export function encodeHeapProfile(
  sums: AllocationNode,
  { timeNanos, samplingIntervalBytes }: { readonly timeNanos: bigint; readonly samplingIntervalBytes: number },
): Uint8Array {
  const builder = new PprofBuilder();
  const visit = (node: AllocationNode, callers: readonly CallFrame[]): void => {
    const stack = node.frame ? [node.frame, ...callers] : callers;
    if (node.bytes > 0) builder.add(stack, [node.bytes]);
    for (const child of node.children.values()) visit(child, stack);
  };
  visit(sums, []);
  return builder.encode({
    sampleTypes: [{ type: 'alloc_space', unit: 'bytes' }],
    periodType: { type: 'space', unit: 'bytes' },
    period: samplingIntervalBytes,
    timeNanos,
    comments: [
      'V8 sampling heap profiler: bytes allocated since it was started; counts and live memory are unknown to it',
    ],
  });
}
