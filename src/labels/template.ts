/**
 * The templates of `replacement` and `target-label`, with the rules of Go's `Regexp.Expand`. They differ from those of
 * `String.prototype.replace`: `$1x` is the group called `1x`, `$&` is no reference, and an unknown group is empty.
 */

/** A literal text, or a reference to a group by number or name. */
export type TemplatePart = string | { readonly group: number | string };

/** A parsed template whose names are resolved: texts, and numbers of groups. */
export type Template = readonly (string | number)[];

/** Letters, digits and `_` of any script, as Go takes them. */
const REFERENCE = /^(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/u;

export function parseTemplate(text: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let literal = '';
  let rest = text;
  for (let dollar = rest.indexOf('$'); dollar >= 0; dollar = rest.indexOf('$')) {
    literal += rest.slice(0, dollar);
    rest = rest.slice(dollar + 1);
    if (rest.startsWith('$')) {
      literal += '$';
      rest = rest.slice(1);
      continue;
    }
    const reference = REFERENCE.exec(rest);
    const name = reference?.[1] ?? reference?.[2];
    if (reference === null || name === undefined) {
      literal += '$';
      continue;
    }
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({ group: groupNumber(name) ?? name });
    rest = rest.slice(reference[0].length);
  }
  literal += rest;
  if (literal !== '') parts.push(literal);
  return parts;
}

/** Go reads a name as a number unless it has a leading zero or more than nine digits. */
function groupNumber(name: string): number | undefined {
  return /^(?:0|[1-9][0-9]{0,8})$/.test(name) ? Number(name) : undefined;
}

/** Looks the names up once, so that expanding is only joining. What refers to no group is empty. */
export function resolveTemplate(
  parts: readonly TemplatePart[],
  groupCount: number,
  groupNames: ReadonlyMap<string, number>,
): Template {
  const resolved: (string | number)[] = [];
  for (const part of parts) {
    if (typeof part === 'string') resolved.push(part);
    else {
      const group = typeof part.group === 'number' ? part.group : groupNames.get(part.group);
      if (group !== undefined && group <= groupCount) resolved.push(group);
    }
  }
  return resolved;
}

/** `groups[0]` is the whole match; a group that took no part is the empty string. */
export function expandTemplate(template: Template, groups: readonly string[]): string {
  let text = '';
  for (const part of template) text += typeof part === 'string' ? part : (groups[part] ?? '');
  return text;
}

/** Whether a template can become a label name for some match, by Pyroscope's rule. */
export function isLabelNameTemplate(text: string): boolean {
  return /^(?:\$\{\w+\}|\$?\w)+$/.test(text) && !/^\d/.test(text);
}
