import type { Path } from './path.ts';
import { isSecretKey } from './secrets.ts';
import { canonicalKey, TreeList, TreeMap, type TreeNode, TreeScalar, withText } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvFinding {
  readonly path: Path;
  readonly message: string;
  readonly hint: string;
}

export interface EnvFindings {
  readonly problems: readonly EnvFinding[];
  readonly warnings: readonly EnvFinding[];
}

/** Whether nobody reads what stands at a path, so that no variable needs to be set for it. */
export type IsUnused = (path: Path) => boolean;

const REFERENCE = /\$\{([A-Za-z_]\w*)(?::-([^{}]*))?\}/g;
const HAS_REFERENCE = /\$\{([A-Za-z_]\w*)(?::-[^{}]*)?\}/;
/** As the old Pyroscope server took it. Upper case, or every price and regular expression would look like one. */
const BARE_REFERENCE = /\$([A-Z_][A-Z0-9_]*)/;

/** In these `$` and `${name}` speak of regular expressions and their groups. */
const RELABEL_FIELDS: ReadonlySet<string> = new Set(['regex', 'replacement', 'target-label']);
const RELABEL_LIST = /relabel-configs$/;

/** Whether a path leads to a value in which nothing is ever expanded. */
export function isRelabelField(path: Path): boolean {
  const [list, , field] = path.slice(-3);
  return (
    typeof list === 'string' &&
    typeof field === 'string' &&
    RELABEL_LIST.test(canonicalKey(list)) &&
    RELABEL_FIELDS.has(canonicalKey(field))
  );
}

/**
 * Replaces `${NAME}` and `${NAME:-default}` in values, after parsing, so that no variable can add structure to the file;
 * never in keys, comments or relabel rules. The default stands in for a variable that is unset or empty, as in a shell. A value
 * with a variable that is not set is marked as faulty; `checkEnv` says so.
 */
export function expandEnv(root: TreeNode, env: Environment): TreeNode {
  return mapScalars(root, (scalar) => {
    const { text, missing } = expandText(scalar.text, env);
    if (text === scalar.text) return scalar;
    const replaced = withText(scalar, text);
    replaced.isFaulty = missing.length > 0;
    return replaced;
  });
}

/** What is wrong with the variables that the values of a file name, but for values that nobody reads. */
export function checkEnv(root: TreeNode, env: Environment, isUnused: IsUnused = () => false): EnvFindings {
  const problems: EnvFinding[] = [];
  const warnings: EnvFinding[] = [];
  mapScalars(
    root,
    (scalar, path) => {
      warnings.push(...bareReference(scalar, path));
      for (const name of expandText(scalar.text, env).missing) {
        problems.push({
          path,
          message: `environment variable ${name} is not set`,
          hint: `set it, or give a default: \${${name}:-value}`,
        });
      }
      return scalar;
    },
    isUnused,
  );
  return { problems, warnings };
}

function expandText(written: string, env: Environment): { text: string; missing: readonly string[] } {
  const missing: string[] = [];
  const text = written.replace(REFERENCE, (_, name: string, fallback: string | undefined) => {
    const value = env[name];
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback === undefined) missing.push(name);
    return fallback ?? '';
  });
  return { text, missing };
}

/** Where nothing is expanded, a value that seems to count on it is worth a word. */
export function findUnexpanded(root: TreeNode, isUnused: IsUnused = () => false): readonly EnvFinding[] {
  const warnings: EnvFinding[] = [];
  mapScalars(
    root,
    (scalar, path) => {
      const name = referenceIn(scalar.text);
      if (name === undefined) warnings.push(...bareReference(scalar, path));
      else warnings.push({ path, message: `\${${name}} is taken as it stands`, hint: UNEXPANDED_HINT });
      return scalar;
    },
    isUnused,
  );
  return warnings;
}

export const UNEXPANDED_HINT = 'environment variables are expanded with --expand-env only';

/** The first variable that a text names as `${NAME}` or `${NAME:-default}`. */
export function referenceIn(text: string): string | undefined {
  return HAS_REFERENCE.exec(text)?.[1];
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
function mapScalars(
  root: TreeNode,
  change: (scalar: TreeScalar, path: Path) => TreeScalar,
  isUnused: IsUnused = () => false,
): TreeNode {
  const done = new Map<unknown, TreeNode>();
  return mapNode(root, [], false);

  function mapNode(node: TreeNode, path: Path, isRule: boolean): TreeNode {
    // Not remembered: an alias may stand for the same content where it is read.
    if (isUnused(path)) return node;
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
