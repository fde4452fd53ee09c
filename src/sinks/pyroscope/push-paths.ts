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
  /** A file that is not sent, and is no failure. Called once for each remote. */
  readonly onLeftOut?: (file: LeftOut) => void;
}

/** A file that is not sent, and is no failure. */
export interface LeftOut {
  readonly remote: string;
  /** The path as the user gave it, with what lies below. */
  readonly name: string;
  /**
   * `text`: a text dump, which no server takes. `name`: found in a directory, with a name that no profile has. `empty`: a
   * profile without samples. `filtered`: dropped by `write-relabel-configs`.
   */
  readonly why: 'text' | 'name' | 'empty' | 'filtered';
}

/** One file that was not handed to a remote. */
export interface PushFailure {
  readonly remote: string;
  /** The path as the user gave it, with what lies below. */
  readonly name: string;
  readonly error: PyroPullError;
}

/** What became of the paths at one remote: each file is in one of the counts. All well where `rejected`, `failed` and `left` are 0. */
export interface PushSummary {
  readonly remote: string;
  /** Taken by the remote in this run, earlier runs' leftovers included. */
  readonly accepted: number;
  /** Delivered by an earlier `push`. */
  readonly skipped: number;
  readonly rejected: number;
  /** Text dumps, which are never sent. */
  readonly textDumps: number;
  /** Profiles without samples, which are never sent. */
  readonly empty: number;
  /** Dropped by `write-relabel-configs`. */
  readonly filtered: number;
  /** Files of a directory whose names are not those of profiles. */
  readonly ignored: number;
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
  const leftOut = { text: 0, name: 0, empty: 0, filtered: 0 };
  const leaveOut = (name: string, why: LeftOut['why']) => {
    leftOut[why] += 1;
    options.onLeftOut?.({ remote: sink.name, name, why });
  };
  let failed = 0;
  let notQueued = 0;
  let isStuck = false;
  if (options.retryRejected) await sink.retryRejected();
  for await (const file of findPushFiles(paths)) {
    if (!file.isProfile || file.entry?.kind === 'text') {
      leaveOut(file.name, file.isProfile ? 'text' : 'name');
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
      const { remote } = await sink.push(outgoing);
      const outcome = remote?.outcome;
      if (outcome === 'empty' || outcome === 'filtered') leaveOut(file.name, outcome);
    } catch (error) {
      failed += 1;
      onFailure({ remote: sink.name, name: file.name, error: toError(error) });
      continue;
    }
    if (sink.stats.queued > AHEAD) await sink.flush(options.deadlineMs, AHEAD);
    isStuck = sink.stats.queued > AHEAD;
  }
  if (!isStuck) await sink.flush(options.deadlineMs);
  const { accepted, rejected, queued } = sink.stats;
  return {
    remote: sink.name,
    accepted,
    skipped,
    textDumps: leftOut.text,
    empty: leftOut.empty,
    filtered: leftOut.filtered,
    ignored: leftOut.name,
    rejected,
    failed,
    left: queued + notQueued,
  };
}

/** Faults of ours go on; a file that can't be read is the world's. */
function toError(error: unknown): PyroPullError {
  if (error instanceof PyroPullError) return error;
  if (error instanceof Error && 'code' in error) {
    return new SinkError('PUSH_FILE', `cannot be read: ${error.message}`, { cause: error });
  }
  throw error;
}
