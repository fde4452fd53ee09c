import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProfileError } from '../../src/errors.ts';
import { readProfileSummary } from '../../src/profile/profile-summary.ts';
import { validateProfile } from '../../src/profile/validate-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import {
  bytesField,
  concat,
  fixed64Field,
  messageField,
  packedField,
  stringField,
  tag,
  varint,
  varintField,
} from '../support/protobuf-bytes.ts';
import { MalformedProfile, readProfile } from '../support/read-profile.ts';

/**
 * A well-formed profile as its parts, so that a row can replace one of them or add something behind. Strings: 1 alloc_space,
 * 2 bytes, 3 main, 4 /bin/app.
 */
const PARTS = {
  sampleType: messageField(1, varintField(1, 1), varintField(2, 2)),
  sample: messageField(2, packedField(1, [1]), packedField(2, [7])),
  mapping: messageField(3, varintField(1, 1), varintField(2, 0x1000), varintField(3, 0x9000), varintField(5, 4)),
  location: messageField(
    4,
    varintField(1, 1),
    varintField(2, 1),
    varintField(3, 0x2000),
    messageField(4, varintField(1, 1)),
  ),
  function: messageField(5, varintField(1, 1), varintField(2, 3)),
  strings: concat(...['', 'alloc_space', 'bytes', 'main', '/bin/app'].map((text) => stringField(6, text))),
  rest: concat(varintField(9, 1_700_000_000_000_000_000n)),
};

function withParts(parts: Partial<typeof PARTS>): Uint8Array {
  return concat(...Object.values({ ...PARTS, ...parts }));
}

const GOOD = withParts({});
const LATER = withParts({ sample: messageField(2, packedField(1, [1]), packedField(2, [9])) });
const plus = (...fields: Uint8Array[]): Uint8Array => concat(GOOD, ...fields);
const NINE_FS = Uint8Array.of(...Array<number>(9).fill(0xff));

interface Row {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What the message must say of the place. */
  readonly says: RegExp;
  /** Where the fault is; the message names a byte within it. */
  readonly within?: readonly [from: number, to: number];
}

const END = GOOD.length;

const rows: readonly Row[] = [
  // The protobuf level.
  { name: 'no bytes at all', bytes: new Uint8Array(0), says: /empty/ },
  { name: 'the last byte cut off', bytes: GOOD.subarray(0, -1), says: /time_nanos/ },
  { name: 'a single zero byte at the end', bytes: plus(Uint8Array.of(0)), says: /ends inside/, within: [END, END + 1] },
  {
    name: 'text at the end',
    bytes: plus(new TextEncoder().encode('oops, an error')),
    says: /./,
    within: [END, END + 14],
  },
  { name: 'wire type 6', bytes: plus(tag(99, 6)), says: /wire type 6/, within: [END, END + 2] },
  { name: 'wire type 7', bytes: plus(tag(99, 7)), says: /wire type 7/, within: [END, END + 2] },
  { name: 'the start of a group', bytes: plus(tag(99, 3)), says: /wire type 3/, within: [END, END + 2] },
  { name: 'the end of a group', bytes: plus(tag(99, 4)), says: /wire type 4/, within: [END, END + 2] },
  {
    name: 'a varint of eleven bytes',
    bytes: plus(tag(99, 0), NINE_FS, Uint8Array.of(0x81, 0)),
    says: /10 bytes|64 bits|ten bytes/,
    within: [END, END + 13],
  },
  {
    name: 'a length over the rest',
    bytes: plus(tag(99, 2), varint(5), Uint8Array.of(1, 2, 3, 4)),
    says: /field 99.*\b4\b/,
    within: [END, END + 3],
  },
  {
    name: 'a length over 2^32',
    bytes: plus(tag(6, 2), varint(2n ** 32n)),
    says: /string_table/,
    within: [END, END + 6],
  },
  { name: 'a length over 2^63', bytes: plus(tag(6, 2), varint(2n ** 63n + 1n)), says: /string_table/ },
  {
    name: 'a length over the rest of its message, but not over that of the profile',
    bytes: withParts({ sample: messageField(2, packedField(2, [7]), tag(1, 2), varint(9), varint(1)) }),
    says: /sample\[0\]\.location_id/,
  },
  { name: 'a fixed-width field that is cut', bytes: plus(tag(99, 1), Uint8Array.of(1, 2, 3)), says: /field 99/ },
  { name: 'time_nanos as bytes', bytes: plus(stringField(9, 'now')), says: /time_nanos.*wire type 2/ },
  { name: 'time_nanos as fixed64', bytes: plus(fixed64Field(9, 1n)), says: /time_nanos.*wire type 1/ },
  { name: 'a sample as varint', bytes: plus(varintField(2, 1)), says: /sample.*wire type 0/ },
  { name: 'a string as varint', bytes: plus(varintField(6, 1)), says: /string_table.*wire type 0/ },
  {
    name: 'a label as varint',
    bytes: withParts({ sample: messageField(2, packedField(1, [1]), packedField(2, [7]), varintField(3, 1)) }),
    says: /sample\[0\]\.label.*wire type 0/,
  },
  {
    name: 'packed values that end inside a varint',
    bytes: withParts({ sample: messageField(2, packedField(1, [1]), bytesField(2, Uint8Array.of(0x87))) }),
    says: /sample\[0\]\.value/,
  },
  {
    name: 'packed location ids that end inside a varint',
    bytes: withParts({ sample: messageField(2, bytesField(1, Uint8Array.of(1, 0x81)), packedField(2, [7])) }),
    says: /sample\[0\]\.location_id/,
  },
  {
    name: 'values as fixed64',
    bytes: withParts({ sample: messageField(2, packedField(1, [1]), fixed64Field(2, 7n)) }),
    says: /sample\[0\]\.value.*wire type 1/,
  },
  // Strings.
  { name: 'no string table', bytes: withParts({ strings: new Uint8Array(0) }), says: /string/ },
  {
    name: 'unknown fields and nothing else',
    bytes: concat(varintField(99, 1), stringField(20, 'x')),
    says: /no string_table/,
  },
  {
    name: 'samples and types, but no string table',
    bytes: concat(messageField(1, varintField(1, 0)), messageField(2, packedField(2, [7]))),
    says: /no string_table/,
  },
  {
    name: 'string 0 not empty',
    bytes: concat(stringField(6, 'x'), GOOD),
    says: /string_table\[0\]/,
    within: [0, 3],
  },
  {
    name: 'function name out of range',
    bytes: withParts({ function: messageField(5, varintField(1, 1), varintField(2, 99)) }),
    says: /function\[0\].*name.*99/,
  },
  {
    name: 'function file name out of range',
    bytes: withParts({ function: messageField(5, varintField(1, 1), varintField(4, 5)) }),
    says: /function\[0\].*filename.*5/,
  },
  {
    name: 'function system name out of range',
    bytes: withParts({ function: messageField(5, varintField(1, 1), varintField(3, 2n ** 40n)) }),
    says: /function\[0\].*system_name.*1099511627776/,
  },
  {
    name: 'sample type out of range',
    bytes: withParts({ sampleType: messageField(1, varintField(1, 99)) }),
    says: /sample_type\[0\].*type.*99/,
  },
  {
    name: 'sample unit out of range',
    bytes: withParts({ sampleType: messageField(1, varintField(1, 1), varintField(2, 99)) }),
    says: /sample_type\[0\].*unit.*99/,
  },
  {
    name: 'period type out of range',
    bytes: plus(messageField(11, varintField(1, 99))),
    says: /period_type.*type.*99/,
  },
  {
    name: 'mapping file out of range',
    bytes: withParts({ mapping: messageField(3, varintField(1, 1), varintField(5, 99)) }),
    says: /mapping\[0\].*filename.*99/,
  },
  {
    name: 'build id out of range',
    bytes: withParts({ mapping: messageField(3, varintField(1, 1), varintField(6, 99)) }),
    says: /mapping\[0\].*build_id.*99/,
  },
  ...(['key', 'str', 'num_unit'] as const).map((field): Row => {
    const fields = { key: 1, str: 2, num_unit: 4 };
    return {
      name: `label ${field} out of range`,
      bytes: withParts({
        sample: messageField(
          2,
          packedField(1, [1]),
          packedField(2, [7]),
          messageField(3, ...(field === 'key' ? [] : [varintField(1, 3)]), varintField(fields[field], 99)),
        ),
      }),
      says: new RegExp(`sample\\[0\\]\\.label\\[0\\].*${field}.*99`),
    };
  }),
  { name: 'default_sample_type out of range', bytes: plus(varintField(14, 99)), says: /default_sample_type.*99/ },
  { name: 'drop_frames out of range', bytes: plus(varintField(7, 99)), says: /drop_frames.*99/ },
  { name: 'keep_frames out of range', bytes: plus(varintField(8, 99)), says: /keep_frames.*99/ },
  { name: 'doc_url out of range', bytes: plus(varintField(15, 99)), says: /doc_url.*99/ },
  { name: 'comment out of range', bytes: plus(packedField(13, [3, 99])), says: /comment.*99/ },
  { name: 'string index one too many', bytes: plus(varintField(14, 5)), says: /default_sample_type.*\b5\b/ },
  { name: 'negative string index', bytes: plus(varintField(14, -1)), says: /default_sample_type.*-1/ },
  {
    name: 'negative string index in a function',
    bytes: withParts({ function: messageField(5, varintField(1, 1), varintField(2, -3)) }),
    says: /function\[0\].*name.*-3/,
  },
  // References between the tables.
  {
    name: 'a sample of an absent location',
    bytes: withParts({ sample: messageField(2, packedField(1, [1, 9]), packedField(2, [7])) }),
    says: /sample\[0\].*location.*\b9\b/,
  },
  {
    name: 'a sample of an absent location with a 64-bit id',
    bytes: withParts({ sample: messageField(2, packedField(1, [2n ** 64n - 1n]), packedField(2, [7])) }),
    says: /sample\[0\].*location.*18446744073709551615/,
  },
  {
    name: 'a sample of a location whose id has the right low half',
    bytes: withParts({ sample: messageField(2, packedField(1, [2n ** 32n + 1n]), packedField(2, [7])) }),
    says: /sample\[0\].*location.*4294967297/,
  },
  {
    name: 'a sample of location 0',
    bytes: withParts({ sample: messageField(2, packedField(1, [0]), packedField(2, [7])) }),
    says: /sample\[0\].*location.*\b0\b/,
  },
  { name: 'a location with id 0', bytes: plus(messageField(4, varintField(3, 0x3000))), says: /location\[1\].*id/ },
  { name: 'a function with id 0', bytes: plus(messageField(5, varintField(2, 3))), says: /function\[1\].*id/ },
  { name: 'a mapping with id 0', bytes: plus(messageField(3, varintField(5, 4))), says: /mapping\[1\].*id/ },
  { name: 'two locations of one id', bytes: plus(PARTS.location), says: /location\[1\].*id.*\b1\b/ },
  { name: 'two functions of one id', bytes: plus(PARTS.function), says: /function\[1\].*id.*\b1\b/ },
  { name: 'two mappings of one id', bytes: plus(PARTS.mapping), says: /mapping\[1\].*id.*\b1\b/ },
  {
    name: 'two locations of one sparse id',
    bytes: plus(messageField(4, varintField(1, 2n ** 60n)), messageField(4, varintField(1, 2n ** 60n))),
    says: /location\[2\].*id.*1152921504606846976/,
  },
  {
    name: 'a line of an absent function',
    bytes: withParts({ location: messageField(4, varintField(1, 1), messageField(4, varintField(1, 9))) }),
    says: /location\[0\]\.line\[0\].*function.*\b9\b/,
  },
  {
    name: 'a line of function 0',
    bytes: withParts({ location: messageField(4, varintField(1, 1), messageField(4, varintField(2, 12))) }),
    says: /location\[0\]\.line\[0\].*no function_id/,
  },
  // Samples.
  {
    name: 'fewer values than sample types',
    bytes: plus(messageField(1, varintField(1, 3))),
    says: /sample\[0\]\.value.* 1 .* 2 sample types/,
  },
  {
    name: 'more values than sample types',
    bytes: withParts({ sample: messageField(2, packedField(1, [1]), packedField(2, [7, 8])) }),
    says: /sample\[0\]\.value.* 2 .* 1 sample type/,
  },
  {
    name: 'a sample without values',
    bytes: withParts({ sample: messageField(2, packedField(1, [1])) }),
    says: /sample\[0\]\.value.* 0 .* 1 sample type/,
  },
  {
    name: 'samples without sample types',
    bytes: withParts({ sampleType: new Uint8Array(0) }),
    says: /sample_type|sample type/,
  },
  {
    name: 'two profiles one after the other',
    bytes: concat(GOOD, GOOD),
    says: /time_nanos.*(twice|second|concatenated)/,
  },
  {
    name: 'two profiles without times one after the other',
    bytes: concat(withParts({ rest: new Uint8Array(0) }), withParts({ rest: new Uint8Array(0) })),
    says: /\[1\]/,
  },
  {
    name: 'a second time_nanos',
    bytes: plus(varintField(9, 1_700_000_000_000_000_001n)),
    says: /time_nanos/,
    within: [END, END + 11],
  },
];

test('the profile that the rows change is good', () => {
  assert.equal(validateProfile(GOOD).samples, 1);
  assert.equal(readProfile(GOOD).samples.length, 1);
});

for (const { name, bytes, says, within } of rows) {
  test(`refuses ${name}`, () => {
    const check = (error: unknown): true => {
      assert.ok(error instanceof ProfileError, String(error));
      assert.match(error.message, says);
      const offset = /byte (\d+)/.exec(error.message)?.[1];
      assert.ok(offset !== undefined && Number(offset) <= bytes.length, `no offset: ${error.message}`);
      if (within) assert.ok(Number(offset) >= within[0] && Number(offset) <= within[1], error.message);
      return true;
    };
    assert.throws(() => validateProfile(bytes), check);
    assert.throws(() => readProfileSummary(bytes), check);
    assert.throws(() => new EngineRun().next(bytes), check, 'as first snapshot');

    const run = new EngineRun();
    run.next(GOOD);
    const { state } = run;
    assert.throws(() => run.next(bytes), check, 'after a good one');
    assert.equal(run.state, state);
    const { profile } = run.delta(LATER);
    assert.deepEqual(
      readProfile(profile).samples.map(({ values }) => values),
      [[2n]],
    );

    assert.throws(() => readProfile(bytes), MalformedProfile, 'second reader');
  });
}

test('a negative value is not malformed, but no count since the start of a process', () => {
  const negative = withParts({ sample: messageField(2, packedField(1, [1]), packedField(2, [-7])) });
  const run = new EngineRun();
  assert.throws(() => run.next(negative), /^ProfileError: alloc_space\/bytes is -7 in sample\[0\]: a count since/);
  assert.equal(run.state, undefined);
});

test('takes negative values where the target made the difference itself', () => {
  const negative = withParts({ sample: messageField(2, packedField(1, [1]), packedField(2, [-7])) });
  assert.equal(validateProfile(negative).samples, 1);
  assert.deepEqual(readProfileSummary(negative).totals, [-7n]);
});

test('names the sample, location and byte of a fault deep inside a large profile', () => {
  const before = Array.from({ length: 500 }, () => PARTS.sample);
  const bad = messageField(2, packedField(1, [1, 1, 77]), packedField(2, [7]));
  const offset = PARTS.sampleType.length + before.length * PARTS.sample.length;
  const bytes = withParts({ sample: concat(...before, bad) });
  assert.throws(
    () => validateProfile(bytes),
    (error) => {
      assert.ok(error instanceof ProfileError);
      assert.match(error.message, /sample\[500\].*\b77\b/);
      const at = Number(/byte (\d+)/.exec(error.message)?.[1]);
      assert.ok(at >= offset && at < offset + bad.length, error.message);
      return true;
    },
  );
});
