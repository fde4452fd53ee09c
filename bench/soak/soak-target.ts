import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { freePort } from '../../test/support/free-port.ts';
import type { Random } from '../../test/support/random.ts';
import { profileOf, type SoakProfile } from './counters.ts';

/** What goes wrong at a target, from time to time. `vanishing` is what happens to its line in a discovery file. */
export type Role = 'healthy' | 'restarting' | 'hanging' | 'slow' | 'garbage' | 'vanishing' | 'cached';

const PATHS: ReadonlyMap<string, SoakProfile> = new Map([
  ['/debug/pprof/heap', 'mem'],
  ['/debug/pprof/mutex', 'mutex'],
  ['/debug/pprof/goroutine', 'goroutines'],
]);

/** The end of a connection is seen by then. */
const GONE_BY_MS = 500;
/** Few bytes that become many. */
const BOMB = gzipSync(Buffer.alloc(4 * 2 ** 20));

export interface SoakTargetOptions {
  readonly id: number;
  readonly role: Role;
  readonly intervalMs: number;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** A server that counts exactly, and fails as its role says: some intervals of good answers, some of bad ones. */
export class SoakTarget {
  readonly id: number;
  readonly role: Role;
  /** Counts the starts. */
  epoch = 1;
  /** By profile: the answers of this epoch, those that were made unreadable left out. */
  readonly numbers = new Map<SoakProfile, number>();
  /** Good and bad answers that were given. */
  readonly answers = { good: 0, bad: 0 };
  /** Requests that came while one for the same profile was being answered. */
  readonly overlaps: string[] = [];
  address = '';
  readonly #options: SoakTargetOptions;
  readonly #last = new Map<SoakProfile, Uint8Array>();
  readonly #ended = new WeakSet<IncomingMessage>();
  /** By URL: who asks. */
  readonly #underWay = new Map<string, IncomingMessage>();
  #server: Server | undefined;
  #isBad = false;

  constructor(options: SoakTargetOptions) {
    this.id = options.id;
    this.role = options.role;
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#listen(await freePort());
    if (this.role !== 'healthy' && this.role !== 'vanishing') void this.#live();
  }

  /** The scraper was killed: that its connections are gone may be seen only after its successor has asked. */
  forgetRequests(): void {
    this.#underWay.clear();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #listen(port: number): Promise<void> {
    const server = createServer((request, response) => {
      response.on('error', () => {});
      const { url = '' } = request;
      const before = this.#underWay.get(url);
      // A scraper that gives up asks again at once: that it has gone may be seen only after that.
      if (before) setTimeout(() => this.#ended.has(before) || this.overlaps.push(url), GONE_BY_MS).unref();
      this.#underWay.set(url, request);
      response.once('close', () => {
        this.#ended.add(request);
        if (this.#underWay.get(url) === request) this.#underWay.delete(url);
      });
      this.#answer(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(error));
      });
    });
    server.keepAliveTimeout = 120_000;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    const address = server.address();
    if (address !== null && typeof address === 'object') this.address = `127.0.0.1:${address.port}`;
  }

  /** Good times and bad times. */
  async #live(): Promise<void> {
    const { intervalMs, random, signal } = this.#options;
    const pause = (intervals: number) => sleep(intervals * intervalMs, undefined, { signal }).catch(() => {});
    await pause(2 + random.below(40) / 10);
    while (!signal.aborted) {
      if (this.role === 'restarting') {
        const port = Number(this.address.split(':')[1]);
        await this.stop();
        await pause(random.below(20) / 10);
        if (signal.aborted) return;
        this.epoch += 1;
        this.numbers.clear();
        await this.#listen(port);
        await pause(6 + random.below(80) / 10);
        continue;
      }
      this.#isBad = true;
      await pause(1 + random.below(60) / 10);
      this.#isBad = false;
      await pause(3 + random.below(60) / 10);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://target');
    if (url.pathname === '/debug/pprof/profile') return this.#cpu(Number(url.searchParams.get('seconds')), response);
    const profile = PATHS.get(url.pathname);
    if (profile === undefined) {
      response.writeHead(404).end('no such profile');
      return;
    }
    if (this.#isBad && this.role === 'cached') {
      const last = this.#last.get(profile);
      if (last !== undefined) return this.#send(response, last);
    }
    if (this.#isBad && this.role === 'garbage') {
      this.answers.bad += 1;
      return this.#garbage(profile, response);
    }
    const body = this.#next(profile);
    if (this.#isBad && this.role === 'hanging') {
      this.answers.bad += 1;
      if (this.#options.random.chance(0.5)) return; // no answer ever
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, body.length >> 1));
      return;
    }
    if (this.#isBad && this.role === 'slow') await this.#dribble(response, body);
    else this.#send(response, body);
  }

  #next(profile: SoakProfile): Uint8Array {
    const number = (this.numbers.get(profile) ?? 0) + 1;
    this.numbers.set(profile, number);
    const timeNanos = BigInt(Date.now()) * 1_000_000n + BigInt(this.#options.random.below(1_000_000));
    const snapshot = { target: this.id, profile, epoch: this.epoch, number };
    const pprof = profileOf(snapshot, { timeNanos, isMoved: this.id % 2 === 0 });
    const body = gzipSync(pprof, { level: 1 });
    this.#last.set(profile, body);
    return body;
  }

  #send(response: ServerResponse, body: Uint8Array): void {
    this.answers.good += 1;
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length });
    response.end(body);
  }

  /** In four pieces, over up to one and a half intervals. */
  async #dribble(response: ServerResponse, body: Uint8Array): Promise<void> {
    const { intervalMs, random, signal } = this.#options;
    const stepMs = (random.below(150) / 100 / 4) * intervalMs;
    response.writeHead(200, { 'content-length': body.length });
    const quarter = Math.ceil(body.length / 4);
    for (let at = 0; at < body.length; at += quarter) {
      await sleep(stepMs, undefined, { signal }).catch(() => {});
      if (response.destroyed || signal.aborted) {
        this.answers.bad += 1;
        return;
      }
      response.write(body.subarray(at, at + quarter));
    }
    this.answers.good += 1;
    response.end();
  }

  async #cpu(seconds: number, response: ServerResponse): Promise<void> {
    const { signal, random } = this.#options;
    const now = BigInt(Date.now()) * 1_000_000n;
    await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
    const snapshot = { target: this.id, profile: 'cpu', epoch: 1, number: 1 + random.below(1000) } as const;
    const durationNanos = BigInt(seconds * 1e9);
    const body = gzipSync(profileOf(snapshot, { timeNanos: now, durationNanos, isMoved: false }), { level: 1 });
    this.#send(response, body);
  }

  #garbage(profile: SoakProfile, response: ServerResponse): void {
    const { random } = this.#options;
    const snapshot = { target: this.id, profile, epoch: 99, number: 7 };
    const good = gzipSync(profileOf(snapshot, { timeNanos: 1n, isMoved: false }));
    const noise = Uint8Array.from({ length: 1 + random.below(5000) }, () => random.below(256));
    const faults: readonly (() => void)[] = [
      () => response.writeHead(500).end('out of order'),
      () => response.writeHead(503, { 'retry-after': '3600' }).end(),
      () => response.writeHead(302, { location: '/elsewhere' }).end(),
      () => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>a login page</html>'),
      () => response.writeHead(200).end(),
      () => response.writeHead(200).end(noise),
      () => response.writeHead(200).end(gzipSync(noise)),
      () => response.writeHead(200).end(good.subarray(0, good.length - 5)),
      () => response.writeHead(200).end(BOMB),
      () => response.socket?.destroy(),
      () => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
      () => response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nshort'),
      () => response.socket?.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`),
      () => response.socket?.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
    ];
    random.pick(faults)();
  }
}
