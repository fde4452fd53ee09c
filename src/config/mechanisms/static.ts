import * as z from 'zod/mini';
import type { StaticGroup } from '../discovery-config.ts';
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
  const isKnownEmpty = written.targets?.length === 0 || !report.at('targets').isWritten;
  if (group.targets.length === 0 && isKnownEmpty) report.warn('has no targets', 'add targets: [host:port]');
  return [group];
}
