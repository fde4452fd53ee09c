import { join, resolve } from 'node:path';
import type { Config, RemoteWriteConfig } from '../config/scrape-config.ts';
import type { PyroscopeSink } from '../sinks/pyroscope/pyroscope-sink.ts';
import { remotesFrom } from '../sinks/pyroscope/remotes.ts';
import type { Io } from './io.ts';
import type { Log } from './log.ts';

/** The config's remotes, those of `--push`, or the one that the environment names. Throws a UsageError. */
export function remotesOf(
  config: Pick<Config, 'remoteWrite'>,
  push: readonly string[],
  io: Io,
): readonly RemoteWriteConfig[] {
  return remotesFrom({ config, pushUrls: push, env: io.env });
}

/**
 * Opens the queue of each remote; what an earlier run left in them is sent from now on. The code for it is loaded only
 * where there is a remote. Rejects with a StateError where another process has a queue; none is left open then.
 */
export async function openRemotes(
  remotes: readonly RemoteWriteConfig[],
  { outDir, keepsOutcomes = false, io, log }: { outDir: string | undefined; keepsOutcomes?: boolean; io: Io; log: Log },
): Promise<readonly PyroscopeSink[]> {
  if (remotes.length === 0) return [];
  const [{ createPyroscopeSink }, { PushLog }] = await Promise.all([
    import('../sinks/pyroscope/pyroscope-sink.ts'),
    import('./render/push-log.ts'),
  ]);
  const queueRoot = join(resolve(io.cwd, outDir ?? 'profiles'), '.queue');
  const opened = await Promise.allSettled(
    remotes.map((remote) => {
      const { add, close } = new PushLog(log, remote.name);
      const http = { environment: io.env };
      return createPyroscopeSink(remote, { queueRoot, http, keepsOutcomes, onEvent: add, onClosed: close });
    }),
  );
  const sinks = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = opened.find((one) => one.status === 'rejected');
  if (failed) {
    await Promise.all(sinks.map((sink) => sink.close()));
    throw failed.reason;
  }
  return sinks;
}

/** What a remote did in this run, for the summary. */
export interface RemoteSummary {
  readonly remote: string;
  readonly accepted: number;
  readonly rejected: number;
  readonly dropped: number;
  readonly queued: number;
}

export function summarise(sink: PyroscopeSink): RemoteSummary {
  const { accepted, rejected, dropped, queued } = sink.stats;
  return { remote: sink.name, accepted, rejected, dropped, queued };
}

/** Whether everything that was to be sent is with the server. */
export function isDelivered({ rejected, dropped, queued }: RemoteSummary): boolean {
  return rejected === 0 && dropped === 0 && queued === 0;
}

/** `remote main: 12 sent, 3 still queued: the next run sends them first`. */
export function remoteLine({ remote, accepted, rejected, dropped, queued }: RemoteSummary): string {
  const parts = [`${accepted} sent`];
  if (rejected > 0) parts.push(`${rejected} refused (kept in rejected/; pyro-pull push --retry sends them again)`);
  if (dropped > 0) parts.push(`${dropped} fell out of the queue`);
  if (queued > 0) parts.push(`${queued} still queued: the next run sends them first`);
  return `remote ${remote}: ${parts.join(', ')}`;
}
