/** A profile at the edge of what a limit of 64 MiB lets through, and the one after it. */
export interface LargeInput {
  readonly name: string;
  /** Whether it is taken; else it is refused, with as little memory. */
  readonly isTaken: boolean;
  /** Uncompressed. `step` is what each counter has counted up to. */
  profile(step: number): Uint8Array;
}

const LOCATIONS = 16_000;
const MIB = 1024 * 1024;

/** Writes protobuf into a buffer that is large enough. */
class Writer {
  readonly bytes = new Uint8Array(72 * MIB);
  at = 0;

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.at++] = rest;
  }

  /** A field of up to 127 bytes with what `content` writes. */
  message(tag: number, content: () => void): void {
    this.bytes[this.at] = tag;
    const lengthAt = this.at + 1;
    this.at += 2;
    content();
    this.bytes[lengthAt] = this.at - lengthAt - 1;
  }

  number(tag: number, value: number): void {
    this.bytes[this.at++] = tag;
    this.varint(value);
  }

  text(text: string): void {
    this.bytes[this.at++] = 0x32;
    this.varint(text.length);
    this.at += new TextEncoder().encodeInto(text, this.bytes.subarray(this.at)).written;
  }

  done(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }
}

/** Two counters, one function, and locations with an address each: what Go's block profile has. */
function begin(): Writer {
  const writer = new Writer();
  for (const text of ['', 'contentions', 'count', 'delay', 'nanoseconds', 'main.work']) writer.text(text);
  for (const [type, unit] of [
    [1, 2],
    [3, 4],
  ] as const) {
    writer.message(0x0a, () => {
      writer.number(0x08, type);
      writer.number(0x10, unit);
    });
  }
  writer.message(0x2a, () => {
    writer.number(0x08, 1);
    writer.number(0x10, 5);
  });
  for (let id = 1; id <= LOCATIONS; id++) {
    writer.message(0x22, () => {
      writer.number(0x08, id);
      writer.number(0x18, 0x40_0000 + id * 16);
      writer.message(0x22, () => writer.number(0x08, 1));
    });
  }
  return writer;
}

/** So many different stacks of two frames. */
function manySamples(count: number, step: number, stride = 1): Uint8Array {
  const writer = begin();
  for (let at = 0; at < count; at++) {
    // Each once, as count and stride have no divisor in common.
    const sample = step === 1 ? at : (at * stride) % count;
    writer.message(0x12, () => {
      writer.message(0x0a, () => {
        writer.varint(128 + (sample % (LOCATIONS - 128)));
        writer.varint(128 + Math.floor(sample / (LOCATIONS - 128)));
      });
      writer.number(0x10, 1 + step);
      writer.number(0x10, 1 + (sample % 30) * step);
    });
  }
  return writer.done();
}

function deepStack(depth: number, step: number): Uint8Array {
  const writer = begin();
  const stack = new Writer();
  for (let frame = 0; frame < depth; frame++) stack.varint(1 + (frame % LOCATIONS));
  const ids = stack.done();
  writer.bytes[writer.at++] = 0x12;
  writer.varint(ids.length + 1 + 4 + 4);
  writer.bytes[writer.at++] = 0x0a;
  const lengthAt = writer.at;
  writer.varint(ids.length);
  // A length of four bytes at most; what is left of the room are superfluous ones.
  while (writer.at < lengthAt + 4) {
    writer.bytes[writer.at - 1]! |= 0x80;
    writer.bytes[writer.at++] = 0;
  }
  writer.bytes.set(ids, writer.at);
  writer.at += ids.length;
  writer.number(0x10, 1 + step);
  writer.number(0x10, 2 + step);
  return writer.done();
}

/** Distinct strings of eight bytes until there are so many bytes of them. */
function manyStrings(bytes: number, step: number): Uint8Array {
  const writer = begin();
  writer.message(0x12, () => {
    writer.number(0x08, 1);
    writer.number(0x10, 1 + step);
    writer.number(0x10, 2 + step);
  });
  for (let string = 0; writer.at + 10 < bytes; string++) writer.text(String(string).padStart(8, '0'));
  return writer.done();
}

function emptyFields(tag: number, count: number): Uint8Array {
  const head = begin();
  const profile = new Uint8Array(head.at + count * 2);
  profile.set(head.done());
  for (let at = head.at; at < profile.length; at += 2) profile[at] = tag;
  return profile;
}

export const LARGE_INPUTS: readonly LargeInput[] = [
  ...[1, 2, 4].map((millions) => ({
    name: `${millions},000,000 samples`,
    isTaken: true,
    profile: (step: number) => manySamples(millions * 1_000_000, step),
  })),
  {
    name: '3,000,000 samples, in another order',
    isTaken: true,
    profile: (step) => manySamples(3_000_000, step, 1_999_993),
  },
  { name: '200,000 frames in one stack', isTaken: true, profile: (step) => deepStack(200_000, step) },
  { name: '64 MiB of strings', isTaken: true, profile: (step) => manyStrings(64 * MIB, step) },
  { name: '32,000,000 empty samples', isTaken: false, profile: () => emptyFields(0x12, 32_000_000) },
  { name: '32,000,000 empty strings', isTaken: false, profile: () => emptyFields(0x32, 32_000_000) },
];
