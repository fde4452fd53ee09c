import { errnoOf, SinkError } from '../../errors.ts';

const FAULTS: Readonly<Record<string, { readonly code: string; readonly words: string; readonly hint?: string }>> = {
  ENOSPC: { code: 'DISK_FULL', words: 'no space left on the device', hint: 'free some space, or write elsewhere' },
  EDQUOT: { code: 'DISK_FULL', words: 'disk quota exceeded', hint: 'free some space, or write elsewhere' },
  EFBIG: { code: 'FILE_TOO_BIG', words: 'the file would be larger than the system allows', hint: 'see ulimit -f' },
  EACCES: { code: 'PERMISSION_DENIED', words: 'permission denied', hint: 'check who owns the directory' },
  EPERM: { code: 'PERMISSION_DENIED', words: 'operation not permitted', hint: 'check who owns the directory' },
  EROFS: { code: 'READ_ONLY', words: 'the file system is read-only', hint: 'write elsewhere' },
  ENOTDIR: {
    code: 'NOT_A_DIRECTORY',
    words: 'a part of the path is no directory',
    hint: 'remove that file, or write elsewhere',
  },
  EEXIST: {
    code: 'NOT_A_DIRECTORY',
    words: 'a file is where a directory should be',
    hint: 'remove that file, or write elsewhere',
  },
  EISDIR: { code: 'IS_A_DIRECTORY', words: 'a directory is where the file should be' },
  ENOENT: { code: 'NO_SUCH_DIRECTORY', words: 'no such directory', hint: 'create it first' },
  EMFILE: {
    code: 'TOO_MANY_OPEN_FILES',
    words: 'too many open files',
    hint: 'raise ulimit -n, or lower --concurrency',
  },
  ENFILE: { code: 'TOO_MANY_OPEN_FILES', words: 'too many open files in the system' },
  EIO: { code: 'IO_ERROR', words: 'the device reported an input/output error' },
};

/** What the system said about a path that we write, as a sentence. */
export function writeError(path: string, error: unknown): SinkError {
  if (error instanceof SinkError) return error;
  const errno = errnoOf(error);
  const fault = errno === undefined ? undefined : FAULTS[errno];
  const words = fault?.words ?? (error instanceof Error ? error.message : String(error));
  return new SinkError(fault?.code ?? 'WRITE_FAILED', `cannot write ${path}: ${words}`, {
    hint: fault?.hint,
    cause: error,
  });
}
