/**
 * The errors that users are meant to read. Each has a stable `code` to branch on, a sentence, and where something can
 * be done about it a `hint`. Whatever is not a `PyroPullError` is a fault of ours and is shown with its stack.
 */
export class PyroPullError extends Error {
  /** Stable and machine readable, `UPPER_SNAKE`; appears in `--json`. */
  readonly code: string;
  /** What the user can do, without a full stop. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** Wrong flags or arguments. Exit code 2. */
export class UsageError extends PyroPullError {
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super('USAGE', message, options);
  }
}

/** A place in a file, both numbers counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One fault of a config or discovery file: `<file>:<line>:<column>: <path>: <message> (<hint>)`. */
export interface Problem {
  readonly file: string;
  readonly position: Position | undefined;
  /** Key path as the user wrote it: `scrape-configs[0].relabel-configs[2].regex`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly hint: string | undefined;
  /** The line as it stands in the file, for the excerpt with the caret. */
  readonly excerpt: { readonly text: string; readonly column: number; readonly length: number } | undefined;
}

/** Everything that is wrong with one file, reported at once. Exit code 2. */
export class ConfigError extends PyroPullError {
  readonly file: string;
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super('CONFIG', `${problems.length} problem${problems.length === 1 ? '' : 's'} in ${file}`);
    this.file = file;
    this.problems = problems;
  }
}

/** A discovery source that could not be read; the last good targets of it stay. */
export class DiscoveryError extends PyroPullError {}

/** A request that brought no usable answer: not connected, cut off, too late, too much. An HTTP status is an answer. */
export class HttpError extends PyroPullError {}

/** One scrape that failed. The message starts with what was seen, without the URL. */
export class ScrapeError extends PyroPullError {}

/** Bytes that are not the pprof profile they should be. Names the field and the byte offset where it can. */
export class ProfileError extends PyroPullError {}

/** A result that could not be written or delivered. */
export class SinkError extends PyroPullError {}

/** The directory of states or of a queue is unusable, or held by another process. Exit code 2. */
export class StateError extends PyroPullError {}

/** The system's name of what went wrong (`ENOENT`, `ECONNRESET`); undefined for errors that have none. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
