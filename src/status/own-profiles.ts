import { CpuProfiler } from '../selfprofile/cpu-profile.ts';
import { HeapProfiler } from '../selfprofile/heap-profile.ts';
import type { PprofHandlerDeps } from '../selfprofile/pprof-handler.ts';

/** After so long without a request nobody scrapes this process any more. */
const UNASKED_MS = 600_000;

/**
 * The profiles of this process, as long as somebody asks for them. V8's record of allocations has to be fetched now and
 * then, which collects garbage, all of it: a process of hundreds of MiB stands still for that long. So allocations count
 * from the first request for them on, and from the next one after a long time without any.
 */
export class OwnProfiles implements PprofHandlerDeps {
  readonly cpu = new CpuProfiler();
  readonly heap = { profile: (): Uint8Array => this.#profileHeap() };
  #profiler: HeapProfiler | undefined;
  #stopTimer: NodeJS.Timeout | undefined;

  #profileHeap(): Uint8Array {
    this.#profiler ??= HeapProfiler.start();
    clearTimeout(this.#stopTimer);
    this.#stopTimer = setTimeout(() => this.close(), UNASKED_MS).unref();
    return this.#profiler.profile();
  }

  close(): void {
    clearTimeout(this.#stopTimer);
    this.#profiler?.stop();
    this.#profiler = undefined;
  }
}
