import type { LoopHandle } from '../loop/loop-view.ts';
import { redactUrl } from '../safe-text/redact-url.ts';
import type { PyroscopeSink } from '../sinks/pyroscope/pyroscope-sink.ts';
import { formatListenAddress, type ListenAddress } from '../status/listen-address.ts';
import { createLoopRoutes } from '../status/loop-routes.ts';
import type { RemoteView } from '../status/remote-view.ts';
import { startStatusServer } from '../status/status-server.ts';
import { VERSION } from '../version.ts';
import type { Log } from './log.ts';

/** `--listen`: serves what a loop does until it is closed. Rejects with a UsageError where the address can't be had. */
export async function listen(
  address: ListenAddress,
  handle: LoopHandle,
  { remotes, log }: { readonly remotes: readonly PyroscopeSink[]; readonly log: Log },
): Promise<{ close(): Promise<void> }> {
  const { routes, close } = createLoopRoutes({
    handle,
    remotes: () => remotes.map(remoteView),
    version: VERSION,
    now: Date.now,
  });
  try {
    const server = await startStatusServer(address, routes, {
      onFault: (error) => {
        log.error(`internal error: ${error instanceof Error ? error.message : String(error)}`);
        log.stack(error);
      },
    });
    log.info(`listening on http://${formatListenAddress(server.address)}/targets`);
    return {
      close: async () => {
        close();
        await server.close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

const STATES = { open: 'up', closed: 'down', paused: 'paused' } as const;

function remoteView({ name, remote, stats }: PyroscopeSink): RemoteView {
  const { gate, lastFailure, queued, queuedBytes, inFlight } = stats;
  const { accepted, rejected, retries, dropped, corrupt, filtered } = stats;
  return {
    name,
    url: redactUrl(remote.url),
    state: STATES[gate],
    lastFailure,
    queued,
    queuedBytes,
    maxBytes: remote.queue.maxBytes,
    inFlight,
    accepted,
    rejected,
    retries,
    dropped,
    corrupt,
    filtered,
  };
}
