/** The HTTP client block that jobs, discovery mechanisms and remotes share. Paths are absolute or relative to the working directory. */
export interface HttpClientConfig {
  readonly basicAuth: BasicAuthConfig | undefined;
  /** `authorization`, and the old `bearer-token(-file)`, which is the same with type Bearer. */
  readonly authorization: AuthorizationConfig | undefined;
  readonly oauth2: OAuth2Config | undefined;
  readonly tls: TlsConfig | undefined;
  readonly proxy: ProxyConfig | undefined;
  readonly followRedirects: boolean;
  readonly headers: ReadonlyMap<string, HeaderConfig>;
}

/** A secret given in place or in a file that is read again for every request (secrets rotate). */
export type Secret = { readonly value: string } | { readonly file: string };

export interface BasicAuthConfig {
  readonly username: Secret;
  readonly password: Secret | undefined;
}

export interface AuthorizationConfig {
  readonly type: string;
  readonly credentials: Secret | undefined;
}

export interface OAuth2Config {
  readonly clientId: string;
  readonly clientSecret: Secret | undefined;
  readonly scopes: readonly string[];
  readonly tokenUrl: string;
  readonly endpointParams: ReadonlyMap<string, string>;
  /** For the token URL only, as is the proxy: neither falls back to the client's own. */
  readonly tls: TlsConfig | undefined;
  readonly proxy?: ProxyConfig | undefined;
}

export interface TlsConfig {
  /** PEM text in place, or a file that is read again when it changes. */
  readonly ca: Secret | undefined;
  readonly cert: Secret | undefined;
  readonly key: Secret | undefined;
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
  readonly minVersion: TlsVersion | undefined;
  readonly maxVersion: TlsVersion | undefined;
}

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

export interface ProxyConfig {
  /** Undefined where the environment decides (`proxy-from-environment`). */
  readonly url: string | undefined;
  readonly fromEnvironment: boolean;
  /** Comma-separated hosts, as in NO_PROXY. */
  readonly noProxy: string | undefined;
  readonly connectHeaders: ReadonlyMap<string, readonly Secret[]>;
}

export interface HeaderConfig {
  readonly values: readonly Secret[];
}

export const DEFAULT_HTTP_CLIENT: HttpClientConfig = {
  basicAuth: undefined,
  authorization: undefined,
  oauth2: undefined,
  tls: undefined,
  proxy: undefined,
  followRedirects: true,
  headers: new Map(),
};
