import { DEFAULT_SPY_NAME, PRESETS } from '../../config/presets.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { isCumulativeType } from '../../profile/go-columns.ts';
import { PROFILE_KINDS, type ProfileKind } from '../../profile/profile-kind.ts';
import type { SampleType } from '../../profile/sample-type.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';

/** The index of a directory of profiles, one line for each file. */
export const INDEX_FILE = 'index.ndjson';
/** How every line begins. */
export const LINE_START = '{"path":"';

/** What the index tells of one file. */
export interface IndexEntry {
  /** Relative to the index, with `/` on every system. */
  readonly path: string;
  /** Profile name: `cpu`, `mem` … */
  readonly profile: string;
  readonly labels: LabelSet;
  readonly url: string;
  /** What its values stand for. */
  readonly kind: ProfileKind;
  /** The agent as which `push` introduces itself to a server: `gospy`, `nodespy` … */
  readonly spyName: string;
  /** The interval the profile speaks for, Unix nanoseconds. */
  readonly fromNanos: bigint;
  readonly untilNanos: bigint;
  readonly sampleTypes: readonly SampleType[];
  readonly samples: number;
  readonly bytes: number;
  /** Of the file, hex. */
  readonly sha256: string;
  readonly isReset: boolean;
  readonly isPartial: boolean;
}

/** An entry as JSON has it, the fields in the order of the line. */
export function indexFields(entry: IndexEntry): Readonly<Record<string, unknown>> {
  return {
    path: entry.path,
    profile: entry.profile,
    labels: Object.fromEntries(entry.labels), // makes a plain property even of `__proto__`
    url: entry.url,
    from: formatTimestamp(entry.fromNanos),
    until: formatTimestamp(entry.untilNanos),
    sampleTypes: entry.sampleTypes.map(({ type, unit }) => ({ type, unit })),
    samples: entry.samples,
    bytes: entry.bytes,
    sha256: entry.sha256,
    reset: entry.isReset,
    partial: entry.isPartial,
    kind: entry.kind,
    spyName: entry.spyName,
  };
}

/** Undefined for what is no whole line of an index, or names a file that is not below its directory. */
export function parseIndexLine(line: string): IndexEntry | undefined {
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(read));
  const text = (name: string) => asText(fields.get(name));
  const path = text('path');
  const profile = text('profile');
  const url = text('url');
  const fromNanos = parseTimestamp(text('from') ?? '');
  const untilNanos = parseTimestamp(text('until') ?? '');
  const sha256 = text('sha256');
  const labels = asLabels(fields.get('labels'));
  const sampleTypes = asSampleTypes(fields.get('sampleTypes'));
  const samples = asCount(fields.get('samples'));
  const bytes = asCount(fields.get('bytes'));
  if (path === undefined || !isBelow(path) || profile === undefined || url === undefined || sha256 === undefined) {
    return undefined;
  }
  if (fromNanos === undefined || untilNanos === undefined || samples === undefined || bytes === undefined) {
    return undefined;
  }
  if (labels === undefined || sampleTypes === undefined) return undefined;
  const isReset = fields.get('reset') === true;
  const isPartial = fields.get('partial') === true;
  const spyName = text('spyName') ?? DEFAULT_SPY_NAME; // version 0.1.0 wrote none
  const kind = asKind(fields.get('kind')) ?? kindOfPreset(profile, sampleTypes);
  return {
    path,
    profile,
    labels,
    url,
    kind,
    spyName,
    fromNanos,
    untilNanos,
    sampleTypes,
    samples,
    bytes,
    sha256,
    isReset,
    isPartial,
  };
}

function asKind(value: unknown): ProfileKind | undefined {
  return PROFILE_KINDS.find((kind) => kind === value);
}

/**
 * Version 0.1.0 wrote no kind. What it wrote of a built-in profile follows from that; of a user's own it did not subtract
 * Go's cumulative columns unless the config said so, which the line does not tell: a reader must not add those up.
 */
function kindOfPreset(profile: string, sampleTypes: readonly SampleType[]): ProfileKind {
  const preset = PRESETS.get(profile);
  if (preset?.params.has('seconds')) return 'window';
  if (!sampleTypes.some(isCumulativeType)) return 'state';
  return preset === undefined ? 'cumulative' : 'delta';
}

/** Whoever reads the index opens or deletes what it names, so a line must not lead out of the directory. */
function isBelow(path: string): boolean {
  return !/[\\\0]|^[A-Za-z]:/.test(path) && path.split('/').every((part) => !['', '.', '..'].includes(part));
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function asCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function asLabels(value: unknown): LabelSet | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const labels = new Map<string, string>();
  for (const [name, label] of Object.entries(value)) {
    if (typeof label !== 'string') return undefined;
    labels.set(name, label);
  }
  return labels;
}

function asSampleTypes(value: unknown): SampleType[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const sampleTypes: SampleType[] = [];
  for (const item of value) {
    const fields = new Map<string, unknown>(Object.entries(item ?? {}));
    const type = asText(fields.get('type'));
    const unit = asText(fields.get('unit'));
    if (type === undefined || unit === undefined) return undefined;
    sampleTypes.push({ type, unit });
  }
  return sampleTypes;
}
