import type * as z from 'zod/mini';
import type { CompiledRule } from '../../labels/compile-rule.ts';
import type { RelabelRule, WrittenRelabelRule } from '../../labels/relabel.ts';
import { TreeScalar } from '../document/tree.ts';
import type { Reporter } from '../findings.ts';
import { integer, text } from './scalars.ts';
import { mapping, texts } from './structures.ts';

/** These take an explicit null as the empty text, as Go's YAML libraries do, and not as the default. */
const BLANK_KEYS = ['separator', 'regex', 'target-label', 'replacement', 'action'] as const;

export const relabelRule = mapping(
  () => ({
    'source-labels': texts(),
    separator: text(),
    regex: text(),
    modulus: integer({ min: 0n, max: 2n ** 64n - 1n }),
    'target-label': text(),
    replacement: text(),
    action: text(),
  }),
  { keepsNull: BLANK_KEYS },
);

export type WrittenRule = z.output<typeof relabelRule>;

/** The compiler of the rules, which brings a regular expression engine along and is loaded where there are rules only. */
export type CompileRule = (written: WrittenRelabelRule) => CompiledRule;

/** Reports what the compiler says of each rule at the key it is about. Rules with a fault are left out. */
export function compileRules(
  written: readonly (WrittenRule | undefined)[],
  report: Reporter,
  compile: CompileRule,
): readonly RelabelRule[] {
  return written.flatMap((item, index) => {
    if (item === undefined) return [];
    const place = report.at(index);
    const { rule, problems, warnings } = compile(toRelabelRule(item, place.line));
    for (const { key, message, hint } of problems) {
      // A key that is there but could not be read has been reported already, and is no missing key.
      if (place.at(key).isWritten && item[key] === undefined) continue;
      place.at(key).error(message, hint);
    }
    for (const { key, message, hint } of warnings) place.at(key).warn(message, hint);
    if (rule) warnOfBlanks(place);
    return rule ? [rule] : [];
  });
}

function toRelabelRule(written: WrittenRule, line: number | undefined): WrittenRelabelRule {
  return {
    ...(written['source-labels'] !== undefined && { sourceLabels: written['source-labels'] }),
    ...(written.separator !== undefined && { separator: written.separator }),
    ...(written.regex !== undefined && { regex: written.regex }),
    ...(written.modulus !== undefined && { modulus: written.modulus }),
    ...(written['target-label'] !== undefined && { targetLabel: written['target-label'] }),
    ...(written.replacement !== undefined && { replacement: written.replacement }),
    ...(written.action !== undefined && { action: written.action }),
    ...(line !== undefined && { line }),
  };
}

function warnOfBlanks(place: Reporter): void {
  for (const key of BLANK_KEYS) {
    const { node } = place.at(key);
    if (!(node instanceof TreeScalar) || !node.isNull) continue;
    place
      .at(key)
      .warn(
        'is left blank, which means the empty text and not the default',
        'write "" if that is meant, else remove the key',
      );
  }
}
