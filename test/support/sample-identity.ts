import type { ReadLabel, ReadLocation, ReadMapping, ReadProfile, ReadSample } from './read-profile.ts';

/**
 * What makes two samples of two snapshots the same one, as text: ids play no part, nor does what may change for one and the
 * same call (names and lines of a frame that has an address).
 */
export function sampleIdentity(sample: ReadSample, namesDecide = false): string {
  const locations = sample.stack.map((location) => {
    const identity = locationIdentity(location);
    return namesDecide && location.address !== 0n ? [identity, functionNames(location)] : identity;
  });
  return JSON.stringify([locations, sample.labels.map(labelText).sort()]);
}

/** Whether a profile has one address for functions of different names, so that names have to tell them apart. */
export function hasAmbiguousAddress({ locations }: Pick<ReadProfile, 'locations'>): boolean {
  const first = new Map<string, string>();
  return locations.some((location) => {
    if (location.address === 0n || location.lines.length === 0) return false;
    const place = JSON.stringify(locationIdentity(location));
    const names = JSON.stringify(functionNames(location));
    const known = first.get(place) ?? names;
    first.set(place, known);
    return known !== names;
  });
}

function functionNames({ lines }: ReadLocation): string[] {
  return lines.flatMap(({ function: { name, systemName } }) => [name, systemName]);
}

/** All that a sample says besides its values. */
export function sampleContent(sample: ReadSample): string {
  return JSON.stringify([sample.stack.map(locationContent), sample.labels.map(labelText).sort()]);
}

function locationIdentity({ address, mapping, lines }: ReadLocation): unknown {
  const mapped = mappingIdentity(mapping);
  if (address === 0n) {
    return ['S', mapped, lines.map((line) => [...functionText(line.function), `${line.line}`, `${line.column}`])];
  }
  const isRelative = mapping !== undefined && mapping.limit !== mapping.start;
  const offset = isRelative ? BigInt.asUintN(64, address - mapping.start + mapping.offset) : address;
  return ['A', mapped, `${offset}`];
}

function functionText({ name, systemName, filename }: ReadLocation['lines'][number]['function']): string[] {
  return [name, systemName, filename];
}

function mappingIdentity(mapping: ReadMapping | undefined): string {
  if (mapping?.buildId) return `build ${mapping.buildId}`;
  return mapping?.filename ? `file ${undeletedName(mapping.filename)}` : '';
}

/** The kernel adds ` (deleted)` to the name of a file that was replaced while it runs. */
export function undeletedName(filename: string): string {
  return filename.replace(/ \(deleted\)$/, '');
}

function labelText({ key, str, num, unit }: ReadLabel): string {
  return JSON.stringify(str === undefined ? [key, 'n', `${num}`, unit] : [key, 's', str]);
}

function locationContent({ address, mapping, lines, isFolded }: ReadLocation): unknown {
  return [
    `${address}`,
    mapping ? mappingContent(mapping) : null,
    isFolded,
    lines.map(({ function: called, line, column }) => [
      ...functionText(called),
      `${called.startLine}`,
      `${line}`,
      `${column}`,
    ]),
  ];
}

export function mappingContent({ start, limit, offset, filename, buildId, flags }: ReadMapping): unknown {
  return [`${start}`, `${limit}`, `${offset}`, filename, buildId, flags];
}

/** Values by identity, those of equal samples summed. */
export function summedSamples(profile: Pick<ReadProfile, 'samples'>, namesDecide = false): Map<string, bigint[]> {
  const sums = new Map<string, bigint[]>();
  for (const sample of profile.samples) {
    const identity = sampleIdentity(sample, namesDecide);
    const sum = sums.get(identity);
    sums.set(
      identity,
      sample.values.map((value, column) => value + (sum?.[column] ?? 0n)),
    );
  }
  return sums;
}
