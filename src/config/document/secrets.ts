import { isSecretLabel, isSecretParameter } from '../../safe-text/redact-url.ts';
import type { SourceText } from './source-text.ts';
import { canonicalKey, TreeMap, type TreeNode, TreeScalar } from './tree.ts';

const SECRET_WORD = /passw|secret|token|credential|bearer|api-?key|private|cookie/i;
const NO_SECRET = /-(file|files|url|id|type|prefix)$/i;

/** Under these every scalar may be a secret, whatever its key. */
const SECRET_MAPS: ReadonlySet<string> = new Set(['headers', 'http-headers', 'proxy-connect-header']);

/** These are mappings, or PEM text; a scalar in their place is a secret in the wrong place. */
const SECRET_WHERE_SCALAR: ReadonlySet<string> = new Set(['basic-auth', 'authorization', 'oauth2', 'key']);

/** Whether the values of this key are never to be shown, going by its name: misspelled keys hold secrets too. */
export function isSecretKey(key: string): boolean {
  const canonical = canonicalKey(key);
  return SECRET_WORD.test(canonical) && !NO_SECRET.test(canonical);
}

/** Keeps what may be secret out of every excerpt of this file. */
export function hideSecrets(node: TreeNode, source: SourceText): void {
  visit(node, false, '', new Set());

  function visit(node: TreeNode, isSecret: boolean, parent: string, seen: Set<unknown>): void {
    if (node instanceof TreeScalar) {
      if (!isSecret || node.isNull) return;
      node.isSecret = true;
      source.hide(node.range);
      return;
    }
    const content = node instanceof TreeMap ? node.entries : node.items;
    if (seen.has(content)) return;
    seen.add(content);
    if (!(node instanceof TreeMap)) {
      for (const item of node.items) visit(item, isSecret, parent, seen);
      return;
    }
    for (const { key, value } of node.entries) {
      const name = canonicalKey(key.text);
      const isScalar = value instanceof TreeScalar;
      const startsHere =
        isSecretKey(name) ||
        SECRET_MAPS.has(name) ||
        (isScalar && SECRET_WHERE_SCALAR.has(name)) ||
        (parent === 'params' && isSecretParameter(key.text)) ||
        isSecretLabel(key.text);
      visit(value, isSecret || startsHere, name, seen);
    }
  }
}

/** For a text whose structure could not be read: hides the rest of each line that seems to give a secret. */
export function hideSecretLines(source: SourceText): void {
  for (const match of source.text.matchAll(/(?<![\w-])([\w-]+)["']?[ \t]*[:=][ \t]*(?=\S)/g)) {
    const [before, key = ''] = match;
    if (!isSecretKey(key)) continue;
    const start = match.index + before.length;
    const newline = source.text.indexOf('\n', start);
    source.hide({ start, end: newline === -1 ? source.text.length : newline });
  }
}
