import type { StaticGroup } from '../config/discovery-config.ts';
import { ADDRESS_LABEL, type LabelSet, NAME_LABEL, SPY_NAME_LABEL, withoutEmpty } from '../labels/label-set.ts';
import type { TargetGroup } from './target-group.ts';

/**
 * A group as people write it, in the form of every mechanism. `application` and `spy-name` become labels of each target
 * where they are given, so they win over the group's labels. `meta` wins over what the group calls the same.
 */
export function targetGroupOf(
  group: StaticGroup,
  source: string,
  { meta = new Map(), socketDir }: { meta?: LabelSet; socketDir?: string | undefined } = {},
): TargetGroup {
  const own = withoutEmpty([
    [NAME_LABEL, group.application ?? ''],
    [SPY_NAME_LABEL, group.spyName ?? ''],
  ]);
  return {
    source,
    targets: group.targets.map((address) => withoutEmpty([[ADDRESS_LABEL, address], ...own])),
    labels: withoutEmpty([...group.labels, ...meta]),
    ...(socketDir === undefined ? {} : { socketDir }),
  };
}
