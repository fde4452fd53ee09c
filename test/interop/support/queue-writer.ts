/**
 * A process that writes profiles to one remote until it is killed, and says on standard output what happened:
 * `kept ID` when a profile is in the queue, `accepted ID` when the server has taken it, `memory RESIDENT LIVE` now and
 * then, `empty` at the end.
 *
 *     queue-writer.ts URL QUEUE-DIR FIRST-ID COUNT BODY-BYTES
 *
 * A count of 0 only delivers what is there. An id is in the profile's start, to the nanosecond after `EPOCH`.
 */
import { writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { DEFAULT_HTTP_CLIENT } from '../../../src/config/http-client-config.ts';
import { DEFAULT_PUSH_LIMITS, DEFAULT_QUEUE } from '../../../src/config/scrape-config.ts';
import { createPyroscopeSink } from '../../../src/sinks/pyroscope/pyroscope-sink.ts';
import { buildProfile } from '../../support/build-profile.ts';

/** Unix nanoseconds. */
const EPOCH = 1_763_000_000_000_000_000n;
const SERIES = 7;

const [url = '', queueRoot = '', first = '0', count = '0', bytes = '100'] = process.argv.slice(2);
const say = (line: string): number => writeSync(1, `${line}\n`);

const sink = await createPyroscopeSink(
  {
    url,
    name: 'main',
    api: 'ingest',
    tenantId: undefined,
    headers: new Map(),
    timeoutMs: 300,
    tags: new Map(),
    writeRelabelRules: [],
    http: DEFAULT_HTTP_CLIENT,
    queue: { ...DEFAULT_QUEUE, minBackoffMs: 5, maxBackoffMs: 100 },
    limits: DEFAULT_PUSH_LIMITS,
  },
  {
    queueRoot,
    http: { userAgent: 'queue-writer' },
    onEvent: (event) => {
      if (event.type === 'accepted') say(`accepted ${event.meta.fromNanos - EPOCH}`);
      if (['rejected', 'dropped', 'corrupt', 'disk-error'].includes(event.type))
        say(JSON.stringify({ type: event.type }));
    },
  },
);

for (let id = Number(first); id < Number(first) + Number(count); id++) {
  const fromNanos = EPOCH + BigInt(id);
  await sink.push({
    profile: 'cpu',
    labels: new Map([
      ['__name__', 'shop'],
      ['instance', `i${id % SERIES}`],
    ]),
    spyName: 'gospy',
    body: bodyOf(fromNanos),
    isValid: true,
    interval: { fromNanos, untilNanos: fromNanos + 1n },
    columns: new Map(),
    sampleLabels: 'sanitize',
    file: undefined,
    pushId: undefined,
  });
  say(`kept ${id}`);
  if (id % 200 === 199) {
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    say(`memory ${rss} ${heapUsed + external}`);
  }
}
while (sink.stats.queued > 0) await sink.flush(3_600_000);
await sink.close();
say('empty');

/** A small profile behind which random text makes up the size. */
function bodyOf(timeNanos: bigint): Uint8Array {
  const noise = Array.from({ length: Math.ceil(Number(bytes) / 8) }, () =>
    Math.random().toString(36).slice(2, 12),
  ).join('');
  const pprof = buildProfile({
    sampleTypes: [{ type: 'samples', unit: 'count' }],
    samples: [{ stack: [{ lines: [{ name: 'main' }] }], values: [1n] }],
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    comments: [noise],
    timeNanos,
  });
  return gzipSync(pprof, { level: 1 });
}
