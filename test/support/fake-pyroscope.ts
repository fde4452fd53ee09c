import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { freePort } from './free-port.ts';

/** How the server answers one request. */
export interface Answer {
  readonly status?: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Before the answer begins. */
  readonly delayMs?: number;
  /** `reset`: the connection is cut instead of an answer; `stall`: no answer ever; `lost`: taken, then cut. */
  readonly fault?: 'reset' | 'stall' | 'lost';
}

/** One profile as it arrived. */
export interface ReceivedProfile {
  readonly api: 'ingest' | 'push';
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** `/ingest` only. */
  readonly query: URLSearchParams;
  /** `/ingest`: the `name` parameter taken apart; push: the labels of the series, as sent. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** The pprof as sent. */
  readonly profile: Uint8Array;
  /** `/ingest` as a form only. */
  readonly sampleTypeConfig: string | undefined;
  /** Whether the server took it. */
  readonly isAccepted: boolean;
}

export interface FakePyroscope {
  readonly url: string;
  readonly received: ReceivedProfile[];
  /** Decides about each request; may be replaced at any time. */
  answer: (received: ReceivedProfile, number: number) => Answer;
  /** Profiles that were answered with success, or taken before the connection was cut. */
  accepted(): ReceivedProfile[];
  close(): Promise<void>;
}

/** A server with both push APIs that keeps what it gets and misbehaves on demand. Its port stays free while it is closed. */
export async function startFakePyroscope(
  t: { after(run: () => Promise<void>): void },
  port?: number,
): Promise<FakePyroscope> {
  const received: ReceivedProfile[] = [];
  const fake = { answer: (_received: ReceivedProfile, _number: number): Answer => ({}) };
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 'invalid_argument', message: String(error) }));
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const parsed = parseRequest(request, Buffer.concat(chunks));
    const answer = fake.answer(parsed, received.length + 1);
    const status = answer.status ?? 200;
    received.push({ ...parsed, isAccepted: answer.fault === 'lost' || (answer.fault === undefined && status < 300) });
    if (answer.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, answer.delayMs));
    if (answer.fault === 'stall') return;
    if (answer.fault !== undefined) {
      request.socket.resetAndDestroy();
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body ?? (status < 300 ? '' : JSON.stringify({ code: 'unknown', message: `status ${status}` })));
  }

  server.listen(port ?? (await freePort()), '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  t.after(close);
  return Object.assign(fake, {
    url: `http://127.0.0.1:${address.port}`,
    received,
    accepted: () => received.filter(({ isAccepted }) => isAccepted),
    close,
  });
}

function parseRequest(request: IncomingMessage, body: Buffer): ReceivedProfile {
  const url = new URL(request.url ?? '/', 'http://server');
  const common = { path: url.pathname, headers: request.headers, query: url.searchParams, isAccepted: false };
  if (url.pathname.endsWith('/push.v1.PusherService/Push')) {
    const { labels, profile } = decodePush(body);
    return { ...common, api: 'push', labels, profile, sampleTypeConfig: undefined };
  }
  if (!url.pathname.endsWith('/ingest')) throw new Error(`nothing is served at ${url.pathname}`);
  const labels = parseName(url.searchParams.get('name') ?? '');
  const type = request.headers['content-type'] ?? '';
  if (url.searchParams.get('format') === 'pprof' || !type.startsWith('multipart/form-data')) {
    return { ...common, api: 'ingest', labels, profile: body, sampleTypeConfig: undefined };
  }
  const parts = parseForm(body, /boundary=(.+)$/.exec(type)?.[1] ?? '');
  const profile = parts.get('profile') ?? Buffer.alloc(0);
  return { ...common, api: 'ingest', labels, profile, sampleTypeConfig: parts.get('sample_type_config')?.toString() };
}

/** As the server reads it: no quoting, the last of equal names wins. */
function parseName(name: string): [string, string][] {
  const [, app = '', inside = ''] = /^([a-zA-Z0-9_.\-/]+)\{(.*)\}$/su.exec(name) ?? [];
  if (app === '') throw new Error(`name: invalid service name: ${name}`);
  const labels = new Map([['__name__', app]]);
  for (const pair of inside === '' ? [] : inside.split(',')) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, at).trim();
    if (at < 0 || !/^[a-zA-Z0-9_.]+$/.test(key) || pair.includes('}')) throw new Error(`name: bad label: ${pair}`);
    labels.set(key, pair.slice(at + 1).trim());
  }
  return [...labels];
}

/** File parts only, as the server. */
function parseForm(body: Buffer, boundary: string): Map<string, Buffer> {
  const parts = new Map<string, Buffer>();
  const mark = Buffer.from(`--${boundary}`);
  let at = body.indexOf(mark);
  for (;;) {
    const start = at + mark.length + 2;
    const next = body.indexOf(Buffer.from(`\r\n--${boundary}`), start);
    if (next < 0) return parts;
    const part = body.subarray(start, next);
    const headEnd = part.indexOf('\r\n\r\n');
    const [, name] = /name="([^"]+)"; filename="[^"]+"/.exec(part.subarray(0, headEnd).toString()) ?? [];
    if (name !== undefined) parts.set(name, part.subarray(headEnd + 4));
    at = next + 2;
  }
}

function decodePush(body: Buffer): { labels: [string, string][]; profile: Uint8Array } {
  const labels: [string, string][] = [];
  let profile: Uint8Array = new Uint8Array(0);
  for (const series of fieldsOf(body).get(1) ?? []) {
    const fields = fieldsOf(series);
    for (const pair of fields.get(1) ?? []) {
      const text = (field: number) => Buffer.from(fieldsOf(pair).get(field)?.[0] ?? []).toString();
      labels.push([text(1), text(2)]);
    }
    for (const sample of fields.get(2) ?? []) profile = fieldsOf(sample).get(1)?.[0] ?? profile;
  }
  return { labels, profile };
}

/** The length-delimited fields of a message. */
function fieldsOf(message: Uint8Array): Map<number, Uint8Array[]> {
  const reader = new BinaryReader(message);
  const fields = new Map<number, Uint8Array[]>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type !== WireType.LengthDelimited) reader.skip(type, number);
    else fields.set(number, [...(fields.get(number) ?? []), reader.bytes()]);
  }
  return fields;
}
