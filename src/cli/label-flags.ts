import { UsageError } from '../errors.ts';
import { isLabelName, type LabelSet } from '../labels/label-set.ts';

/** The labels of `--label NAME=VALUE`. Throws a UsageError. */
export function labelsOfFlags(flags: readonly string[]): LabelSet {
  const labels = new Map<string, string>();
  for (const flag of flags) {
    const at = flag.indexOf('=');
    const name = flag.slice(0, Math.max(0, at));
    if (!isLabelName(name)) {
      throw new UsageError(`--label ${flag}: not NAME=VALUE`, {
        hint: 'a name has letters, digits and _, no digit first: --label env=ci',
      });
    }
    labels.set(name, flag.slice(at + 1));
  }
  return labels;
}
