import { errnoOf } from './errors.ts';

/** What the operating system said about a file or directory, in words. */
export interface SystemFault {
  /** Stable, for messages that programs read. */
  readonly code: string;
  readonly words: string;
  readonly hint?: string;
  /** It is about the device or the process as a whole, not about the one path. */
  readonly isGeneral?: boolean;
}

const WRITE_ELSEWHERE = 'remove that file, or write elsewhere';

const FAULTS: Readonly<Record<string, SystemFault>> = {
  ENOSPC: {
    code: 'DISK_FULL',
    words: 'no space left on the device',
    hint: 'free some space, or write elsewhere',
    isGeneral: true,
  },
  EDQUOT: {
    code: 'DISK_FULL',
    words: 'disk quota exceeded',
    hint: 'free some space, or write elsewhere',
    isGeneral: true,
  },
  EFBIG: {
    code: 'FILE_TOO_BIG',
    words: 'the file would be larger than the system allows',
    hint: 'see ulimit -f',
    isGeneral: true,
  },
  EACCES: { code: 'PERMISSION_DENIED', words: 'permission denied', hint: 'check who owns the directory' },
  EPERM: { code: 'PERMISSION_DENIED', words: 'operation not permitted', hint: 'check who owns the directory' },
  EROFS: {
    code: 'READ_ONLY',
    words: 'the file system is read-only',
    hint: 'write elsewhere',
    isGeneral: true,
  },
  ENOTDIR: { code: 'NOT_A_DIRECTORY', words: 'a part of the path is no directory', hint: WRITE_ELSEWHERE },
  EEXIST: { code: 'NOT_A_DIRECTORY', words: 'a file is where a directory should be', hint: WRITE_ELSEWHERE },
  EISDIR: { code: 'IS_A_DIRECTORY', words: 'a directory is where the file should be' },
  ENOENT: { code: 'NO_SUCH_DIRECTORY', words: 'no such directory', hint: 'create it first' },
  EMFILE: {
    code: 'TOO_MANY_OPEN_FILES',
    words: 'too many open files',
    hint: 'raise ulimit -n, or lower --concurrency',
    isGeneral: true,
  },
  ENFILE: { code: 'TOO_MANY_OPEN_FILES', words: 'too many open files in the system', isGeneral: true },
  EIO: { code: 'IO_ERROR', words: 'the device reported an input/output error', isGeneral: true },
};

/** Of an error of a path that is written. Where the system's name of it is not known, its own message stays. */
export function systemFault(error: unknown): SystemFault {
  const known = FAULTS[errnoOf(error) ?? ''];
  return known ?? { code: 'WRITE_FAILED', words: error instanceof Error ? error.message : String(error) };
}
