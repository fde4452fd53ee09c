import { stat } from 'node:fs/promises';

export interface WatchFileDeps {
  /** Resolves after the time, or early when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Changes with the file; undefined where there is none. */
  stamp(path: string): Promise<string | undefined>;
}

/** One `stat` every two seconds sees what `fs.watch` misses: network mounts, and the links of a Kubernetes volume. */
const LOOK_EVERY_MS = 2000;

/** Calls back when a file has changed and has then stayed the same for one look; a file that is away is waited for. */
export async function watchFile(
  path: string,
  onChange: () => void,
  signal: AbortSignal,
  { sleep, stamp }: WatchFileDeps,
): Promise<void> {
  let known = await stamp(path);
  let before = known;
  while (!signal.aborted) {
    await sleep(LOOK_EVERY_MS, signal);
    if (signal.aborted) return;
    const now = await stamp(path);
    const isSettled = now === before;
    before = now;
    if (now === undefined || now === known || !isSettled) continue;
    known = now;
    onChange();
  }
}

export async function fileStamp(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`;
}
