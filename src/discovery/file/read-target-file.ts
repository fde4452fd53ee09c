import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, DiscoveryError } from '../../errors.ts';
import { META_FILEPATH_LABEL } from '../../labels/label-set.ts';
import { firstProblem, problemLine } from '../invalid-groups.ts';
import { readGroups } from '../read-groups.ts';
import type { TargetGroup } from '../target-group.ts';
import { targetGroupOf } from '../target-group-of.ts';
import { unreadable } from './unreadable.ts';

/** What one reading of a file gave. */
export type FileReading =
  | { readonly type: 'groups'; readonly groups: readonly TargetGroup[]; readonly warnings: readonly string[] }
  /** YAML without any content: what others see between the truncating and the writing of a file. */
  | { readonly type: 'empty' }
  | { readonly type: 'missing' }
  | { readonly type: 'broken'; readonly error: DiscoveryError };

/** A list of a million targets fits; a disk image does not. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Reads a file of target groups whole. One bad group makes the whole file broken, so no half of a change is ever taken. */
export async function readTargetFile(path: string): Promise<FileReading> {
  try {
    const text = await readBounded(path);
    const format = /\.json$/i.test(path) ? 'json' : 'yaml';
    if (format === 'yaml' && hasNoContent(text)) return { type: 'empty' };
    const meta = new Map([[META_FILEPATH_LABEL, path]]);
    const { groups, warnings } = await readGroups({ text, file: path, format }, (group, index) =>
      targetGroupOf(group, `${path}:${index}`, { meta, socketDir: dirname(path) }),
    );
    return { type: 'groups', groups, warnings: warnings.map(problemLine) };
  } catch (error) {
    if (error instanceof DiscoveryError) return { type: 'broken', error };
    if (error instanceof ConfigError) return { type: 'broken', error: invalid(error) };
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ENOENT') return { type: 'missing' };
    return { type: 'broken', error: unreadable(path, error) };
  }
}

async function readBounded(path: string): Promise<string> {
  // Not blocking, so that opening a FIFO that nobody writes to comes back.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw unreadable(path, 'it is a directory');
    if (!stats.isFile()) throw unreadable(path, 'it is not a regular file');
    if (stats.size > MAX_FILE_BYTES) throw unreadable(path, 'it is larger than 64 MiB');
    const bytes = await file.readFile();
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } finally {
    await file.close();
  }
}

/** Only blank lines, comments, and marks that open or close a document. */
function hasNoContent(text: string): boolean {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    if (!/^(?:#.*|---|\.\.\.|%.*)?$/.test(text.slice(start, end).trim())) return false;
    start = end + 1;
  }
  return true;
}

function invalid(error: ConfigError): DiscoveryError {
  const { message, hint } = firstProblem(error);
  return new DiscoveryError('SD_FILE_INVALID', message, { hint, cause: error });
}
