import { canonicalKey } from '../document/tree.ts';
import type { Reporter } from '../findings.ts';

/** One warning for all keys of a mapping that are known and mean nothing here, at the first of them. */
export function warnOfIgnored(
  report: Reporter,
  isIgnored: (canonical: string) => boolean,
  say: (keys: readonly string[]) => string,
): void {
  const keys = report.keys.filter((key) => isIgnored(canonicalKey(key)));
  const [first] = keys;
  if (first !== undefined) report.warn(say(keys), undefined, { innerKey: first });
}
