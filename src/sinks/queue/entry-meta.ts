import { createHash } from 'node:crypto';
import { byName, formatLabels, type LabelSet } from '../../labels/label-set.ts';
import type { SampleType } from '../../profile/sample-type.ts';
import { plainText } from '../../safe-text/laid-out.ts';
import { formatTimestamp, parseTimestamp } from '../file/timestamp.ts';

/** All that is needed to send a profile later, by another run: the JSON file beside the body. */
export interface EntryMeta {
  /** Profile name: `cpu`, `mem` … */
  readonly profile: string;
  /** As sent: external labels, tags and write relabelling are done. */
  readonly labels: LabelSet;
  readonly spyName: string;
  /** Unix nanoseconds. */
  readonly fromNanos: bigint;
  readonly untilNanos: bigint;
  readonly sampleTypes: readonly SampleType[];
  /** How the server is to show columns that need it; see `SampleTypeConfig`. */
  readonly columns: ReadonlyMap<string, ColumnMeta>;
  readonly samples: number;
  /** Size of the body, to know a torn file. */
  readonly bytes: number;
  /** Size of the body inflated. */
  readonly pprofBytes: number;
  /** Hz, where the profile has a period in time. */
  readonly sampleRate: number | undefined;
  /** Unix milliseconds. */
  readonly queuedAtMs: number;
  /** The file that `push` sends; undefined for profiles that a scrape queued. */
  readonly file: string | undefined;
  /** Identity for the record of what `push` has delivered; undefined for profiles that a scrape queued. */
  readonly pushId: string | undefined;
  /** Answers of the server that count towards a bound (422, a 429 that may be for ever). */
  readonly refusals: number;
  /** What the server, or our own check, said last. */
  readonly answer: string | undefined;
}

export interface ColumnMeta {
  readonly displayName: string | undefined;
  readonly units: string | undefined;
  readonly aggregation: 'sum' | 'average';
}

/** Profiles of one series are delivered in the order in which they were queued. 16 hex digits. */
export function seriesOf(profile: string, labels: LabelSet): string {
  return createHash('sha256')
    .update(`${profile}\n${formatLabels(labels)}`)
    .digest('hex')
    .slice(0, 16);
}

export function formatMeta(meta: EntryMeta): string {
  const written = {
    version: 1,
    profile: meta.profile,
    labels: Object.fromEntries([...meta.labels].sort(byName)),
    from: formatTimestamp(meta.fromNanos),
    until: formatTimestamp(meta.untilNanos),
    spyName: meta.spyName,
    sampleTypes: meta.sampleTypes,
    columns: meta.columns.size === 0 ? undefined : Object.fromEntries(meta.columns),
    samples: meta.samples,
    bytes: meta.bytes,
    pprofBytes: meta.pprofBytes,
    sampleRate: meta.sampleRate,
    queuedAt: new Date(meta.queuedAtMs).toISOString(),
    file: meta.file,
    pushId: meta.pushId,
    refusals: meta.refusals === 0 ? undefined : meta.refusals,
    answer: meta.answer,
  };
  return `${plainText(JSON.stringify(written, undefined, 2))}\n`;
}

/** Reads what `formatMeta` wrote, perhaps edited by a person. Throws an Error that says what is wrong. */
export function parseMeta(text: string): EntryMeta {
  const root = new Fields(JSON.parse(text), '');
  if (root.number('version') !== 1) throw new Error('version is not 1');
  return {
    profile: root.text('profile'),
    labels: new Map(
      root
        .fields('labels')
        .entries()
        .map(([name, value]) => [name, asText(value, `labels.${name}`)]),
    ),
    spyName: root.text('spyName'),
    fromNanos: root.nanos('from'),
    untilNanos: root.nanos('until'),
    sampleTypes: root.list('sampleTypes').map((fields) => ({ type: fields.text('type'), unit: fields.text('unit') })),
    columns: new Map(root.optionalFields('columns').map(([name, value]) => [name, columnOf(new Fields(value, name))])),
    samples: root.number('samples'),
    bytes: root.number('bytes'),
    pprofBytes: root.number('pprofBytes'),
    sampleRate: root.has('sampleRate') ? root.number('sampleRate') : undefined,
    queuedAtMs: root.date('queuedAt'),
    file: root.has('file') ? root.text('file') : undefined,
    pushId: root.has('pushId') ? root.text('pushId') : undefined,
    refusals: root.has('refusals') ? root.number('refusals') : 0,
    answer: root.has('answer') ? root.text('answer') : undefined,
  };
}

function columnOf(fields: Fields): ColumnMeta {
  return {
    displayName: fields.has('displayName') ? fields.text('displayName') : undefined,
    units: fields.has('units') ? fields.text('units') : undefined,
    aggregation: fields.has('aggregation') && fields.text('aggregation') === 'average' ? 'average' : 'sum',
  };
}

function asText(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new Error(`${path} is not a text`);
  return value;
}

/** An object of the file, read with complaints that name the field. */
class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null) throw new Error(`${path === '' ? 'the file' : path} is no object`);
    this.#values = new Map(Object.entries(value));
    this.#path = path === '' ? '' : `${path}.`;
  }

  entries(): [string, unknown][] {
    return [...this.#values];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string {
    return asText(this.#values.get(name), this.#path + name);
  }

  number(name: string): number {
    const value = this.#values.get(name);
    if (typeof value !== 'number') throw new Error(`${this.#path}${name} is no number`);
    return value;
  }

  nanos(name: string): bigint {
    const nanos = parseTimestamp(this.text(name));
    if (nanos === undefined)
      throw new Error(`${this.#path}${name} is not a time such as 2026-11-22T10:15:00.000000000Z`);
    return nanos;
  }

  date(name: string): number {
    const ms = Date.parse(this.text(name));
    if (Number.isNaN(ms)) throw new Error(`${this.#path}${name} is not a time`);
    return ms;
  }

  fields(name: string): Fields {
    return new Fields(this.#values.get(name), this.#path + name);
  }

  optionalFields(name: string): [string, unknown][] {
    return this.has(name) ? this.fields(name).entries() : [];
  }

  list(name: string): Fields[] {
    const value = this.#values.get(name);
    if (!Array.isArray(value)) throw new Error(`${this.#path}${name} is no list`);
    return value.map((item: unknown, index) => new Fields(item, `${this.#path}${name}[${index}]`));
  }
}
