/** What is kept of a snapshot until the next one: flat arrays, 24 bytes a sample with two cumulative columns. */
export interface DeltaState {
  /** Samples of the last snapshot. Vanished ones, kept for a while, come on top. */
  readonly samples: number;
}
