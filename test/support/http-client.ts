import assert from 'node:assert/strict';
import { DEFAULT_HTTP_CLIENT, type HttpClientConfig } from '../../src/config/http-client-config.ts';
import { HttpError } from '../../src/errors.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../../src/http/client.ts';
import type { HttpRequest } from '../../src/http/request.ts';
import type { HttpResponse } from '../../src/http/response.ts';
import type { Cleanup, FakeTarget } from './fake-target.ts';

/** A client that is destroyed when the test ends. */
export function testClient(
  test: Cleanup,
  config: Partial<HttpClientConfig> = {},
  options: Partial<HttpClientOptions> = {},
): HttpClient {
  const client = createHttpClient({ ...DEFAULT_HTTP_CLIENT, ...config }, { userAgent: 'pyro-pull/test', ...options });
  test.after(() => client.destroy());
  return client;
}

export function get(
  client: HttpClient,
  { origin }: Pick<FakeTarget, 'origin'>,
  path = '/',
  request: Partial<HttpRequest> = {},
): Promise<HttpResponse> {
  return client.request({ origin, path, timeoutMs: 5000, maxBodyBytes: 1024 * 1024, ...request });
}

export function textOf(response: HttpResponse): string {
  return Buffer.from(response.body).toString();
}

/** The HttpError that a request fails with. */
export async function failureOf(request: Promise<unknown>): Promise<HttpError> {
  try {
    await request;
  } catch (error) {
    assert.ok(error instanceof HttpError, `not an HttpError: ${String(error)}`);
    return error;
  }
  throw new assert.AssertionError({ message: 'the request did not fail' });
}
