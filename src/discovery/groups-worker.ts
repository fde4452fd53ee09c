import { parentPort, workerData } from 'node:worker_threads';
import { parseTargetGroups } from '../config/target-groups.ts';
import { ConfigError } from '../errors.ts';
import type { GroupsMessage, GroupsRequest } from './read-groups.ts';

/** How many targets and labels one message brings: the other thread takes them in without a pause that anybody notices. */
const BATCH = 5000;

/** Parses a list of target groups and hands it over in pieces, each when the one before it was taken. */
async function run({ text, file, format }: GroupsRequest): Promise<void> {
  try {
    const { groups, warnings } = parseTargetGroups(text, { file, format });
    let parts: { index: number; group: (typeof groups)[number] }[] = [];
    let weight = 0;
    for (const [index, group] of groups.entries()) {
      let from = 0;
      do {
        const targets = group.targets.slice(from, from + BATCH);
        parts.push({ index, group: { ...group, targets } });
        weight += targets.length + group.labels.size + 1;
        from += BATCH;
        if (weight >= BATCH) {
          await handOver({ type: 'groups', parts });
          parts = [];
          weight = 0;
        }
      } while (from < group.targets.length);
    }
    await handOver({ type: 'groups', parts });
    parentPort?.postMessage({ type: 'end', warnings } satisfies GroupsMessage);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    parentPort?.postMessage({ type: 'invalid', problems: error.problems.slice(0, 100) } satisfies GroupsMessage);
  }
}

async function handOver(message: GroupsMessage): Promise<void> {
  const taken = new Promise((resolve) => parentPort?.once('message', resolve));
  parentPort?.postMessage(message);
  await taken;
}

// Thrown, so that the thread ends with it.
run(workerData).catch((error: unknown) => {
  setImmediate(() => {
    throw error;
  });
});
