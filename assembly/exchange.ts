// What the two sides tell each other through memory, beside the profile itself: where each thing is, in bytes from the start
// of its block. src/wasm/exchange.ts has the same numbers under the same names.

/** To be raised with each change here: a bundle and a module that were built apart must not be used together. */
export const LAYOUT: i32 = 3;

/** Of an indexed profile. A string is told by where it starts and ends. */
export const header: usize = memory.data(640, 8);
export namespace HEADER {
  export const sampleTypes: usize = 0;
  export const samples: usize = 4;
  export const mappings: usize = 8;
  export const locations: usize = 12;
  export const functions: usize = 16;
  export const strings: usize = 20;
  export const hasPeriodType: usize = 24;
  export const defaultSampleType: usize = 28;
  export const timeNanos: usize = 32;
  export const durationNanos: usize = 40;
  export const period: usize = 48;
  export const defaultSampleTypeText: usize = 56;
  export const periodType: usize = 64;
  export const periodUnit: usize = 72;
  /** For each sample type its type, then its unit. */
  export const firstSampleType: usize = 80;
}

/** What to make a delta of. */
export const request: usize = memory.data(128, 8);
export namespace REQUEST {
  export const seed: usize = 0;
  export const hasBefore: usize = 8;
  export const entries: usize = 12;
  export const samples: usize = 16;
  export const vanished: usize = 20;
  export const patience: usize = 24;
  export const mainMapping: usize = 28;
  export const maxStackDepth: usize = 36;
  export const maxLabels: usize = 40;
  export const maxVanished: usize = 44;
  export const firstPatience: usize = 48;
  export const defaultSampleType: usize = 52;
  export const compresses: usize = 56;
  export const timeNanos: usize = 64;
  export const durationNanos: usize = 72;
}

/** What came of it. */
export const result: usize = memory.data(64, 8);
export namespace RESULT {
  export const samples: usize = 0;
  export const vanished: usize = 4;
  export const entries: usize = 8;
  export const patience: usize = 12;
  export const mainMapping: usize = 16;
  export const isReset: usize = 24;
  export const clamped: usize = 28;
  export const output: usize = 32;
  export const outputBytes: usize = 36;
  export const outputSamples: usize = 40;
}
