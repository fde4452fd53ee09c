import { gunzipSync, gzipSync } from 'node:zlib';
import { buildProfile } from '../test/support/build-profile.ts';
import { GoHeap, type GoProfileKind } from '../test/support/go-heap.ts';
import { recordedProfiles } from '../test/support/recorded-profiles.ts';

/** Snapshots of one program in a row. */
export interface Series {
  readonly name: string;
  /** Samples of the last snapshot. */
  readonly samples: number;
  readonly isRecorded: boolean;
  /** Uncompressed. */
  readonly raw: readonly Uint8Array[];
  /** As Go sends them: gzip level 1. */
  readonly gzip: readonly Uint8Array[];
}

interface Shape {
  readonly samples: number;
  readonly kind: GoProfileKind;
  readonly changed: number;
  readonly snapshots: number;
}

const GENERATED: Readonly<Record<string, Shape>> = {
  'heap-1k': { samples: 1000, kind: 'heap', changed: 0.05, snapshots: 6 },
  'heap-10k': { samples: 10_000, kind: 'heap', changed: 0.05, snapshots: 4 },
  'heap-50k': { samples: 50_000, kind: 'heap', changed: 0.05, snapshots: 5 },
  'heap-10k-1%': { samples: 10_000, kind: 'heap', changed: 0.01, snapshots: 4 },
  'heap-10k-10%': { samples: 10_000, kind: 'heap', changed: 0.1, snapshots: 4 },
  'block-5k': { samples: 5000, kind: 'contention', changed: 0.05, snapshots: 4 },
};

/** Generated series, then recorded ones. */
export function* allSeries(): Generator<Series> {
  for (const name of Object.keys(GENERATED)) yield generatedSeries(name);
  for (const [name, gzip] of recordedProfiles()) {
    const raw = gzip.map((body) => new Uint8Array(gunzipSync(body)));
    yield { name, samples: countSamples(raw.at(-1) ?? new Uint8Array(0)), isRecorded: true, raw, gzip };
  }
}

/** Made once: that takes longer than most of what is measured. */
const generated = new Map<string, Series>();

export function generatedSeries(name: string): Series {
  const series = generated.get(name) ?? generate(name);
  generated.set(name, series);
  return series;
}

function generate(name: string): Series {
  const shape = GENERATED[name];
  if (!shape) throw new Error(`no series ${name}`);
  const { samples, kind, changed, snapshots } = shape;
  const heap = new GoHeap({ samples, kind });
  const raw: Uint8Array[] = [];
  for (let count = 0; count < snapshots; count++) {
    raw.push(buildProfile(heap.snapshot()));
    heap.advance({ changed, added: samples / 1000 });
  }
  const gzip = raw.map((bytes) => new Uint8Array(gzipSync(bytes, { level: 1 })));
  return { name, samples: countSamples(raw.at(-1) ?? new Uint8Array(0)), isRecorded: false, raw, gzip };
}

/** Top-level fields with number 2. The bytes are known to be good. */
function countSamples(bytes: Uint8Array): number {
  let count = 0;
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    if (tag === 0x12) count++;
    const value = number();
    if ((tag & 7) === 2) at += value;
  }
  return count;
}
