import { type AST, RegExpParser, visitRegExpAST } from '@eslint-community/regexpp';

/** A text of any length: `prefix`, then `pump` again and again, then `tail`. */
export interface AdversarialText {
  readonly prefix: string;
  readonly pump: string;
  readonly tail: string;
}

/** A text of about this many characters. */
export function textOfLength({ prefix, pump, tail }: AdversarialText, length: number): string {
  return prefix + pump.repeat(Math.max(1, Math.floor((length - prefix.length) / pump.length))) + tail;
}

/**
 * Texts on which a regular expression that backtracks too much does so: before each of its repetitions what leads there, then
 * each character that may be repeated; what it begins with, again and again; each with an end that makes it fail.
 */
export function adversarialTexts(source: string, flags: string): AdversarialText[] {
  const pattern = new RegExpParser().parsePattern(source, undefined, undefined, { unicode: /[uv]/.test(flags) });
  const characters = charactersOf(pattern, flags);
  const texts = new Map<string, AdversarialText>();
  const add = (prefix: string, pump: string) => {
    if (pump === '') return;
    for (const tail of TAILS) texts.set(JSON.stringify([prefix, pump, tail]), { prefix, pump, tail });
  };
  for (const character of characters) add('', character);
  visitRegExpAST(pattern, {
    onQuantifierEnter(quantifier) {
      if (quantifier.max < 2) return;
      const prefix = leadTo(quantifier, flags);
      add(prefix, sample(quantifier.element, flags));
      for (const character of characters) if (canMatch(quantifier.element, character, flags)) add(prefix, character);
    },
    onAlternativeEnter(alternative) {
      const lead = leadTo(alternative, flags);
      for (let end = 1; end <= alternative.elements.length; end++) {
        add(
          '',
          lead +
            alternative.elements
              .slice(0, end)
              .map((element) => sample(element, flags))
              .join(''),
        );
      }
    },
  });
  add('', characters.join(''));
  return [...texts.values()];
}

/** One that nearly nothing takes, and a line break, which `.` does not take. */
const TAILS: readonly string[] = ['\u0000', '\n\u0001'];

/** What classes are tried with, in the order in which samples take them. */
const CANDIDATES: readonly string[] = [
  ...'a0_-./:, \t"\'=\n@#%?&;+*$!~|<>()[]{}\\^`AZz9fF\r',
  '\u00e9',
  '\u00b5',
  '\u0000',
];

/** The characters that a pattern names, and some for each of its classes. */
function charactersOf(pattern: AST.Pattern, flags: string): string[] {
  const characters = new Set<string>();
  visitRegExpAST(pattern, {
    onCharacterEnter: ({ value }) => characters.add(String.fromCodePoint(value)),
    onCharacterSetEnter: (set) => characters.add(sample(set, flags)),
    onCharacterClassEnter: (set) => characters.add(sample(set, flags)),
  });
  return [...characters].filter((character) => character !== '').slice(0, 24);
}

function canMatch(element: AST.Element, character: string, flags: string): boolean {
  return new RegExp(`^(?:${element.raw.replace(/\\[1-9]/g, '')})`, flags.replace(/[gy]/g, '')).test(character);
}

/** What stands before a node when it is reached. */
function leadTo(node: AST.Node, flags: string): string {
  const { parent } = node;
  if (parent === null) return '';
  if (parent.type !== 'Alternative') return leadTo(parent, flags);
  const before = parent.elements.filter(({ end }) => end <= node.start);
  return leadTo(parent, flags) + before.map((element) => sample(element, flags)).join('');
}

/** A short text that the node takes; each repetition happens at least once. */
function sample(node: AST.Element | AST.Alternative, flags: string): string {
  switch (node.type) {
    case 'Alternative':
      return node.elements.map((element) => sample(element, flags)).join('');
    case 'Group':
    case 'CapturingGroup': {
      const alternative = node.alternatives.find(({ elements }) => elements.length > 0);
      return alternative === undefined ? '' : sample(alternative, flags);
    }
    case 'Quantifier':
      return node.max === 0 ? '' : sample(node.element, flags).repeat(Math.max(1, Math.min(node.min, 8)));
    case 'Character':
      return String.fromCodePoint(node.value);
    case 'CharacterClass':
    case 'CharacterSet':
      return CANDIDATES.find((character) => canMatch(node, character, flags)) ?? '';
    default:
      return '';
  }
}
