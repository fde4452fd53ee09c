import type { RelabelRule, WrittenRelabelRule } from './relabel.ts';

/** Keys of a rule in the spelling that problems name. */
export type RelabelKey =
  | 'source-labels'
  | 'separator'
  | 'regex'
  | 'modulus'
  | 'target-label'
  | 'replacement'
  | 'action';

/** What is wrong or odd about one key of a rule. The key may be one that is missing: then the place is the rule's own. */
export interface RuleProblem {
  readonly key: RelabelKey;
  readonly message: string;
  readonly hint?: string;
}

export interface CompiledRule {
  /** Undefined where there are problems. */
  readonly rule: RelabelRule | undefined;
  readonly problems: readonly RuleProblem[];
  readonly warnings: readonly RuleProblem[];
}

/**
 * Checks a rule and compiles its pattern. All problems of the rule are reported together. Whatever YAML could not read as
 * the type of its key (a fraction as modulus, a scalar as source-labels) is for the caller to report.
 */
export function compileRule(_written: WrittenRelabelRule): CompiledRule {
  throw new Error('not built yet');
}
