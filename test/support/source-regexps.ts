import { readdirSync, readFileSync } from 'node:fs';
import { parseSync, Visitor } from 'oxc-parser';

/** A regular expression as it stands in a source file. */
export interface SourceRegexp {
  /** `file:line`. */
  readonly place: string;
  readonly source: string;
  readonly flags: string;
  /** Whether `String.prototype.split` gets it, which tries it at each position of a text. */
  readonly splits: boolean;
}

export interface RegexpFindings {
  readonly regexps: readonly SourceRegexp[];
  /** Places that make one from a text, which nobody can read here. */
  readonly constructed: readonly string[];
}

/** Every regular expression of the TypeScript sources below a directory. */
export function findSourceRegexps(directory: string): RegexpFindings {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const found = files.sort().map((name) => regexpsIn(name, readFileSync(`${directory}/${name}`, 'utf8')));
  return {
    regexps: found.flatMap(({ regexps }) => regexps),
    constructed: found.flatMap(({ constructed }) => constructed),
  };
}

/** Those of one file. */
export function regexpsIn(name: string, text: string): RegexpFindings {
  const { program, errors } = parseSync(name, text);
  if (errors.length > 0) throw new Error(`${name}: ${errors[0]?.message}`);
  const regexps: SourceRegexp[] = [];
  const constructed: string[] = [];
  const splitting = new Set<number>();
  const placeOf = (offset: number) => `${name}:${text.slice(0, offset).split('\n').length}`;
  new Visitor({
    CallExpression({ callee, arguments: [first], start }) {
      if (callee.type === 'Identifier' && callee.name === 'RegExp') constructed.push(placeOf(start));
      const isSplit = callee.type === 'MemberExpression' && text.slice(callee.property.start, callee.end) === 'split';
      if (isSplit && first !== undefined) splitting.add(first.start);
    },
    NewExpression({ callee, start }) {
      if (callee.type === 'Identifier' && callee.name === 'RegExp') constructed.push(placeOf(start));
    },
    Literal(node) {
      if (!('regex' in node)) return;
      const { pattern, flags } = node.regex;
      regexps.push({ place: placeOf(node.start), source: pattern, flags, splits: splitting.has(node.start) });
    },
  }).visit(program);
  return { regexps, constructed };
}
