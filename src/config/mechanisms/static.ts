import * as z from 'zod/mini';
import type { StaticGroup } from '../discovery-config.ts';
import { TreeScalar } from '../document/tree.ts';
import type { Reporter } from '../findings.ts';
import { list } from '../schema/structures.ts';
import { groupFrom, targetGroup, type WrittenGroup } from '../schema/target-group.ts';
import type { NormalizeBlock } from './block.ts';

/** All groups of a job are one source. */
export const staticConfigs = z.pipe(
  list(targetGroup),
  z.transform((groups): NormalizeBlock => {
    return (report, { dir }) => [
      { mechanism: 'static', groups: groups.flatMap((group, index) => normalizeGroup(group, report.at(index))), dir },
    ];
  }),
);

function normalizeGroup(written: WrittenGroup | undefined, report: Reporter): StaticGroup[] {
  if (written === undefined) return [];
  const group = groupFrom(written);
  const { node } = report.at('targets');
  if (node instanceof TreeScalar && node.isNull && !node.isFaulty) {
    report.at('targets').error('is left blank', 'write targets: ["localhost:6060"], or [] for none', 'key');
    return [];
  }
  const isKnownEmpty = written.targets?.length === 0 || !report.at('targets').isWritten;
  if (group.targets.length === 0 && isKnownEmpty) report.warn('has no targets', 'add targets: [host:port]');
  return [group];
}
