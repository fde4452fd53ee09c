import { ConfigError, type Problem } from '../errors.ts';
import { checkEnv, type Environment, expandEnv, findUnexpanded } from './document/expand-env.ts';
import type { Path } from './document/path.ts';
import { SourceText } from './document/source-text.ts';
import type { TreeNode } from './document/tree.ts';
import { parseYamlTree } from './document/yaml-tree.ts';
import { type FileShape, recognizeShape } from './file-shape.ts';
import { Findings, Reporter } from './findings.ts';
import { normalizeConfig } from './normalize/config.ts';
import { checkRules, type SinkFlags } from './rules/config-rules.ts';
import { config as configSchema } from './schema/config.ts';
import type { FileReference, NormalizeContext } from './schema/context.ts';
import { isIgnoredPath } from './schema/ignored-path.ts';
import { readWritten } from './schema/read-written.ts';
import { compileRules } from './schema/relabel.ts';
import type { Config } from './scrape-config.ts';

export interface ParseOptions {
  /** For messages, and `Config.path`. */
  readonly file: string;
  /** Relative file names in the config count from here. */
  readonly dir: string;
  readonly expandEnv: boolean;
  readonly env: Environment;
  /** Undefined for a command that writes no profiles: where they would go is of no account then. */
  readonly sinkFlags?: SinkFlags | undefined;
}

export interface ParsedConfig {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** Names of jobs that can have no usable target, whatever discovery finds; a warning says why. */
  readonly unusableJobs: ReadonlySet<string>;
}

/** A file that the config names, and the fault to report if it turns out to be unusable. */
export interface ReferencedFile {
  readonly path: string;
  readonly holds: FileReference['holds'];
  readonly problem: (message: string, hint?: string) => Problem;
}

/**
 * Reads a config in three steps: what was written, checked key by key; what it means, with defaults filled in; what its
 * parts may not say together. Throws a `ConfigError` with everything that is wrong in the file. Touches no other file.
 */
export async function parseConfig(text: string, options: ParseOptions): Promise<ParsedConfig> {
  const { config, warnings, unusableJobs } = await parseWithReferences(text, options);
  return { config, warnings, unusableJobs };
}

/** The same, with the files that the config names. */
export async function parseWithReferences(
  text: string,
  options: ParseOptions,
): Promise<ParsedConfig & { readonly references: readonly ReferencedFile[] }> {
  const source = new SourceText(options.file, text);
  const parsed = parseYamlTree(source);
  if (parsed.root === undefined && parsed.problems.length > 0) throw new ConfigError(options.file, parsed.problems);
  const root = options.expandEnv && parsed.root ? expandEnv(parsed.root, options.env) : parsed.root;
  const findings = new Findings(source, root, { isExpanded: options.expandEnv });
  findings.add(parsed.problems, parsed.warnings);

  const shape = recognizeShape(root, findings);
  if (parsed.root && shape) reportEnvironment(parsed.root, shape, findings, options);
  const written = shape && readWritten(configSchema, shape.node, findings, shape.path);
  if (shape === undefined || written === undefined) throw new ConfigError(options.file, findings.errors);

  const report = new Reporter(findings, shape.path);
  const references: FileReference[] = [];
  const compile = await relabelCompiler(text);
  const context: NormalizeContext = {
    dir: options.dir,
    references,
    compileRules: (rules, place) => (compile ? compileRules(rules, place, compile) : []),
    compileOwnRules: (rules) => rules.flatMap((rule) => compile?.(rule).rule ?? []),
  };
  const normalized = normalizeConfig(written, { file: options.file, kind: shape.kind }, report, context);
  const unusableJobs = checkRules(normalized, report, options.sinkFlags);
  if (findings.errors.length > 0) throw new ConfigError(options.file, findings.errors);
  return {
    config: normalized.config,
    warnings: findings.warnings,
    unusableJobs,
    references: references.map(({ path, holds, report }) => ({
      path,
      holds,
      problem: (message, hint) => report.problem(message, hint),
    })),
  };
}

/** What is said of `${NAME}` in the values of a config; not where it means nothing, or nobody could leave it unset. */
function reportEnvironment(written: TreeNode, shape: FileShape, findings: Findings, options: ParseOptions): void {
  const isUnused = (path: Path) => {
    if (path.length <= shape.path.length) return path.some((segment, index) => segment !== shape.path[index]);
    return (
      shape.path.some((segment, index) => segment !== path[index]) ||
      isIgnoredPath(shape.node, path.slice(shape.path.length))
    );
  };
  const { problems, warnings } = options.expandEnv
    ? checkEnv(written, options.env, isUnused)
    : { problems: [], warnings: findUnexpanded(written, isUnused) };
  for (const { path, ...finding } of problems) findings.addError(path, finding);
  for (const { path, ...finding } of warnings) findings.addWarning(path, finding);
}

/** Brings a regular expression engine along, which a config without rules need not pay for. */
async function relabelCompiler(text: string) {
  if (!/relabel[-_]configs|annotation[-_]preset/.test(text)) return undefined;
  return (await import('../labels/compile-rule.ts')).compileRule;
}
