import * as z from 'zod/mini';
import { isLabelName } from '../../labels/label-set.ts';
import { canonicalKey, describeNode, quote, TreeList, TreeMap, type TreeNode, TreeScalar } from '../document/tree.ts';
import { nearestWord } from '../nearest-word.ts';
import { ValueError } from '../value-error.ts';
import { type Context, fault } from './fault.ts';
import { butIs, textOf } from './scalars.ts';

/** A list; items with a fault are undefined, so that the others keep their index. */
export function list<T extends z.core.SomeType>(item: T) {
  return z.pipe(
    z.transform((input: unknown, context): unknown => itemsOf(input, context, 'put "- " before its first key')),
    z.array(z.optional(item)),
  );
}

/** `mapHint` is for those who wrote one item without the list around it. */
function itemsOf(input: unknown, context: Context, mapHint?: string): (TreeNode | undefined)[] {
  if (!(input instanceof TreeList)) {
    fault(context, 'must be a list', { hint: input instanceof TreeMap ? mapHint : listForm(input) });
    return [];
  }
  return input.items.map((item, index) => {
    if (item.isFaulty) return undefined;
    if (item instanceof TreeScalar && item.isNull) {
      fault(context, `item ${index + 1} is empty`, { path: [index], hint: 'remove the item or fill it in' });
    }
    return item;
  });
}

function listForm(input: unknown): string | undefined {
  if (!(input instanceof TreeScalar) || input.isNull || input.isSecret || input.text.length > 100) return undefined;
  const isWord = /^[\w./:*-]+$/.test(input.text) && !/^[\d.]+$/.test(input.text);
  return `write [${isWord ? input.text : quote(input.text)}]`;
}

/** A list of texts; numbers and words such as `true` count by their source text. */
export function texts(check: (text: string, node: TreeScalar) => void = () => {}) {
  return z.transform((input: unknown, context): readonly string[] =>
    itemsOf(input, context).flatMap((item, index) => {
      if (item === undefined || (item instanceof TreeScalar && item.isNull)) return [];
      const value = readAt(item, context, index, (node) => {
        const text = textOf(node);
        check(text, node);
        return text;
      });
      return value === undefined ? [] : [value];
    }),
  );
}

/** A mapping from names that are the user's own to texts. A null value is the empty text. */
export function textMap(checkKey: (key: string) => void = () => {}) {
  return z.transform((input: unknown, context): ReadonlyMap<string, string> => {
    const values = new Map<string, string>();
    for (const [key, node] of entriesOf(input, context, checkKey)) {
      const value = readAt(node, context, key, textOf);
      if (value !== undefined) values.set(key, value);
    }
    return values;
  });
}

/** Label names and values. */
export function labels() {
  return textMap((name) => {
    if (isLabelName(name)) return;
    const mended = name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_');
    const hint = isLabelName(mended) ? `write ${mended}: ` : '';
    throw new ValueError(
      `${quote(name)} is not a valid label name`,
      `${hint}label names have letters, digits and _ only, and no digit first`,
    );
  });
}

function readAt<T>(
  node: TreeNode,
  context: Context,
  segment: string | number,
  read: (node: TreeScalar) => T,
): T | undefined {
  try {
    if (node instanceof TreeScalar) return read(node);
    fault(context, `must be a text, not ${describeNode(node)}`, { path: [segment] });
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    fault(context, error.message, { hint: error.hint, path: [segment] });
  }
  return undefined;
}

/** A mapping from names that are the user's own; nulls arrive at the value's schema. */
export function mapOf<T extends z.core.SomeType>(value: T, checkKey: (key: string) => void = () => {}) {
  return z.pipe(
    z.transform((input: unknown, context): unknown => new Map(entriesOf(input, context, checkKey))),
    z.map(z.custom<string>(), value),
  );
}

function entriesOf(input: unknown, context: Context, checkKey: (key: string) => void): [string, TreeNode][] {
  if (!(input instanceof TreeMap)) {
    fault(context, `must be a mapping${butIs(input)}`, { hint: mapForm(input) });
    return [];
  }
  const entries: [string, TreeNode][] = [];
  for (const { key, value } of input.entries) {
    if (value.isFaulty) continue;
    try {
      checkKey(key.text);
      entries.push([key.text, value]);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      fault(context, error.message, { hint: error.hint, path: [key.text], at: 'key' });
    }
  }
  return entries;
}

function mapForm(input: unknown): string | undefined {
  const key = input instanceof TreeScalar ? /^(\w[\w-]*):\S/.exec(input.text)?.[1] : undefined;
  if (key !== undefined && /\w[-_]\w/.test(key)) return `write a space behind the colon, as in ${key}: …`;
  if (!(input instanceof TreeList)) return undefined;
  return input.items[0] instanceof TreeMap ? 'write its keys without "- "' : 'write key: value pairs';
}

export interface KeyRules {
  /** Keys of the peers that mean nothing here: no error. Who owns the mapping warns of them. */
  readonly isIgnored?: (key: string) => boolean;
  /** Keys with a sentence of their own. */
  readonly refused?: (key: string, written: string) => { message: string; hint: string } | undefined;
  /** Keys for which an explicit null counts as the empty text, and not as left out. */
  readonly keepsNull?: readonly string[];
}

/**
 * A mapping with known keys, each in either spelling, all optional: what must be there depends on more than the key, and is
 * for the rules to say. The schemas of the keys are made when one is first needed: making them all costs a short run more
 * than reading its file does.
 */
export function mapping<S extends z.core.$ZodShape>(shape: () => S, rules: KeyRules = {}) {
  let made: { fields: S; known: ReadonlySet<string> } | undefined;
  const make = () => {
    if (made) return made;
    const fields = shape();
    made = { fields, known: new Set(Object.keys(fields)) };
    return made;
  };
  return z.pipe(
    z.transform((input: unknown, context): unknown => fieldsOf(input, context, { known: make().known, rules })),
    z.lazy(() => z.partial(z.object(make().fields))),
  );
}

interface KnownKeys {
  readonly known: ReadonlySet<string>;
  readonly rules: KeyRules;
}

function fieldsOf(input: unknown, context: Context, { known, rules }: KnownKeys): Record<string, TreeNode> {
  if (input instanceof TreeScalar && input.isNull) return {};
  if (!(input instanceof TreeMap)) {
    fault(context, `must be a mapping${butIs(input)}`, { hint: mapForm(input) });
    return {};
  }
  const fields: Record<string, TreeNode> = {};
  const spelling = spellingOf(input);
  const spellings = new Map<string, string>();
  for (const { key, value, isMerged } of input.entries) {
    if (value.isFaulty) continue;
    const name = canonicalKey(key.text);
    const refusal = rules.refused?.(name, key.text);
    const other = spellings.get(name);
    if (refusal) {
      fault(context, refusal.message, { hint: refusal.hint, path: [key.text], at: 'key' });
    } else if (!known.has(name)) {
      if (!rules.isIgnored?.(name)) unknownKey(key.text, context, known, spelling(key.text));
    } else if (other !== undefined) {
      if (!isMerged) bothSpellings(key.text, other, context);
    } else {
      spellings.set(name, key.text);
      const isLeftOut = value instanceof TreeScalar && value.isNull && !rules.keepsNull?.includes(name);
      if (!isLeftOut) fields[name] = value;
    }
  }
  return fields;
}

function bothSpellings(key: string, other: string, context: Context): void {
  const message = `${quote(key)} and ${quote(other)} are the same key`;
  fault(context, message, { hint: 'keep one of them', path: [key], at: 'key' });
}

type Spelling = (key: string) => string;

/** Suggestions come in the spelling of the key itself, or where it has one word alone, of its neighbours. */
function spellingOf(map: TreeMap): (key: string) => Spelling {
  let ofNeighbours: Spelling | undefined;
  return (key) => {
    if (/[-_]/.test(key)) return spellingLike([key]);
    ofNeighbours ??= spellingLike(map.entries.map((entry) => entry.key.text));
    return ofNeighbours;
  };
}

function spellingLike(keys: readonly string[]): Spelling {
  const isSnake = keys.some((key) => key.includes('_')) && !keys.some((key) => key.includes('-'));
  return (known) => (isSnake ? known.replaceAll('-', '_') : known);
}

function unknownKey(key: string, context: Context, known: ReadonlySet<string>, spell: Spelling): void {
  const nearest = nearestWord(key, known);
  const isCaseAlone = nearest !== undefined && nearest === canonicalKey(key).toLowerCase();
  const hint =
    nearest === undefined
      ? knownKeys(known, spell)
      : `did you mean ${quote(spell(nearest))}?${isCaseAlone ? ' Keys are case-sensitive' : ''}`;
  fault(context, `unknown key ${quote(key)}`, { hint, path: [key], at: 'key' });
}

/** A long list helps nobody. */
function knownKeys(known: ReadonlySet<string>, spell: Spelling): string {
  return known.size > 16 ? 'no key of this name is known here' : `known here: ${[...known].map(spell).join(', ')}`;
}

/** Reads with the schema that the node calls for. */
export function oneOf<T>(choose: (node: unknown) => z.ZodMiniType<T, unknown>) {
  return z.transform((input: unknown, context): T => {
    const result = z.safeParse(choose(input), input);
    if (result.success) return result.data;
    for (const { message, path, ...issue } of result.error.issues) {
      const params = issue.code === 'custom' ? issue.params : undefined;
      context.issues.push({ code: 'custom', message, path: [...path], params, input });
    }
    return z.NEVER;
  });
}
