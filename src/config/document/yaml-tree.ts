import { Composer, type CST, isAlias, isMap, isScalar, isSeq, Lexer, type Pair, Parser, type YAMLMap } from 'yaml';
import type { Problem } from '../../errors.ts';
import { tooManyNodes } from './count-nodes.ts';
import { hideSecretLines, hideSecrets } from './secrets.ts';
import type { SourceText } from './source-text.ts';
import { wholeFileProblem } from './source-text.ts';
import { copyNode, quote, type Range, type TreeEntry, TreeList, TreeMap, type TreeNode, TreeScalar } from './tree.ts';

export interface ParsedTree {
  /** Undefined where the file says nothing (only comments, say), or where its syntax is broken. */
  readonly root: TreeNode | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Reads YAML as the Go libraries behind Pyroscope and Prometheus do where that matters to users: merge keys, anchors,
 * scalars kept as text. Unlike them it refuses a key given twice, and a second document, which they would leave unread.
 */
export function parseYamlTree(source: SourceText): ParsedTree {
  const excess = tooManyNodes(source, 'yaml');
  if (excess) return { root: undefined, problems: [excess], warnings: [] };
  const control = controlCharacter(source);
  if (control) return { root: undefined, problems: [control], warnings: [] };
  try {
    return readDocuments(source);
  } catch (error) {
    if (!(error instanceof TreeLimitError)) throw error;
    return { root: undefined, problems: [wholeFileProblem(source.file, error.message)], warnings: [] };
  }
}

/** More than a hand or a generator writes; refused before it costs memory or the stack. */
class TreeLimitError extends Error {}

const MAX_DEPTH = 300;

/** Aliases may make a small file mean billions of nodes. What people write stays far below. */
const MAX_NODES = 1_000_000;

/** Everything but the characters that YAML 1.2 calls printable. */
const CONTROL_CHARACTER = /[^\t\n\r\x20-\x7e\x85\u{a0}-\u{fffd}\u{10000}-\u{10ffff}]/u;

function controlCharacter(source: SourceText): Problem | undefined {
  const index = source.text.search(CONTROL_CHARACTER);
  const codePoint = source.text.codePointAt(index);
  if (index === -1 || codePoint === undefined) return undefined;
  const name = `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
  const message = `the file holds a control character (${name}), which YAML does not allow`;
  return { ...wholeFileProblem(source.file, message), position: source.positionAt(index) };
}

function readDocuments(source: SourceText): ParsedTree {
  const composer = new Composer({ schema: 'failsafe', uniqueKeys: false }); // double keys are reported below, with both places
  const [first, ...others] = withoutStackTraces(() => [...composer.compose(tokens(source.text))]);
  const syntax = first ? syntaxProblems(first.errors, source) : [];
  if (!first || syntax.length > 0) return { root: undefined, problems: syntax, warnings: [] };

  const builder = new TreeBuilder(source);
  const root = first.contents ? builder.build(first.contents) : undefined;
  for (const document of others) {
    if (isBlank(document.contents)) continue;
    const range = rangeOf(document.contents);
    builder.report(
      range,
      'a second YAML document starts here, and only the first is read',
      'put it into a file of its own',
    );
    break;
  }
  const isNothing = root instanceof TreeScalar && root.isNull;
  if (root) hideSecrets(root, source);
  const warnings = first.warnings
    .filter((warning) => warning.code === 'TAG_RESOLVE_FAILED')
    .map(({ message, pos: [start, end] }) => source.problem({ start, end }, { path: '', message, hint: undefined }));
  return { root: isNothing ? undefined : root, problems: builder.problems(), warnings };
}

/**
 * The parser's own loop, with a bound on depth: what composes its tokens recurses, and a stack that overflows inside the
 * regular expressions there aborts Node.
 */
function* tokens(text: string): Generator<CST.Token> {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_DEPTH) throw new TreeLimitError('the file is nested too deeply');
  }
  yield* parser.end();
}

/** The parser makes an error object for each of its complaints, and a stack trace takes ten times as long as the rest of it. */
function withoutStackTraces<T>(parse: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parse();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

interface SyntaxError {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** One fault makes the parser stumble several times; only its first complaint on a line tells something. */
function syntaxProblems(errors: readonly SyntaxError[], source: SourceText): Problem[] {
  if (errors.length > 0) hideSecretLines(source);
  const problems: Problem[] = [];
  const looked = new Set<number>();
  const reported = new Set<number>();
  for (const { code, message, pos } of errors) {
    const { line } = source.positionAt(pos[0]);
    // All else is said of a text that is not YAML yet.
    if (!looked.has(line) && /^\s*\{\{/.test(source.lineAround(pos[0]))) {
      return [source.problem({ start: pos[0], end: pos[1] }, { path: '', ...UNRENDERED })];
    }
    looked.add(line);
    const isEcho = problems.length > 0 && (code === 'UNEXPECTED_TOKEN' || code === 'IMPOSSIBLE');
    if (reported.has(line) || isEcho) continue;
    reported.add(line);
    problems.push(syntaxProblem(code, message, { start: pos[0], end: pos[1] }, source));
  }
  return problems;
}

function syntaxProblem(code: string, message: string, range: Range, source: SourceText): Problem {
  const quote = /^Missing closing (["'])quote/.exec(message)?.[1];
  if (quote !== undefined) {
    const start = source.text.lastIndexOf(quote, range.start - 1);
    return source.problem(
      { start, end: start + 1 },
      { path: '', message: `this ${quote} is never closed`, hint: undefined },
    );
  }
  const bracket = /must be sufficiently indented and end with a ([\]}])/.exec(message)?.[1];
  if (bracket !== undefined) {
    const fault = {
      path: '',
      message: `"${bracket}" is missing before this line`,
      hint: 'a list or mapping in brackets must also be indented deeper than its key, with its closing bracket',
    };
    return source.problem(range, fault);
  }
  const isIndent = code === 'BAD_INDENT' || message.startsWith('Sequence item without');
  const mend = SYNTAX[isIndent ? indentFault(range.start, source) : code];
  const sentence = message.charAt(0).toLowerCase() + message.slice(1);
  return source.problem(range, { path: '', message: mend?.message ?? sentence, hint: mend?.hint });
}

const UNRENDERED = {
  message: 'this looks like a template that was not rendered',
  hint: 'render it first, as with helm template',
} as const;

/** The eye takes a tab for spaces. */
function indentFault(offset: number, source: SourceText): 'TAB_AS_INDENT' | 'BAD_INDENT' {
  return /^ *\t/.test(source.lineAround(offset)) ? 'TAB_AS_INDENT' : 'BAD_INDENT';
}

/** By the parser's error codes; its own sentence stands where there is nothing better to say. */
const SYNTAX: Readonly<Record<string, { message?: string; hint: string }>> = {
  TAB_AS_INDENT: { message: 'YAML does not allow a tab as indentation', hint: 'indent with spaces' },
  BAD_INDENT: {
    message: 'this line does not fit to those before it',
    hint: 'check the indentation of this line and the one before',
  },
  BAD_SCALAR_START: { hint: 'put the value in quotes' },
  BAD_DQ_ESCAPE: { hint: 'use single quotes, in which a backslash is a backslash' },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'a second "key: value" on one line',
    hint: 'put a value that contains ": " in quotes, or the inner key on a line of its own',
  },
  MULTILINE_IMPLICIT_KEY: { message: 'a key must stand on one line', hint: 'is a ":" missing after the key?' },
  MISSING_CHAR: { hint: 'is a bracket or a ":" missing?' },
};

function isBlank(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && (contents.source ?? '').trim() === '');
}

function rangeOf(node: unknown): Range | undefined {
  if (!(isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) || !node.range) return undefined;
  return { start: node.range[0], end: node.range[1] };
}

const STRING_TAG = 'tag:yaml.org,2002:str';

class TreeBuilder {
  readonly #source: SourceText;
  readonly #problems: Problem[] = [];
  /** The node an anchor names, as far as the document has been read; undefined while that node is being read. */
  readonly #anchors = new Map<string, TreeNode | undefined>();
  /** How many nodes one stands for, with its aliases followed. */
  readonly #sizes = new Map<unknown, number>();
  #mergedEntries = 0;

  constructor(source: SourceText) {
    this.#source = source;
  }

  problems(): readonly Problem[] {
    return this.#problems;
  }

  report(range: Range | undefined, message: string, hint?: string): void {
    this.#problems.push(this.#source.problem(range, { path: '', message, hint }));
  }

  build(node: unknown): TreeNode {
    const range = rangeOf(node) ?? { start: 0, end: 0 };
    if (isAlias(node)) return this.#aliased(node.source, range);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, undefined);
    const built = this.#builtFrom(node, range);
    if (anchor !== undefined) this.#anchors.set(anchor, built);
    return built;
  }

  #builtFrom(node: unknown, range: Range): TreeNode {
    if (isMap(node)) return this.#map(node, range);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.build(item));
      this.#count(items, items);
      return new TreeList(items, range);
    }
    if (!isScalar(node)) return new TreeScalar('', 'plain', range);
    return new TreeScalar(
      node.source ?? '',
      node.type === 'PLAIN' && node.tag !== STRING_TAG ? 'plain' : 'quoted',
      range,
    );
  }

  #map(node: YAMLMap<unknown, unknown>, range: Range): TreeMap {
    const own: TreeEntry[] = [];
    const merged: TreeEntry[] = [];
    const keys = new Map<string, TreeScalar>();
    let isFaulty = false;
    for (const pair of node.items) {
      const key = this.#key(pair);
      const value = this.build(pair.value);
      if (key === undefined) {
        isFaulty = true;
        continue;
      }
      if (key.text === '<<' && key.style === 'plain') {
        merged.push(...this.#merged(key, value));
        continue;
      }
      const earlier = keys.get(key.text);
      if (earlier === undefined) {
        keys.set(key.text, key);
        own.push({ key, value: placed(value, key), isMerged: false });
      } else {
        const line = this.#source.positionAt(earlier.range.start).line;
        this.report(key.range, `key ${quote(key.text)} is given twice, first on line ${line}`);
      }
    }
    // Of several merged mappings the earlier one wins.
    for (const entry of merged) {
      if (keys.has(entry.key.text)) continue;
      keys.set(entry.key.text, entry.key);
      own.push(entry);
    }
    this.#count(
      own,
      own.map(({ value }) => value),
    );
    const map = new TreeMap(own, range);
    map.isFaulty = isFaulty;
    return map;
  }

  #key(pair: Pair<unknown, unknown>): TreeScalar | undefined {
    const key = this.build(pair.key);
    if (key instanceof TreeScalar && !key.isNull) return key;
    const isTemplate = this.#source.text.startsWith('{{', key.range.start - 1);
    if (key instanceof TreeScalar) this.report(key.range, 'a key is empty');
    else if (isTemplate) this.report(key.range, UNRENDERED.message, UNRENDERED.hint);
    else this.report(key.range, 'a key must be a word', 'put a value that starts with { or [ in quotes');
    return undefined;
  }

  #merged(key: TreeScalar, value: TreeNode): TreeEntry[] {
    const sources = value instanceof TreeList ? value.items : [value];
    const entries: TreeEntry[] = [];
    for (const source of sources) {
      if (source instanceof TreeMap) {
        this.#mergedEntries += source.entries.length;
        this.#checkSize(this.#mergedEntries);
        for (const entry of source.entries) entries.push({ ...entry, isMerged: true });
      } else if (!source.isFaulty)
        this.report(key.range, '<< takes a mapping, or a list of mappings', 'as in <<: *defaults');
    }
    return entries;
  }

  #aliased(name: string, range: Range): TreeNode {
    const named = this.#anchors.get(name);
    if (named !== undefined) return copyNode(named);
    const message = this.#anchors.has(name)
      ? `alias *${name} stands inside what it names`
      : `alias *${name} names no anchor before it`;
    this.report(range, message, `put a value that starts with * in quotes`);
    const missing = new TreeScalar('', 'plain', range);
    missing.isFaulty = true;
    return missing;
  }

  /** `content` is what copies of a node share. */
  #count(content: unknown, children: readonly TreeNode[]): void {
    let size = 1;
    for (const child of children) size += child instanceof TreeScalar ? 1 : (this.#sizes.get(contentOf(child)) ?? 1);
    this.#sizes.set(content, size);
    this.#checkSize(size);
  }

  /** A file may be large, but then its text is as well. */
  #checkSize(nodes: number): void {
    if (nodes <= MAX_NODES || nodes <= this.#source.text.length) return;
    throw new TreeLimitError('the aliases of this file unfold to more than a million values');
  }
}

function contentOf(node: TreeList | TreeMap): unknown {
  return node instanceof TreeMap ? node.entries : node.items;
}

/** A value that is not there stands where its key stands. */
function placed(value: TreeNode, key: TreeScalar): TreeNode {
  const isAbsent = value instanceof TreeScalar && value.style === 'plain' && value.text === '' && !value.isFaulty;
  return isAbsent ? new TreeScalar('', 'plain', key.range) : value;
}
