/** One value column of a profile: profile.proto's ValueType with its strings resolved. */
export interface SampleType {
  readonly type: string;
  readonly unit: string;
}
