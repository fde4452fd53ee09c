import type { LabelSet } from './label-set.ts';
import type { LabelPattern } from './pattern.ts';

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

/** Runs the rules in order, each on the result of the one before. `droppedBy` is the index of the rule that dropped the target. */
export function relabel(
  _labels: LabelSet,
  _rules: readonly RelabelRule[],
  _warn?: (message: string) => void,
): RelabelResult {
  throw new Error('not built yet');
}

/** The same as `relabel`, one rule at a time. */
export function* explainRelabel(_labels: LabelSet, _rules: readonly RelabelRule[]): Generator<RelabelStep> {
  yield* [];
}
