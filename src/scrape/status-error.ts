import { STATUS_CODES } from 'node:http';
import { ScrapeError } from '../errors.ts';
import { authorityOf } from '../http/address.ts';
import { type HttpResponse, headerOf } from '../http/response.ts';
import { preview } from '../profile/foreign-body.ts';
import { gunzip, isGzip } from '../profile/gunzip.ts';
import { redactUrl } from '../safe-text/redact-url.ts';
import { pathPrefixOf } from '../targets/instance-address.ts';
import type { Target } from '../targets/target.ts';

const SHOWN_CHARACTERS = 200;
/** Enough of an error page to find its title. */
const READ_BYTES = 16 * 1024;

/**
 * The error of a scrape whose answer is not 200, with what the server wrote and, where that is known, what to do about it.
 * Codes: `CPU_PROFILER_BUSY` and `PROFILER_BUSY` (409, 429: worth another try soon), `PROFILE_NOT_FOUND` (404: not worth one soon), `UNAUTHORIZED`,
 * `FORBIDDEN`, `REDIRECT`, `TLS_EXPECTED`, `SECONDS_REFUSED`, `HTTP_STATUS` for the rest.
 */
export function statusError(target: Target, response: HttpResponse): ScrapeError {
  const { status, headers } = response;
  const text = textOf(response.body);
  // net/http/pprof marks its own errors; a 404 without the mark comes from the program's router.
  const isPprofs = headerOf(headers, 'x-go-pprof') === '1';
  const { code, hint } = diagnose(target, response, text, isPprofs);
  return new ScrapeError(code, messageOf(status, response, text), { hint });
}

function messageOf(status: number, response: HttpResponse, text: string): string {
  const reason = oneLine(response.statusText) || STATUS_CODES[status] || '';
  const location = status >= 300 && status < 400 ? headerOf(response.headers, 'location') : undefined;
  const to = location === undefined ? '' : ` to ${redactUrl(oneLine(location))}`;
  const shown = location === undefined ? readable(text) : '';
  return `HTTP ${status}${reason === '' ? '' : ` ${reason}`}${to}${shown === '' ? '' : `: ${shown}`}`;
}

interface Diagnosis {
  readonly code: string;
  readonly hint?: string | undefined;
}

function diagnose(target: Target, response: HttpResponse, text: string, isPprofs: boolean): Diagnosis {
  const { status, headers } = response;
  const known = KNOWN_TEXTS.find(({ pattern }) => pattern.test(text));
  if (known) return { code: known.code, hint: known.hint(target) };
  if (status >= 300 && status < 400) {
    return { code: 'REDIRECT', hint: redirectHint(target, headerOf(headers, 'location')) };
  }
  switch (status) {
    case 401:
      return { code: 'UNAUTHORIZED', hint: loginHint(target, headerOf(headers, 'www-authenticate') ?? '') };
    case 403:
      return {
        code: 'FORBIDDEN',
        hint: hasCredentials(target)
          ? 'the credentials of the job may not do this'
          : `if it wants a login, set ${joined(LOGIN_KEYS)}`,
      };
    case 409:
    case 429:
      return { code: 'PROFILER_BUSY', hint: busyHint(target) };
    case 404:
      return { code: 'PROFILE_NOT_FOUND', hint: notFoundHint(target, isPprofs) };
    default:
      return { code: 'HTTP_STATUS' };
  }
}

interface KnownText {
  readonly pattern: RegExp;
  readonly code: string;
  readonly hint: (target: Target) => string;
}

/** What Go's net/http/pprof and some programs write, whatever the status: 500 in Go, 409 elsewhere. */
const KNOWN_TEXTS: readonly KnownText[] = [
  {
    pattern: /profiling already in use/i,
    code: 'CPU_PROFILER_BUSY',
    hint: (target) => `another profiler is running a CPU profile on ${shownInstance(target)}; Go serves one at a time`,
  },
  {
    pattern: /exceeds server's WriteTimeout/,
    code: 'SECONDS_REFUSED',
    hint: ({ seconds }) =>
      `the server's write timeout is not longer than seconds=${seconds ?? 30}: ask for fewer seconds, or raise its WriteTimeout`,
  },
  {
    pattern: /"seconds" parameter is not supported/,
    code: 'SECONDS_REFUSED',
    hint: ({ profile }) => `take seconds out of profiles.${profile.name}.params`,
  },
  {
    pattern: /invalid value for "seconds"/,
    code: 'SECONDS_REFUSED',
    hint: () => 'seconds must be a whole number above 0',
  },
  {
    pattern: /seconds and debug params are incompatible/,
    code: 'SECONDS_REFUSED',
    hint: () => 'remove the debug parameter',
  },
  {
    pattern: /HTTP request (was sent )?to (an )?HTTPS (server|port)/i,
    code: 'TLS_EXPECTED',
    hint: () => 'set scheme: https',
  },
  {
    pattern: /"error":\s*"host not allowed/,
    code: 'FORBIDDEN',
    hint: () =>
      "Caddy's admin endpoint takes only the hosts in its origins: scrape it as 127.0.0.1 or add the host there",
  },
  {
    pattern: /authKey/,
    code: 'UNAUTHORIZED',
    hint: () => 'set the authKey parameter in params',
  },
];

function notFoundHint({ profile, pathAndQuery }: Target, isPprofs: boolean): string {
  const path = pathAndQuery.split('?', 1)[0] ?? pathAndQuery;
  if (path.includes('/delta_')) {
    return 'the target must import github.com/grafana/pyroscope-go/godeltaprof/http/pprof; or set use-delta-profiles: false';
  }
  if (path.includes('fgprof')) return 'the target must import github.com/felixge/fgprof and serve it';
  if (path.endsWith('/goroutineleak')) {
    return 'the target must be built with Go 1.26 or newer and GOEXPERIMENT=goroutineleakprofile';
  }
  if (isPprofs)
    return `this program has no such profile: take ${profile.name} out of enabled-profiles, or correct its path`;
  return `pprof is not served at ${path}: import net/http/pprof or switch it on in the target, or set profiles.${profile.name}.path`;
}

/** Caddy answers 429 and Materialize 409 to a second profiling request while they serve the first. */
function busyHint(target: Target): string {
  const { job } = target;
  return job.isExclusive
    ? `another client takes a profile of ${shownInstance(target)}, or it limits requests: raise scrape-interval`
    : `if it takes one profiling request at a time, set exclusive: true on job ${job.jobName}`;
}

function shownInstance({ origin, pathAndQuery }: Target): string {
  return authorityOf(origin) + pathPrefixOf(pathAndQuery);
}

function redirectHint(target: Target, location: string | undefined): string | undefined {
  if (location === undefined) return undefined;
  const isToTls = target.origin.scheme === 'http' && /^https:/i.test(location);
  return isToTls ? 'set scheme: https' : `put the final path into profiles.${target.profile.name}.path`;
}

/** All keys that may help; of those for a login the ones that the challenge asks for (RFC 9110, 11.6.1), if it names any. */
function loginHint(target: Target, challenge: string): string {
  if (hasCredentials(target)) return 'the credentials of the job were refused';
  const schemes = new Set(
    challenge
      .replace(/"[^"]*"/g, '')
      .toLowerCase()
      .match(/(?<![a-z])[a-z]+(?= |,|$)/g),
  );
  const keys: string[] = [];
  if (schemes.has('basic')) keys.push('basic-auth');
  if (schemes.has('bearer')) keys.push('authorization', 'oauth2');
  if (keys.length > 0) return `set ${joined(keys)}: the target asks for ${challengeText(challenge)}`;
  if (challenge === '') return `set ${joined(LOGIN_KEYS)}`;
  return `the target asks for ${challengeText(challenge)}: set authorization with that type, or http-headers`;
}

const LOGIN_KEYS = ['basic-auth', 'authorization', 'oauth2', 'http-headers (a token in a header of its own)'];

function challengeText(challenge: string): string {
  return oneLine(challenge.slice(0, SHOWN_CHARACTERS));
}

function joined(keys: readonly string[]): string {
  return keys.length === 1 ? String(keys[0]) : `${keys.slice(0, -1).join(', ')} or ${keys.at(-1)}`;
}

/** A port that answers plain HTTP for other profiles does not speak TLS: somebody behind it does. */
export function tlsBehindHint({ profile }: Pick<Target, 'profile'>): string {
  return `other profiles of this address answer over http, so scheme is right: a proxy there sends plain HTTP on to a TLS port; correct it, or profiles.${profile.name}.path`;
}

function hasCredentials({ job: { http } }: Target): boolean {
  return Boolean(http.basicAuth ?? http.authorization ?? http.oauth2);
}

/** Error bodies are text, now and then compressed by a proxy. Anything else reads as nothing. */
function textOf(body: Uint8Array): string {
  try {
    const plain = isGzip(body) ? gunzip(body, 1024 * 1024) : body;
    return new TextDecoder('utf-8', { fatal: true }).decode(plain.subarray(0, READ_BYTES), { stream: true });
  } catch {
    return '';
  }
}

/** On one line; of an HTML page its title. */
function readable(text: string): string {
  const start = text.trimStart();
  if (!start.startsWith('<')) return oneLine(start);
  return oneLine(/<title[^<>]*>([^<]*)/i.exec(start)?.[1] ?? '');
}

function oneLine(text: string): string {
  return preview(text, SHOWN_CHARACTERS).slice(1, -1);
}
