import type { ScrapeConfig } from '../../config/scrape-config.ts';
import { isLabelName } from '../../labels/label-set.ts';
import type { ProfileFacts } from './inspect-profile.ts';

/** What is to become of the labels on a profile's samples. */
export interface SampleLabelPlan {
  /** Names that change; undefined where the label goes. Empty where all may stay. */
  readonly renamed: ReadonlyMap<string, string | undefined>;
  /** Names that the profile has then. */
  readonly names: readonly string[];
  /** The profile must be written anew. */
  readonly isNeeded: boolean;
}

/**
 * Text labels of samples become labels of series, so their names have to be such as every server takes: Pyroscope 1.x
 * refuses others, `__` names have meanings of their own. `maxNames` (Infinity: no limit) is what is left for them.
 */
export function planSampleLabels(
  { labelNames, hasDuplicateLabels }: ProfileFacts,
  policy: ScrapeConfig['sampleLabels'],
  maxNames: number,
): SampleLabelPlan {
  if (policy === 'keep') return { renamed: new Map(), names: labelNames, isNeeded: false };
  const drops = policy === 'drop';
  const isTooMany = drops && labelNames.length > maxNames;
  const renamed = new Map<string, string | undefined>();
  const names = new Set<string>();
  for (const name of labelNames) {
    if (isPortableName(name) && !isTooMany) {
      names.add(name);
      continue;
    }
    const wanted = drops ? undefined : portableName(name);
    renamed.set(name, wanted);
    if (wanted !== undefined) names.add(wanted);
  }
  return { renamed, names: [...names], isNeeded: renamed.size > 0 || hasDuplicateLabels };
}

function isPortableName(name: string): boolean {
  return isLabelName(name) && !name.startsWith('__');
}

/** `pebble.x` is `pebble_x`, `__x` is `_x`, `1st` is `_1st`. */
export function portableName(name: string): string {
  const plain = name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^_{2,}/, '_');
  return /^\d|^$/.test(plain) ? `_${plain}` : plain;
}
