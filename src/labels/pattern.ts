/** A compiled regular expression with RE2 semantics that matches whole strings. */
export interface LabelPattern {
  /** As the user wrote it. */
  readonly source: string;
  matches(text: string): boolean;
}
