import { type Range, TreeList, TreeMap, type TreeNode, type TreeScalar } from './tree.ts';

/** Keys and indexes from the root of the tree down. A known key may be in either spelling. */
export type Path = readonly (string | number)[];

export interface Place {
  /** Undefined where nothing is written at the path. */
  readonly node: TreeNode | undefined;
  /** The key that leads to the node; undefined for the items of a list and for the root. */
  readonly key: TreeScalar | undefined;
  /** What to point at: the value, else the closest thing around it that is in the file. */
  readonly range: Range | undefined;
  /** As the author spelled it: `scrape_configs[0].job_name`. */
  readonly written: string;
}

/** Follows a path as far as the file goes. */
export function findPlace(root: TreeNode | undefined, path: Path): Place {
  let node = root;
  let key: TreeScalar | undefined;
  let range = root?.range;
  let written = '';
  for (const segment of path) {
    key = undefined;
    if (node instanceof TreeMap && typeof segment === 'string') {
      const entry = node.entry(segment);
      node = entry?.value;
      key = entry?.key;
      if (entry) written += formatKey(entry.key.text, written === '');
    } else if (node instanceof TreeList && typeof segment === 'number') {
      node = node.items[segment];
      if (node) written += `[${segment}]`;
    } else {
      node = undefined;
    }
    if (node === undefined) break;
    range = node.range;
  }
  return { node, key, range, written };
}

function formatKey(key: string, isFirst: boolean): string {
  if (!/^[\w-]+$/.test(key)) return `[${JSON.stringify(key)}]`;
  return isFirst ? key : `.${key}`;
}
