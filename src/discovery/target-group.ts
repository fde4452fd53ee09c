import type { LabelSet } from '../labels/label-set.ts';

/** What every discovery mechanism produces: targets that share labels. */
export interface TargetGroup {
  /** Identifies the group across refreshes, unique within one discoverer. */
  readonly source: string;
  /** One label set a target; each holds at least `__address__`. */
  readonly targets: readonly LabelSet[];
  /** Shared by all targets; a target's own label of the same name wins. */
  readonly labels: LabelSet;
  /** Where relative unix sockets of its targets lie. Undefined for a source that may not name sockets of this machine. */
  readonly socketDir?: string | undefined;
}
