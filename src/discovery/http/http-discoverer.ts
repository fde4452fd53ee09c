import type { HttpDiscoveryConfig } from '../../config/discovery-config.ts';
import { ConfigError, DiscoveryError } from '../../errors.ts';
import { addressOf } from '../../http/address.ts';
import { createHttpClient, type HttpClient } from '../../http/client.ts';
import type { Environment } from '../../http/proxy.ts';
import { type HttpResponse, headerOf } from '../../http/response.ts';
import { META_URL_LABEL } from '../../labels/label-set.ts';
import { redactUrl } from '../../safe-text/redact-url.ts';
import type { Discoverer, DiscoveryUpdate } from '../discoverer.ts';
import { describeRequestFailure } from '../http-failure.ts';
import { firstProblem, problemLine } from '../invalid-groups.ts';
import { readGroups } from '../read-groups.ts';
import type { DiscovererDeps } from '../refresh-meter.ts';
import { createRefreshingDiscoverer, type RefreshedSource } from '../refreshing.ts';
import type { TargetGroup } from '../target-group.ts';
import { targetGroupOf } from '../target-group-of.ts';
import { whatIsKept } from '../what-is-kept.ts';

/** A list of a million targets fits. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Prometheus's rule, oddities included: a charset other than UTF-8 or any other parameter is refused. */
const JSON_TYPE = /^application\/json(?:;\s*charset=(?:utf-8|"utf-8"))?$/i;

/** `http-sd-configs`: target groups in JSON from a service. */
export function createHttpDiscoverer(
  config: HttpDiscoveryConfig,
  name: string,
  deps: DiscovererDeps,
  environment: Environment,
): Discoverer {
  return createRefreshingDiscoverer({
    name,
    intervalMs: config.refreshIntervalMs,
    deps,
    open: () => new HttpSource(config, name, deps, createHttpClient(config.http, { environment })),
  });
}

/** The service of one block. An answer counts as a whole or not at all. */
class HttpSource implements RefreshedSource {
  readonly #config: HttpDiscoveryConfig;
  readonly #name: string;
  readonly #deps: DiscovererDeps;
  readonly #client: HttpClient;
  #groups: readonly TargetGroup[] | undefined;
  #warnings: readonly string[] = [];
  #goodAtMs = 0;

  constructor(config: HttpDiscoveryConfig, name: string, deps: DiscovererDeps, client: HttpClient) {
    this.#config = config;
    this.#name = name;
    this.#deps = deps;
    this.#client = client;
  }

  async refresh(signal: AbortSignal): Promise<DiscoveryUpdate> {
    try {
      const response = await this.#ask(signal);
      await this.#take(response);
      return { groups: this.#groups ?? [], failures: [], warnings: this.#warnings };
    } catch (error) {
      signal.throwIfAborted();
      return { groups: this.#groups ?? [], failures: [this.#failure(error)], warnings: [] };
    }
  }

  close(): void {
    this.#client.destroy();
  }

  #ask(signal: AbortSignal): Promise<HttpResponse> {
    const { url, refreshIntervalMs } = this.#config;
    const seconds = String(refreshIntervalMs / 1000);
    return this.#client.request({
      ...addressOf(url),
      // Services written for either program may look at the interval.
      headers: {
        accept: 'application/json',
        'x-prometheus-refresh-interval-seconds': seconds,
        'x-pyroscope-refresh-interval-seconds': seconds,
      },
      timeoutMs: refreshIntervalMs,
      maxBodyBytes: MAX_BODY_BYTES,
      signal,
    });
  }

  async #take(response: HttpResponse): Promise<void> {
    if (response.status !== 200) throw refused(`HTTP ${response.status} ${response.statusText}`.trimEnd());
    const type = headerOf(response.headers, 'content-type')?.trim();
    if (type === undefined || !JSON_TYPE.test(type)) {
      const seen = type === undefined ? 'the answer has no Content-Type' : `Content-Type is ${JSON.stringify(type)}`;
      throw refused(seen, 'target groups come as application/json');
    }
    const { url } = this.#config;
    const meta = new Map([[META_URL_LABEL, url]]);
    const { groups, warnings } = await readGroups(
      { text: textOf(response.body), file: redactUrl(url), format: 'json' },
      (group, index) => targetGroupOf(group, `${url}:${index}`, { meta }),
    );
    this.#groups = groups;
    this.#warnings = warnings.map((warning) => `${this.#name}: ${problemLine(warning)}`);
    this.#goodAtMs = this.#deps.now();
  }

  #failure(error: unknown): DiscoveryError {
    const kept = whatIsKept({ groups: this.#groups, goodAtMs: this.#goodAtMs }, 'answer');
    const url = redactUrl(this.#config.url);
    if (error instanceof ConfigError) {
      const { message, hint } = firstProblem(error);
      return new DiscoveryError('SD_HTTP_INVALID', `${this.#name}: ${message}; ${kept}`, { hint, cause: error });
    }
    const { message, hint } = error instanceof DiscoveryError ? error : describeRequestFailure(error);
    const text = `${this.#name}: ${url}: ${message}; ${kept}`;
    return new DiscoveryError('SD_HTTP_FAILED', text, { hint, cause: error });
  }
}

function refused(message: string, hint?: string): DiscoveryError {
  return new DiscoveryError('SD_HTTP_FAILED', message, { hint });
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw refused('the body is not UTF-8');
  }
}
