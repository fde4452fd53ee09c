import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import type { HttpClientConfig } from '../../src/config/http-client-config.ts';
import type { HttpResponse, ResponseHeaders } from '../../src/http/response.ts';
import { statusError } from '../../src/scrape/status-error.ts';
import { targetAt } from '../support/scrape-target.ts';

const shop = { origin: { scheme: 'http', hostname: 'shop', port: 6060 }, url: 'http://shop:6060' } as const;
const PPROF: ResponseHeaders = { 'x-go-pprof': '1', 'content-type': 'text/plain; charset=utf-8' };

function answer(
  status: number,
  body: string | Uint8Array,
  headers: ResponseHeaders = {},
  statusText = '',
): HttpResponse {
  const times = { requestedAtMs: 0, respondedAtMs: 0, monotonicMs: 0, durationMs: 0 };
  return { status, statusText, headers, body: Buffer.from(body), ...times };
}

interface Row {
  readonly name: string;
  readonly response: HttpResponse;
  readonly path?: string;
  readonly seconds?: number;
  readonly http?: Partial<HttpClientConfig>;
  readonly isExclusive?: boolean;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

const LOGIN = 'set basic-auth, authorization, oauth2 or http-headers (a token in a header of its own)';

const rows: readonly Row[] = [
  {
    name: 'Go: unknown profile',
    response: answer(404, 'Unknown profile\n', PPROF),
    code: 'PROFILE_NOT_FOUND',
    message: 'HTTP 404 Not Found: Unknown profile',
    hint: 'this program has no such profile: take mem out of enabled-profiles, or correct its path',
  },
  {
    name: 'Go: no godeltaprof',
    response: answer(404, 'Unknown profile\n', PPROF),
    path: '/debug/pprof/delta_heap',
    code: 'PROFILE_NOT_FOUND',
    message: 'HTTP 404 Not Found: Unknown profile',
    hint: 'the target must import github.com/grafana/pyroscope-go/godeltaprof/http/pprof; or set use-delta-profiles: false',
  },
  {
    name: 'Go: built without the goroutine leak profile',
    response: answer(404, 'Unknown profile\n', PPROF),
    path: '/debug/pprof/goroutineleak',
    code: 'PROFILE_NOT_FOUND',
    message: 'HTTP 404 Not Found: Unknown profile',
    hint: 'the target must be built with Go 1.26 or newer and GOEXPERIMENT=goroutineleakprofile',
  },
  {
    name: 'a router of its own',
    response: answer(404, '404 page not found\n'),
    path: '/debug/pprof/heap?gc=1',
    code: 'PROFILE_NOT_FOUND',
    message: 'HTTP 404 Not Found: 404 page not found',
    hint: 'pprof is not served at /debug/pprof/heap: import net/http/pprof or switch it on in the target, or set profiles.mem.path',
  },
  {
    name: 'no fgprof',
    response: answer(404, ''),
    path: '/debug/fgprof?seconds=10',
    code: 'PROFILE_NOT_FOUND',
    message: 'HTTP 404 Not Found',
    hint: 'the target must import github.com/felixge/fgprof and serve it',
  },
  {
    name: 'Go: CPU profiler busy',
    response: answer(500, 'Could not enable CPU profiling: cpu profiling already in use\n', PPROF),
    code: 'CPU_PROFILER_BUSY',
    message: 'HTTP 500 Internal Server Error: Could not enable CPU profiling: cpu profiling already in use',
    hint: 'another profiler is running a CPU profile on shop:6060; Go serves one at a time',
  },
  {
    name: 'CPU profiler busy, as a conflict',
    response: answer(409, 'CPU profiling already in use'),
    code: 'CPU_PROFILER_BUSY',
    message: 'HTTP 409 Conflict: CPU profiling already in use',
    hint: 'another profiler is running a CPU profile on shop:6060; Go serves one at a time',
  },
  {
    name: 'Caddy: a second profiling request',
    response: answer(429, '{"error":"too many concurrent profiling requests"}', { 'content-type': 'application/json' }),
    code: 'PROFILER_BUSY',
    message: 'HTTP 429 Too Many Requests: {"error":"too many concurrent profiling requests"}',
    hint: 'if it takes one profiling request at a time, set exclusive: true on job shop',
  },
  {
    name: 'Materialize: memory while a CPU profile runs',
    response: answer(409, 'memory profiling is off while cpu profiling is active'),
    code: 'PROFILER_BUSY',
    message: 'HTTP 409 Conflict: memory profiling is off while cpu profiling is active',
    hint: 'if it takes one profiling request at a time, set exclusive: true on job shop',
  },
  {
    name: 'a second profiling request, and the job is exclusive',
    response: answer(429, ''),
    isExclusive: true,
    code: 'PROFILER_BUSY',
    message: 'HTTP 429 Too Many Requests',
    hint: 'another client takes a profile of shop:6060, or it limits requests: raise scrape-interval',
  },
  {
    name: 'Go: write timeout',
    response: answer(400, "profile duration exceeds server's WriteTimeout\n", PPROF),
    seconds: 10,
    code: 'SECONDS_REFUSED',
    message: "HTTP 400 Bad Request: profile duration exceeds server's WriteTimeout",
    hint: "the server's write timeout is not longer than seconds=10: ask for fewer seconds, or raise its WriteTimeout",
  },
  {
    name: 'Go: seconds not supported',
    response: answer(400, '"seconds" parameter is not supported for this profile type\n', PPROF),
    code: 'SECONDS_REFUSED',
    message: 'HTTP 400 Bad Request: "seconds" parameter is not supported for this profile type',
    hint: 'take seconds out of profiles.mem.params',
  },
  {
    name: 'Go: invalid seconds',
    response: answer(400, 'invalid value for "seconds" - must be a positive integer\n', PPROF),
    code: 'SECONDS_REFUSED',
    message: 'HTTP 400 Bad Request: invalid value for "seconds" - must be a positive integer',
    hint: 'seconds must be a whole number above 0',
  },
  {
    name: 'Go: seconds with debug',
    response: answer(400, 'seconds and debug params are incompatible\n', PPROF),
    code: 'SECONDS_REFUSED',
    message: 'HTTP 400 Bad Request: seconds and debug params are incompatible',
    hint: 'remove the debug parameter',
  },
  {
    name: 'Go: plain HTTP to a TLS port',
    response: answer(400, 'Client sent an HTTP request to an HTTPS server.\n'),
    code: 'TLS_EXPECTED',
    message: 'HTTP 400 Bad Request: Client sent an HTTP request to an HTTPS server.',
    hint: 'set scheme: https',
  },
  {
    name: 'nginx: plain HTTP to a TLS port',
    response: answer(400, '<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>'),
    code: 'TLS_EXPECTED',
    message: 'HTTP 400 Bad Request: 400 The plain HTTP request was sent to HTTPS port',
    hint: 'set scheme: https',
  },
  {
    name: 'Caddy: host not allowed',
    response: answer(403, '{"error":"host not allowed: shop:2019"}\n', { 'content-type': 'application/json' }),
    code: 'FORBIDDEN',
    message: 'HTTP 403 Forbidden: {"error":"host not allowed: shop:2019"}',
    hint: "Caddy's admin endpoint takes only the hosts in its origins: scrape it as 127.0.0.1 or add the host there",
  },
  {
    name: 'VictoriaMetrics: auth key',
    response: answer(401, "The provided authKey doesn't match -pprofAuthKey"),
    code: 'UNAUTHORIZED',
    message: "HTTP 401 Unauthorized: The provided authKey doesn't match -pprofAuthKey",
    hint: 'set the authKey parameter in params',
  },
  {
    name: 'an error body that a proxy compressed',
    response: answer(401, gzipSync('The provided authKey is wrong'), { 'content-encoding': 'gzip' }),
    code: 'UNAUTHORIZED',
    message: 'HTTP 401 Unauthorized: The provided authKey is wrong',
    hint: 'set the authKey parameter in params',
  },
  {
    name: 'a login is asked for',
    response: answer(401, 'Unauthorized\n', { 'www-authenticate': 'Basic realm="rclone"' }),
    code: 'UNAUTHORIZED',
    message: 'HTTP 401 Unauthorized: Unauthorized',
    hint: 'set basic-auth: the target asks for Basic realm="rclone"',
  },
  {
    name: 'a token is asked for',
    response: answer(401, '', { 'www-authenticate': 'Bearer' }),
    code: 'UNAUTHORIZED',
    message: 'HTTP 401 Unauthorized',
    hint: 'set authorization or oauth2: the target asks for Bearer',
  },
  {
    name: 'a login that is refused',
    response: answer(401, ''),
    http: { basicAuth: { username: { value: 'u' }, password: { value: 'hidden' } } },
    code: 'UNAUTHORIZED',
    message: 'HTTP 401 Unauthorized',
    hint: 'the credentials of the job were refused',
  },
  {
    name: 'forbidden',
    response: answer(403, 'no'),
    code: 'FORBIDDEN',
    message: 'HTTP 403 Forbidden: no',
    hint: `if it wants a login, ${LOGIN}`,
  },
  {
    name: 'two kinds of login',
    response: answer(401, '', { 'www-authenticate': 'Bearer realm="basic", Basic realm="x"' }),
    code: 'UNAUTHORIZED',
    message: 'HTTP 401 Unauthorized',
    hint: 'set basic-auth, authorization or oauth2: the target asks for Bearer realm="basic", Basic realm="x"',
  },
  {
    name: 'a login of a kind without a key',
    response: answer(401, '', { 'www-authenticate': 'Negotiate' }),
    code: 'UNAUTHORIZED',
    message: 'HTTP 401 Unauthorized',
    hint: 'the target asks for Negotiate: set authorization with that type, or http-headers',
  },
  {
    name: 'a login without a word about it',
    response: answer(401, '{"error":"admin token required"}', { 'content-type': 'application/json' }),
    code: 'UNAUTHORIZED',
    message: 'HTTP 401 Unauthorized: {"error":"admin token required"}',
    hint: LOGIN,
  },
  {
    name: 'redirects are off',
    response: answer(308, 'moved', { location: '/pprof/debug/pprof/heap' }),
    code: 'REDIRECT',
    message: 'HTTP 308 Permanent Redirect to /pprof/debug/pprof/heap',
    hint: 'put the final path into profiles.mem.path',
  },
  {
    name: 'redirects are off, and the target moved to TLS',
    response: answer(301, '', { location: 'https://u:hidden@shop/' }),
    code: 'REDIRECT',
    message: 'HTTP 301 Moved Permanently to https://u:xxxxx@shop/',
    hint: 'set scheme: https',
  },
  { name: 'another 2xx', response: answer(204, ''), code: 'HTTP_STATUS', message: 'HTTP 204 No Content' },
  {
    name: 'an HTML error page is told by its title',
    response: answer(502, '<html>\n<head><title>502 Bad Gateway</title></head><body>nginx</body></html>'),
    code: 'HTTP_STATUS',
    message: 'HTTP 502 Bad Gateway: 502 Bad Gateway',
  },
  {
    name: 'an HTML page without a title',
    response: answer(500, '<p>'),
    code: 'HTTP_STATUS',
    message: 'HTTP 500 Internal Server Error',
  },
  {
    name: 'a status text of its own',
    response: answer(503, '', {}, 'Draining'),
    code: 'HTTP_STATUS',
    message: 'HTTP 503 Draining',
  },
  { name: 'a status nobody knows', response: answer(599, ''), code: 'HTTP_STATUS', message: 'HTTP 599' },
  {
    name: 'bytes that are no text',
    response: answer(500, Buffer.from([0xff, 0xfe, 0])),
    code: 'HTTP_STATUS',
    message: 'HTTP 500 Internal Server Error',
  },
  {
    name: 'several lines and control characters',
    response: answer(500, 'panic:\n\t\u001b[31mboom\u0007'),
    code: 'HTTP_STATUS',
    message: 'HTTP 500 Internal Server Error: panic: [31mboom',
  },
  {
    name: 'a long text',
    response: answer(500, 'é'.repeat(5000)),
    code: 'HTTP_STATUS',
    message: `HTTP 500 Internal Server Error: ${'é'.repeat(200)}…`,
  },
];
for (const { name, response, code, message, hint, ...changes } of rows) {
  test(`${name}: ${response.status}`, () => {
    const error = statusError(targetAt(shop, changes), response);
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    assert.equal(error.hint, hint);
  });
}
