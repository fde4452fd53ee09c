import type { ProxyConfig } from '../config/http-client-config.ts';
import { HttpError } from '../errors.ts';
import { redactUrl } from '../safe-text/redact-url.ts';
import { addressOf, authorityOf, type HttpOrigin } from './address.ts';
import { basicCredentials } from './configured-headers.ts';
import { isExemptFromProxy } from './no-proxy.ts';
import type { SecretFiles } from './secret-files.ts';

/** A proxy to reach an origin through. */
export interface ProxyServer {
  readonly origin: HttpOrigin;
  /** `Basic …` from the user and password of its URL. */
  readonly authorization: string | undefined;
  /** Headers of a CONNECT request, the authorization among them. */
  readonly connectHeaders: Readonly<Record<string, string[]>>;
}

/** Environment variables as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Chooses the proxy for each origin. Variables of the environment count only under `proxy-from-environment`; with a
 * `proxy-url` and no `no-proxy` every request takes the proxy, loopback too, as in Prometheus.
 */
export class ProxyChooser {
  readonly #config: ProxyConfig | undefined;
  readonly #environment: Environment;
  readonly #files: SecretFiles;

  constructor(config: ProxyConfig | undefined, environment: Environment, files: SecretFiles) {
    this.#config = config;
    this.#environment = environment;
    this.#files = files;
  }

  /** Undefined: no proxy. Rejects with HttpError for a proxy URL that can't be used or a secret that can't be read. */
  async proxyFor(origin: HttpOrigin): Promise<ProxyServer | undefined> {
    const config = this.#config;
    if (!config || origin.socketPath !== undefined) return undefined;
    const url = config.fromEnvironment ? this.#fromEnvironment(origin) : fromConfig(config, origin);
    if (url === undefined) return undefined;
    const { origin: proxyOrigin, userinfo } = proxyAddress(url);
    const authorization = userinfo === undefined ? undefined : basicCredentials(userinfo);
    const connectHeaders: Record<string, string[]> = {};
    if (authorization) connectHeaders['proxy-authorization'] = [authorization];
    for (const [name, secrets] of config.connectHeaders) {
      connectHeaders[name] = await Promise.all(
        secrets.map((secret) => this.#files.reveal(secret, 'proxy-connect-header file')),
      );
    }
    return { origin: proxyOrigin, authorization, connectHeaders };
  }

  #fromEnvironment(origin: HttpOrigin): string | undefined {
    const read = (name: string): string => this.#environment[name] || this.#environment[name.toLowerCase()] || '';
    // In a CGI program HTTP_PROXY may come from a request's "Proxy" header (CVE-2016-5385).
    const isCgi = Boolean(this.#environment['REQUEST_METHOD']);
    const url = origin.scheme === 'https' ? read('HTTPS_PROXY') : isCgi ? '' : read('HTTP_PROXY');
    return url === '' || isExemptFromProxy(origin, read('NO_PROXY')) ? undefined : url;
  }
}

function fromConfig({ url, noProxy }: ProxyConfig, origin: HttpOrigin): string | undefined {
  return noProxy && isExemptFromProxy(origin, noProxy) ? undefined : url;
}

function proxyAddress(url: string): { origin: HttpOrigin; userinfo?: string | undefined } {
  // The environment's variables are often `host:port`.
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`;
  try {
    return addressOf(full);
  } catch (error) {
    throw new HttpError('PROXY_URL', `proxy URL "${redactUrl(full)}" can't be used`, {
      hint: 'it must begin with http:// or https://; SOCKS is not supported',
      cause: error,
    });
  }
}

/** Tells one route from another: connections through different proxies, or as different users, are never shared. */
export function proxyKey(proxy: ProxyServer | undefined): string {
  return proxy ? `${proxy.origin.scheme}://${authorityOf(proxy.origin)} ${JSON.stringify(proxy.connectHeaders)}` : '';
}
