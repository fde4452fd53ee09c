import assert from 'node:assert/strict';
import { win32 } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { safeInstanceName, safeName } from '../../src/sinks/file/safe-name.ts';

const kept = [
  'shop',
  'shop-api_2.canary',
  'a=b',
  'user@host',
  'größe',
  '商店',
  '_x',
  '1',
  'web-7d4b9c6f5d-x2x9z',
  'a'.repeat(100),
];
for (const value of kept) {
  test(`keeps ${value.slice(0, 30)}`, () => assert.equal(safeName(value), value));
}

const reduced = [
  { value: '', name: /^_-[0-9a-f]{8}$/ },
  { value: '.', name: /^_-[0-9a-f]{8}$/ },
  { value: '..', name: /^__-[0-9a-f]{8}$/ },
  { value: '../../etc/passwd', name: /^_\._\.\._etc_passwd-[0-9a-f]{8}$/ },
  { value: 'a/b', name: /^a_b-[0-9a-f]{8}$/ },
  { value: 'a\\b', name: /^a_b-[0-9a-f]{8}$/ },
  { value: 'a\0b', name: /^a_b-[0-9a-f]{8}$/ },
  { value: 'a\nb', name: /^a_b-[0-9a-f]{8}$/ },
  { value: 'a b', name: /^a_b-[0-9a-f]{8}$/ },
  { value: '$(rm)', name: /^__rm_-[0-9a-f]{8}$/ },
  { value: '\u202egnp.exe', name: /^_gnp\.exe-[0-9a-f]{8}$/ },
  { value: '\ud800', name: /^_-[0-9a-f]{8}$/ },
  { value: '.hidden', name: /^_hidden-[0-9a-f]{8}$/ },
  { value: '-rf', name: /^_rf-[0-9a-f]{8}$/ },
  { value: 'dot.', name: /^dot_-[0-9a-f]{8}$/ },
  { value: 'NUL', name: /^_NUL-[0-9a-f]{8}$/ },
  { value: 'com1.txt', name: /^_com1\.txt-[0-9a-f]{8}$/ },
  { value: 'index.ndjson', name: /^_index\.ndjson-[0-9a-f]{8}$/ },
  { value: 'localhost:6060', name: /^localhost_6060-[0-9a-f]{8}$/ },
  { value: 'a'.repeat(101), name: /^a{91}-[0-9a-f]{8}$/ },
  { value: '商'.repeat(34), name: /^商{30}-[0-9a-f]{8}$/ },
  { value: 'shop-0a1b2c3d', name: /^shop-0a1b2c3d-[0-9a-f]{8}$/ },
];
for (const { value, name } of reduced) {
  test(`reduces ${JSON.stringify(value.slice(0, 30))} and marks it`, () => assert.match(safeName(value), name));
}

test('gives the same name for the same value', () => {
  assert.equal(safeName('a/b'), 'a_b-6df7cee2');
});

test('joins host and port of an instance without a mark, and marks what could be taken for it', () => {
  assert.equal(safeInstanceName('localhost:6060'), 'localhost_6060');
  assert.equal(safeInstanceName('10.0.0.1:80'), '10.0.0.1_80');
  assert.match(safeInstanceName('localhost_6060'), /^localhost_6060-[0-9a-f]{8}$/);
  assert.match(safeInstanceName('[::1]:6060'), /^___1__6060-[0-9a-f]{8}$/);
  assert.match(safeInstanceName('..:80'), /^_\._80-[0-9a-f]{8}$/);
  assert.equal(safeInstanceName('pod-a'), 'pod-a');
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 150 }),
  fc.string({
    unit: fc.constantFrom('.', '/', '\\', '-', ':', '_', 'a', '0', '\0', '\ud83d', '😀', 'é', '́'),
    maxLength: 12,
  }),
  fc.constantFrom('con', 'AUX', 'nul.tar', 'lpt9', 'COM¹', 'conin$', 'index.ndjson', 'INDEX.NDJSON'),
);

for (const [label, name] of [
  ['safeName', safeName],
  ['safeInstanceName', safeInstanceName],
] as const) {
  test(`${label} gives one harmless part of a path for any text`, () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const part = name(value);
        assert.ok(Buffer.byteLength(part) <= 100 && part.length > 0);
        assert.doesNotMatch(part, /[/\\:*?"<>|\p{C}\s]/u);
        assert.doesNotMatch(part, /^[.-]|\.$/);
        assert.doesNotMatch(part, /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i);
        assert.notEqual(part.toLowerCase(), 'index.ndjson');
        assert.equal(win32.basename(part), part);
        assert.equal(Buffer.from(part).toString(), part); // no half characters
      }),
      { numRuns: 2_000 },
    );
  });

  test(`${label} gives different names for different texts`, () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyText, { minLength: 2, maxLength: 50 }), (values) => {
        // Also when one value is the name of another.
        const all = new Set([...values, ...values.map(name)]);
        assert.equal(new Set([...all].map(name)).size, all.size);
      }),
      { numRuns: 300 },
    );
  });
}
