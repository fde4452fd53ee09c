import * as z from 'zod/mini';
import type { Path } from '../document/path.ts';
import { findPlace } from '../document/path.ts';
import type { TreeNode } from '../document/tree.ts';
import type { Findings } from '../findings.ts';

/**
 * What a schema makes of a node. Faults are reported and left out of the result, so that one fault does not hide another:
 * the schema runs again without what was found faulty, until nothing new turns up. Undefined where the node itself is of
 * the wrong sort.
 */
export function readWritten<T>(
  schema: z.ZodMiniType<T, unknown>,
  node: TreeNode,
  findings: Findings,
  path: Path = [],
): T | undefined {
  for (;;) {
    const result = z.safeParse(schema, node);
    if (result.success) return result.data;
    let hasNews = false;
    for (const issue of result.error.issues) {
      const faulty = findPlace(node, segmentsOf(issue)).node;
      if (faulty === undefined || faulty.isFaulty) continue;
      faulty.isFaulty = true;
      hasNews = true;
      const { hint, at } = issue.code === 'custom' ? (issue.params ?? {}) : {};
      findings.addError([...path, ...segmentsOf(issue)], {
        message: issue.message,
        hint: typeof hint === 'string' ? hint : undefined,
        at: at === 'key' ? 'key' : undefined,
      });
    }
    if (node.isFaulty || !hasNews) return undefined;
  }
}

function segmentsOf(issue: z.core.$ZodIssue): Path {
  return issue.path.filter((segment) => typeof segment !== 'symbol');
}
