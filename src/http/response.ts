/** Header names are in lower case; a header that came several times has an array. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What is known when the headers have arrived. */
export interface ResponseHead {
  readonly status: number;
  /** As sent; may be empty. */
  readonly statusText: string;
  readonly headers: ResponseHeaders;
  /** Unix milliseconds when the (last) request was sent, on a connection that was ready. */
  readonly requestedAtMs: number;
  /** Unix milliseconds when the headers arrived. */
  readonly respondedAtMs: number;
  /** Monotonic milliseconds when the headers arrived. */
  readonly monotonicMs: number;
}

export interface HttpResponse extends ResponseHead {
  /** As received: a Content-Encoding is not undone. Empty where `onData` took it. */
  readonly body: Uint8Array;
  /** From sending the request to the last byte. */
  readonly durationMs: number;
}

/** The value of a header, several joined as RFC 9110 allows. `name` in lower case. */
export function headerOf(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
