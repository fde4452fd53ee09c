// Where things are in what the two sides tell each other through memory, in bytes: as assembly/exchange.ts has it.

/** What `assembly/exchange.ts` calls this layout. */
export const LAYOUT = 3;

/** Of an indexed profile. A string is told by where it starts and ends. */
export const HEADER = {
  sampleTypes: 0,
  samples: 4,
  mappings: 8,
  locations: 12,
  functions: 16,
  strings: 20,
  hasPeriodType: 24,
  /** Its index. */
  defaultSampleType: 28,
  timeNanos: 32,
  durationNanos: 40,
  period: 48,
  defaultSampleTypeText: 56,
  periodType: 64,
  periodUnit: 72,
  /** For each sample type its type, then its unit. */
  firstSampleType: 80,
} as const;

/** What to make a delta of. */
export const REQUEST = {
  seed: 0,
  hasBefore: 8,
  entries: 12,
  samples: 16,
  vanished: 20,
  patience: 24,
  mainMapping: 28,
  maxStackDepth: 36,
  maxLabels: 40,
  maxVanished: 44,
  firstPatience: 48,
  defaultSampleType: 52,
  compresses: 56,
  timeNanos: 64,
  durationNanos: 72,
} as const;

/** What came of it. */
export const RESULT = {
  samples: 0,
  vanished: 4,
  entries: 8,
  patience: 12,
  mainMapping: 16,
  isReset: 24,
  clamped: 28,
  output: 32,
  outputBytes: 36,
  outputSamples: 40,
} as const;

/** What becomes of a column whose values have no place in an entry. */
export const KEEP = -1;
export const DROP = -2;
