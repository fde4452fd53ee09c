import { quote } from '../document/tree.ts';
import { ValueError } from '../value-error.ts';

/** A name, with or without the domain of its owner in front: `app`, `app.kubernetes.io/name`. */
const KEY = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?$/;
/** The key of a requirement, and what is asked of it. */
const REQUIREMENT = /^(!?)\s*([\w./-]+)(.*)/s;
const COMPARISON = /^\s*(?:==|=|!=)(.*)$/s;
const MEMBERSHIP = /^\s+(?:in|notin)\s*\(([^()]*)\)$/;
const INEQUALITY = /^\s*[<>]\s*-?\d+$/;

/** The grammar of the API server, which would refuse the whole list: `app=web,tier in (a, b),!canary`. */
export function checkLabelSelector(selector: string): void {
  checkLength(selector);
  for (const requirement of splitOutsideParentheses(selector)) {
    if (isLabelRequirement(requirement.trim())) continue;
    throw new ValueError(
      `${quote(selector)} is not a label selector: ${quote(requirement.trim())} can't be read`,
      'write app=web, app!=web, app, !app or app in (web, api), joined by commas',
    );
  }
}

function isLabelRequirement(requirement: string): boolean {
  const [, negation = '', key = '', rest = ''] = REQUIREMENT.exec(requirement) ?? [];
  if (!KEY.test(key)) return false;
  if (rest === '') return true;
  if (negation !== '') return false;
  const value = COMPARISON.exec(rest)?.[1];
  if (value !== undefined) return VALUE.test(value.trim());
  const set = MEMBERSHIP.exec(rest)?.[1];
  if (set !== undefined) return set.split(',').every((one) => VALUE.test(one.trim()));
  return INEQUALITY.test(rest);
}

/** `status.phase=Running,spec.nodeName!=n1`; a backslash keeps a comma or equals sign in a value. */
export function checkFieldSelector(selector: string): void {
  checkLength(selector);
  for (const requirement of selector.split(/(?<!\\),/)) {
    if (/^\s*[A-Za-z][\w./-]*\s*(?:==|=|!=)(?:[^\\,=]|\\[\\,=])*$/.test(requirement)) continue;
    throw new ValueError(
      `${quote(selector)} is not a field selector: ${quote(requirement.trim())} can't be read`,
      'write status.phase=Running or spec.nodeName!=node-1, joined by commas',
    );
  }
}

/** It has to fit into a URL. */
function checkLength(selector: string): void {
  if (selector.length > 4096) throw new ValueError('the selector is longer than 4096 characters', 'shorten it');
}

function splitOutsideParentheses(selector: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const character of selector) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === ',' && depth === 0) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${character}`);
  }
  return parts;
}
