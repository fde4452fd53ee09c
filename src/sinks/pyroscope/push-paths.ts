import { PyroPullError, SinkError } from '../../errors.ts';
import { type FileDefaults, findPushFiles, readPushFile } from './push-files.ts';
import type { PyroscopeSink } from './pyroscope-sink.ts';

/** Profiles that `push` puts into a queue ahead of their delivery; the rest stay where they are. */
const AHEAD = 128;

export interface PushPathsOptions extends FileDefaults {
  /** Also send what the remote refused before. */
  readonly retryRejected: boolean;
  /** How long to go on without getting further. */
  readonly deadlineMs: number;
  /** A text dump, which no server takes: it is passed over. Called once for each remote. */
  readonly onTextDump?: (path: string) => void;
}

/** One file that was not handed to a remote. */
export interface PushFailure {
  readonly remote: string;
  readonly path: string;
  readonly error: PyroPullError;
}

/** What became of the paths at one remote. All well where `rejected`, `failed` and `left` are 0. */
export interface PushSummary {
  readonly remote: string;
  /** Taken by the remote in this run, earlier runs' leftovers included. */
  readonly accepted: number;
  /** Delivered by an earlier `push`. */
  readonly skipped: number;
  readonly rejected: number;
  /** Text dumps, which are never sent. */
  readonly textDumps: number;
  /** Files that can't be read or are no profiles. */
  readonly failed: number;
  /** Not delivered for lack of time: in the queue, or not yet queued. The next run goes on with them. */
  readonly left: number;
}

/**
 * Sends profile files to every remote, side by side. What a remote has taken is noted with its queue, so that a run that
 * was cut off goes on where it stopped and never sends a file twice whose acceptance was seen. Rejects with a SinkError
 * for a path that is not there.
 */
export async function pushPaths(
  paths: readonly string[],
  sinks: readonly PyroscopeSink[],
  options: PushPathsOptions,
  onFailure: (failure: PushFailure) => void,
): Promise<readonly PushSummary[]> {
  return Promise.all(sinks.map((sink) => pushTo(sink, paths, options, onFailure)));
}

async function pushTo(
  sink: PyroscopeSink,
  paths: readonly string[],
  options: PushPathsOptions,
  onFailure: (failure: PushFailure) => void,
): Promise<PushSummary> {
  let skipped = 0;
  let textDumps = 0;
  let failed = 0;
  let notQueued = 0;
  let isStuck = false;
  if (options.retryRejected) await sink.retryRejected();
  for await (const file of findPushFiles(paths)) {
    if (file.entry?.kind === 'text') {
      textDumps += 1;
      options.onTextDump?.(file.path);
      continue;
    }
    if (isStuck) {
      notQueued += 1;
      continue;
    }
    try {
      const outgoing = await readPushFile(file, options);
      const delivery = outgoing.pushId === undefined ? undefined : sink.deliveryOf(outgoing.pushId);
      if (delivery === 'earlier') skipped += 1;
      if (delivery !== undefined) continue; // if now, it lay in the queue and is counted there
      await sink.push(outgoing);
    } catch (error) {
      failed += 1;
      onFailure({ remote: sink.name, path: file.path, error: toError(error, file.path) });
      continue;
    }
    if (sink.stats.queued > AHEAD) await sink.flush(options.deadlineMs, AHEAD);
    isStuck = sink.stats.queued > AHEAD;
  }
  if (!isStuck) await sink.flush(options.deadlineMs);
  const { accepted, rejected, queued } = sink.stats;
  return { remote: sink.name, accepted, skipped, textDumps, rejected, failed, left: queued + notQueued };
}

/** Faults of ours go on; a file that can't be read is the world's. */
function toError(error: unknown, path: string): PyroPullError {
  if (error instanceof PyroPullError) return error;
  if (error instanceof Error && 'code' in error) {
    return new SinkError('PUSH_FILE', `${path}: cannot be read: ${error.message}`, { cause: error });
  }
  throw error;
}
