import type { RemoteWriteConfig } from '../../config/scrape-config.ts';

/** Shorter values are too likely to be ordinary words of an answer. */
const MIN_SECRET_CHARS = 8;
/** The credentials of an Authorization header, whoever made them: of a file, or a token of OAuth2. */
const CREDENTIALS = /\b(basic|bearer)(:? +)[\w\-.~+/=]{6,}/gi;

/**
 * Servers and the proxies before them may quote a request in their answer. What they say is logged and kept with the
 * queue, so what we sent them as a secret is taken out first.
 */
export function createAnswerRedactor({
  headers,
  http,
}: Pick<RemoteWriteConfig, 'headers' | 'http'>): (answer: string) => string {
  const inPlace = [...http.headers.values()].flatMap(({ values }) =>
    values.map((one) => ('value' in one ? one.value : '')),
  );
  const secrets = [...headers.values(), ...inPlace].filter((value) => value.length >= MIN_SECRET_CHARS);
  return (answer) =>
    secrets.reduce((text, secret) => text.replaceAll(secret, 'xxxxx'), answer).replace(CREDENTIALS, '$1$2xxxxx');
}
