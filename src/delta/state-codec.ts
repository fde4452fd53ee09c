import { crc32 } from 'node:zlib';
import { type DeltaState, entrySize } from './delta-state.ts';
import type { TrackedTarget } from './tracked-target.ts';

/**
 * The file of a tracked target: magic, version, length of the header, the header as JSON, the entries (32-bit ints,
 * little-endian), the patience bytes, and the CRC-32 of all before it.
 */
const MAGIC = 'PPST';
const VERSION = 2;
const FIXED_BYTES = 12;
const CRC_BYTES = 4;

export function encodeTracked(tracked: TrackedTarget): Uint8Array {
  const { state, stamp } = tracked;
  const header = Buffer.from(
    JSON.stringify({
      targetNanos: String(stamp.targetNanos),
      wallMs: stamp.wallMs,
      fingerprint: String(tracked.fingerprint),
      sinceReset: Number.isFinite(tracked.sinceReset) ? tracked.sinceReset : -1,
      calmNeeded: tracked.calmNeeded,
      hasGap: tracked.hasGap,
      ...(state && {
        state: {
          seed: [state.seed.a, state.seed.b],
          shape: state.shape,
          columns: state.columns,
          totals: state.totals.map(String),
          mainMapping: state.mainMapping,
          samples: state.samples,
          patience: state.patience.length,
        },
      }),
    }),
  );
  const entries = state
    ? new Uint8Array(state.entries.buffer, state.entries.byteOffset, state.entries.byteLength)
    : EMPTY;
  const patience = state?.patience ?? EMPTY;
  const bytes = Buffer.alloc(FIXED_BYTES + header.length + entries.length + patience.length + CRC_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, 4);
  bytes.writeUInt32LE(header.length, 8);
  bytes.set(header, FIXED_BYTES);
  bytes.set(entries, FIXED_BYTES + header.length);
  bytes.set(patience, FIXED_BYTES + header.length + entries.length);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -CRC_BYTES)), bytes.length - CRC_BYTES);
  return bytes;
}

/** `torn`: not whole, or not what it was when written. `version`: of another version of this program. */
export function decodeTracked(bytes: Uint8Array): TrackedTarget | 'torn' | 'version' {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (file.length < FIXED_BYTES + CRC_BYTES || file.toString('latin1', 0, 4) !== MAGIC) return 'torn';
  if (file.readUInt32LE(4) !== VERSION) return 'version';
  if (crc32(file.subarray(0, -CRC_BYTES)) !== file.readUInt32LE(file.length - CRC_BYTES)) return 'torn';
  // The CRC holds, so this is what we wrote: what is missing below means another version, not damage.
  const headerEnd = FIXED_BYTES + file.readUInt32LE(8);
  const header = new Fields(JSON.parse(file.toString('utf8', FIXED_BYTES, headerEnd)));
  const sinceReset = header.number('sinceReset');
  const state = header.optional('state');
  return {
    state: state && decodeState(state, file.subarray(headerEnd, -CRC_BYTES)),
    stamp: { targetNanos: BigInt(header.text('targetNanos')), wallMs: header.number('wallMs'), monotonicMs: undefined },
    fingerprint: BigInt(header.text('fingerprint')),
    sinceReset: sinceReset < 0 ? Number.POSITIVE_INFINITY : sinceReset,
    calmNeeded: header.number('calmNeeded'),
    hasGap: header.flag('hasGap'),
  };
}

function decodeState(header: Fields, body: Uint8Array): DeltaState {
  const columns = header.texts('columns');
  const patienceBytes = header.number('patience');
  const samples = header.number('samples');
  const entries = new Int32Array((samples + patienceBytes) * entrySize(columns.length));
  new Uint8Array(entries.buffer).set(body.subarray(0, entries.byteLength));
  const [seedA = 0, seedB = 0] = header.numbers('seed');
  const [mappingA = 0, mappingB = 0] = header.numbers('mainMapping');
  return {
    seed: { a: seedA, b: seedB },
    shape: header.text('shape'),
    columns,
    totals: header.texts('totals').map(BigInt),
    mainMapping: [mappingA, mappingB],
    samples,
    entries,
    patience: body.slice(entries.byteLength, entries.byteLength + patienceBytes),
  };
}

const EMPTY = new Uint8Array();

/** The fields of a JSON object by type. Throws where one is of another type: a file that we wrote never has that. */
class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(json: unknown) {
    if (typeof json !== 'object' || json === null) throw new TypeError('the header of a state file is no object');
    this.#fields = new Map(Object.entries(json));
  }

  number(name: string): number {
    return this.#typed(name, (value) => typeof value === 'number');
  }

  text(name: string): string {
    return this.#typed(name, (value) => typeof value === 'string');
  }

  flag(name: string): boolean {
    return this.#typed(name, (value) => typeof value === 'boolean');
  }

  numbers(name: string): readonly number[] {
    return this.#typed(
      name,
      (value): value is number[] => Array.isArray(value) && value.every((item) => typeof item === 'number'),
    );
  }

  texts(name: string): readonly string[] {
    return this.#typed(
      name,
      (value): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    );
  }

  optional(name: string): Fields | undefined {
    const value = this.#fields.get(name);
    return value === undefined ? undefined : new Fields(value);
  }

  #typed<Type>(name: string, isType: (value: unknown) => value is Type): Type {
    const value = this.#fields.get(name);
    if (!isType(value)) throw new TypeError(`the header of a state file has no good ${name}`);
    return value;
  }
}
