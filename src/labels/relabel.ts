import { toSimpleLowerCase, toSimpleUpperCase } from './case-mapping.ts';
import { hashMod } from './hash-mod.ts';
import { byName, isLabelName, type LabelSet } from './label-set.ts';
import type { LabelPattern } from './pattern.ts';
import { expandTemplate, type Template } from './template.ts';

/** All eleven actions of Prometheus; Pyroscope's own pull mode knew the first seven. */
export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
  'keepequal',
  'dropequal',
] as const;

export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

/** A rule as the user wrote it: only keys that are there. An explicit null arrives as the empty string. */
export interface WrittenRelabelRule {
  readonly sourceLabels?: readonly string[];
  readonly separator?: string;
  readonly regex?: string;
  readonly modulus?: bigint;
  readonly targetLabel?: string;
  readonly replacement?: string;
  readonly action?: string;
  /** Line of the config file, from 1. */
  readonly line?: number;
  /** The annotation preset that it is part of; undefined for a rule that a user wrote. */
  readonly preset?: string;
}

/** A checked rule, ready to run. Made by `compileRule` only. */
export interface RelabelRule {
  readonly written: WrittenRelabelRule;
  /** Line of the config file, from 1. */
  readonly line: number | undefined;
  readonly action: RelabelAction;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly pattern: LabelPattern;
  readonly modulus: bigint;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly targetTemplate: Template;
  readonly replacementTemplate: Template;
}

export type RelabelResult = { readonly labels: LabelSet } | { readonly droppedBy: number };

/** What one rule did, for `targets --explain`. */
export interface RelabelStep {
  readonly ruleIndex: number;
  readonly rule: RelabelRule;
  readonly before: LabelSet;
  /** Undefined where the rule dropped the target; then this is the last step. */
  readonly after: LabelSet | undefined;
}

/**
 * Runs the rules in order, each on the result of the one before. `droppedBy` is the index of the rule that dropped the
 * target. `warn` hears of labels that a labelmap could not set.
 */
export function relabel(labels: LabelSet, rules: readonly RelabelRule[], warn: Warn = ignore): RelabelResult {
  // Copied only before the first change: most lists begin with a rule that drops most targets.
  let changing: Map<string, string> | undefined;
  for (const [ruleIndex, rule] of rules.entries()) {
    if (isFilter(rule)) {
      if (!passes(rule, changing ?? labels)) return { droppedBy: ruleIndex };
    } else {
      changing ??= new Map(labels);
      change(rule, changing, warn);
    }
  }
  return { labels: changing ?? labels };
}

/** The same as `relabel`, one rule at a time. */
export function* explainRelabel(labels: LabelSet, rules: readonly RelabelRule[]): Generator<RelabelStep> {
  let before = labels;
  for (const [ruleIndex, rule] of rules.entries()) {
    const changing = new Map(before);
    const isKept = !isFilter(rule) || passes(rule, before);
    if (!isFilter(rule)) change(rule, changing, ignore);
    yield { ruleIndex, rule, before, after: isKept ? changing : undefined };
    if (!isKept) return;
    before = changing;
  }
}

type Warn = (message: string) => void;

function ignore(): void {}

export interface Filter extends RelabelRule {
  readonly action: 'keep' | 'drop' | 'keepequal' | 'dropequal';
}

/** Whether the rule can drop a target; all others change its labels. */
export function isFilter(rule: RelabelRule): rule is Filter {
  const { action } = rule;
  return action === 'keep' || action === 'drop' || action === 'keepequal' || action === 'dropequal';
}

function passes(rule: Filter, labels: LabelSet): boolean {
  const value = sourceValue(rule, labels);
  switch (rule.action) {
    case 'keep':
      return rule.pattern.matches(value);
    case 'drop':
      return !rule.pattern.matches(value);
    case 'keepequal':
      return value === (labels.get(rule.targetLabel) ?? '');
    case 'dropequal':
      return value !== (labels.get(rule.targetLabel) ?? '');
  }
}

/** Changes the labels in place. */
function change(rule: Exclude<RelabelRule, Filter>, labels: Map<string, string>, warn: Warn): void {
  switch (rule.action) {
    case 'replace':
      replace(rule, labels);
      return;
    case 'hashmod':
      set(labels, rule.targetLabel, hashMod(sourceValue(rule, labels), rule.modulus));
      return;
    case 'lowercase':
      set(labels, rule.targetLabel, toSimpleLowerCase(sourceValue(rule, labels)));
      return;
    case 'uppercase':
      set(labels, rule.targetLabel, toSimpleUpperCase(sourceValue(rule, labels)));
      return;
    case 'labelmap':
      mapLabels(rule, labels, warn);
      return;
    case 'labeldrop':
      for (const name of labels.keys()) if (rule.pattern.matches(name)) labels.delete(name);
      return;
    case 'labelkeep':
      for (const name of labels.keys()) if (!rule.pattern.matches(name)) labels.delete(name);
      return;
  }
}

function sourceValue({ sourceLabels, separator }: RelabelRule, labels: LabelSet): string {
  let value = '';
  for (const [index, name] of sourceLabels.entries()) {
    if (index > 0) value += separator;
    value += labels.get(name) ?? '';
  }
  return value;
}

function set(labels: Map<string, string>, name: string, value: string): void {
  if (value === '') labels.delete(name);
  else labels.set(name, value);
}

/** A template that expands to something that is no label name leaves everything as it is, as in Prometheus. */
function replace(rule: RelabelRule, labels: Map<string, string>): void {
  const groups = rule.pattern.match(sourceValue(rule, labels));
  if (groups === undefined) return;
  const name = expandTemplate(rule.targetTemplate, groups);
  if (isLabelName(name)) set(labels, name, expandTemplate(rule.replacementTemplate, groups));
}

/** Sees the labels as they were before the rule. Where two names become one, the last in byte order wins. */
function mapLabels(rule: RelabelRule, labels: Map<string, string>, warn: Warn): void {
  const matching: [name: string, value: string][] = [];
  for (const [name, value] of labels) if (rule.pattern.matches(name)) matching.push([name, value]);
  for (const [name, value] of matching.sort(byName)) {
    const mapped = expandTemplate(rule.replacementTemplate, rule.pattern.match(name) ?? []);
    if (isLabelName(mapped)) labels.set(mapped, value);
    else warn(`labelmap can't rename "${name}": "${mapped}" is not a valid label name`);
  }
}
