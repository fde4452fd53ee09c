import { HttpError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { formatByteLimit } from './format-byte-limit.ts';

/** One second of CPU for each 64 MiB that a body may have; at least one. A body of that size usually takes a tenth of it. */
const BYTES_A_SECOND = 64 * 1024 * 1024;
const MIN_CPU_MS = 1000;
/** The share of one core that an answer without a limit on its size, a watch, may take beyond that. */
const STREAM_CPU_SHARE = 0.25;
/** Headers of undici's 16 KiB, some informational answers, and trailers. */
const FREE_FRAMING_BYTES = 64 * 1024;
/** As Go's chunked reader allows: 16 bytes a chunk, and two for each byte of data. */
const FRAMING_BYTES_A_PIECE = 16;
const FRAMING_SHARE = 2;
/** Answers before the answer. Servers send none or one. */
const MAX_INFORMATIONAL = 20;

/**
 * What reading the answer to one request may cost beside the bytes of its body: CPU time, and bytes that are no body. It holds
 * for all redirects together. Time is what the clock says while what was received is being parsed, and no more than the CPU
 * time of the process, as the machine may have run something else meanwhile.
 */
export class ReadAllowance {
  readonly #clock: Clock;
  readonly #processMs: () => number;
  readonly #cpuMs: number;
  readonly #createdAtMs: number;
  #spentMs = 0;
  /** CPU time of the process when `#spentMs` was noticeable for the first time. */
  #noticed: { readonly spentMs: number; readonly processMs: number } | undefined;
  #readStartedAtMs: number | undefined;
  #received = 0;
  #pieces = 0;
  #bodyBytes = 0;
  #informational = 0;

  /** `processMs`: the CPU time that this process has used. */
  constructor(maxBodyBytes: number, clock: Clock, processMs: () => number = processCpuMs) {
    this.#clock = clock;
    this.#processMs = processMs;
    this.#createdAtMs = clock.monotonic();
    this.#cpuMs = Number.isFinite(maxBodyBytes)
      ? Math.max(MIN_CPU_MS, (maxBodyBytes / BYTES_A_SECOND) * 1000)
      : MIN_CPU_MS;
  }

  /** True between `startRead` and `endRead`. */
  get isReading(): boolean {
    return this.#readStartedAtMs !== undefined;
  }

  /** So many bytes are about to be parsed. */
  startRead(bytes: number): void {
    this.#received += bytes;
    this.#readStartedAtMs = this.#clock.monotonic();
  }

  /** Some of them were a piece of a body. */
  countPiece(bytes: number): void {
    this.#pieces += 1;
    this.#bodyBytes += bytes;
  }

  /** An answer of status 1xx came. Gives the error where there were too many. */
  countInformational(): HttpError | undefined {
    this.#informational += 1;
    return this.#informational > MAX_INFORMATIONAL ? tooManyInformational() : undefined;
  }

  /** They are parsed. Gives the error where that was more than is allowed; `maxBodyBytes: Infinity` bounds the rate instead. */
  endRead(isStream: boolean): HttpError | undefined {
    const startedAtMs = this.#readStartedAtMs;
    if (startedAtMs === undefined) return undefined;
    this.#readStartedAtMs = undefined;
    const nowMs = this.#clock.monotonic();
    this.#spentMs += nowMs - startedAtMs;
    const framing = this.#received - this.#bodyBytes;
    const allowed = FREE_FRAMING_BYTES + FRAMING_BYTES_A_PIECE * this.#pieces + FRAMING_SHARE * this.#bodyBytes;
    if (framing > allowed) return this.#tooMuchFraming(framing);
    const cpuMs = this.#cpuMs + (isStream ? (nowMs - this.#createdAtMs) * STREAM_CPU_SHARE : 0);
    if (this.#spentMs * 10 > cpuMs) {
      this.#noticed ??= { spentMs: this.#spentMs, processMs: this.#processMs() };
      if (this.#spentMs > cpuMs && this.#usedMs(this.#noticed) > cpuMs) return this.#tooMuchCpu(cpuMs);
    }
    return undefined;
  }

  /** CPU time that reading has used at most. */
  #usedMs({ spentMs, processMs }: { readonly spentMs: number; readonly processMs: number }): number {
    return spentMs + this.#processMs() - processMs;
  }

  #tooMuchFraming(bytes: number): HttpError {
    const what = `${formatByteLimit(bytes)} of headers, chunk extensions or trailers for ${this.#bodyBytes} bytes of body`;
    return new HttpError('INVALID_RESPONSE', `the answer is ${what}`, { hint: 'check what answers there' });
  }

  #tooMuchCpu(cpuMs: number): HttpError {
    const seconds = Math.round(cpuMs / 100) / 10;
    const how = `${formatByteLimit(this.#bodyBytes)} of body in ${this.#pieces} pieces`;
    return new HttpError('ANSWER_TOO_COSTLY', `reading the answer took over ${seconds}s of CPU: ${how}`, {
      hint: 'have the target, or the proxy before it, send larger chunks',
    });
  }
}

function tooManyInformational(): HttpError {
  return new HttpError('INVALID_RESPONSE', `more than ${MAX_INFORMATIONAL} informational answers (HTTP 1xx)`, {
    hint: 'check what answers there: the answer itself never comes',
  });
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
