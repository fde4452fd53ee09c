import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProfileSummary } from '../../src/profile/profile-summary.ts';
import { validateProfile } from '../../src/profile/validate-profile.ts';
import { buildProfile, type FrameSpec } from '../support/build-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import { type PrintedSample, printSamples } from '../support/print-samples.ts';
import {
  bytesField,
  concat,
  fixed32Field,
  fixed64Field,
  messageField,
  packedField,
  stringField,
  tag,
  varint,
  varintField,
} from '../support/protobuf-bytes.ts';
import { readProfile } from '../support/read-profile.ts';
import { APP, at, sample, snapshot } from '../support/sample-table.ts';

/** Strings: 1 contentions, 2 count, 3 main, 4 main.go. */
const STRINGS = concat(...['', 'contentions', 'count', 'main', 'main.go'].map((text) => stringField(6, text)));
const TYPE = messageField(1, varintField(1, 1), varintField(2, 2));
const LOCATION = messageField(4, varintField(1, 1), messageField(4, varintField(1, 1)));
const FUNCTION = messageField(5, varintField(1, 1), varintField(2, 3));

function oneSample(...fields: Uint8Array[]): Uint8Array {
  return concat(TYPE, messageField(2, ...fields), LOCATION, FUNCTION, STRINGS);
}

const VALUE = packedField(2, [7]);
const STACK = packedField(1, [1]);
const PLAIN = oneSample(STACK, VALUE);

interface Row {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** As the delta after an empty snapshot of the same types gives them. */
  readonly samples: readonly PrintedSample[];
  /** Written where it is not contentions/count. */
  readonly types?: Uint8Array;
}

/** Ten bytes, of whose last one the lowest bit counts. */
const OVER_64_BITS = Uint8Array.of(...Array<number>(9).fill(0xff), 3);

const MAIN_7: readonly PrintedSample[] = [['main', 7n]];

const unknown: readonly (readonly [string, Uint8Array])[] = [
  ['varint', varintField(99, 2n ** 64n - 1n)],
  ['fixed32', fixed32Field(99, 7)],
  ['fixed64', fixed64Field(99, 7n)],
  ['bytes', stringField(99, 'unknown')],
  ['empty bytes', stringField(16, '')],
  ['varint under the largest number', varintField(2 ** 29 - 1, 1)],
];

const rows: readonly Row[] = [
  ...unknown.map(
    ([kind, field]): Row => ({
      name: `an unknown field as ${kind} in the profile`,
      bytes: concat(field, PLAIN, field),
      samples: MAIN_7,
    }),
  ),
  ...unknown.map(
    ([kind, field]): Row => ({
      name: `an unknown field as ${kind} in each message`,
      bytes: concat(
        messageField(1, field, varintField(1, 1), varintField(2, 2)),
        messageField(
          2,
          field,
          STACK,
          field,
          VALUE,
          field,
          messageField(3, field, varintField(1, 3), varintField(2, 4), field),
        ),
        messageField(3, varintField(1, 1), field),
        messageField(4, field, varintField(1, 1), field, messageField(4, field, varintField(1, 1), field)),
        messageField(5, field, varintField(1, 1), varintField(2, 3), field),
        messageField(11, field, varintField(1, 1)),
        STRINGS,
      ),
      samples: [['main{main="main.go"}', 7n]],
      types: concat(TYPE, messageField(11, varintField(1, 1)), STRINGS),
    }),
  ),
  { name: 'one packed element', bytes: oneSample(packedField(1, [1]), packedField(2, [7])), samples: MAIN_7 },
  { name: 'unpacked elements', bytes: oneSample(varintField(1, 1), varintField(2, 7)), samples: MAIN_7 },
  {
    name: 'packed and unpacked elements mixed, in order of appearance',
    bytes: concat(
      oneSample(varintField(1, 1), VALUE, packedField(1, [2, 1]), varintField(1, 2), packedField(1, [])),
      messageField(4, varintField(1, 2), varintField(3, 0x10)),
    ),
    samples: [['main;:0x10;main;:0x10', 7n]],
  },
  {
    name: 'values in pieces around the labels',
    bytes: concat(
      messageField(1, varintField(1, 3)),
      messageField(
        2,
        varintField(2, 5),
        messageField(3, varintField(1, 3), varintField(3, 9)),
        packedField(2, [7]),
        messageField(3, varintField(1, 4), varintField(3, 8)),
        STACK,
      ),
      TYPE,
      LOCATION,
      FUNCTION,
      STRINGS,
    ),
    samples: [['main{main.go=8,main=9}', 5n, 7n]],
    types: concat(messageField(1, varintField(1, 3)), TYPE, STRINGS),
  },
  {
    name: 'the string table first',
    bytes: concat(STRINGS, TYPE, messageField(2, STACK, VALUE), LOCATION, FUNCTION),
    samples: MAIN_7,
  },
  {
    name: 'the string table scattered',
    bytes: concat(
      stringField(6, ''),
      FUNCTION,
      stringField(6, 'contentions'),
      LOCATION,
      stringField(6, 'count'),
      messageField(2, STACK, VALUE),
      stringField(6, 'main'),
      TYPE,
      stringField(6, 'main.go'),
    ),
    samples: MAIN_7,
  },
  {
    name: 'the largest ids',
    bytes: concat(
      TYPE,
      messageField(2, packedField(1, [2n ** 64n - 1n, 2n ** 63n, 2n ** 32n]), VALUE),
      messageField(3, varintField(1, 2n ** 64n - 1n), varintField(5, 4), varintField(3, 9)),
      messageField(4, varintField(1, 2n ** 63n), varintField(2, 2n ** 64n - 1n), varintField(3, 1)),
      messageField(4, varintField(1, 2n ** 32n), varintField(3, 2)),
      messageField(4, varintField(1, 2n ** 64n - 1n), messageField(4, varintField(1, 2n ** 64n - 2n))),
      messageField(5, varintField(1, 2n ** 64n - 2n), varintField(2, 3)),
      STRINGS,
    ),
    samples: [['main;main.go:0x1;:0x2', 7n]],
  },
  {
    name: 'a value of 2^53+1',
    bytes: oneSample(STACK, packedField(2, [2n ** 53n + 1n])),
    samples: [['main', 2n ** 53n + 1n]],
  },
  {
    name: 'a value of 2^63-1',
    bytes: oneSample(STACK, packedField(2, [2n ** 63n - 1n])),
    samples: [['main', 2n ** 63n - 1n]],
  },
  {
    name: 'an address at the end of the address space',
    bytes: concat(
      oneSample(packedField(1, [2]), VALUE),
      messageField(4, varintField(1, 2), varintField(3, 0xffff_ffff_ff60_0000n)),
    ),
    samples: [[':0xffffffffff600000', 7n]],
  },
  { name: 'a sample without locations', bytes: oneSample(VALUE), samples: [['', 7n]] },
  {
    name: 'a location without lines, address and mapping',
    bytes: concat(oneSample(packedField(1, [2]), VALUE), messageField(4, varintField(1, 2))),
    samples: [[':0x0', 7n]],
  },
  {
    name: 'a label with neither str nor num',
    bytes: oneSample(STACK, VALUE, messageField(3, varintField(1, 3))),
    samples: [['main{main=0}', 7n]],
  },
  {
    name: 'a label of explicit zeros',
    bytes: oneSample(
      STACK,
      VALUE,
      messageField(3, varintField(1, 3), varintField(2, 0), varintField(3, 5), varintField(4, 0)),
    ),
    samples: [['main{main=5}', 7n]],
  },
  {
    name: 'a negative number in a label',
    bytes: oneSample(STACK, VALUE, messageField(3, varintField(1, 3), varintField(3, -5))),
    samples: [['main{main=-5}', 7n]],
  },
  {
    name: 'period_type twice: the last one wins',
    bytes: concat(messageField(11, varintField(1, 3)), messageField(11, varintField(1, 1), varintField(2, 2)), PLAIN),
    samples: MAIN_7,
    types: concat(TYPE, STRINGS, messageField(11, varintField(1, 1), varintField(2, 2))),
  },
  {
    name: 'a scalar twice: the last one wins',
    bytes: concat(
      TYPE,
      messageField(2, STACK, VALUE),
      messageField(4, varintField(1, 5), varintField(1, 1), messageField(4, varintField(1, 1))),
      messageField(5, varintField(1, 7), varintField(1, 1), varintField(2, 4), varintField(2, 3)),
      STRINGS,
    ),
    samples: MAIN_7,
  },
  {
    name: 'time_nanos of 0 before the one that counts',
    bytes: concat(varintField(9, 0), PLAIN, varintField(9, 1_700_000_000_123_456_789n)),
    samples: MAIN_7,
  },
  {
    name: 'an address outside its mapping',
    bytes: concat(
      oneSample(packedField(1, [2]), VALUE),
      messageField(3, varintField(1, 1), varintField(2, 0x5000), varintField(3, 0x6000), varintField(5, 4)),
      messageField(4, varintField(1, 2), varintField(2, 1), varintField(3, 0x10)),
    ),
    samples: [['main.go:0x10', 7n]],
    types: concat(
      TYPE,
      STRINGS,
      messageField(3, varintField(1, 1), varintField(2, 0x5000), varintField(3, 0x6000), varintField(5, 4)),
    ),
  },
  {
    name: 'repeated and empty strings',
    bytes: concat(PLAIN, stringField(6, ''), stringField(6, 'main'), stringField(6, '')),
    samples: MAIN_7,
  },
  {
    name: 'the same string under two indexes',
    bytes: concat(
      TYPE,
      messageField(2, packedField(1, [1]), packedField(2, [3])),
      messageField(2, packedField(1, [2]), packedField(2, [4])),
      LOCATION,
      messageField(4, varintField(1, 2), messageField(4, varintField(1, 2))),
      FUNCTION,
      messageField(5, varintField(1, 2), varintField(2, 5)),
      STRINGS,
      stringField(6, 'main'),
    ),
    samples: MAIN_7,
  },
  { name: 'zero samples', bytes: concat(PLAIN, messageField(2, packedField(2, [0]))), samples: MAIN_7 },
  {
    name: 'superfluous bytes in numbers',
    bytes: concat(tag(12, 0), Uint8Array.of(0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0), PLAIN),
    samples: MAIN_7,
  },
  {
    name: 'superfluous bytes in tags and lengths',
    bytes: concat(
      TYPE,
      Uint8Array.of(0x92, 0x00),
      varint(STACK.length + VALUE.length, 2),
      STACK,
      VALUE,
      LOCATION,
      FUNCTION,
      STRINGS,
    ),
    samples: MAIN_7,
  },
  {
    name: 'a byte order mark, NUL and characters of four bytes in names',
    bytes: concat(oneSample(packedField(1, [1]), VALUE), stringField(6, '\ufeff\0😀')),
    samples: MAIN_7,
  },
  { name: 'no samples', bytes: concat(TYPE, STRINGS), samples: [] },
  // What is refused elsewhere, and taken by Google's reader.
  { name: 'a field with number 0', bytes: concat(PLAIN, varintField(0, 1)), samples: MAIN_7 },
  { name: 'a field number above 2^29-1', bytes: concat(PLAIN, tag(2n ** 29n, 0), varint(1)), samples: MAIN_7 },
  { name: 'a field number above 2^32', bytes: concat(PLAIN, tag(2n ** 33n + 2n, 0), varint(1)), samples: MAIN_7 },
  { name: 'a varint over 64 bits', bytes: concat(PLAIN, tag(12, 0), OVER_64_BITS), samples: MAIN_7 },
  {
    name: 'a location of an absent mapping',
    bytes: concat(
      TYPE,
      messageField(2, STACK, VALUE),
      messageField(4, varintField(1, 1), varintField(2, 9), messageField(4, varintField(1, 1))),
      FUNCTION,
      STRINGS,
    ),
    samples: MAIN_7,
  },
  {
    name: 'a mapping that starts after its end',
    bytes: concat(PLAIN, messageField(3, varintField(1, 1), varintField(2, 2n ** 63n), varintField(3, 2n ** 62n))),
    samples: MAIN_7,
  },
  {
    name: 'a label with both a text and a number, of which the text counts',
    bytes: oneSample(STACK, VALUE, messageField(3, varintField(1, 3), varintField(2, 4), varintField(3, 5))),
    samples: [['main{main="main.go"}', 7n]],
  },
  {
    name: 'names that are not UTF-8',
    bytes: concat(
      PLAIN,
      ...[[0x61, 0xff], [0xc3], [0xed, 0xa0, 0x80]].map((name) => bytesField(6, Uint8Array.from(name))),
    ),
    samples: MAIN_7,
  },
];

for (const { name, bytes, samples, types = concat(TYPE, STRINGS) } of rows) {
  test(`takes ${name}`, () => {
    assert.doesNotThrow(() => readProfile(bytes), 'second reader');
    validateProfile(bytes);
    const run = new EngineRun(({ type }) => (type === 'contentions' ? 'subtract' : 'keep'));
    assert.equal(run.next(types).kind, 'baseline');
    const { profile } = run.delta(bytes);
    validateProfile(profile);
    assert.deepEqual(printSamples(readProfile(profile)), samples);
    assert.deepEqual(
      printSamples(readProfile(run.delta(bytes).profile)),
      samples.filter((line) => line.length > 2).map(([stack, kept]) => [stack, kept, 0n]),
    );
  });
}

test('takes a profile without sample types and samples as an empty one', () => {
  assert.equal(validateProfile(STRINGS).samples, 0);
  assert.equal(validateProfile(concat(LOCATION, FUNCTION, STRINGS)).samples, 0);
});

test('takes two sample types of one name', () => {
  const run = new EngineRun(() => 'subtract');
  const twice = (...values: number[]) =>
    concat(TYPE, TYPE, messageField(2, STACK, packedField(2, values)), LOCATION, FUNCTION, STRINGS);
  run.next(twice(1, 10));
  assert.deepEqual(printSamples(readProfile(run.delta(twice(3, 15)).profile)), [['main', 2n, 5n]]);
});

test('counts names that are not UTF-8, and keeps their bytes', () => {
  const name = Uint8Array.of(0x66, 0xff, 0xfe);
  const strings = concat(...['', 'contentions', 'count'].map((text) => stringField(6, text)), bytesField(6, name));
  const profile = (value: number) =>
    concat(TYPE, messageField(2, STACK, packedField(2, [value])), LOCATION, FUNCTION, strings);
  assert.equal(validateProfile(profile(1)).notUtf8, 1);
  assert.equal(validateProfile(PLAIN).notUtf8, 0);
  const run = new EngineRun(() => 'subtract');
  run.next(profile(1));
  const made = run.delta(profile(3));
  assert.equal(made.header.notUtf8, 1);
  assert.ok(Buffer.from(made.profile).includes(Buffer.from(name)));
});

test('reads the header exactly', () => {
  const { sampleTypes, samples, timeNanos, durationNanos, periodType, period } = validateProfile(
    buildProfile(
      snapshot([sample('s1', [1n, 2n]), sample('s1', [3n, 4n])], {
        timeNanos: 1_700_000_000_123_456_789n,
        durationNanos: 9_007_199_254_740_993n,
        period: 2n ** 63n - 1n,
      }),
    ),
  );
  assert.deepEqual(
    { sampleTypes, samples, timeNanos, durationNanos, periodType, period },
    {
      sampleTypes: [
        { type: 'alloc_space', unit: 'bytes' },
        { type: 'inuse_space', unit: 'bytes' },
      ],
      samples: 2,
      timeNanos: 1_700_000_000_123_456_789n,
      durationNanos: 9_007_199_254_740_993n,
      periodType: { type: 'space', unit: 'bytes' },
      period: 2n ** 63n - 1n,
    },
  );
});

test('has no period type where the profile has none', () => {
  assert.equal(validateProfile(PLAIN).periodType, undefined);
});

test('adds columns up beyond int64', () => {
  const huge = 2n ** 63n - 1n;
  const { totals } = readProfileSummary(buildProfile(snapshot([sample('a', [huge, 1n]), sample('b', [huge, 2n])])));
  assert.deepEqual(totals, [2n * huge, 3n]);
});

test('reads a flag of 2 as set, and a folded frame', () => {
  const folded: FrameSpec = { ...at('f'), isFolded: true };
  const run = new EngineRun();
  run.next(buildProfile(snapshot([sample([folded], [1n])])));
  const flags = messageField(3, varintField(1, 77), varintField(7, 2));
  const after = concat(buildProfile(snapshot([sample([folded], [2n])], { mappings: [APP] })), flags);
  const read = readProfile(run.delta(after).profile);
  assert.equal(read.samples[0]?.stack[0]?.isFolded, true);
  assert.deepEqual(read.mappings.at(-1)?.flags, [true, false, false, false]);
});

test('takes strings next to a field that looks like the end of one', () => {
  // A name that ends in the first byte of a character, if the tag behind it were read along with it.
  const names = concat(stringField(6, 'é'), bytesField(6, new Uint8Array(0)), stringField(6, 'x'.repeat(300)));
  assert.equal(validateProfile(concat(PLAIN, names)).samples, 1);
});
