import type * as z from 'zod/mini';
import { formatDuration } from '../duration.ts';
import type { Reporter } from '../findings.ts';
import type { SampleConfig } from '../scrape-config.ts';
import { ValueError } from '../value-error.ts';
import { duration, integer, scalar } from './scalars.ts';
import { mapping } from './structures.ts';

/** Long enough to see a target's day go by in parts, short enough for a fleet of hundreds to have its turn in days. */
const DEFAULT_ROTATION_MS = 3_600_000;
/** A delta needs two snapshots, and one of them may fail. */
const MIN_INTERVALS = 3;
const DEFAULT_INTERVALS = 10;
/** Choosing takes count x targets; a larger part is as well told by a ratio. */
const MAX_COUNT = 1000n;

export const sample = mapping(() => ({
  count: integer({ min: 1n, max: MAX_COUNT }),
  ratio: ratio(),
  'rotate-every': duration(1000),
}));

type WrittenSample = z.output<typeof sample>;

function ratio() {
  return scalar('a number between 0 and 1', (node) => {
    const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(node.text)?.[1];
    const value = /^(?:\d+(?:\.\d*)?|\.\d+)$/.test(node.text) ? Number(node.text) : Number.NaN;
    if (value > 0 && value <= 1) return value;
    const hint = percent === undefined ? 'as in 0.1 for a tenth' : `write ${Number(percent) / 100}`;
    throw new ValueError(`"${node.text}" is not a number between 0 and 1`, hint);
  });
}

/** Undefined where nothing usable was written. */
export function sampleFrom(
  written: WrittenSample | undefined,
  scrapeIntervalMs: number,
  report: Reporter,
): SampleConfig | undefined {
  if (written === undefined) return undefined;
  const { count, ratio, 'rotate-every': rotateEvery } = written;
  const isWritten = (key: string) => report.at(key).isWritten;
  if (isWritten('count') && isWritten('ratio')) {
    report.at('ratio').error('"count" and "ratio" exclude each other', 'keep one of them', 'key');
  } else if (!isWritten('count') && !isWritten('ratio')) {
    report.error('says not how many', 'add count: 10, or ratio: 0.1', 'key');
  }
  const leastMs = MIN_INTERVALS * scrapeIntervalMs;
  if (rotateEvery !== undefined && rotateEvery < leastMs) {
    report
      .at('rotate-every')
      .error(
        `${formatDuration(rotateEvery)} is too short: a delta needs two snapshots of a target`,
        `write at least ${formatDuration(leastMs)}, ${MIN_INTERVALS} times the scrape interval`,
      );
  }
  const rotateEveryMs = rotateEvery ?? Math.max(DEFAULT_ROTATION_MS, DEFAULT_INTERVALS * scrapeIntervalMs);
  if (count !== undefined) return { type: 'count', count: Number(count), rotateEveryMs };
  return ratio === undefined ? undefined : { type: 'ratio', ratio, rotateEveryMs };
}
