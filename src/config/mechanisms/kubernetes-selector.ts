import { quote } from '../document/tree.ts';
import { ValueError } from '../value-error.ts';

const KEY = String.raw`(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?`;
const VALUE = '(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?';
const REQUIREMENT = [
  String.raw`!?\s*${KEY}`,
  String.raw`${KEY}\s*(?:==|=|!=)\s*${VALUE}`,
  String.raw`${KEY}\s+(?:in|notin)\s*\([^()]*\)`,
  String.raw`${KEY}\s*[<>]\s*-?\d+`,
];
const LABEL_REQUIREMENT = new RegExp(`^\\s*(?:${REQUIREMENT.join('|')})\\s*$`);
const SET_VALUES = new RegExp(`^\\s*${VALUE}(?:\\s*,\\s*${VALUE})*\\s*$`);

/** The grammar of the API server, which would refuse the whole list: `app=web,tier in (a, b),!canary`. */
export function checkLabelSelector(selector: string): void {
  checkLength(selector);
  for (const requirement of splitOutsideParentheses(selector)) {
    const set = /\(([^()]*)\)/.exec(requirement)?.[1];
    if (LABEL_REQUIREMENT.test(requirement) && (set === undefined || SET_VALUES.test(set))) continue;
    throw new ValueError(
      `${quote(selector)} is not a label selector: ${quote(requirement.trim())} can't be read`,
      'write app=web, app!=web, app, !app or app in (web, api), joined by commas',
    );
  }
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
