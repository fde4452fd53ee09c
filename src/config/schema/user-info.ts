import type { Reporter } from '../findings.ts';
import type { HttpClientConfig } from '../http-client-config.ts';

/**
 * Takes `user:password@` out of a URL and makes it basic auth, so that the URL can be shown. Credentials that are configured
 * beside it contradict it.
 */
export function withoutUserInfo(
  url: string,
  http: HttpClientConfig,
  report: Reporter,
): { url: string; http: HttpClientConfig } {
  const userInfo = /^[a-z]+:\/\/([^/?#]*)@/i.exec(url)?.[1];
  if (userInfo === undefined) return { url, http };
  if (http.basicAuth || http.authorization || http.oauth2) {
    report.error('the URL carries credentials, and other keys here do as well', 'take them out of the URL');
  }
  const [username = '', ...password] = userInfo.split(':');
  return {
    url: url.replace(`${userInfo}@`, ''),
    http: {
      ...http,
      basicAuth: {
        username: { value: decode(username) },
        password: password.length > 0 ? { value: decode(password.join(':')) } : undefined,
      },
    },
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
