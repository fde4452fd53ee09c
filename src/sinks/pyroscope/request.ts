import { randomUUID } from 'node:crypto';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { EntryMeta } from '../queue/entry-meta.ts';
import { ingestName, pushLabels } from './series-labels.ts';
import { seriesName } from './series-name.ts';

/** One delivery, without address and credentials. */
export interface PushRequest {
  /** Goes behind the remote's own path: `/ingest?name=…`. */
  readonly pathAndQuery: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * `POST /ingest`. A raw body with `format=pprof`; where the server would guess a wrong name (block profiles look like
 * mutex profiles) a form with a `sample_type_config`, which must come without `format`.
 */
export function ingestRequest(meta: EntryMeta, body: Uint8Array): PushRequest {
  const [first] = meta.sampleTypes;
  const column = first && meta.columns.get(first.type);
  const query = new URLSearchParams({
    name: ingestName(meta.labels),
    from: digits(meta.fromNanos),
    until: digits(meta.untilNanos),
    spyName: meta.spyName,
    units: column?.units ?? first?.unit ?? 'samples',
    aggregationType: column?.aggregation ?? 'sum',
  });
  if (meta.sampleRate !== undefined) query.set('sampleRate', String(meta.sampleRate));
  if (!seriesName(meta.sampleTypes, meta.columns).needsConfig) {
    query.set('format', 'pprof');
    return {
      pathAndQuery: `/ingest?${query}`,
      headers: { 'content-type': 'application/octet-stream' },
      body,
    };
  }
  const boundary = `pyro-pull-${randomUUID()}`;
  return {
    pathAndQuery: `/ingest?${query}`,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([
      Buffer.from(partHead(boundary, 'profile', 'profile.pprof', 'application/octet-stream')),
      body,
      Buffer.from(`\r\n${partHead(boundary, 'sample_type_config', 'sample_type_config.json', 'application/json')}`),
      Buffer.from(sampleTypeConfig(meta)),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  };
}

/** The server looks for these parts among files only, so each needs a file name. */
function partHead(boundary: string, name: string, fileName: string, type: string): string {
  return `--${boundary}\r\ncontent-disposition: form-data; name="${name}"; filename="${fileName}"\r\ncontent-type: ${type}\r\n\r\n`;
}

function sampleTypeConfig(meta: EntryMeta): string {
  const config = meta.sampleTypes.map(({ type, unit }) => {
    const column = meta.columns.get(type);
    return [
      type,
      { units: column?.units ?? unit, 'display-name': column?.displayName, aggregation: column?.aggregation ?? 'sum' },
    ];
  });
  return JSON.stringify(Object.fromEntries(config));
}

/** The server takes 19 digits for nanoseconds; fewer mean another unit. */
function digits(nanos: bigint): string {
  return String(nanos < 0n ? 0n : nanos).padStart(19, '0');
}

/**
 * `push.v1.PusherService/Push` of Connect, as protobuf. One profile a request: of several the server may take some and
 * refuse the rest with one answer for all.
 */
export function connectRequest(meta: EntryMeta, body: Uint8Array, timeoutMs: number): PushRequest {
  const { name } = seriesName(meta.sampleTypes, meta.columns);
  return {
    pathAndQuery: '/push.v1.PusherService/Push',
    headers: {
      'content-type': 'application/proto',
      'connect-protocol-version': '1',
      'connect-timeout-ms': String(timeoutMs),
    },
    body: encodePushRequest(pushLabels(meta.labels, name, meta.spyName), body),
  };
}

/**
 * PushRequest { repeated RawProfileSeries series = 1 }
 * RawProfileSeries { repeated LabelPair labels = 1; repeated RawSample samples = 2 }
 * LabelPair { string name = 1; string value = 2 }
 * RawSample { bytes raw_profile = 1; string ID = 2 }
 *
 * Field by field rather than from generated code: four messages of two fields are less to read than what a generator
 * makes of them, and the library does the encoding in either case.
 */
function encodePushRequest(labels: readonly (readonly [string, string])[], profile: Uint8Array): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).fork();
  for (const [name, value] of labels) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(name);
    writer.tag(2, WireType.LengthDelimited).string(value);
    writer.join();
  }
  writer.tag(2, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).bytes(profile);
  writer.tag(2, WireType.LengthDelimited).string(randomUUID());
  writer.join();
  writer.join();
  return writer.finish();
}
