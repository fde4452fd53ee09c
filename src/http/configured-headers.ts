import type { HttpClientConfig } from '../config/http-client-config.ts';
import type { OAuth2TokenSource } from './oauth2.ts';
import type { SecretFiles } from './secret-files.ts';

/** What a config adds to every request to the host it names: `http-headers`, and the authorization. */
export class ConfiguredHeaders {
  readonly #config: HttpClientConfig;
  readonly #files: SecretFiles;
  readonly #tokens: OAuth2TokenSource | undefined;

  constructor(config: HttpClientConfig, files: SecretFiles, tokens: OAuth2TokenSource | undefined) {
    this.#config = config;
    this.#files = files;
    this.#tokens = tokens;
  }

  /** `http-headers` as name, value, name, value … Rejects with HttpError where a file can't be read. */
  async plain(): Promise<readonly string[]> {
    const headers: string[] = [];
    for (const [name, { values }] of this.#config.headers) {
      for (const value of values) headers.push(name, await this.#files.reveal(value, `http-headers ${name} file`));
    }
    return headers;
  }

  /** The Authorization header. Rejects with HttpError where a file can't be read or no token is to be had. */
  async authorization(timeoutMs: number): Promise<string | undefined> {
    const { basicAuth, authorization } = this.#config;
    if (basicAuth) {
      const username = await this.#files.reveal(basicAuth.username, 'basic-auth.username-file');
      const password = basicAuth.password && (await this.#files.reveal(basicAuth.password, 'basic-auth.password-file'));
      return basicCredentials(`${username}:${password ?? ''}`);
    }
    if (authorization?.credentials) {
      const credentials = await this.#files.reveal(authorization.credentials, 'authorization.credentials-file');
      return `${authorization.type} ${credentials}`;
    }
    return this.#tokens?.authorization(timeoutMs);
  }
}

/** `Basic …` of `user:password`. */
export function basicCredentials(userinfo: string): string {
  return `Basic ${Buffer.from(userinfo, 'utf8').toString('base64')}`;
}
