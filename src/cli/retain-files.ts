import { resolve } from 'node:path';
import { Retention, type RetentionLimits } from '../sinks/file/retention.ts';
import type { Io } from './io.ts';
import type { Log } from './log.ts';
import { count, formatBytes } from './render/units.ts';

/**
 * Removes the oldest files of the output directory beyond `output.max-age` and `output.max-bytes`, and says so. What
 * can't be removed is a warning, never a failure. A call while one is under way does nothing.
 */
export function createRetainer(
  outDir: string | undefined,
  limits: () => RetentionLimits,
  { io, log }: { io: Io; log: Log },
): () => Promise<void> {
  if (outDir === undefined) return async () => {};
  const retention = new Retention(resolve(io.cwd, outDir));
  let isRunning = false;
  return async () => {
    const { maxAgeMs, maxBytes } = limits();
    if (isRunning || (maxAgeMs === 0 && maxBytes === 0)) return;
    isRunning = true;
    try {
      const { files, bytes, failed } = await retention.run({ maxAgeMs, maxBytes });
      if (files > 0) log.info(`removed ${count(files, 'old file')} (${formatBytes(bytes)})`, { files, bytes });
      if (failed > 0) log.warn(`${count(failed, 'old file')} could not be removed from ${outDir}`, { failed });
    } catch (error) {
      log.warn(`old files in ${outDir} stay: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      isRunning = false;
    }
  };
}
