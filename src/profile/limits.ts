/**
 * How much one profile may hold. A small body can claim much (one packed field of n bytes is n stack frames), so that a
 * limit on bytes alone doesn't bound the work. All are far above what runtimes write: Go keeps up to 128 frames a stack
 * and big programs have tens of thousands of samples.
 */
export interface ProfileLimits {
  readonly maxSamples: number;
  readonly maxSampleTypes: number;
  readonly maxMappings: number;
  readonly maxLocations: number;
  readonly maxFunctions: number;
  /** Of comments too. */
  readonly maxStrings: number;
  readonly maxStringBytes: number;
  /** Locations of one stack. */
  readonly maxStackDepth: number;
  readonly maxLabelsPerSample: number;
  /** Locations of all stacks together. */
  readonly maxLocationReferences: number;
}

export const DEFAULT_PROFILE_LIMITS: ProfileLimits = {
  maxSamples: 500_000,
  maxSampleTypes: 32,
  maxMappings: 65_536,
  maxLocations: 1_000_000,
  maxFunctions: 1_000_000,
  maxStrings: 1_000_000,
  maxStringBytes: 1024 * 1024,
  maxStackDepth: 8_192,
  maxLabelsPerSample: 256,
  maxLocationReferences: 32_000_000,
};
