import type * as z from 'zod/mini';
import type { FileKind } from '../file-kind.ts';
import type { Reporter } from '../findings.ts';
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

/** The way of Parca, Phlare and conprof to say which profiles a job has. */
export const profilingConfig = mapping(() => ({
  'pprof-config': mapOf(
    mapping(() => ({
      enabled: boolean(),
      path: text(),
      /** Asks for a difference over `seconds`, whatever the name suggests. */
      delta: boolean(),
      seconds: integer({ min: 1n, max: 86_400n }),
      debug: integer({ min: 0n, max: 2n }),
      'keep-sample-type': list(mapping(() => ({ type: nonEmptyText(), unit: text() }))),
    })),
    checkProfileName,
  ),
  'path-prefix': text(),
}));

export type WrittenProfilingConfig = z.output<typeof profilingConfig>;

/** What Parca and Phlare scrape where the config says nothing. */
const PARCA_PROFILES: readonly string[] = ['mem', 'block', 'goroutines', 'mutex', 'cpu'];

/** What conprof scrapes then. It has `allocs` beside `heap`, which is the same data: here it is left out unless it is named. */
const CONPROF_PROFILES: readonly string[] = ['block', 'goroutines', 'mem', 'mutex', 'cpu', 'threadcreate'];

/** The profiles of a job that names none, by the system that the file was written for. */
export function impliedProfiles(kind: FileKind): readonly string[] {
  if (kind === 'conprof') return CONPROF_PROFILES;
  return kind === 'parca' || kind === 'phlare' ? PARCA_PROFILES : [];
}

/** Endpoints that these systems fetch like profiles and that answer with something else. */
const NO_PROFILES: ReadonlySet<string> = new Set(['cmdline', 'symbol', 'trace']);

export interface ParcaProfiles {
  readonly enabled: readonly string[];
  readonly profiles: WrittenProfiles;
}

/**
 * The same in our terms. As in Parca's pkg/config/config.go, a built-in profile is on unless `enabled` is false, and any other
 * one is off unless it is true.
 */
export function fromProfilingConfig(
  written: WrittenProfilingConfig,
  { intervalMs, kind, report }: { intervalMs: number; kind: FileKind; report: Reporter },
): ParcaProfiles {
  const prefix = (written['path-prefix'] ?? '').replace(/(?<!\/)\/+$/, '');
  const profiles = new Map<string, WrittenProfile>();
  const implied = kind === 'conprof' ? CONPROF_PROFILES : PARCA_PROFILES;
  const enabled = new Set(implied);
  for (const [name, entry] of written['pprof-config'] ?? []) {
    const place = report.at(name);
    if (NO_PROFILES.has(name)) {
      if (entry.enabled) place.warn('is no pprof profile and is left out', 'remove it or set enabled: false', 'key');
      continue;
    }
    const canonical = canonicalProfileName(name);
    const isBuiltIn = implied.includes(canonical) || (kind === 'conprof' && canonical === 'allocs');
    const isEnabled = entry.enabled ?? isBuiltIn;
    if (isEnabled) enabled.add(canonical);
    else enabled.delete(canonical);
    if (entry.enabled === undefined && !isBuiltIn) {
      place.warn('is off, as in Parca, where a profile of your own needs enabled: true', 'add enabled: true', 'key');
    }
    const preset = PRESETS.get(canonical);
    const path = entry.path || preset?.path;
    // Switched off and not known otherwise, it would be a profile without a path.
    if (!isEnabled && path === undefined) continue;
    const seconds = entry.seconds ?? (entry.delta ? BigInt(Math.floor(intervalMs / 1000)) : undefined);
    const params = new Map<string, readonly string[]>();
    if (seconds !== undefined) params.set('seconds', [String(seconds)]);
    if (entry.debug) params.set('debug', [String(entry.debug)]);
    profiles.set(name, {
      ...(path !== undefined && { path: `/${path.replace(/^\/+/, '')}` }),
      ...(params.size > 0 && { params }),
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
