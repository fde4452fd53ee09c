import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** Where Go programs serve their profiles. */
const PPROF_PATH = '/debug/pprof/';

const DEFAULT_CPU_SECONDS = 30n;
/** An hour. A timer holds 24 days at most, and V8's record of a profile grows all the while. */
const MAX_CPU_SECONDS = 3600n;

export interface PprofHandlerDeps {
  readonly cpu: { record(durationMs: number, signal: AbortSignal): Promise<Uint8Array> };
  readonly heap: { profile(): Uint8Array };
}

/**
 * Answers requests under `/debug/pprof/` the way Go's `net/http/pprof` does, with the profiles that Node has: `profile`,
 * `heap` and `allocs`. Gives false, and leaves the response alone, for any other path.
 */
export function createPprofHandler(deps: PprofHandlerDeps): (req: IncomingMessage, res: ServerResponse) => boolean {
  return (req, res) => {
    const url = req.url ?? '';
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    if (`${path}/` === PPROF_PATH) {
      res.writeHead(301, { Location: PPROF_PATH }).end();
      return true;
    }
    if (!path.startsWith(PPROF_PATH)) return false;
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD');
      sendError(res, 405, 'Method Not Allowed');
      return true;
    }
    res.setHeader('X-Content-Type-Options', 'nosniff');
    const parameters = new URLSearchParams(mark === -1 ? '' : url.slice(mark));
    answer(res, path.slice(PPROF_PATH.length), parameters, deps).catch((error: unknown) => {
      sendError(res, 500, error instanceof Error ? error.message : String(error));
    });
    return true;
  };
}

async function answer(
  res: ServerResponse,
  name: string,
  parameters: URLSearchParams,
  { cpu, heap }: PprofHandlerDeps,
): Promise<void> {
  switch (name) {
    case '':
      return sendIndex(res);
    case 'profile':
      return sendCpuProfile(res, parameters, cpu);
    case 'heap':
    case 'allocs':
      return sendHeapProfile(res, parameters, name, heap);
    default:
      return sendError(res, 404, 'Unknown profile');
  }
}

async function sendCpuProfile(
  res: ServerResponse,
  parameters: URLSearchParams,
  cpu: PprofHandlerDeps['cpu'],
): Promise<void> {
  // Go takes whatever is no positive integer for "not given".
  const asked = parseInteger(parameters.get('seconds'));
  const seconds = asked !== undefined && asked > 0n ? asked : DEFAULT_CPU_SECONDS;
  if (seconds > MAX_CPU_SECONDS) return sendError(res, 400, "profile duration exceeds server's WriteTimeout");
  const client = new AbortController();
  res.once('close', () => client.abort());
  try {
    sendProfile(res, 'profile', await cpu.record(Number(seconds) * 1_000, client.signal));
  } catch (error) {
    if (!client.signal.aborted) throw error; // else nobody is there to answer
  }
}

function sendHeapProfile(
  res: ServerResponse,
  parameters: URLSearchParams,
  name: 'heap' | 'allocs',
  heap: PprofHandlerDeps['heap'],
): void {
  const seconds = parameters.get('seconds') ?? '';
  const debug = parseInteger(parameters.get('debug')) ?? 0n;
  if (seconds !== '') {
    const asked = parseInteger(seconds);
    const isValid = asked !== undefined && asked > 0n;
    sendError(
      res,
      400,
      isValid
        ? '"seconds" parameter is not supported for this profile type'
        : 'invalid value for "seconds" - must be a positive integer',
    );
  } else if (debug !== 0n) {
    sendError(res, 400, '"debug" parameter is not supported: profiles are served in pprof format only');
  } else {
    sendProfile(res, name, heap.profile());
  }
}

/** The body is a gzip file, as Go's; that is no content coding, so there is no header that says so. */
function sendProfile(res: ServerResponse, name: string, pprof: Uint8Array): void {
  const body = gzipSync(pprof, { level: 1 });
  res.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename="${name}"`,
    'Content-Length': body.length,
  });
  res.end(body);
}

function sendError(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Go-Pprof': '1' });
  res.end(`${text}\n`);
}

function sendIndex(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  res.end(INDEX);
}

const INDEX = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${PPROF_PATH}</title>
<h1>${PPROF_PATH}</h1>
<p>Profiles of this process in pprof format, made by V8. Read them with <code>go tool pprof URL</code>.</p>
<ul>
<li><a href="profile?seconds=5">profile</a>: CPU profile of the next <code>seconds</code> (default 30), one at a time
<li><a href="heap">heap</a>: bytes allocated since the profiler was started, by call stack
<li><a href="allocs">allocs</a>: the same as heap
</ul>
</html>
`;

/** As Go's strconv.ParseInt in base 10; undefined for what that refuses. */
function parseInteger(text: string | null): bigint | undefined {
  return text !== null && /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
}
