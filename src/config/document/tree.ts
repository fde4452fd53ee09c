import { redactUrls } from '../../safe-text/redact-url.ts';

/** Offsets into the text, in UTF-16 code units; the end is exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * A file as its author wrote it, from YAML or JSON alike: aliases and merge keys are resolved, but a scalar is still its
 * text, since `010` as a label value is `010` and not the number 10, and everything knows where it stands.
 */
export type TreeNode = TreeScalar | TreeList | TreeMap;

export type ScalarStyle = 'plain' | 'quoted' | 'json-number' | 'json-boolean';

const NULL_WORDS: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);

export class TreeScalar {
  readonly text: string;
  readonly style: ScalarStyle;
  readonly range: Range;
  /** Set once a fault was found here, so that one fault is reported once and not read again. */
  isFaulty = false;
  /** No message may repeat the text. */
  isSecret = false;

  constructor(text: string, style: ScalarStyle, range: Range) {
    this.text = text;
    this.style = style;
    this.range = range;
  }

  get isNull(): boolean {
    return this.style === 'plain' && NULL_WORDS.has(this.text);
  }
}

export class TreeList {
  readonly items: readonly TreeNode[];
  readonly range: Range;
  isFaulty = false;

  constructor(items: readonly TreeNode[], range: Range) {
    this.items = items;
    this.range = range;
  }
}

export interface TreeEntry {
  readonly key: TreeScalar;
  readonly value: TreeNode;
  /** Came in through a merge key (`<<`), and gives way to a key of the mapping itself. */
  readonly isMerged: boolean;
}

export class TreeMap {
  /** Own entries in the order written, then merged ones. */
  readonly entries: readonly TreeEntry[];
  readonly range: Range;
  isFaulty = false;
  /** First entries by their keys as written, and by their keys in one spelling. Made when one is first asked for. */
  #index: { readonly written: Map<string, TreeEntry>; readonly canonical: Map<string, TreeEntry> } | undefined;

  constructor(entries: readonly TreeEntry[], range: Range) {
    this.entries = entries;
    this.range = range;
  }

  /** The entry of a key, in either spelling. */
  entry(key: string): TreeEntry | undefined {
    this.#index ??= indexOf(this.entries);
    return this.#index.written.get(key) ?? this.#index.canonical.get(canonicalKey(key));
  }
}

function indexOf(entries: readonly TreeEntry[]) {
  const written = new Map<string, TreeEntry>();
  const canonical = new Map<string, TreeEntry>();
  for (const entry of entries) {
    const { text } = entry.key;
    const other = canonicalKey(text);
    if (!written.has(text)) written.set(text, entry);
    if (!canonical.has(other)) canonical.set(other, entry);
  }
  return { written, canonical };
}

/** Prometheus's spelling of a key is Pyroscope's with `_` for `-`. */
export function canonicalKey(key: string): string {
  return key.includes('_') ? key.replaceAll('_', '-') : key;
}

/** Same content at another place: what an alias stands for. */
export function copyNode(node: TreeNode): TreeNode {
  if (node instanceof TreeScalar) return withText(node, node.text);
  return node instanceof TreeList ? new TreeList(node.items, node.range) : new TreeMap(node.entries, node.range);
}

/** The scalar of the same place with another text. */
export function withText(scalar: TreeScalar, text: string): TreeScalar {
  const replaced = new TreeScalar(text, scalar.style, scalar.range);
  replaced.isSecret = scalar.isSecret;
  return replaced;
}

/** `a mapping`, `a list`, `"text"`: what a message says was found. Long texts are cut. */
export function describeNode(node: TreeNode): string {
  if (node instanceof TreeMap) return 'a mapping';
  if (node instanceof TreeList) return 'a list';
  return node.isNull ? 'empty' : quote(node.text);
}

/** A text as messages repeat it: cut, and without the password of a URL. */
export function quote(text: string): string {
  const redacted = redactUrls(text);
  return JSON.stringify(redacted.length > 100 ? `${redacted.slice(0, 100)}…` : redacted);
}
