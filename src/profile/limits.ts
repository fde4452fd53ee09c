/** The most bytes that a profile may have inflated, unless a config or a flag says otherwise. */
export const DEFAULT_BODY_BYTES = 64 * 1024 * 1024;

/**
 * How much one profile may hold. The limit on its inflated bytes is what users set; all others follow from it. A small body
 * can claim much (an empty sample takes two bytes), so that a limit on bytes alone would not bound the memory.
 */
export interface ProfileLimits {
  /** The limit that the others follow from. */
  readonly maxBytes: number;
  readonly maxSamples: number;
  readonly maxSampleTypes: number;
  /** Bytes of the type or the unit of a sample type. */
  readonly maxTypeBytes: number;
  readonly maxMappings: number;
  readonly maxLocations: number;
  readonly maxFunctions: number;
  readonly maxStrings: number;
  readonly maxComments: number;
  /** Locations of one stack. */
  readonly maxStackDepth: number;
  readonly maxLabelsPerSample: number;
  /** Bytes of memory that the tables of a profile, its values and the states of a delta may take, the profile itself included. */
  readonly maxMemoryBytes: number;
}

/** Times the limit on bytes. With what else a process needs meanwhile it is less than six times. */
const MEMORY_RATIO = 5.5;
/** Less than this is not worth a refusal, however low the limit on bytes is. */
const SMALL_MEMORY_BYTES = 16 * 1024 * 1024;

/**
 * The limits of a profile of at most so many bytes (Infinity: none). Real profiles stay far below them: a sample of Go's
 * runtime takes at least 16 bytes, a location 20.
 */
export function profileLimits(maxBytes: number): ProfileLimits {
  if (known.maxBytes !== maxBytes) known = makeLimits(maxBytes);
  return known;
}

function makeLimits(maxBytes: number): ProfileLimits {
  const oneFor = (bytes: number, atLeast: number): number => Math.max(atLeast, Math.floor(maxBytes / bytes));
  return {
    maxBytes,
    maxSamples: oneFor(8, 1),
    maxSampleTypes: oneFor(65_536, 32),
    maxTypeBytes: oneFor(65_536, 1024),
    maxMappings: oneFor(1024, 1024),
    maxLocations: oneFor(16, 1),
    maxFunctions: oneFor(16, 1),
    maxStrings: oneFor(8, 1),
    maxComments: oneFor(64, 1024),
    maxStackDepth: oneFor(8, 1),
    maxLabelsPerSample: oneFor(64, 1024),
    maxMemoryBytes: Math.max(SMALL_MEMORY_BYTES, maxBytes * MEMORY_RATIO),
  };
}

/** Those that were asked for last: mostly all profiles have the same. */
let known = makeLimits(DEFAULT_BODY_BYTES);

export const DEFAULT_PROFILE_LIMITS: ProfileLimits = known;
