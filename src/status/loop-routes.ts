import { hostname } from 'node:os';
import type { JobView, LoopHandle } from '../loop/loop-view.ts';
import { oneLine } from '../safe-text/one-line.ts';
import { createPprofHandler } from '../selfprofile/pprof-handler.ts';
import { LoopMetrics } from './metrics.ts';
import { overviewOf, reloadErrorText } from './overview-of.ts';
import { parseOverviewQuery } from './overview-query.ts';
import { OwnProfiles } from './own-profiles.ts';
import { PAGE_FILES, type PageFile, readPageAssets } from './page-assets.ts';
import { prometheusTargets } from './prometheus-targets.ts';
import type { RemoteView } from './remote-view.ts';
import { JSON_TYPE, type Route, type Routes, send, sendPieces, sendText } from './status-server.ts';

export interface LoopRoutesDeps {
  readonly handle: LoopHandle;
  readonly remotes: () => readonly RemoteView[];
  readonly version: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface LoopRoutes {
  readonly routes: Routes;
  close(): void;
}

/** Viewing very many targets takes a while: all who ask within this time see the same. */
const SAME_JOBS_MS = 500;

/** Everything that is served about a running loop. */
export function createLoopRoutes({ handle, remotes, version, now }: LoopRoutesDeps): LoopRoutes {
  const { view } = handle;
  const jobs = recentJobs(() => view.jobs(), now);
  const metrics = new LoopMetrics({ handle, jobs, remotes, version });
  const profiles = new OwnProfiles();
  const serveProfile = createPprofHandler(profiles);
  const page = pageOnce();
  const asset = (name: PageFile): Route => ({
    method: 'GET',
    handle: async (_request, response) => {
      const { contentType, body } = (await page()).get(name) ?? { contentType: 'text/plain', body: Buffer.alloc(0) };
      send(response, 200, contentType, body);
    },
  });
  const pprof: Route = {
    method: 'GET',
    handle: (request, response) => {
      request.socket.setTimeout(0); // silent while it measures, for as long as it was asked to
      if (!serveProfile(request, response)) sendText(response, 404, 'not found');
    },
  };
  const routes: Routes = {
    '/': {
      method: 'GET',
      isPage: true,
      handle: (_request, response) => void response.writeHead(302, { Location: '/targets' }).end(),
    },
    '/targets': { ...asset('targets.html'), isPage: true },
    ...Object.fromEntries(PAGE_FILES.map((name) => [`/page/${name}`, asset(name)])),
    '/page/overview.json': {
      method: 'GET',
      handle: (_request, response, { searchParams }) => {
        const source = { view, jobs: jobs(), remotes: remotes(), version, nowMs: now() };
        const overview = overviewOf(source, parseOverviewQuery(searchParams));
        send(response, 200, JSON_TYPE, JSON.stringify(overview));
      },
    },
    '/api/v1/targets': {
      method: 'GET',
      handle: (_request, response, { searchParams }) => {
        const query = {
          state: searchParams.get('state') ?? undefined,
          scrapePool: searchParams.get('scrapePool') ?? undefined,
        };
        return sendPieces(response, JSON_TYPE, prometheusTargets(jobs(), query, hostname()));
      },
    },
    '/metrics': {
      method: 'GET',
      handle: async (_request, response) => send(response, 200, metrics.contentType, await metrics.text()),
    },
    '/-/healthy': { method: 'GET', handle: (_request, response) => sendText(response, 200, 'pyro-pull is healthy') },
    '/-/ready': {
      method: 'GET',
      handle: (_request, response) => {
        const why = whyNotReady(handle);
        sendText(response, why === undefined ? 200 : 503, why ?? 'pyro-pull is ready');
      },
    },
    '/-/reload': {
      method: 'POST',
      handle: async (_request, response) => {
        const result = await handle.reload();
        if (result.isGood) sendText(response, 200, 'the config is in force');
        else sendText(response, 500, `the old config stays: ${reloadErrorText(result.error)}`);
      },
    },
    '/debug/pprof': pprof,
    '/debug/pprof/': pprof,
  };
  return {
    routes,
    close() {
      metrics.close();
      profiles.close();
    },
  };
}

function whyNotReady({ view }: LoopHandle): string | undefined {
  if (view.isStopping) return 'stopping';
  if (view.isReady) return undefined;
  const waiting = view.jobs().filter(({ isDiscovered }) => !isDiscovered);
  return `waiting for the first answer of discovery: ${waiting.map(({ name }) => oneLine(name)).join(', ')}`;
}

function recentJobs(read: () => readonly JobView[], now: () => number): () => readonly JobView[] {
  let jobs: readonly JobView[] = [];
  let readAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const age = now() - readAtMs;
    if (age >= SAME_JOBS_MS || age < 0) {
      jobs = read();
      readAtMs = now();
    }
    return jobs;
  };
}

/** A failure is not kept: the files may be there at the next try. */
function pageOnce(): typeof readPageAssets {
  let reading: ReturnType<typeof readPageAssets> | undefined;
  return () => {
    reading ??= readPageAssets().catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    return reading;
  };
}
