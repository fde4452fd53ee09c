import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { z } from 'zod';
import { freshDirectory } from './places.ts';

const profileTypes = z.object({ profileTypes: z.array(z.object({ ID: z.string() })).optional() });
const points = z.object({
  series: z.array(z.object({ points: z.array(z.object({ value: z.number() })) })).optional(),
});
const seriesOf = z.object({
  labelsSet: z.array(z.object({ labels: z.array(z.object({ name: z.string(), value: z.string() })) })).optional(),
});

/** Asks a Pyroscope server over its query API for what it has of the last hours. */
export class PyroscopeQuery {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** `tenant`: whose profiles to ask for, at a server that keeps them apart. */
  constructor(url: string, tenant?: string) {
    this.#url = url;
    this.#headers = tenant === undefined ? {} : { 'x-scope-orgid': tenant };
  }

  /** `process_cpu:cpu:nanoseconds:cpu:nanoseconds` … of everything that is there. */
  async profileTypes(): Promise<string[]> {
    const answer = profileTypes.parse(await this.#askJson('ProfileTypes', {}));
    return (answer.profileTypes ?? []).map(({ ID }) => ID).sort();
  }

  /** The label sets of all series of a service. */
  async series(service: string): Promise<Record<string, string>[]> {
    const answer = seriesOf.parse(await this.#askJson('Series', { matchers: [selectorOf(service)] }));
    return (answer.labelsSet ?? []).map(({ labels }) =>
      Object.fromEntries(labels.map(({ name, value }) => [name, value])),
    );
  }

  /** The sum over all profiles of a type that a service has, as they were stored. */
  async total(service: string, profileType: string): Promise<number> {
    const request = { profileTypeID: profileType, labelSelector: selectorOf(service), step: 15 };
    const answer = points.parse(await this.#askJson('SelectSeries', request));
    const values = (answer.series ?? []).flatMap((one) => one.points.map(({ value }) => value));
    return values.reduce((sum, value) => sum + value, 0);
  }

  /** All profiles of a type that a service has, merged, as a pprof file. */
  async merged(service: string, profileType: string): Promise<string> {
    const [start, end] = range();
    const request = new BinaryWriter();
    request.tag(1, WireType.LengthDelimited).string(profileType);
    request.tag(2, WireType.LengthDelimited).string(selectorOf(service));
    request.tag(3, WireType.Varint).int64(start);
    request.tag(4, WireType.Varint).int64(end);
    const profile = await this.#ask('SelectMergeProfile', 'application/proto', Buffer.from(request.finish()));
    const file = join(freshDirectory('read-back'), 'merged.pb');
    writeFileSync(file, profile);
    return file;
  }

  async #askJson(method: string, request: object): Promise<unknown> {
    const [start, end] = range();
    const body = JSON.stringify({ ...request, start, end });
    return JSON.parse((await this.#ask(method, 'application/json', body)).toString());
  }

  async #ask(method: string, type: string, body: string | Buffer): Promise<Buffer> {
    const response = await fetch(`${this.#url}/querier.v1.QuerierService/${method}`, {
      method: 'POST',
      headers: { 'content-type': type, ...this.#headers },
      body,
    });
    const answer = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(`${method} answers ${response.status}: ${answer.toString()}`);
    return answer;
  }
}

function selectorOf(service: string): string {
  return `{service_name="${service}"}`;
}

/** Milliseconds; a server answers for a day at most. */
function range(): [start: number, end: number] {
  return [Date.now() - 12 * 3_600_000, Date.now() + 600_000];
}
