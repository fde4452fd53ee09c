import { MAX_MODULUS } from './hash-mod.ts';
import { isLabelName } from './label-set.ts';
import { compilePattern, DEFAULT_PATTERN_SOURCE, type LabelPattern, PatternError } from './pattern.ts';
import { RELABEL_ACTIONS, type RelabelAction, type RelabelRule, type WrittenRelabelRule } from './relabel.ts';
import { isLabelNameTemplate, parseTemplate, resolveTemplate, type TemplatePart } from './template.ts';

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

/** A rule with Prometheus's defaults filled in. */
interface FilledRule {
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: string;
  readonly modulus: bigint;
  readonly targetLabel: string;
  readonly replacement: string;
}

const DEFAULT_SEPARATOR = ';';
const DEFAULT_REPLACEMENT = '$1';
const LABEL_NAME_HINT = 'label names have letters, digits and _ only, and no digit first';

/**
 * Checks a rule and compiles its pattern. All problems of the rule are reported together. Whatever YAML could not read as
 * the type of its key (a fraction as modulus, a scalar as source-labels) is for the caller to report.
 */
export function compileRule(written: WrittenRelabelRule): CompiledRule {
  const filled: FilledRule = {
    sourceLabels: written.sourceLabels ?? [],
    separator: written.separator ?? DEFAULT_SEPARATOR,
    regex: written.regex ?? DEFAULT_PATTERN_SOURCE,
    modulus: written.modulus ?? 0n,
    targetLabel: written.targetLabel ?? '',
    replacement: written.replacement ?? DEFAULT_REPLACEMENT,
  };
  const problems: RuleProblem[] = [];
  const action = findAction(written.action ?? 'replace');
  if (action === undefined) problems.push(unknownAction(written.action ?? ''));
  for (const name of filled.sourceLabels) {
    if (!isLabelName(name)) problems.push(notALabelName('source-labels', name));
  }
  const pattern = compileOrReport(filled.regex, problems);
  if (action !== undefined) problems.push(...ACTION_CHECKS[action](filled, action, written));
  if (action === undefined || pattern === undefined || problems.length > 0) {
    return { rule: undefined, problems, warnings: [] };
  }

  const targetParts = parseTemplate(filled.targetLabel);
  const replacementParts = parseTemplate(filled.replacement);
  const rule: RelabelRule = {
    written,
    line: written.line,
    action,
    ...filled,
    pattern,
    targetTemplate: resolveTemplate(targetParts, pattern.groupCount, pattern.groupNames),
    replacementTemplate: resolveTemplate(replacementParts, pattern.groupCount, pattern.groupNames),
  };
  const warnings = [...ignoredKeys(filled, action)];
  if (action === 'replace') warnings.push(...emptyReferences('target-label', targetParts, pattern));
  if (action === 'replace' || action === 'labelmap') {
    warnings.push(...emptyReferences('replacement', replacementParts, pattern));
  }
  if ((action === 'keep' || action === 'drop') && filled.sourceLabels.length === 0) {
    warnings.push({
      key: 'source-labels',
      message: `action ${action} without source-labels always compares the empty string`,
    });
  }
  return { rule, problems, warnings };
}

function findAction(written: string): RelabelAction | undefined {
  const lower = written.toLowerCase();
  return RELABEL_ACTIONS.find((action) => action === lower);
}

function unknownAction(written: string): RuleProblem {
  return {
    key: 'action',
    message: written === '' ? 'the relabel action is empty' : `unknown relabel action "${written}"`,
    hint: `use one of ${RELABEL_ACTIONS.join(', ')}`,
  };
}

function notALabelName(key: RelabelKey, name: string): RuleProblem {
  return { key, message: `"${name}" is not a valid label name`, hint: LABEL_NAME_HINT };
}

function compileOrReport(source: string, problems: RuleProblem[]): LabelPattern | undefined {
  try {
    return compilePattern(source);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    problems.push({ key: 'regex', message: `invalid regular expression: ${error.message}`, hint: regexHint(source) });
    return undefined;
  }
}

/** Patterns that other engines take are mostly refused for one of these. */
function regexHint(source: string): string {
  if (/\(\?<?[=!]/.test(source)) return 'RE2 has no look-ahead or look-behind; use a keep or drop rule of its own';
  if (/\\[1-9]/.test(source)) return 'RE2 has no backreferences';
  return 'the syntax is RE2, as in Go and Prometheus: https://github.com/google/re2/wiki/Syntax';
}

type ActionCheck = (rule: FilledRule, action: RelabelAction, written: WrittenRelabelRule) => RuleProblem[];

const ACTION_CHECKS: Readonly<Record<RelabelAction, ActionCheck>> = {
  replace: checkReplace,
  keep: () => [],
  drop: () => [],
  hashmod: (rule, action) => [...checkModulus(rule), ...checkFixedTarget(rule, action)],
  labelmap: checkLabelmap,
  labeldrop: checkRegexOnly,
  labelkeep: checkRegexOnly,
  lowercase: checkCase,
  uppercase: checkCase,
  keepequal: checkEqual,
  dropequal: checkEqual,
};

function checkReplace(rule: FilledRule, action: RelabelAction): RuleProblem[] {
  if (rule.targetLabel === '') return [missingTarget(action)];
  return isLabelNameTemplate(rule.targetLabel) ? [] : [invalidTarget(rule.targetLabel, action)];
}

function checkFixedTarget(rule: FilledRule, action: RelabelAction): RuleProblem[] {
  if (rule.targetLabel === '') return [missingTarget(action)];
  return isLabelName(rule.targetLabel) ? [] : [invalidTarget(rule.targetLabel, action)];
}

function checkModulus({ modulus }: FilledRule): RuleProblem[] {
  if (modulus > 0n && modulus <= MAX_MODULUS) return [];
  const message = modulus === 0n ? 'action hashmod needs a modulus' : `modulus ${modulus} is out of range`;
  return [{ key: 'modulus', message, hint: 'give a whole number from 1 to 18446744073709551615' }];
}

function checkLabelmap({ replacement }: FilledRule): RuleProblem[] {
  if (isLabelNameTemplate(replacement)) return [];
  const message = `"${replacement}" is an invalid replacement for action labelmap`;
  return [{ key: 'replacement', message, hint: `it becomes a label name: ${LABEL_NAME_HINT}` }];
}

function checkRegexOnly(rule: FilledRule, action: RelabelAction, written: WrittenRelabelRule): RuleProblem[] {
  const extra = differingKeys(rule).filter((key) => key !== 'regex');
  // An empty list is as wrong as a full one, though it differs from no list in nothing but being written.
  if (written.sourceLabels?.length === 0) extra.unshift('source-labels');
  return extra.map((key) => notAllowed(key, action, 'it looks at label names and takes regex only'));
}

function checkCase(rule: FilledRule, action: RelabelAction): RuleProblem[] {
  const problems = checkFixedTarget(rule, action);
  if (rule.replacement !== DEFAULT_REPLACEMENT) {
    problems.push(notAllowed('replacement', action, 'it takes source-labels, separator and target-label'));
  }
  return problems;
}

function checkEqual(rule: FilledRule, action: RelabelAction): RuleProblem[] {
  const extra = differingKeys(rule).filter((key) => key !== 'source-labels' && key !== 'target-label');
  return [
    ...checkFixedTarget(rule, action),
    ...extra.map((key) => notAllowed(key, action, 'it takes source-labels and target-label only')),
  ];
}

function missingTarget(action: RelabelAction): RuleProblem {
  return { key: 'target-label', message: `action ${action} needs a target-label` };
}

function invalidTarget(target: string, action: RelabelAction): RuleProblem {
  const message = `"${target}" is an invalid target-label for action ${action}`;
  const isTemplate = target.includes('$') && action !== 'replace';
  return {
    key: 'target-label',
    message,
    hint: isTemplate ? 'only action replace takes a template here' : LABEL_NAME_HINT,
  };
}

function notAllowed(key: RelabelKey, action: RelabelAction, hint: string): RuleProblem {
  return { key, message: `action ${action} can't have ${key}`, hint };
}

/** A key written out with its default counts as not written, as in Prometheus. */
function differingKeys(rule: FilledRule): RelabelKey[] {
  const keys: RelabelKey[] = [];
  if (rule.sourceLabels.length > 0) keys.push('source-labels');
  if (rule.separator !== DEFAULT_SEPARATOR) keys.push('separator');
  if (rule.regex !== DEFAULT_PATTERN_SOURCE) keys.push('regex');
  if (rule.modulus !== 0n) keys.push('modulus');
  if (rule.targetLabel !== '') keys.push('target-label');
  if (rule.replacement !== DEFAULT_REPLACEMENT) keys.push('replacement');
  return keys;
}

/** Keys that an action takes without a word and never reads. */
const IGNORED_KEYS: Readonly<Partial<Record<RelabelAction, readonly RelabelKey[]>>> = {
  replace: ['modulus'],
  keep: ['modulus', 'target-label', 'replacement'],
  drop: ['modulus', 'target-label', 'replacement'],
  hashmod: ['regex', 'replacement'],
  labelmap: ['source-labels', 'separator', 'modulus', 'target-label'],
  lowercase: ['regex', 'modulus'],
  uppercase: ['regex', 'modulus'],
};

function ignoredKeys(rule: FilledRule, action: RelabelAction): RuleProblem[] {
  const ignored = IGNORED_KEYS[action] ?? [];
  return differingKeys(rule)
    .filter((key) => ignored.includes(key))
    .map((key) => ({ key, message: `${key} has no effect with action ${action}` }));
}

/** `$1x` instead of `${1}x` is the common slip: legal, and always empty. */
function emptyReferences(key: RelabelKey, parts: readonly TemplatePart[], pattern: LabelPattern): RuleProblem[] {
  const warnings: RuleProblem[] = [];
  for (const part of parts) {
    if (typeof part === 'string') continue;
    const { group } = part;
    if (typeof group === 'number' ? group <= pattern.groupCount : pattern.groupNames.has(group)) continue;
    const start = /^[0-9]+/.exec(String(group))?.[0];
    const message = `$${group} is always empty: the regex has no such group`;
    warnings.push(
      start === undefined || typeof group === 'number'
        ? { key, message }
        : { key, message, hint: `write \${${start}}${group.slice(start.length)} for group ${start} followed by text` },
    );
  }
  return warnings;
}
