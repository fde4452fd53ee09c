import type { Path } from '../document/path.ts';
import { canonicalKey, TreeList, type TreeMap } from '../document/tree.ts';
import { isExtension, isIgnoredGlobalKey, isIgnoredRootKey } from './config.ts';
import { isIgnoredJobKey } from './job.ts';
import { isMetricsRemote } from './remote-write.ts';

/**
 * Whether nothing at a path of the config, counted from its root mapping, means anything here: settings of a server, keys about
 * metrics, a remote for metrics. Also true of what lies below such a place.
 */
export function isIgnoredPath(root: TreeMap, path: Path): boolean {
  const [first, second, third] = path.map((segment) => (typeof segment === 'string' ? canonicalKey(segment) : segment));
  if (typeof first !== 'string') return false;
  if (isIgnoredRootKey(first) || isExtension(first)) return true;
  if (first === 'global') return typeof second === 'string' && isIgnoredGlobalKey(second);
  if (first === 'scrape-configs') return typeof third === 'string' && isIgnoredJobKey(third);
  if (first !== 'remote-write' || typeof second !== 'number') return false;
  const remotes = root.entry('remote-write')?.value;
  return remotes instanceof TreeList && isMetricsRemote(remotes.items[second]);
}
