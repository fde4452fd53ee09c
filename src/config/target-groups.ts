import { ConfigError, type Problem } from '../errors.ts';
import type { StaticGroup } from './discovery-config.ts';
import { parseJsonTree } from './document/json-tree.ts';
import { SourceText, wholeFileProblem } from './document/source-text.ts';
import { parseYamlTree } from './document/yaml-tree.ts';
import { Findings, Reporter } from './findings.ts';
import { readWritten } from './schema/read-written.ts';
import { list } from './schema/structures.ts';
import { groupFrom, targetGroup } from './schema/target-group.ts';

export interface ParsedTargetGroups {
  readonly groups: readonly StaticGroup[];
  readonly warnings: readonly Problem[];
}

const targetGroups = list(targetGroup);

/**
 * Reads a list of target groups, from a discovery file or a discovery service. Throws a `ConfigError` with all that is wrong:
 * one bad group refuses the whole list, as in Prometheus. YAML without content is refused too, although Prometheus takes it
 * for an empty list: it is what a file looks like while it is written. `[]` is the way to say that there are no targets.
 */
export function parseTargetGroups(
  text: string,
  options: { file: string; format: 'yaml' | 'json' },
): ParsedTargetGroups {
  const source = new SourceText(options.file, text);
  const { root, problems, warnings } = options.format === 'json' ? parseJsonTree(source) : parseYamlTree(source);
  if (problems.length > 0) throw new ConfigError(options.file, problems);
  if (root === undefined) throw new ConfigError(options.file, [wholeFileProblem(options.file, EMPTY, EMPTY_HINT)]);
  const findings = new Findings(source, root);
  findings.add([], warnings);
  const written = readWritten(targetGroups, root, findings);
  if (written === undefined || findings.errors.length > 0) throw new ConfigError(options.file, findings.errors);
  const groups = written.flatMap((group, index) => {
    if (group === undefined) return [];
    const { targets } = group;
    if (targets === undefined || targets.length === 0) new Reporter(findings, [index]).warn('has no targets');
    return [groupFrom(group)];
  });
  return { groups, warnings: findings.warnings };
}

const EMPTY = 'the file is empty';
const EMPTY_HINT = 'write [] to say that there are no targets';
