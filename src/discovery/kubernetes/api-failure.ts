import { DiscoveryError, HttpError } from '../../errors.ts';
import { type HttpResponse, headerOf } from '../../http/response.ts';
import { describeRequestFailure } from '../http-failure.ts';
import { listOf, mapOf, numberOf, textOf } from '../json.ts';

/** What an API server refused, or why it could not be asked. */
export class ApiFailure extends DiscoveryError {
  /** The code of an HTTP answer or of an `ERROR` event; undefined where there was neither. */
  readonly status: number | undefined;
  /** The version that was asked for is gone, or is ahead of what the server has. */
  readonly isStale: boolean;
  /** The connection was the fault, not the answer: the server knows the same versions afterwards. */
  readonly isConnection: boolean;
  /** What `Retry-After` asks for. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    facts: {
      status?: number | undefined;
      isStale?: boolean;
      isConnection?: boolean;
      retryAfterMs?: number | undefined;
      hint?: string | undefined;
      cause?: unknown;
    } = {},
  ) {
    super('SD_KUBERNETES_FAILED', message, { hint: facts.hint, cause: facts.cause });
    this.status = facts.status;
    this.isStale = facts.isStale ?? false;
    this.isConnection = facts.isConnection ?? false;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

export function requestFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  const { message, hint } = describeRequestFailure(error);
  return new ApiFailure(message, { isConnection: error instanceof HttpError, hint, cause: error });
}

/** An answer other than 200, whose body is a `Status` object as a rule. */
export function refusal({ status, statusText, headers, body }: HttpResponse): ApiFailure {
  const seen = `HTTP ${status} ${statusText}`.trimEnd();
  const retryAfterMs = Number(headerOf(headers, 'retry-after')) * 1000;
  return new ApiFailure([seen, ...reasonIn(body)].join(': '), {
    status,
    isStale: status === 410 || isFromTheFuture(parsed(body)),
    retryAfterMs: retryAfterMs > 0 ? retryAfterMs : undefined,
    hint: HINTS[status],
  });
}

/** An `ERROR` event of a watch. */
export function eventFailure(object: unknown): ApiFailure {
  const status = mapOf(object);
  const code = numberOf(status['code']);
  const text = [textOf(status['reason']), textOf(status['message'])].filter((part) => part !== '').join(': ');
  return new ApiFailure(`the watch was ended: ${text || 'without a reason'}`, { status: code, isStale: code === 410 });
}

const HINTS: Readonly<Record<number, string>> = {
  401: 'the server does not know the token or certificate: check the credentials',
  403: 'grant list and watch on this kind of object to the account that pyro-pull uses',
  404: 'the server does not have this API: check its version and the path of api-server',
};

/** "Too large resource version": an API server that has seen less than the one asked before. */
function isFromTheFuture(status: unknown): boolean {
  const { details } = mapOf(status);
  return listOf(mapOf(details)['causes']).some((cause) => mapOf(cause)['reason'] === 'ResourceVersionTooLarge');
}

function reasonIn(body: Uint8Array): string[] {
  const message = textOf(mapOf(parsed(body))['message'])
    .replace(/\s+/g, ' ')
    .trim();
  return message === '' ? [] : [message.length > 300 ? `${message.slice(0, 300)}…` : message];
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}
