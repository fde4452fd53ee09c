import type { Reporter } from '../findings.ts';
import type { WrittenHttpClient, WrittenTls } from './http-client.ts';

type Rule = (written: WrittenHttpClient, report: Reporter) => void;

const RULES: readonly Rule[] = [
  oneWayToAuthenticate,
  oneFormOfEachSecret,
  noBasicAuthorization,
  oauth2IsComplete,
  proxyKeysFitTogether,
];

/** What the keys of an HTTP client block may not say together. */
export function checkHttpClient(written: WrittenHttpClient, report: Reporter): void {
  for (const rule of RULES) rule(written, report);
}

function oneWayToAuthenticate(_: WrittenHttpClient, report: Reporter): void {
  exclude(report, ['basic-auth', 'authorization', 'oauth2', 'bearer-token', 'bearer-token-file']);
}

function oneFormOfEachSecret(_: WrittenHttpClient, report: Reporter): void {
  exclude(report.at('basic-auth'), ['username', 'username-file']);
  exclude(report.at('basic-auth'), ['password', 'password-file']);
  exclude(report.at('authorization'), ['credentials', 'credentials-file']);
  exclude(report.at('oauth2'), ['client-secret', 'client-secret-file']);
}

function noBasicAuthorization({ authorization }: WrittenHttpClient, report: Reporter): void {
  if (authorization?.type?.trim().toLowerCase() !== 'basic') return;
  report
    .at('authorization', 'type')
    .error('type basic is not for authorization', 'use basic-auth with username and password');
}

function oauth2IsComplete({ oauth2 }: WrittenHttpClient, report: Reporter): void {
  if (!oauth2) return;
  for (const key of ['client-id', 'token-url'] as const) {
    if (!oauth2[key] && !report.at('oauth2', key).isWritten)
      report.at('oauth2').error(`${key} is missing`, undefined, 'key');
  }
}

function proxyKeysFitTogether(written: WrittenHttpClient, report: Reporter): void {
  const hasProxy = report.at('proxy-url').isWritten;
  if (written['proxy-from-environment']) exclude(report, ['proxy-from-environment', 'proxy-url', 'no-proxy']);
  else if (written['no-proxy'] && !hasProxy)
    report.at('no-proxy').error('has no effect without proxy-url', 'add proxy-url or remove it');
  if (written['proxy-connect-header'] && !hasProxy && !written['proxy-from-environment']) {
    report.at('proxy-connect-header').error('has no effect without a proxy', 'add proxy-url or remove it', 'key');
  }
}

export function checkTls(written: WrittenTls, report: Reporter): void {
  for (const kind of ['ca', 'cert', 'key']) exclude(report, [kind, `${kind}-file`]);
  const hasCert = Boolean(written.cert || written['cert-file']);
  const hasKey = Boolean(written.key || written['key-file']);
  if (hasCert !== hasKey) {
    const [given, missing] = hasCert ? ['certificate', 'key-file'] : ['key', 'cert-file'];
    report.error(`a client ${given} without ${missing}`, 'a client certificate needs both', 'key');
  }
  const { 'min-version': min, 'max-version': max } = written;
  if (min && max && max < min) report.at('max-version').error(`${max} is below min-version ${min}`, 'swap them');
}

/** At most one of these keys may be in the file. */
export function exclude(report: Reporter, keys: readonly string[]): void {
  const written = keys.map((key) => report.at(key)).filter((place) => place.isWritten);
  if (written.length < 2) return;
  const inOrder = written.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const names = inOrder.map((place) => `"${place.key}" (line ${place.line})`);
  inOrder.at(-1)?.error(`${names.join(' and ')} exclude each other`, 'keep one of them', 'key');
}
