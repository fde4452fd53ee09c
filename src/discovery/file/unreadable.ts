import { DiscoveryError } from '../../errors.ts';

const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['ELOOP', 'its symbolic links go round in a circle'],
  ['ENOTDIR', 'a part of the path is not a directory'],
  ['EMFILE', 'too many open files'],
  ['ERR_ENCODING_INVALID_ENCODED_DATA', 'it is not UTF-8'],
]);

/** A file or directory that can't be read, with the reason in words: either given, or from what Node threw. */
export function unreadable(path: string, reason: string | Error): DiscoveryError {
  const code = reason instanceof Error && 'code' in reason ? reason.code : undefined;
  const words = reason instanceof Error ? (REASONS.get(code) ?? reason.message) : reason;
  const cause = reason instanceof Error ? reason : undefined;
  return new DiscoveryError('SD_FILE_UNREADABLE', `can't read ${path}: ${words}`, { cause });
}
