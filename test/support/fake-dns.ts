import { createSocket, type RemoteInfo } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import type { Cleanup } from './fake-target.ts';

export type FakeRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'SRV'; readonly target: string; readonly port: number }
  | { readonly type: 'MX' | 'NS' | 'CNAME'; readonly target: string };

/** Records, or the code of an answer without any. `silent`: no answer. `truncated`: the records come over TCP only. */
export type FakeDnsAnswer =
  | readonly FakeRecord[]
  | 'NXDOMAIN'
  | 'SERVFAIL'
  | 'REFUSED'
  | 'silent'
  | { readonly truncated: readonly FakeRecord[] };

export interface FakeDns {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** `db.test A`, in the order asked. */
  readonly questions: readonly string[];
  /** By `name TYPE`, names without final dot. What is not here is NXDOMAIN. */
  readonly answers: Map<string, FakeDnsAnswer>;
}

const TYPES: Readonly<Record<FakeRecord['type'], number>> = { A: 1, NS: 2, CNAME: 5, MX: 15, AAAA: 28, SRV: 33 };
const CODES: Readonly<Record<string, number>> = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };

/** A name server (RFC 1035, RFC 2782, RFC 3596) on one port of UDP and TCP. */
export async function startFakeDns(t: Cleanup): Promise<FakeDns> {
  const questions: string[] = [];
  const answers = new Map<string, FakeDnsAnswer>();
  const reply = (query: Buffer, isTcp: boolean): Buffer | undefined => {
    const { name, type, end } = readQuestion(query);
    questions.push(`${name} ${type}`);
    const answer = answers.get(`${name} ${type}`) ?? 'NXDOMAIN';
    if (answer === 'silent') return undefined;
    const question = query.subarray(12, end);
    if (typeof answer === 'string') return message(query, question, CODES[answer] ?? 0, [], false);
    if (!('truncated' in answer)) return message(query, question, 0, answer, false);
    return isTcp ? message(query, question, 0, answer.truncated, false) : message(query, question, 0, [], true);
  };
  const udp = createSocket('udp4');
  udp.on('message', (query: Buffer, { port, address }: RemoteInfo) => {
    const bytes = reply(query, false);
    if (bytes !== undefined) udp.send(bytes, port, address);
  });
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      const bytes = reply(data.subarray(2), true);
      if (bytes !== undefined) socket.write(Buffer.concat([uint16(bytes.length), bytes]));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const bound = tcp.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port');
  const { port } = bound;
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  t.after(async () => {
    udp.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => tcp.close(resolve));
  });
  return { address: `127.0.0.1:${port}`, questions, answers };
}

function readQuestion(query: Buffer): { name: string; type: string; end: number } {
  const parts: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    parts.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const number = query.readUInt16BE(at + 1);
  const type = Object.entries(TYPES).find(([, value]) => value === number)?.[0] ?? String(number);
  // Resolvers may mix the case of a name to recognise their own question.
  return { name: parts.join('.').toLowerCase(), type, end: at + 5 };
}

function message(
  query: Buffer,
  question: Buffer,
  code: number,
  records: readonly FakeRecord[],
  isCut: boolean,
): Buffer {
  const flags = 0x8180 | (isCut ? 0x0200 : 0) | code;
  const head = Buffer.concat([query.subarray(0, 2), ...[flags, 1, records.length, 0, 0].map(uint16)]);
  return Buffer.concat([head, question, ...records.map(recordBytes)]);
}

/** Every record is about the name of the question (a pointer to byte 12), for 0 seconds. */
function recordBytes(record: FakeRecord): Buffer {
  const data = dataOf(record);
  return Buffer.concat([
    uint16(0xc00c),
    uint16(TYPES[record.type]),
    uint16(1),
    Buffer.alloc(4),
    uint16(data.length),
    data,
  ]);
}

function dataOf(record: FakeRecord): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number));
    case 'AAAA': {
      const [head = '', tail = ''] = record.address.split('::');
      const groups = (text: string): number[] =>
        text === '' ? [] : text.split(':').map((part) => Number.parseInt(part, 16));
      const zeros = Array<number>(8 - groups(head).length - groups(tail).length).fill(0);
      return Buffer.concat([...groups(head), ...zeros, ...groups(tail)].map(uint16));
    }
    case 'SRV':
      return Buffer.concat([uint16(0), uint16(5), uint16(record.port), nameBytes(record.target)]);
    case 'MX':
      return Buffer.concat([uint16(10), nameBytes(record.target)]);
    default:
      return nameBytes(record.target);
  }
}

function nameBytes(name: string): Buffer {
  const parts = name.replace(/\.$/, '').split('.');
  return Buffer.concat([
    ...parts.map((part) => Buffer.concat([Buffer.from([part.length]), Buffer.from(part)])),
    Buffer.alloc(1),
  ]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}
