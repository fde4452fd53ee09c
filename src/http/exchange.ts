import type { Dispatcher } from 'undici';
import { formatDuration } from '../config/duration.ts';
import { HttpError } from '../errors.ts';
import { BodyBuffer } from './body-buffer.ts';
import type { Clock } from './clock.ts';
import type { Route } from './connect.ts';
import { describeFailure, isConnectionLoss, type RequestPhase } from './describe-failure.ts';
import { formatByteLimit } from './format-byte-limit.ts';
import type { ReadAllowance } from './read-allowance.ts';
import { type HttpResponse, headerOf, type ResponseHead, type ResponseHeaders } from './response.ts';

/** One request to one host, redirects and authorization already decided. */
export interface ExchangeRequest {
  readonly method: string;
  readonly path: string;
  /** Name, value, name, value … */
  readonly headers: string[];
  readonly body: Uint8Array | string | undefined;
  /** What is left of the time. */
  readonly remainingMs: number;
  /** The whole of it, for the message. */
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  /** What reading all answers to the request may cost. */
  readonly allowance: ReadAllowance;
  readonly statusDecides: boolean;
  readonly isHeld: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onHeaders: ((head: ResponseHead) => void) | undefined;
  readonly onData: ((chunk: Uint8Array) => void) | undefined;
  /** False for a redirect that will be followed: the callbacks hear nothing of it. */
  readonly isFinal: (status: number, headers: ResponseHeaders) => boolean;
}

/** How long the body of an answer that its status decides is waited for: it has a sentence to say, or nothing. */
const OPTIONAL_BODY_MS = 5000;
const MAX_OPTIONAL_BODY_BYTES = 256 * 1024;

/** The connection that an exchange runs on. */
export interface ExchangeConnection {
  readonly route: Route;
  /** While no request was sent over it. */
  readonly connectPhase: RequestPhase;
  /** The socket has carried an answer before, so the other end may have closed it meanwhile. */
  readonly isReused: boolean;
  /** What the socket itself said before it closed. */
  readonly socketError: Error | undefined;
  /** The exchange is over and the connection in order. */
  release(): void;
  /** The exchange is over and the connection is not to be used again. */
  discard(error: HttpError): void;
  /** Starts the exchange again, over a new socket. */
  startOver(exchange: Exchange): void;
}

/** One request and its answer; the handler that undici calls. Settles exactly once. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly request: ExchangeRequest;
  readonly response: Promise<HttpResponse>;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout;
  #resolve: (response: HttpResponse) => void = () => {};
  #reject: (error: HttpError) => void = () => {};
  #connection: ExchangeConnection | undefined;
  #isSent = false;
  #isSettled = false;
  #mayStartOver: boolean;
  #head: ResponseHead | undefined;
  #isStreamed = false;
  /** The status has said all that matters: without its body, or with a part of it, this is an answer too. */
  #isBodyOptional = false;
  readonly #body = new BodyBuffer();
  #bodyBytes = 0;
  readonly #createdAtMs: number;
  #requestedAtMs = 0;
  #sentMs = 0;

  constructor(request: ExchangeRequest, clock: Clock) {
    this.request = request;
    this.#clock = clock;
    this.#createdAtMs = clock.monotonic();
    // Only what may be asked twice is asked again, as in Go's net/http.
    this.#mayStartOver = request.method === 'GET' || request.method === 'HEAD';
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = setTimeout(onDeadline, Math.max(0, request.remainingMs), this);
    request.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (request.signal?.aborted) this.#onAbort();
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Called when the exchange gets its connection. */
  attach(connection: ExchangeConnection): void {
    this.#connection = connection;
  }

  /** Ends it, whatever it is doing; its connection is closed, which also stops a profile that the target is taking. */
  abort(error: HttpError): void {
    if (!this.#isSettled) this.#end(error);
  }

  timeOut(): void {
    this.abort(
      new HttpError(
        'TIMEOUT',
        `timeout after ${formatDuration(Math.ceil(this.request.timeoutMs))} ${this.#whereabouts()}`,
      ),
    );
  }

  onRequestStart(): void {
    this.#isSent = true;
    this.#requestedAtMs = this.#clock.now();
    this.#sentMs = this.#clock.monotonic();
  }

  /** So many bytes were received and are about to be parsed. */
  startRead(bytes: number): void {
    if (!this.#isSettled) this.request.allowance.startRead(bytes);
  }

  /** They are parsed. */
  endRead(): void {
    if (this.#isSettled) return;
    const error = this.request.allowance.endRead(this.#isStreamed);
    if (error) this.#end(error);
    else if (this.#isStreamed) this.#giveOn();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: ResponseHeaders,
    text = '',
  ): void {
    if (this.#isSettled) return;
    if (status < 200) {
      const error = this.request.allowance.countInformational();
      if (error) controller.abort(error);
      return;
    }
    const head: ResponseHead = {
      status,
      statusText: text,
      headers,
      requestedAtMs: this.#requestedAtMs,
      respondedAtMs: this.#clock.now(),
      monotonicMs: this.#clock.monotonic(),
    };
    this.#head = head;
    const { request } = this;
    this.#isBodyOptional = status >= 300 || request.statusDecides;
    if (this.#isBodyOptional) this.#waitForBody();
    else if (Number(headerOf(headers, 'content-length')) > request.maxBodyBytes && request.method !== 'HEAD') {
      controller.abort(this.#tooLarge());
      return;
    }
    if (!request.isFinal(status, headers)) return;
    this.#isStreamed = request.onData !== undefined && status < 300;
    request.onHeaders?.(head);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#isSettled) return;
    const { maxBodyBytes, allowance } = this.request;
    this.#bodyBytes += chunk.length;
    allowance.countPiece(chunk.length);
    const limit = this.#isBodyOptional ? Math.min(maxBodyBytes, MAX_OPTIONAL_BODY_BYTES) : maxBodyBytes;
    if (this.#bodyBytes > limit) {
      controller.abort(this.#tooLarge());
      return;
    }
    this.#body.append(chunk);
    // Else all of one reading is given on at once, however small its chunks.
    if (this.#isStreamed && !allowance.isReading) this.#giveOn();
  }

  onResponseEnd(): void {
    if (this.#isSettled || !this.#head) return;
    if (this.#isStreamed) this.#giveOn();
    this.#answer(this.#head);
    this.#connection?.release();
  }

  onResponseError(_controller: unknown, failure: Error): void {
    if (this.#isSettled) return;
    const connection = this.#connection;
    const isStale = this.#isSent && !this.#head && connection?.isReused === true && isConnectionLoss(failure);
    if (connection && isStale && this.#mayStartOver) {
      this.#mayStartOver = false;
      this.#isSent = false;
      this.#connection = undefined;
      connection.startOver(this);
      return;
    }
    this.#end(this.#describe(failure));
  }

  /** Ends with an error, or with what there is of an answer whose status is enough. */
  #end(error: HttpError): void {
    if (this.#head && this.#isBodyOptional) this.#answer(this.#head);
    else {
      this.#settle();
      this.#reject(error);
    }
    this.#connection?.discard(error);
  }

  #answer(head: ResponseHead): void {
    this.#settle();
    this.#resolve({ ...head, body: this.#body.take(), durationMs: this.#clock.monotonic() - this.#sentMs });
  }

  #giveOn(): void {
    if (this.#body.length > 0) this.request.onData?.(this.#body.take());
  }

  #waitForBody(): void {
    const leftMs = this.request.remainingMs - (this.#clock.monotonic() - this.#createdAtMs);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(onDeadline, Math.max(0, Math.min(leftMs, OPTIONAL_BODY_MS)), this);
  }

  readonly #onAbort = (): void => this.abort(new HttpError('CANCELLED', 'cancelled'));

  #settle(): void {
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.request.signal?.removeEventListener('abort', this.#onAbort);
  }

  #phase(): RequestPhase {
    if (this.#head) return 'body';
    if (this.#isSent) return 'waiting';
    return this.#connection?.connectPhase ?? 'queued';
  }

  #whereabouts(): string {
    switch (this.#phase()) {
      case 'queued':
        return 'while waiting for a free connection to the host';
      case 'connecting':
        return 'while connecting';
      case 'proxy':
        return 'while connecting through the proxy';
      case 'tls':
        return 'during the TLS handshake';
      case 'waiting':
        return 'while waiting for headers';
      case 'body':
        return `in the body, after ${this.#bodyBytes} bytes`;
    }
  }

  #describe(failure: Error): HttpError {
    const { route, socketError } = this.#connection ?? {};
    const cause = isConnectionLoss(failure) ? (socketError ?? failure) : failure;
    return describeFailure(cause, route?.origin ?? { scheme: 'http', hostname: '', port: 0 }, this.#phase());
  }

  #tooLarge(): HttpError {
    return new HttpError('BODY_TOO_LARGE', `body over ${formatByteLimit(this.request.maxBodyBytes)}`, {
      hint: 'raise body-size-limit if it should be that large',
    });
  }
}

/** A function of its own, so that a request's timer needs no closure. */
function onDeadline(exchange: Exchange): void {
  exchange.timeOut();
}
