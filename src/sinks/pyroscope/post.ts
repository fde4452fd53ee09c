import type { RemoteWriteConfig } from '../../config/scrape-config.ts';
import { addressOf, type HttpAddress } from '../../http/address.ts';
import type { HttpClient } from '../../http/client.ts';
import type { HttpResponse } from '../../http/response.ts';
import type { PushRequest } from './request.ts';

/** A server has no more than a sentence to say; a proxy may answer with a page. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** Sends to one remote. Rejects with HttpError where there is no answer. */
export type Post = (request: PushRequest, signal: AbortSignal) => Promise<HttpResponse>;

export function createPost(
  remote: Pick<RemoteWriteConfig, 'url' | 'headers' | 'tenantId' | 'timeoutMs'>,
  client: Pick<HttpClient, 'request'>,
): Post {
  const base = addressOf(remote.url);
  const headers: Record<string, string> = Object.fromEntries(remote.headers);
  if (remote.tenantId !== undefined) headers['x-scope-orgid'] = remote.tenantId;
  return (request, signal) =>
    client.request({
      ...base,
      path: joined(base, request.pathAndQuery),
      method: 'POST',
      headers: { ...headers, ...request.headers },
      body: request.body,
      timeoutMs: remote.timeoutMs,
      maxBodyBytes: MAX_ANSWER_BYTES,
      // A server that has answered 2xx has the profile: sending it again would count it twice.
      statusDecides: true,
      signal,
    });
}

/** Keeps the path of the remote's URL, with one slash between. */
function joined({ path }: HttpAddress, pathAndQuery: string): string {
  const [base = ''] = path.split('?');
  return `${base.replace(/(?<!\/)\/+$/, '')}${pathAndQuery}`;
}
