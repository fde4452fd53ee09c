import { ConfigError, type Problem } from '../errors.ts';
import { type Environment, expandEnv, findUnexpanded } from './document/expand-env.ts';
import { SourceText } from './document/source-text.ts';
import type { TreeNode } from './document/tree.ts';
import { parseYamlTree } from './document/yaml-tree.ts';
import { recognizeShape } from './file-shape.ts';
import { Findings, Reporter } from './findings.ts';
import { normalizeConfig } from './normalize/config.ts';
import { checkRules, type SinkFlags } from './rules/config-rules.ts';
import { config as configSchema } from './schema/config.ts';
import type { FileReference, NormalizeContext } from './schema/context.ts';
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
  const { config, warnings } = await parseWithReferences(text, options);
  return { config, warnings };
}

/** The same, with the files that the config names. */
export async function parseWithReferences(
  text: string,
  options: ParseOptions,
): Promise<ParsedConfig & { readonly references: readonly ReferencedFile[] }> {
  const source = new SourceText(options.file, text);
  const parsed = parseYamlTree(source);
  if (parsed.root === undefined && parsed.problems.length > 0) throw new ConfigError(options.file, parsed.problems);
  const { root, findings } = withEnvironment(parsed.root, source, options);
  findings.add(parsed.problems, parsed.warnings);

  const shape = recognizeShape(root, findings);
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
  const normalized = normalizeConfig(written, options.file, report, context);
  checkRules(normalized, report, options.sinkFlags);
  if (findings.errors.length > 0) throw new ConfigError(options.file, findings.errors);
  return {
    config: normalized.config,
    warnings: findings.warnings,
    references: references.map(({ path, holds, report }) => ({
      path,
      holds,
      problem: (message, hint) => report.problem(message, hint),
    })),
  };
}

function withEnvironment(
  written: TreeNode | undefined,
  source: SourceText,
  options: ParseOptions,
): { root: TreeNode | undefined; findings: Findings } {
  const expanded = options.expandEnv && written ? expandEnv(written, options.env) : undefined;
  const root = expanded?.root ?? written;
  const findings = new Findings(source, root);
  for (const { path, ...finding } of expanded?.problems ?? []) findings.addError(path, finding);
  const warnings = expanded?.warnings ?? (written ? findUnexpanded(written) : []);
  for (const { path, ...finding } of warnings) findings.addWarning(path, finding);
  return { root, findings };
}

/** Brings a regular expression engine along, which a config without rules need not pay for. */
async function relabelCompiler(text: string) {
  if (!/relabel[-_]configs|annotation[-_]preset/.test(text)) return undefined;
  return (await import('../labels/compile-rule.ts')).compileRule;
}
