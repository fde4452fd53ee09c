import type { Path } from './document/path.ts';
import { canonicalKey, TreeList, TreeMap, type TreeNode } from './document/tree.ts';
import { type FileKind, fileKindOf } from './file-kind.ts';
import { type Findings, Reporter } from './findings.ts';
import { PHLARE_KEYS } from './schema/server-keys.ts';

/** Key of the old Helm chart's values that holds a whole server.yml. */
const HELM_KEY = 'pyroscopeConfigs';

export interface FileShape {
  /** The mapping that holds the config, and where it is. */
  readonly node: TreeMap;
  readonly path: Path;
  readonly kind: FileKind;
}

/**
 * Finds the config inside a file that was written for another tool: a Pyroscope server.yml, values of its Helm chart, a config
 * of Prometheus, Parca, Phlare, Pyroscope 1.x or conprof. Undefined, with the reason reported, where there is none.
 */
export function recognizeShape(root: TreeNode | undefined, findings: Findings): FileShape | undefined {
  const report = new Reporter(findings);
  if (root === undefined) {
    report.error(
      'the file is empty: there are no scrape-configs in it',
      'start with scrape-configs: and a list of jobs',
    );
    return undefined;
  }
  if (!(root instanceof TreeMap)) {
    report.error(
      root instanceof TreeList ? 'the file is a list, not a config' : 'the file is a single text, not a config',
      root instanceof TreeList
        ? 'put the list of jobs under scrape-configs:'
        : 'start with scrape-configs: and a list of jobs',
    );
    return undefined;
  }
  const helm = root.entries.find(({ key }) => key.text === HELM_KEY);
  if (!helm) return hasJobs(root, report) ? { node: root, path: [], kind: fileKindOf(root) } : undefined;
  if (root.entry('scrape-configs')) {
    const jobs = report.at('scrape-configs');
    jobs.error(`"${jobs.key}" stands beside ${HELM_KEY}`, 'keep the jobs in one of the two places', 'key');
  }
  if (helm.value instanceof TreeMap && hasJobs(helm.value, report.at(HELM_KEY))) {
    return { node: helm.value, path: [HELM_KEY], kind: 'pyroscope' };
  }
  if (!(helm.value instanceof TreeMap))
    report.at(HELM_KEY).error('must be a mapping that holds scrape-configs', undefined, 'key');
  return undefined;
}

/** A misspelled key is found later, with its suggestion. */
function hasJobs(node: TreeMap, report: Reporter): boolean {
  if (node.entry('scrape-configs') || node.entries.some(({ key }) => looksLikeJobs(key.text))) return true;
  const nested = findJobs(node, []);
  const kind = node.entry('kind')?.value;
  const hint =
    kind && 'text' in kind && kind.text === 'ConfigMap'
      ? 'this is a Kubernetes ConfigMap: give the file that it holds under data'
      : nested
        ? `they are under ${nested.join('.')}: give that part as a file of its own`
        : isPhlare(node)
          ? 'a server of Pyroscope 1.x takes profiles and asks for none: add scrape_configs: and a list of jobs'
          : 'start with scrape-configs: and a list of jobs';
  report.error('there are no scrape-configs', hint, 'key');
  return false;
}

function isPhlare(node: TreeMap): boolean {
  return node.entries.some(({ key }) => PHLARE_KEYS.has(canonicalKey(key.text)));
}

function looksLikeJobs(key: string): boolean {
  const folded = key.toLowerCase().replace(/[^a-z]/g, '');
  return (
    folded !== 'scrapeconfigfiles' && /^(scrape|scraper)s?(config|configs|configuration|configurations)$/.test(folded)
  );
}

function findJobs(node: TreeMap, path: readonly string[]): readonly string[] | undefined {
  if (path.length > 4) return undefined;
  for (const { key, value } of node.entries) {
    if (canonicalKey(key.text) === 'scrape-configs') return path;
    const found = value instanceof TreeMap ? findJobs(value, [...path, key.text]) : undefined;
    if (found) return found;
  }
  return undefined;
}
