import type * as z from 'zod/mini';
import { canonicalProfileName, PRESETS } from '../presets.ts';
import {
  checkProfileName,
  REMOVED,
  type WrittenProfile,
  type WrittenProfiles,
  type WrittenSampleType,
} from './profile.ts';
import { boolean, integer, nonEmptyText, text } from './scalars.ts';
import { list, mapOf, mapping } from './structures.ts';

/** Parca's way to say which profiles a job has. */
export const profilingConfig = mapping(() => ({
  'pprof-config': mapOf(
    mapping(() => ({
      enabled: boolean(),
      path: text(),
      /** Asks for a difference over `seconds`, whatever the name suggests. */
      delta: boolean(),
      seconds: integer({ min: 1n, max: 86_400n }),
      'keep-sample-type': list(mapping(() => ({ type: nonEmptyText(), unit: text() }))),
    })),
    checkProfileName,
  ),
  'path-prefix': text(),
}));

export type WrittenProfilingConfig = z.output<typeof profilingConfig>;

/** What Parca scrapes where the config says nothing. */
export const PARCA_PROFILES: readonly string[] = ['mem', 'block', 'goroutines', 'mutex', 'cpu'];

export interface ParcaProfiles {
  readonly enabled: readonly string[];
  readonly profiles: WrittenProfiles;
}

/** The same in our terms. */
export function fromProfilingConfig(
  written: WrittenProfilingConfig,
  { intervalMs }: { intervalMs: number },
): ParcaProfiles {
  const prefix = (written['path-prefix'] ?? '').replace(/(?<!\/)\/+$/, '');
  const profiles = new Map<string, WrittenProfile>();
  const enabled = new Set(PARCA_PROFILES);
  for (const [name, entry] of written['pprof-config'] ?? []) {
    const canonical = canonicalProfileName(name);
    if (entry.enabled === false) enabled.delete(canonical);
    else enabled.add(canonical);
    const preset = PRESETS.get(canonical);
    const path = entry.path || preset?.path;
    // Switched off and not known otherwise, it would be a profile without a path.
    if (entry.enabled === false && path === undefined) continue;
    const seconds = entry.seconds ?? (entry.delta ? BigInt(Math.floor(intervalMs / 1000)) : undefined);
    profiles.set(name, {
      ...(path !== undefined && { path: `/${path.replace(/^\/+/, '')}` }),
      ...(seconds !== undefined && { params: new Map([['seconds', [String(seconds)]]]) }),
      ...(entry['keep-sample-type'] && {
        'sample-types': keptTypes(entry['keep-sample-type'], preset?.sampleTypes.keys()),
      }),
    });
  }
  if (prefix !== '') addPrefix(prefix, profiles);
  return { enabled: [...enabled], profiles };
}

/** Only the types listed stay. */
function keptTypes(
  kept: readonly ({ type?: string | undefined } | undefined)[],
  presetTypes: Iterable<string> = [],
): Map<string, WrittenSampleType> {
  const types = new Map<string, WrittenSampleType>([...presetTypes].map((type) => [type, REMOVED]));
  for (const item of kept) if (item?.type) types.set(item.type, {});
  return types;
}

function addPrefix(prefix: string, profiles: Map<string, WrittenProfile>): void {
  const lead = prefix.startsWith('/') ? prefix : `/${prefix}`;
  const written = new Set([...profiles.keys()].map(canonicalProfileName));
  for (const preset of PRESETS.values()) {
    if (!written.has(preset.name)) profiles.set(preset.name, { path: preset.path });
  }
  for (const [name, profile] of profiles) {
    if (profile.path !== undefined) profiles.set(name, { ...profile, path: `${lead}${profile.path}` });
  }
}
