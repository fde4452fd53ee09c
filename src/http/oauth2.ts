import type { OAuth2Config } from '../config/http-client-config.ts';
import { HttpError } from '../errors.ts';
import { redactUrl } from '../safe-text/redact-url.ts';
import { addressOf } from './address.ts';
import type { Clock } from './clock.ts';
import { basicCredentials } from './configured-headers.ts';
import type { HttpRequest } from './request.ts';
import type { HttpResponse } from './response.ts';
import type { SecretFiles } from './secret-files.ts';

/** A token is no longer used this long before it expires, as in golang.org/x/oauth2. */
const EXPIRY_MARGIN_MS = 10_000;
/** Requests with other deadlines wait for the same token, so that none may make them wait long. */
const MAX_TOKEN_MS = 10_000;
const MAX_TOKEN_BYTES = 1024 * 1024;

interface Token {
  /** `Bearer …` */
  readonly authorization: string;
  readonly secret: string;
  /** Monotonic; Infinity where the server names no expiry. */
  readonly goodUntilMs: number;
}

/**
 * Tokens by the client credentials grant (RFC 6749, 4.4). One token serves all requests until shortly before it expires or
 * the client secret changes; requests that come while one is being fetched wait for the same.
 */
export class OAuth2TokenSource {
  readonly #config: OAuth2Config;
  readonly #files: SecretFiles;
  readonly #send: (request: HttpRequest) => Promise<HttpResponse>;
  readonly #clock: Clock;
  #token: Token | undefined;
  #fetching: { readonly secret: string; readonly token: Promise<Token> } | undefined;
  /** Where this server wants id and secret; found out with the first token. */
  #credentialsIn: 'header' | 'form' | undefined;

  constructor(
    config: OAuth2Config,
    files: SecretFiles,
    send: (request: HttpRequest) => Promise<HttpResponse>,
    clock: Clock,
  ) {
    this.#config = config;
    this.#files = files;
    this.#send = send;
    this.#clock = clock;
  }

  /** The Authorization header. Rejects with HttpError `OAUTH2`, or that of the request for the token. */
  async authorization(timeoutMs: number): Promise<string> {
    const { clientSecret } = this.#config;
    const secret = clientSecret ? await this.#files.reveal(clientSecret, 'oauth2.client-secret-file') : '';
    const token = this.#token;
    if (token && token.secret === secret && this.#clock.monotonic() < token.goodUntilMs) return token.authorization;
    if (this.#fetching?.secret !== secret) {
      const fetching = { secret, token: this.#fetch(secret, timeoutMs) };
      this.#fetching = fetching;
      const forget = (): void => {
        if (this.#fetching === fetching) this.#fetching = undefined;
      };
      fetching.token.then(forget, forget);
    }
    this.#token = await this.#fetching.token;
    return this.#token.authorization;
  }

  async #fetch(secret: string, timeoutMs: number): Promise<Token> {
    const first = this.#credentialsIn ?? 'header';
    let response = await this.#ask(first, secret, timeoutMs);
    if (isRefusal(response) && this.#credentialsIn === undefined) {
      const second = await this.#ask('form', secret, timeoutMs);
      if (!isRefusal(second)) this.#credentialsIn = 'form';
      response = second;
    } else if (!isRefusal(response)) this.#credentialsIn = first;
    return this.#read(response, secret);
  }

  async #ask(credentialsIn: 'header' | 'form', secret: string, timeoutMs: number): Promise<HttpResponse> {
    const { clientId, scopes, endpointParams, tokenUrl } = this.#config;
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    for (const [name, value] of endpointParams) form.set(name, value);
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
    if (credentialsIn === 'header')
      headers['authorization'] = basicCredentials(`${formEncode(clientId)}:${formEncode(secret)}`);
    else {
      form.set('client_id', clientId);
      if (secret !== '') form.set('client_secret', secret);
    }
    try {
      return await this.#send({
        ...addressOf(tokenUrl),
        method: 'POST',
        headers,
        body: form.toString(),
        timeoutMs: Math.min(timeoutMs, MAX_TOKEN_MS),
        maxBodyBytes: MAX_TOKEN_BYTES,
      });
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      throw new HttpError(error.code, `no OAuth2 token from ${redactUrl(tokenUrl)}: ${error.message}`, {
        hint: error.hint,
        cause: error,
      });
    }
  }

  #read(response: HttpResponse, secret: string): Token {
    const fields = fieldsOf(response);
    const accessToken = fields.get('access_token');
    if (response.status < 200 || response.status > 299 || !accessToken) {
      // What RFC 6749 lets a server say about a refusal; the rest of the body might repeat the secret.
      const told = [fields.get('error'), fields.get('error_description')].filter(Boolean).join(', ');
      const what = response.status === 200 ? 'the answer holds no access_token' : `HTTP ${response.status}`;
      throw new HttpError(
        'OAUTH2',
        `no OAuth2 token from ${redactUrl(this.#config.tokenUrl)}: ${what}${told && ` (${told})`}`,
        {
          hint: 'check oauth2.client-id, client-secret, scopes and token-url',
        },
      );
    }
    const type = fields.get('token_type');
    const expiresInS = Number(fields.get('expires_in') ?? '0');
    const isForever = !(expiresInS > 0);
    return {
      authorization: `${!type || type.toLowerCase() === 'bearer' ? 'Bearer' : type} ${accessToken}`,
      secret,
      goodUntilMs: isForever ? Infinity : this.#clock.monotonic() + expiresInS * 1000 - EXPIRY_MARGIN_MS,
    };
  }
}

function isRefusal({ status }: HttpResponse): boolean {
  return status >= 400 && status < 500;
}

/** Client id and secret are form-encoded before they are joined for Basic (RFC 6749, 2.3.1). */
function formEncode(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2);
}

/** JSON, or a form as some old servers send it. */
function fieldsOf(response: HttpResponse): Map<string, string> {
  const text = Buffer.from(response.body).toString('utf8');
  if (!text.trimStart().startsWith('{')) return new Map(new URLSearchParams(text));
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return new Map();
    const entries = Object.entries(parsed).filter(
      ([, value]) => typeof value === 'string' || typeof value === 'number',
    );
    return new Map(entries.map(([name, value]) => [name, String(value)]));
  } catch {
    return new Map();
  }
}
