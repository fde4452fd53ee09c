/** Query parameters that carry a secret by common use, as `authKey` of VictoriaMetrics' pprof endpoints. */
const SECRET_PARAMETER =
  /([?&](?:auth_?key|api_?key|key|token|access_token|secret|client_secret|password|passwd|pwd)=)[^&#]*/gi;

/**
 * The URL as it may be shown: a password in it, and the values of query parameters that usually hold a secret, become
 * `xxxxx` (what Go's `URL.Redacted` prints). Works on anything, also on what is no valid URL.
 */
export function redactUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, (authority, scheme: string | undefined) => {
      const userinfo = authority.slice((scheme?.length ?? 0) + 2, -1);
      const colon = userinfo.indexOf(':');
      // Without a colon all of it may be a token, as in https://TOKEN@host.
      return `${scheme ?? ''}//${colon === -1 ? '' : userinfo.slice(0, colon)}${colon === -1 ? 'xxxxx' : ':xxxxx'}@`;
    })
    .replace(SECRET_PARAMETER, '$1xxxxx');
}
