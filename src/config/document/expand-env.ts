import type { Path } from './path.ts';
import { isSecretKey } from './secrets.ts';
import { canonicalKey, TreeList, TreeMap, type TreeNode, TreeScalar, withText } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvFinding {
  readonly path: Path;
  readonly message: string;
  readonly hint: string;
}

export interface ExpandedTree {
  readonly root: TreeNode;
  readonly problems: readonly EnvFinding[];
  readonly warnings: readonly EnvFinding[];
}

const REFERENCE = /\$\{([A-Za-z_]\w*)(?::-([^{}]*))?\}/g;
const HAS_REFERENCE = /\$\{([A-Za-z_]\w*)(?::-[^{}]*)?\}/;
/** As the old Pyroscope server took it. Upper case, or every price and regular expression would look like one. */
const BARE_REFERENCE = /\$([A-Z_][A-Z0-9_]*)/;

/** In these `$` and `${name}` speak of regular expressions and their groups. */
const RELABEL_FIELDS: ReadonlySet<string> = new Set(['regex', 'replacement', 'target-label']);
const RELABEL_LIST = /relabel-configs$/;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in values, after parsing, so that no variable can add structure to the file;
 * never in keys, comments or relabel rules. The default stands in for a variable that is unset or empty, as in a shell.
 */
export function expandEnv(root: TreeNode, env: Environment): ExpandedTree {
  const problems: EnvFinding[] = [];
  const warnings: EnvFinding[] = [];
  const expanded = mapScalars(root, (scalar, path) => {
    warnings.push(...bareReference(scalar, path));
    const missing: string[] = [];
    const text = scalar.text.replace(REFERENCE, (_, name: string, fallback: string | undefined) => {
      const value = env[name];
      if (value !== undefined && (value !== '' || fallback === undefined)) return value;
      if (fallback === undefined) missing.push(name);
      return fallback ?? '';
    });
    for (const name of missing) {
      problems.push({
        path,
        message: `environment variable ${name} is not set`,
        hint: `set it, or give a default: \${${name}:-value}`,
      });
    }
    if (text === scalar.text) return scalar;
    const replaced = withText(scalar, text);
    replaced.isFaulty = missing.length > 0;
    return replaced;
  });
  return { root: expanded, problems, warnings };
}

/** Where nothing is expanded, a value that seems to count on it is worth a word. */
export function findUnexpanded(root: TreeNode): readonly EnvFinding[] {
  const warnings: EnvFinding[] = [];
  mapScalars(root, (scalar, path) => {
    const name = HAS_REFERENCE.exec(scalar.text)?.[1];
    if (name === undefined) warnings.push(...bareReference(scalar, path));
    else {
      warnings.push({
        path,
        message: `\${${name}} is taken as it stands`,
        hint: 'environment variables are expanded with --expand-env only',
      });
    }
    return scalar;
  });
  return warnings;
}

/** Part of a password may look like a variable; there only a value that is nothing else counts. */
function bareReference(scalar: TreeScalar, path: Path): EnvFinding[] {
  const match = BARE_REFERENCE.exec(scalar.text);
  const [whole, name] = match ?? [];
  const key = path.findLast((segment) => typeof segment === 'string');
  if (name === undefined || (typeof key === 'string' && isSecretKey(key) && whole !== scalar.text)) return [];
  return [{ path, message: `$${name} is taken as it stands`, hint: `write \${${name}} and use --expand-env` }];
}

/** A copy of the tree with other scalars; relabel fields stay as they are. What merge keys and aliases share stays shared. */
function mapScalars(root: TreeNode, change: (scalar: TreeScalar, path: Path) => TreeScalar): TreeNode {
  const done = new Map<unknown, TreeNode>();
  return mapNode(root, [], false);

  function mapNode(node: TreeNode, path: Path, isRule: boolean): TreeNode {
    const content = node instanceof TreeMap ? node.entries : node instanceof TreeList ? node.items : node;
    const known = done.get(content);
    if (known !== undefined) return known;
    const mapped = copyWith(node, path, isRule);
    done.set(content, mapped);
    return mapped;
  }

  function copyWith(node: TreeNode, path: Path, isRule: boolean): TreeNode {
    if (node instanceof TreeScalar) return node.isNull ? node : change(node, path);
    if (node instanceof TreeList) {
      const items = node.items.map((item, index) => mapNode(item, [...path, index], isRule));
      return new TreeList(items, node.range);
    }
    const entries = node.entries.map((entry) => {
      const key = canonicalKey(entry.key.text);
      if (isRule && RELABEL_FIELDS.has(key)) return entry;
      return { ...entry, value: mapNode(entry.value, [...path, entry.key.text], RELABEL_LIST.test(key)) };
    });
    return new TreeMap(entries, node.range);
  }
}
