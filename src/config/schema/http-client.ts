import type * as z from 'zod/mini';
import { quote } from '../document/tree.ts';
import type { Reporter } from '../findings.ts';
import type {
  AuthorizationConfig,
  BasicAuthConfig,
  HeaderConfig,
  HttpClientConfig,
  OAuth2Config,
  ProxyConfig,
  Secret,
  TlsConfig,
  TlsVersion,
} from '../http-client-config.ts';
import { ValueError } from '../value-error.ts';
import { type FileReference, type NormalizeContext, referTo } from './context.ts';
import { checkHttpClient, checkTls } from './http-client-rules.ts';
import { boolean, text, url, word } from './scalars.ts';
import { mapOf, mapping, textMap, texts } from './structures.ts';

const TLS_VERSIONS: Readonly<Record<'TLS10' | 'TLS11' | 'TLS12' | 'TLS13', TlsVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

const tlsVersion = word(['TLS10', 'TLS11', 'TLS12', 'TLS13']);

const tlsConfig = mapping(() => ({
  ca: text(),
  'ca-file': text(),
  cert: text(),
  'cert-file': text(),
  key: text(),
  'key-file': text(),
  'server-name': text(),
  'insecure-skip-verify': boolean(),
  'min-version': tlsVersion,
  'max-version': tlsVersion,
}));

/** The keys that jobs, discovery mechanisms and remotes have in common, directly beside their own. */
export const httpClientKeys = {
  'basic-auth': mapping(() => ({
    username: text(),
    'username-file': text(),
    password: text(),
    'password-file': text(),
  })),
  authorization: mapping(() => ({ type: text(), credentials: text(), 'credentials-file': text() })),
  'bearer-token': text(),
  'bearer-token-file': text(),
  oauth2: mapping(
    () => ({
      'client-id': text(),
      'client-secret': text(),
      'client-secret-file': text(),
      scopes: texts(),
      'token-url': url(['http', 'https']),
      'endpoint-params': textMap(),
      'tls-config': tlsConfig,
    }),
    { refused: refusedOAuth2Key },
  ),
  'tls-config': tlsConfig,
  'proxy-url': url(['http', 'https']),
  'no-proxy': text(),
  'proxy-from-environment': boolean(),
  'proxy-connect-header': mapOf(texts(), checkHeaderName),
  'follow-redirects': boolean(),
  /** Taken and not read: what is scraped answers over HTTP/1.1 as well. */
  'enable-http2': boolean(),
  'http-headers': mapOf(
    mapping(() => ({ values: texts(), secrets: texts(), files: texts() })),
    checkRequestHeader,
  ),
};

const httpClient = mapping(() => httpClientKeys);

export type WrittenHttpClient = z.output<typeof httpClient>;
export type WrittenTls = z.output<typeof tlsConfig>;

function refusedOAuth2Key(key: string, written: string) {
  if (!/^(proxy-|no-proxy|grant-type|claims|client-certificate|signature-algorithm|iss$|audience$)/.test(key))
    return undefined;
  return { message: `"${written}" is not supported here`, hint: 'client-id, a client secret and token-url are' };
}

export function checkHeaderName(name: string): void {
  if (/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) return;
  throw new ValueError(`${quote(name)} is not a header name`, 'as in X-Scope-OrgID');
}

/** What the client itself sets, or other keys set: the list is Prometheus's. */
const FRAMING_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function checkRequestHeader(name: string): void {
  checkHeaderName(name);
  if (!FRAMING_HEADERS.has(name.toLowerCase())) return;
  throw new ValueError(`header ${name} can't be set: it says how requests are sent`, 'remove it');
}

/** Defaults filled in and contradictions reported, below the mapping that `report` stands at. */
export function httpClientFrom(
  written: WrittenHttpClient,
  report: Reporter,
  context: NormalizeContext,
): HttpClientConfig {
  checkHttpClient(written, report);
  return {
    basicAuth: basicAuthFrom(written, report.at('basic-auth'), context),
    authorization: authorizationFrom(written, report, context),
    oauth2: oauth2From(written, report.at('oauth2'), context),
    tls: tlsFrom(written['tls-config'], report.at('tls-config'), context),
    proxy: proxyFrom(written),
    followRedirects: written['follow-redirects'] ?? true,
    headers: headersFrom(written, report.at('http-headers'), context),
  };
}

/** A secret of two keys, of which one is written; an empty one counts as left out. */
function secretFrom(
  value: string | undefined,
  file: string | undefined,
  fileReport: Reporter,
  context: NormalizeContext,
  holds?: FileReference['holds'],
): Secret | undefined {
  if (file) return { file: referTo(file, fileReport, context, holds) };
  return value ? { value } : undefined;
}

function basicAuthFrom(
  { 'basic-auth': written }: WrittenHttpClient,
  report: Reporter,
  context: NormalizeContext,
): BasicAuthConfig | undefined {
  if (!written) return undefined;
  const username = secretFrom(written.username, written['username-file'], report.at('username-file'), context);
  return {
    username: username ?? { value: '' },
    password: secretFrom(written.password, written['password-file'], report.at('password-file'), context),
  };
}

function authorizationFrom(
  written: WrittenHttpClient,
  report: Reporter,
  context: NormalizeContext,
): AuthorizationConfig | undefined {
  const bearer = secretFrom(
    written['bearer-token'],
    written['bearer-token-file'],
    report.at('bearer-token-file'),
    context,
  );
  if (bearer) return { type: 'Bearer', credentials: bearer };
  const own = written.authorization;
  if (!own) return undefined;
  const file = report.at('authorization', 'credentials-file');
  return {
    type: own.type?.trim() || 'Bearer',
    credentials: secretFrom(own.credentials, own['credentials-file'], file, context),
  };
}

function oauth2From(
  { oauth2: written }: WrittenHttpClient,
  report: Reporter,
  context: NormalizeContext,
): OAuth2Config | undefined {
  if (!written) return undefined;
  const secretFile = report.at('client-secret-file');
  return {
    clientId: written['client-id'] ?? '',
    clientSecret: secretFrom(written['client-secret'], written['client-secret-file'], secretFile, context),
    scopes: written.scopes ?? [],
    tokenUrl: written['token-url'] ?? '',
    endpointParams: written['endpoint-params'] ?? new Map(),
    tls: tlsFrom(written['tls-config'], report.at('tls-config'), context),
  };
}

function tlsFrom(written: WrittenTls | undefined, report: Reporter, context: NormalizeContext): TlsConfig | undefined {
  if (!written) return undefined;
  checkTls(written, report);
  const { 'min-version': min, 'max-version': max } = written;
  return {
    ca: secretFrom(written.ca, written['ca-file'], report.at('ca-file'), context, 'certificate'),
    cert: secretFrom(written.cert, written['cert-file'], report.at('cert-file'), context, 'certificate'),
    key: secretFrom(written.key, written['key-file'], report.at('key-file'), context),
    serverName: written['server-name'] || undefined,
    insecureSkipVerify: written['insecure-skip-verify'] ?? false,
    minVersion: min && TLS_VERSIONS[min],
    maxVersion: max && TLS_VERSIONS[max],
  };
}

function proxyFrom(written: WrittenHttpClient): ProxyConfig | undefined {
  const { 'proxy-url': proxyUrl, 'proxy-from-environment': fromEnvironment = false } = written;
  if (proxyUrl === undefined && !fromEnvironment) return undefined;
  const headers = written['proxy-connect-header'] ?? new Map<string, readonly string[]>();
  return {
    url: proxyUrl,
    fromEnvironment,
    noProxy: written['no-proxy'] || undefined,
    connectHeaders: new Map([...headers].map(([name, values]) => [name, values.map((value) => ({ value }))])),
  };
}

function headersFrom(
  { 'http-headers': written }: WrittenHttpClient,
  report: Reporter,
  context: NormalizeContext,
): ReadonlyMap<string, HeaderConfig> {
  const headers = new Map<string, HeaderConfig>();
  for (const [name, { values = [], secrets = [], files = [] }] of written ?? []) {
    const inPlace = [...values, ...secrets].map((value) => ({ value }));
    const inFiles = files.map((file, index) => ({ file: referTo(file, report.at(name, 'files', index), context) }));
    headers.set(name, { values: [...inPlace, ...inFiles] });
  }
  return headers;
}
