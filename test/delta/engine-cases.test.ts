import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildProfile, type FrameSpec, type MappingSpec, type ProfileSpec } from '../support/build-profile.ts';
import { EngineRun } from '../support/engine-run.ts';
import { CONTENTION_TYPES } from '../support/go-heap.ts';
import { LAYOUTS } from '../support/layouts.ts';
import { type PrintedSample, printSamples } from '../support/print-samples.ts';
import { readProfile } from '../support/read-profile.ts';
import { ALLOC_SPACE, APP, at, INUSE_SPACE, named, sample, snapshot } from '../support/sample-table.ts';

/** What the engine must make of one snapshot after those before it. */
type Expected =
  | 'baseline'
  | 'types-changed'
  | { readonly samples: readonly PrintedSample[]; readonly isReset?: true; readonly clamped?: number };

interface Row {
  readonly name: string;
  /** Snapshots in a row, each with what it gives. */
  readonly steps: readonly (readonly [ProfileSpec, Expected])[];
}

const NONE = { samples: [] };

/** `mapped('lib', 0x1n)`: an address in a mapping, without lines. */
function mapped(filename: string, address: bigint, start = 0n): FrameSpec {
  return { address: start + address, mapping: { start, limit: start + 0x10_0000n, filename } };
}

function application(changes: MappingSpec): MappingSpec {
  return { ...APP, ...changes };
}

/** The frame of `at(name)` when the application is loaded elsewhere. */
function movedTo(mapping: MappingSpec, name: string): FrameSpec {
  const frame = at(name);
  return { ...frame, mapping, address: (frame.address ?? 0n) - 0x40_0000n + (mapping.start ?? 0n) };
}

function pair(before: ProfileSpec, after: ProfileSpec, expected: Expected): Row['steps'] {
  return [
    [before, 'baseline'],
    [after, expected],
  ];
}

const CONTENTIONS: Partial<ProfileSpec> = {
  sampleTypes: CONTENTION_TYPES,
  periodType: { type: 'contentions', unit: 'count' },
  period: 1n,
};

const INLINED: FrameSpec = {
  ...at('outer'),
  lines: [
    { name: 'innermost', line: 3n },
    { name: 'middle', line: 2n },
    { name: 'outer', line: 1n },
  ],
};

const thousand = (values: (index: number) => bigint) =>
  snapshot(
    Array.from({ length: 1000 }, (_, index) => sample([mapped('/bin/app', BigInt(4096 + index))], [values(index)])),
  );

const rows: readonly Row[] = [
  { name: 'holds the first snapshot back', steps: [[snapshot([sample('s1', [10n, 4n])]), 'baseline']] },
  {
    name: 'subtracts the cumulative value and keeps the instantaneous one',
    steps: pair(snapshot([sample('s1', [10n, 4n])]), snapshot([sample('s1', [15n, 6n])]), {
      samples: [['s1', 5n, 6n]],
    }),
  },
  {
    name: 'keeps an unchanged sample that has an instantaneous value',
    steps: pair(snapshot([sample('s1', [10n, 4n])]), snapshot([sample('s1', [10n, 4n])]), {
      samples: [['s1', 0n, 4n]],
    }),
  },
  {
    name: 'drops an unchanged sample of cumulative values alone',
    steps: pair(snapshot([sample('s1', [10n, 0n])]), snapshot([sample('s1', [10n, 0n])]), NONE),
  },
  {
    name: 'drops a sample that was freed and did not count on',
    steps: pair(snapshot([sample('s1', [10n, 4n])]), snapshot([sample('s1', [10n, 0n])]), NONE),
  },
  {
    name: 'takes a new sample whole',
    steps: pair(snapshot([sample('s1', [10n, 4n])]), snapshot([sample('s1', [10n, 4n]), sample('s2', [7n, 1n])]), {
      samples: [
        ['s1', 0n, 4n],
        ['s2', 7n, 1n],
      ],
    }),
  },
  {
    name: 'sees a reset when the sum fell, also because a sample vanished',
    steps: pair(snapshot([sample('s1', [10n, 4n]), sample('s2', [5n, 0n])]), snapshot([sample('s1', [12n, 4n])]), {
      samples: [['s1', 12n, 4n]],
      isReset: true,
    }),
  },
  {
    name: 'sees no reset in a vanished sample of zeros',
    steps: pair(snapshot([sample('s1', [10n, 4n]), sample('s2', [0n, 0n])]), snapshot([sample('s1', [12n, 4n])]), {
      samples: [['s1', 2n, 4n]],
    }),
  },
  {
    name: 'remembers a vanished sample until it returns',
    steps: [
      [snapshot([sample('s1', [10n]), sample('s2', [1n]), sample('s3', [1n])]), 'baseline'],
      [snapshot([sample('s1', [20n]), sample('s2', [1n])]), { samples: [['s1', 10n]] }],
      [
        snapshot([sample('s1', [25n]), sample('s2', [1n]), sample('s3', [4n])]),
        {
          samples: [
            ['s1', 5n],
            ['s3', 3n],
          ],
        },
      ],
    ],
  },
  {
    name: 'gives the full values after a reset, and deltas from then on',
    steps: [
      [snapshot([sample('s1', [100n]), sample('s2', [50n])]), 'baseline'],
      [
        snapshot([sample('s1', [3n]), sample('s2', [1n])]),
        {
          samples: [
            ['s1', 3n],
            ['s2', 1n],
          ],
          isReset: true,
        },
      ],
      [snapshot([sample('s1', [5n]), sample('s2', [1n])]), { samples: [['s1', 2n]] }],
    ],
  },
  {
    name: 'clamps the one sample of a thousand that fell',
    steps: pair(
      thousand(() => 1000n),
      thousand((index) => (index === 77 ? 991n : 1001n)),
      {
        samples: Array.from(
          { length: 1000 },
          (_, index): PrintedSample => [`/bin/app:0x${(4096 + index).toString(16)}`, 1n],
        ).filter((_, index) => index !== 77),
        clamped: 1,
      },
    ),
  },
  {
    name: 'sees a reset in another build of the main binary',
    steps: pair(
      snapshot([sample('s1', [10n, 4n])]),
      snapshot([sample([movedTo(application({ buildId: 'Y' }), 's1')], [12n, 5n])], {
        mappings: [application({ buildId: 'Y' })],
      }),
      { samples: [['s1', 12n, 5n]], isReset: true },
    ),
  },
  {
    name: 'sees a reset when the main binary was loaded at another address',
    steps: pair(
      snapshot([sample([movedTo(application({ start: 0x5500_0000_0000n, limit: 0x5500_1000_0000n }), 's1')], [10n])], {
        mappings: [application({ start: 0x5500_0000_0000n, limit: 0x5500_1000_0000n })],
      }),
      snapshot([sample([movedTo(application({ start: 0x5600_0000_0000n, limit: 0x5600_1000_0000n }), 's1')], [11n])], {
        mappings: [application({ start: 0x5600_0000_0000n, limit: 0x5600_1000_0000n })],
      }),
      { samples: [['s1', 11n]], isReset: true },
    ),
  },
  {
    name: 'sees a reset in another file of the main binary',
    steps: pair(
      snapshot([sample('s1', [10n])]),
      snapshot([sample([movedTo(application({ filename: '/bin/app2' }), 's1')], [12n])], {
        mappings: [application({ filename: '/bin/app2' })],
      }),
      { samples: [['s1', 12n]], isReset: true },
    ),
  },
  {
    name: 'sees no reset when the file of the running binary was replaced',
    steps: pair(
      snapshot([sample([mapped('/bin/app', 1n)], [10n])], { mappings: [] }),
      snapshot([sample([mapped('/bin/app (deleted)', 1n)], [12n])], { mappings: [] }),
      { samples: [['/bin/app (deleted):0x1', 2n]] },
    ),
  },
  {
    name: 'sums equal samples of one snapshot',
    steps: pair(snapshot([sample('s1', [10n])]), snapshot([sample('s1', [6n]), sample('s1', [8n])]), {
      samples: [['s1', 4n]],
    }),
  },
  {
    name: 'sums equal samples of the snapshot before',
    steps: pair(snapshot([sample('s1', [4n]), sample('s1', [6n])]), snapshot([sample('s1', [10n])]), NONE),
  },
  {
    name: 'keeps samples of one stack apart by their numeric label',
    steps: pair(
      snapshot([sample('s1', [10n], [{ key: 'bytes', num: 32n }])]),
      snapshot([sample('s1', [11n], [{ key: 'bytes', num: 32n }]), sample('s1', [5n], [{ key: 'bytes', num: 64n }])]),
      {
        samples: [
          ['s1{bytes=32}', 1n],
          ['s1{bytes=64}', 5n],
        ],
      },
    ),
  },
  {
    name: 'takes a bucket of zeros that got its label as new, without a reset',
    steps: pair(snapshot([sample('s1', [0n, 0n])]), snapshot([sample('s1', [7n, 7n], [{ key: 'bytes', num: 32n }])]), {
      samples: [['s1{bytes=32}', 7n, 7n]],
    }),
  },
  {
    name: 'does not look at the order of labels',
    steps: pair(
      snapshot([
        sample(
          's1',
          [3n],
          [
            { key: 'a', str: '1' },
            { key: 'b', str: '2' },
          ],
        ),
      ]),
      snapshot([
        sample(
          's1',
          [4n],
          [
            { key: 'b', str: '2' },
            { key: 'a', str: '1' },
          ],
        ),
      ]),
      { samples: [['s1{a="1",b="2"}', 1n]] },
    ),
  },
  {
    name: 'keeps a string label and a number apart',
    steps: pair(
      snapshot([sample('s0', [9n]), sample('s1', [3n], [{ key: 'k', str: '64' }])]),
      snapshot([sample('s0', [9n]), sample('s1', [3n], [{ key: 'k', num: 64n }])]),
      { samples: [['s1{k=64}', 3n]] },
    ),
  },
  {
    name: 'keeps numbers of different units apart',
    steps: pair(
      snapshot([sample('s0', [9n]), sample('s1', [3n], [{ key: 'bytes', num: 64n }])]),
      snapshot([sample('s0', [9n]), sample('s1', [3n], [{ key: 'bytes', num: 64n, unit: 'bytes' }])]),
      { samples: [['s1{bytes=64bytes}', 3n]] },
    ),
  },
  {
    name: 'keeps a label given once and given twice apart',
    steps: pair(
      snapshot([sample('s0', [9n]), sample('s1', [3n], [{ key: 'a', str: '1' }])]),
      snapshot([
        sample('s0', [9n]),
        sample(
          's1',
          [3n],
          [
            { key: 'a', str: '1' },
            { key: 'a', str: '1' },
          ],
        ),
      ]),
      { samples: [['s1{a="1",a="1"}', 3n]] },
    ),
  },
  {
    name: 'keeps a label given twice and none apart',
    steps: pair(
      snapshot([sample('s0', [9n]), sample('s1', [3n])]),
      snapshot([
        sample('s0', [9n]),
        sample(
          's1',
          [3n],
          [
            { key: 'a', str: '1' },
            { key: 'a', str: '1' },
          ],
        ),
      ]),
      { samples: [['s1{a="1",a="1"}', 3n]] },
    ),
  },
  {
    name: 'keeps labels apart that swapped their values',
    steps: pair(
      snapshot([
        sample('s0', [9n]),
        sample(
          's1',
          [3n],
          [
            { key: 'a', str: 'b' },
            { key: 'c', str: 'd' },
          ],
        ),
      ]),
      snapshot([
        sample('s0', [9n]),
        sample(
          's1',
          [3n],
          [
            { key: 'a', str: 'd' },
            { key: 'c', str: 'b' },
          ],
        ),
      ]),
      { samples: [['s1{a="d",c="b"}', 3n]] },
    ),
  },
  {
    name: 'does not look at names and lines of a frame that has an address',
    steps: pair(
      snapshot([sample([at('f'), at('g')], [10n])]),
      snapshot([sample([{ ...at('f'), lines: [{ name: 'f', filename: 'other.go', line: 7n }] }, at('g')], [10n])]),
      NONE,
    ),
  },
  {
    name: 'tells stacks without addresses apart by name',
    steps: pair(
      snapshot([sample([named('f')], [10n]), sample([named('g')], [20n])]),
      snapshot([sample([named('f')], [11n]), sample([named('g')], [25n])]),
      {
        samples: [
          ['f', 1n],
          ['g', 5n],
        ],
      },
    ),
  },
  {
    name: 'tells stacks without addresses apart by line',
    steps: pair(
      snapshot([sample([named('f', 10n)], [5n]), sample([named('f', 20n)], [7n])]),
      snapshot([sample([named('f', 10n)], [6n]), sample([named('f', 20n)], [9n])]),
      {
        samples: [
          ['f:10', 1n],
          ['f:20', 2n],
        ],
      },
    ),
  },
  ...(['column', 'systemName', 'filename'] as const).map((part): Row => {
    const call = (value: string): FrameSpec => ({
      lines: [{ name: 'f', line: 1n, [part]: part === 'column' ? BigInt(value.length) : value }],
    });
    return {
      name: `tells stacks without addresses apart by ${part}`,
      steps: pair(
        snapshot([sample([call('one')], [5n]), sample([call('three')], [7n])]),
        snapshot([sample([call('three')], [9n]), sample([call('one')], [6n])]),
        {
          samples: [
            ['f:1', 2n],
            ['f:1', 1n],
          ],
        },
      ),
    };
  }),
  {
    name: 'tells equal addresses of two libraries apart',
    steps: pair(
      snapshot([sample([mapped('libA', 1n)], [10n]), sample([mapped('libB', 1n)], [20n])]),
      snapshot([sample([mapped('libA', 1n)], [11n]), sample([mapped('libB', 1n)], [25n])]),
      {
        samples: [
          ['libA:0x1', 1n],
          ['libB:0x1', 5n],
        ],
      },
    ),
  },
  {
    name: 'knows a call of a library that was loaded elsewhere',
    steps: pair(
      snapshot([sample([mapped('libA', 1n, 0x7f00_0000n)], [10n])]),
      snapshot([sample([mapped('libA', 1n, 0x7e00_0000n)], [11n])]),
      { samples: [['libA:0x7e000001', 1n]] },
    ),
  },
  ...[
    { what: 'start', before: [0x7f00_ffff_f000n, 0n], after: [0x7e00_0000_0000n, 0n] },
    { what: 'file offset', before: [0x7f00_0000_0000n, 0xffff_ff00n], after: [0x7e00_0000_0000n, 0xffff_ff00n] },
    {
      what: 'start and file offset',
      before: [0x7f00_ffff_f000n, 0xffff_ff00n],
      after: [0x7e00_0000_0000n, 0xffff_ff00n],
    },
    { what: 'moved file offset', before: [0x7f00_0000_0000n, 0xffff_ff00n], after: [0x7effn << 32n, 0n] },
  ].map(({ what, before, after }): Row => {
    const call = ([start = 0n, offset = 0n]: readonly bigint[], place: bigint): FrameSpec => ({
      address: start + place - offset,
      mapping: { filename: 'lib.so', start, limit: start + 0x2_0000_0000n, offset },
    });
    return {
      name: `knows a call that lies beyond 4 GiB of the ${what}`,
      steps: pair(
        snapshot([sample([call(before, 0x1_0000_1234n)], [10n])]),
        snapshot([sample([call(after, 0x1_0000_1234n)], [11n])]),
        { samples: [[`lib.so:0x${(call(after, 0x1_0000_1234n).address ?? 0n).toString(16)}`, 1n]] },
      ),
    };
  }),
  {
    name: 'goes by type, not by column',
    steps: pair(
      snapshot([sample('s1', [10n, 4n])]),
      snapshot([sample('s1', [5n, 12n])], { sampleTypes: [INUSE_SPACE, ALLOC_SPACE] }),
      { samples: [['s1', 5n, 2n]] },
    ),
  },
  {
    name: 'starts over when a sample type is gone',
    steps: [
      ...pair(snapshot([sample('s1', [10n, 4n])]), snapshot([sample('s1', [15n])]), 'types-changed'),
      [snapshot([sample('s1', [16n])]), { samples: [['s1', 1n]] }],
    ],
  },
  {
    name: 'starts over when a unit changes',
    steps: pair(
      snapshot([sample('s1', [10n, 4n])]),
      snapshot([sample('s1', [15n, 4n])], { sampleTypes: [ALLOC_SPACE, { type: 'inuse_space', unit: 'kilobytes' }] }),
      'types-changed',
    ),
  },
  {
    name: 'starts over when the period type changes',
    steps: pair(
      snapshot([sample('s1', [10n, 4n])]),
      snapshot([sample('s1', [15n, 4n])], { periodType: { type: 'time', unit: 'bytes' } }),
      'types-changed',
    ),
  },
  {
    name: 'is exact above 2^53',
    steps: pair(snapshot([sample('s1', [2n ** 53n + 1n])]), snapshot([sample('s1', [2n ** 53n + 3n])]), {
      samples: [['s1', 2n]],
    }),
  },
  {
    name: 'keeps a difference whose low half is 0',
    steps: pair(snapshot([sample('s1', [5n])]), snapshot([sample('s1', [2n ** 32n + 5n])]), {
      samples: [['s1', 2n ** 32n]],
    }),
  },
  {
    name: 'reaches the largest int64',
    steps: pair(snapshot([sample('s1', [0n])]), snapshot([sample('s1', [2n ** 63n - 1n])]), {
      samples: [['s1', 2n ** 63n - 1n]],
    }),
  },
  {
    name: 'compares sums beyond int64',
    steps: pair(
      snapshot([sample('s1', [2n ** 63n - 1n]), sample('s2', [2n ** 63n - 1n]), sample('s3', [5n])]),
      snapshot([sample('s1', [2n ** 63n - 1n]), sample('s2', [2n ** 63n - 1n]), sample('s3', [6n])]),
      { samples: [['s3', 1n]] },
    ),
  },
  {
    name: 'keeps a sample of which one column counted on',
    steps: pair(
      snapshot([sample('s1', [5n, 1000n])], CONTENTIONS),
      snapshot([sample('s1', [6n, 1000n])], CONTENTIONS),
      { samples: [['s1', 1n, 0n]] },
    ),
  },
  {
    name: 'drops an unchanged sample of two cumulative columns',
    steps: pair(
      snapshot([sample('s1', [5n, 1000n])], CONTENTIONS),
      snapshot([sample('s1', [5n, 1000n])], CONTENTIONS),
      NONE,
    ),
  },
  {
    name: 'keeps inlined calls in their order',
    steps: pair(snapshot([sample([INLINED], [1n])]), snapshot([sample([INLINED], [4n])]), {
      samples: [['innermost:3+middle:2+outer:1', 3n]],
    }),
  },
  {
    name: 'tells depths of a recursion apart',
    steps: pair(
      snapshot([sample('f;f;f', [1n]), sample('f;f', [1n])]),
      snapshot([sample('f;f;f', [2n]), sample('f;f', [5n])]),
      {
        samples: [
          ['f;f;f', 1n],
          ['f;f', 4n],
        ],
      },
    ),
  },
  {
    name: 'tells caller and callee apart',
    steps: pair(
      snapshot([sample('x', [5n]), sample('a;b', [1n])]),
      snapshot([sample('x', [5n]), sample('b;a', [1n])]),
      { samples: [['b;a', 1n]] },
    ),
  },
  {
    name: 'takes samples without a stack',
    steps: pair(snapshot([sample('', [3n])]), snapshot([sample('', [5n])]), { samples: [['', 2n]] }),
  },
  {
    name: 'takes a snapshot without samples as one',
    steps: [
      [snapshot([]), 'baseline'],
      [snapshot([]), NONE],
      [snapshot([sample('s1', [5n, 1n])]), { samples: [['s1', 5n, 1n]] }],
    ],
  },
];

for (const { name, steps } of rows) {
  test(name, () => {
    for (const [index, layout] of LAYOUTS.entries()) {
      const run = new EngineRun();
      for (const [step, [spec, expected]] of steps.entries()) {
        const result = run.next(buildProfile(spec, { ...layout, seed: 1 + 100 * index + step }));
        const where = `layout ${index}, snapshot ${step + 1}`;
        if (typeof expected === 'string') {
          assert.equal(result.kind, expected, where);
          continue;
        }
        assert.ok(result.kind === 'delta', where);
        assert.deepEqual(printSamples(readProfile(result.profile)), expected.samples, where);
        assert.equal(result.samples, expected.samples.length, where);
        assert.equal(result.isReset, expected.isReset ?? false, where);
        assert.equal(result.clamped, expected.clamped ?? 0, where);
      }
    }
  });
}
