import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { ScrapeConfig } from '../../config/scrape-config.ts';
import type { SampleType } from '../../profile/sample-type.ts';
import { DEFAULT_SAMPLE_TYPE, forEachField, SAMPLE_TYPE, STRING_TABLE } from './pprof-message.ts';

/**
 * The sample types whose names no server takes, with the names to send instead: Pyroscope refuses a dash (ValidateProfile in
 * its pkg/validation/validate.go), which libdatadog's `wall-time` and `alloc-samples` have. A column is never left out, so
 * `drop` renames as well. Two types never get one name.
 */
export function planSampleTypes(
  sampleTypes: readonly SampleType[],
  policy: ScrapeConfig['sampleLabels'],
): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>();
  if (policy === 'keep') return renamed;
  const taken = new Set(sampleTypes.map(({ type }) => type));
  for (const { type } of sampleTypes) {
    if (!type.includes('-') || renamed.has(type)) continue;
    let name = type.replaceAll('-', '_');
    while (taken.has(name)) name += '_';
    taken.add(name);
    renamed.set(type, name);
  }
  return renamed;
}

/** The same profile with other names of sample types; the default sample type follows. */
export function renameSampleTypes(pprof: Uint8Array, renamed: ReadonlyMap<string, string>): Uint8Array {
  const strings: string[] = [];
  const sampleTypes: Uint8Array[] = [];
  let defaultType: number | undefined;
  forEachField(pprof, ({ number, start, end, content }) => {
    if (number === STRING_TABLE) strings.push(Buffer.from(content).toString('utf8'));
    else if (number === SAMPLE_TYPE) sampleTypes.push(content);
    else if (number === DEFAULT_SAMPLE_TYPE) defaultType = readVarint(pprof.subarray(start, end));
  });
  const added = [...renamed.values()];
  const indexOf = new Map([...renamed.keys()].map((type, index) => [type, strings.length + index]));
  const newIndex = (index: number): number => indexOf.get(strings[index] ?? '') ?? index;

  const writer = new BinaryWriter();
  for (const sampleType of sampleTypes) {
    const { type, unit } = readType(sampleType);
    writer.tag(SAMPLE_TYPE, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.Varint).int64(newIndex(type));
    if (unit !== 0) writer.tag(2, WireType.Varint).int64(unit);
    writer.join();
  }
  forEachField(pprof, ({ number, start, end }) => {
    if (number !== SAMPLE_TYPE && number !== DEFAULT_SAMPLE_TYPE) writer.raw(pprof.subarray(start, end));
  });
  if (defaultType) writer.tag(DEFAULT_SAMPLE_TYPE, WireType.Varint).int64(newIndex(defaultType));
  for (const name of added) writer.tag(STRING_TABLE, WireType.LengthDelimited).string(name);
  return writer.finish();
}

function readVarint(field: Uint8Array): number {
  const reader = new BinaryReader(field);
  reader.tag();
  return Number(reader.int64());
}

function readType(message: Uint8Array): { readonly type: number; readonly unit: number } {
  const reader = new BinaryReader(message);
  let type = 0;
  let unit = 0;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType === WireType.Varint && number === 1) type = Number(reader.int64());
    else if (wireType === WireType.Varint && number === 2) unit = Number(reader.int64());
    else reader.skip(wireType, number);
  }
  return { type, unit };
}
