import { tooManyNodes } from './count-nodes.ts';
import { type SourceText, wholeFileProblem } from './source-text.ts';
import { type Range, type ScalarStyle, type TreeEntry, TreeList, TreeMap, type TreeNode, TreeScalar } from './tree.ts';
import type { ParsedTree } from './yaml-tree.ts';

/**
 * Reads JSON into the same tree as YAML. `JSON.parse` would do but for two things: it takes the last of two equal keys
 * without a word, and it says nothing about places.
 */
export function parseJsonTree(source: SourceText): ParsedTree {
  if (source.text.trim() === '') {
    return { root: undefined, problems: [wholeFileProblem(source.file, 'the file is empty')], warnings: [] };
  }
  const excess = tooManyNodes(source, 'json');
  if (excess) return { root: undefined, problems: [excess], warnings: [] };
  try {
    return { root: new JsonReader(source).read(), problems: [], warnings: [] };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const fault = { path: '', message: error.message, hint: error.hint };
    return { root: undefined, problems: [source.problem(error.range, fault)], warnings: [] };
  }
}

/** JSON is read up to its first fault: behind it nothing is certain. */
class JsonFault extends Error {
  readonly range: Range;
  readonly hint: string | undefined;

  constructor(range: Range, message: string, hint?: string) {
    super(message);
    this.range = range;
    this.hint = hint;
  }
}

const MAX_DEPTH = 200;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const SPACES: ReadonlySet<number> = new Set([SPACE, 0x09, 0x0a, 0x0d]);
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;
const WORD = /[\w$]+/y;

class JsonReader {
  readonly #source: SourceText;
  readonly #text: string;
  #offset = 0;

  constructor(source: SourceText) {
    this.#source = source;
    this.#text = source.text;
  }

  read(): TreeNode {
    const root = this.#value(0);
    this.#skipSpace();
    if (this.#offset < this.#text.length) throw this.#unexpected('text after the end of the JSON value');
    return root;
  }

  #value(depth: number): TreeNode {
    if (depth > MAX_DEPTH) throw this.#unexpected('the file is nested too deeply');
    this.#skipSpace();
    const start = this.#offset;
    const first = this.#text[start];
    if (first === '{') return this.#map(depth);
    if (first === '[') return this.#list(depth);
    if (first === '"') return this.#string();
    const number = this.#take(NUMBER);
    if (number !== undefined) return this.#scalar(number, 'json-number', start);
    const word = this.#take(WORD);
    if (word === 'null') return this.#scalar('', 'plain', start);
    if (word === 'true' || word === 'false') return this.#scalar(word, 'json-boolean', start);
    this.#offset = start;
    throw this.#unexpected('a value is expected here');
  }

  #map(depth: number): TreeMap {
    const start = this.#offset++;
    const entries: TreeEntry[] = [];
    const keys = new Map<string, TreeScalar>();
    while (!this.#closes('}', entries.length > 0)) {
      this.#skipSpace();
      if (this.#text[this.#offset] !== '"') throw this.#unexpected('a key in double quotes is expected here');
      const key = this.#string();
      const earlier = keys.get(key.text);
      if (earlier !== undefined) {
        const { line } = this.#source.positionAt(earlier.range.start);
        throw new JsonFault(key.range, `key ${JSON.stringify(key.text)} is given twice, first on line ${line}`);
      }
      keys.set(key.text, key);
      this.#skipSpace();
      if (this.#text[this.#offset] !== ':') throw this.#unexpected('a ":" is expected after the key');
      this.#offset++;
      entries.push({ key, value: this.#value(depth + 1), isMerged: false });
    }
    return new TreeMap(entries, { start, end: this.#offset });
  }

  #list(depth: number): TreeList {
    const start = this.#offset++;
    const items: TreeNode[] = [];
    while (!this.#closes(']', items.length > 0)) items.push(this.#value(depth + 1));
    return new TreeList(items, { start, end: this.#offset });
  }

  /** Takes the closing bracket, or where something went before the comma that must follow it. */
  #closes(bracket: string, isAfterItem: boolean): boolean {
    this.#skipSpace();
    const next = this.#text[this.#offset];
    if (next === bracket) {
      this.#offset++;
      return true;
    }
    if (!isAfterItem) return false;
    if (next !== ',') throw this.#unexpected(`"," or "${bracket}" is expected here`);
    const comma = this.#offset++;
    this.#skipSpace();
    if (this.#text[this.#offset] !== bracket) return false;
    throw new JsonFault(
      { start: comma, end: comma + 1 },
      `JSON does not allow a comma before "${bracket}"`,
      'remove it',
    );
  }

  #string(): TreeScalar {
    const start = this.#offset;
    let isPlain = true;
    let end = start + 1;
    for (; ; end++) {
      const code = this.#text.charCodeAt(end);
      if (code === QUOTE) break;
      if (Number.isNaN(code)) throw new JsonFault({ start, end: start + 1 }, 'this string is never closed');
      if (code === BACKSLASH) end++;
      if (code === BACKSLASH || code < SPACE) isPlain = false;
    }
    this.#offset = end + 1;
    const text = isPlain ? this.#text.slice(start + 1, end) : decode(this.#text.slice(start, end + 1));
    if (text !== undefined) return this.#scalar(text, 'quoted', start);
    throw new JsonFault(
      { start, end: this.#offset },
      'a string with a line break, control character or unknown escape',
      'JSON knows \\n, \\t, \\", \\\\ and \\u0041',
    );
  }

  #scalar(text: string, style: ScalarStyle, start: number): TreeScalar {
    return new TreeScalar(text, style, { start, end: this.#offset });
  }

  #skipSpace(): void {
    while (SPACES.has(this.#text.charCodeAt(this.#offset))) this.#offset++;
  }

  /** A sticky pattern at this place. */
  #take(token: RegExp): string | undefined {
    token.lastIndex = this.#offset;
    const taken = token.exec(this.#text)?.[0];
    if (taken !== undefined) this.#offset += taken.length;
    return taken;
  }

  #unexpected(expected: string): JsonFault {
    const next = this.#text[this.#offset];
    if (next === undefined) {
      const end = this.#text.trimEnd().length;
      return new JsonFault({ start: end - 1, end }, 'the JSON ends too early', expected);
    }
    const hints: Record<string, string> = {
      "'": 'JSON takes double quotes',
      '/': 'JSON has no comments',
      '#': 'JSON has no comments',
    };
    return new JsonFault({ start: this.#offset, end: this.#offset + 1 }, `not valid JSON: ${expected}`, hints[next]);
  }
}

function decode(quoted: string): string | undefined {
  try {
    const value: unknown = JSON.parse(quoted);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
