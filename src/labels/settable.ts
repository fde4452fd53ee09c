import type { RelabelRule } from './relabel.ts';

/** Whether a rule could set a label of this name, on some target. */
export function couldSet(rule: RelabelRule, label: string): boolean {
  const name = nameSetBy(rule);
  return name !== undefined && (name.isWhole ? name.start === label : label.startsWith(name.start));
}

/** The name of the label that a rule sets, or as much of it as does not depend on the target; undefined for a rule that sets none. */
export function nameSetBy(
  rule: Pick<RelabelRule, 'action' | 'targetLabel' | 'replacement'>,
): { readonly start: string; readonly isWhole: boolean } | undefined {
  switch (rule.action) {
    case 'replace':
      return beforeGroups(rule.targetLabel);
    case 'labelmap':
      return beforeGroups(rule.replacement);
    case 'hashmod':
    case 'lowercase':
    case 'uppercase':
      return { start: rule.targetLabel, isWhole: true };
    default:
      return undefined;
  }
}

function beforeGroups(template: string): { start: string; isWhole: boolean } {
  const dollar = template.indexOf('$');
  return dollar < 0 ? { start: template, isWhole: true } : { start: template.slice(0, dollar), isWhole: false };
}
