const MASK = 'xxxxx';

/**
 * Query parameters that hold a secret, by common use: a parameter is one of them if any word of its name is here. Names of
 * one word for two, such as VictoriaMetrics' `authKey` in small letters, are here too.
 */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  ...['auth', 'authorization', 'bearer', 'code', 'credential', 'credentials', 'hmac', 'jwt', 'key', 'otp'],
  ...['pass', 'passphrase', 'passwd', 'password', 'pwd', 'sas', 'secret', 'session', 'sid', 'sig', 'sign', 'signature'],
  ...['ticket', 'token', 'accesskey', 'accesskeyid', 'accesstoken', 'apikey', 'apitoken', 'authkey', 'authtoken'],
  ...['clientsecret', 'privatekey', 'privatetoken', 'sastoken', 'secretkey', 'sessionid', 'sharedsecret', 'userpass'],
]);
/** Signed URLs of Amazon's and Google's stores: all of their parameters together are the right to read. */
const SECRET_PREFIX = /^x[-_](?:amz|goog)[-_]/i;

/** Whether the value of a query parameter is masked wherever it is shown. */
export function isSecretParameter(name: string): boolean {
  const plain = decoded(name);
  if (SECRET_PREFIX.test(plain)) return true;
  const words = plain.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return words.split(/[^a-z0-9]+/).some((word) => SECRET_WORDS.has(word));
}

/** Whether a label's value is masked wherever it is shown: it sets such a parameter, of all profiles or of one. */
export function isSecretLabel(name: string): boolean {
  const parameter = /^__(?:param|profile_.+?_param)_(.+)$/s.exec(name)?.[1];
  return parameter !== undefined && isSecretParameter(parameter);
}

/** A label's value as it may be shown. */
export function redactLabel(name: string, value: string): string {
  return isSecretLabel(name) ? MASK : redactUrls(value);
}

/**
 * The URL as it may be shown: a password in it, and the values of parameters in its query or fragment that usually hold a
 * secret, become `xxxxx` (what Go's `URL.Redacted` prints). Works on anything, also on what is no valid URL.
 */
export function redactUrl(url: string): string {
  const authority = url.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, (found, scheme = '') => {
    return `${scheme}//${redactUserInfo(found.slice(scheme.length + 2, -1))}@`;
  });
  return redactParameters(authority, /([?&;#])([^?&;#=]*)=([^&;#]*)/g);
}

/** The same for each URL in a text: the answer of a server, a line of a file. */
export function redactUrls(text: string): string {
  const authorities = text.replace(/\/\/([^\s/?#@"'<>]*)@/g, (_, userInfo: string) => `//${redactUserInfo(userInfo)}@`);
  return redactParameters(authorities, /([?&;#])([^\s?&;#="'<>]*)=([^\s&;#"'<>]*)/g);
}

/** Without a colon all of it may be a token, as in https://TOKEN@host. */
function redactUserInfo(userInfo: string): string {
  const colon = userInfo.indexOf(':');
  return colon === -1 ? MASK : `${userInfo.slice(0, colon)}:${MASK}`;
}

function redactParameters(text: string, parameter: RegExp): string {
  return text.replace(parameter, (found, mark: string, name: string) =>
    isSecretParameter(name) ? `${mark}${name}=${MASK}` : found,
  );
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
