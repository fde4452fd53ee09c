import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { canonicalProfileName, DEFAULT_SPY_NAME, PRESETS } from '../../config/presets.ts';
import { errnoOf, SinkError } from '../../errors.ts';
import { byName, type LabelSet, NAME_LABEL, SERVICE_NAME_LABEL } from '../../labels/label-set.ts';
import { openProfile } from '../../profile/open-profile.ts';
import type { IndexEntry } from '../file/index-entry.ts';
import { readIndex } from '../file/read-index.ts';
import type { ColumnMeta } from '../queue/entry-meta.ts';
import { inspectProfile } from './inspect-profile.ts';
import { columnsOf, type OutgoingProfile } from './outgoing-profile.ts';
import { seriesName } from './series-name.ts';

const MAX_INFLATED_BYTES = 512 * 1024 * 1024;
/** A file that `scrape` wrote lies four directories below its index. */
const INDEX_ABOVE = 5;

/** A file to push, and what an index says of it. */
export interface PushFile {
  readonly path: string;
  /** The path as the user gave it, with what lies below. */
  readonly name: string;
  readonly entry: IndexEntry | undefined;
  /** False for a file of a directory whose name is not that of a profile: it is not sent. */
  readonly isProfile: boolean;
}

/**
 * The profiles that a user's paths stand for, each once: a file; of a directory that `scrape` wrote all that its index
 * lists, in that order; of any other directory every file below it whose name is that of a profile. A file inside a directory that
 * `scrape` wrote is found in its index, too. Rejects with a SinkError for a path that is not there.
 */
export async function* findPushFiles(paths: readonly string[]): AsyncGenerator<PushFile> {
  const seen = new Set<string>();
  const indexes = new Map<string, ReadonlyMap<string, IndexEntry>>();
  const once = function* (files: Iterable<PushFile>): Generator<PushFile> {
    for (const file of files) {
      if (seen.has(file.path)) continue;
      seen.add(file.path);
      yield file;
    }
  };
  for (const given of paths) {
    const path = resolve(given);
    if (!(await isDirectory(path, given))) {
      yield* once([{ path, name: given, entry: await findEntry(path, indexes), isProfile: true }]);
      continue;
    }
    const entries = await indexOf(path, indexes);
    const fileAt = (below: string, entry: IndexEntry | undefined, isProfile: boolean): PushFile => ({
      path: join(path, below),
      name: join(given, below),
      entry,
      isProfile,
    });
    if (entries.size > 0) yield* once([...entries].map(([below, entry]) => fileAt(below, entry, true)));
    else
      for await (const file of filesBelow(path)) {
        const entry = await findEntry(file, indexes);
        yield* once([fileAt(relative(path, file), entry, entry !== undefined || PROFILE_NAME.test(file))]);
      }
  }
}

async function isDirectory(path: string, given: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'no such file or directory' : (errnoOf(error) ?? 'cannot be read');
    throw new SinkError('PUSH_PATH', `${given}: ${why}`, { cause: error });
  }
}

async function indexOf(
  dir: string,
  indexes: Map<string, ReadonlyMap<string, IndexEntry>>,
): Promise<ReadonlyMap<string, IndexEntry>> {
  const known = indexes.get(dir);
  if (known !== undefined) return known;
  const entries = new Map<string, IndexEntry>();
  for await (const entry of readIndex(dir)) entries.set(entry.path, entry);
  indexes.set(dir, entries);
  return entries;
}

async function findEntry(
  path: string,
  indexes: Map<string, ReadonlyMap<string, IndexEntry>>,
): Promise<IndexEntry | undefined> {
  let dir = dirname(path);
  for (let up = 0; up < INDEX_ABOVE; up++) {
    const entry = (await indexOf(dir, indexes)).get(relative(dir, path).split(sep).join('/'));
    if (entry !== undefined) return entry;
    if (dirname(dir) === dir) return undefined;
    dir = dirname(dir);
  }
  return undefined;
}

/** Endings that producers and `go build -pgo` give to profiles. */
const PROFILE_NAME = /\.(?:pb|pprof|prof|pgo)(?:\.gz)?$/;

/** All files below a directory, sorted by name, without hidden ones. */
async function* filesBelow(dir: string): AsyncGenerator<string> {
  const found = await readdir(dir, { withFileTypes: true });
  for (const file of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (file.name.startsWith('.')) continue;
    const path = join(dir, file.name);
    if (file.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

export interface FileDefaults {
  /** `--label`: set over equal names. */
  readonly labels: LabelSet;
  /** How the server is to show the columns of a profile; undefined for what the built-in profiles say. */
  readonly columnsOf?: (profile: string, labels: LabelSet) => ReadonlyMap<string, ColumnMeta> | undefined;
}

/**
 * A file as it goes to a remote. What no index tells comes from the pprof itself: its time, its program as the service,
 * its columns as the kind of profile. Rejects with the system's error or a ProfileError.
 */
export async function readPushFile({ path, name, entry }: PushFile, defaults: FileDefaults): Promise<OutgoingProfile> {
  const body = await readFile(path);
  const known = entry ?? describeBare(body, path);
  const labels = new Map([...known.labels, ...defaults.labels]);
  const interval = entry && { fromNanos: entry.fromNanos, untilNanos: entry.untilNanos };
  const id = createHash('sha256')
    .update(body)
    .update(JSON.stringify([...labels].sort(byName)));
  id.update(`${known.profile} ${interval?.fromNanos} ${interval?.untilNanos}`);
  return {
    profile: known.profile,
    labels,
    spyName: entry?.spyName ?? DEFAULT_SPY_NAME,
    body,
    isValid: false,
    interval,
    columns:
      defaults.columnsOf?.(known.profile, labels) ?? columnsOf(PRESETS.get(known.profile)?.sampleTypes ?? new Map()),
    sampleLabels: 'sanitize',
    file: name,
    pushId: id.digest('hex').slice(0, 32),
  };
}

const PROFILE_OF_SERIES: ReadonlyMap<string, string> = new Map([
  ['process_cpu', 'cpu'],
  ['memory', 'mem'],
]);

function describeBare(body: Uint8Array, path: string): Pick<IndexEntry, 'profile' | 'labels'> {
  const { sampleTypes, mainBinary } = inspectProfile(openProfile(body, MAX_INFLATED_BYTES), { isValid: false });
  const { name } = seriesName(sampleTypes, new Map());
  // Mutex and block profiles have the same columns; only their name tells them apart.
  const isBlock = name === 'mutex' && /block/i.test(basename(path));
  const profile = isBlock ? 'block' : (PROFILE_OF_SERIES.get(name) ?? canonicalProfileName(name));
  const service = mainBinary === undefined ? 'unknown_service' : basename(mainBinary);
  return {
    profile,
    labels: new Map([
      [NAME_LABEL, service],
      [SERVICE_NAME_LABEL, service],
    ]),
  };
}
