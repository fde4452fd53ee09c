import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { ProfileError } from '../../src/errors.ts';
import { openProfile } from '../../src/profile/open-profile.ts';
import { buildProfile } from '../support/build-profile.ts';
import { GoHeap } from '../support/go-heap.ts';
import { concat } from '../support/protobuf-bytes.ts';
import { sample, snapshot } from '../support/sample-table.ts';

const PROFILE = buildProfile(snapshot([sample('s1;s2', [1n, 2n])], { timeNanos: 1_700_000_000_000_000_000n }));
const GZIP = new Uint8Array(gzipSync(PROFILE));
const MAX_BYTES = 64 * 1024 * 1024;

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** The gzip body with one byte changed. */
function changed(offset: number): Uint8Array {
  const bytes = Uint8Array.from(GZIP);
  const at = offset < 0 ? bytes.length + offset : offset;
  bytes[at] = (bytes[at] ?? 0) ^ 0x55;
  return bytes;
}

const words = (...numbers: number[]): Uint8Array => new Uint8Array(BigUint64Array.from(numbers.map(BigInt)).buffer);

const refused: readonly (readonly [name: string, body: Uint8Array, says: RegExp])[] = [
  ['an empty body', new Uint8Array(0), /empty/],
  ['gzip of nothing', gzipSync(new Uint8Array(0)), /empty/],
  ['gzip cut in the middle', GZIP.subarray(0, GZIP.length >> 1), /gzip.*(ends early|cut)/],
  ['gzip without its trailer', GZIP.subarray(0, -8), /gzip.*(ends early|cut)/],
  ['gzip without its last byte', GZIP.subarray(0, -1), /gzip.*(ends early|cut)/],
  ['the magic of gzip alone', GZIP.subarray(0, 2), /gzip.*(ends early|cut)/],
  ['a wrong checksum', changed(-8), /gzip.*(checksum|corrupt|CRC)/i],
  ['a wrong length', changed(-4), /gzip.*(length|corrupt)/i],
  ['an unknown compression method', changed(2), /gzip/],
  ['gzip followed by text', concat(GZIP, text('oops')), /gzip.*(behind|after|follow|trailing)/i],
  ['gzip followed by zero bytes', concat(GZIP, new Uint8Array(7)), /gzip.*(behind|after|follow|trailing)/i],
  ['gzip followed by half a member', concat(GZIP, GZIP.subarray(0, 12)), /gzip.*(ends early|cut)/],
  ['gzip three times over', gzipSync(gzipSync(GZIP)), /gzip three times/],
  ['bzip2', Buffer.from('BZh91AY&SY'), /bzip2/],
  ['xz', Buffer.from('\xfd7zXZ\0\0\x04', 'latin1'), /xz stream/],
  ['lz4', Buffer.from('\x04"M\x18\x64\x40', 'latin1'), /lz4/],
  ['zstd', Buffer.from('(\xb5/\xfd\x04\0', 'latin1'), /zstd/],
  ['a recording of perf', Buffer.from('PERFILE2\x68\0\0\0', 'latin1'), /perf\.data/],
  ['a recording of JFR', Buffer.from('FLR\0\0\x02', 'latin1'), /JFR/],
  ['an ELF file', Buffer.from('\x7fELF\x02\x01', 'latin1'), /ELF/],
  ['the text of jemalloc', text('heap_v2/524288\n  t*: 28106: 56637512 [0: 0]\n'), /jemalloc/],
  [
    'the heap text of gperftools',
    text('heap profile:      1:      2 [     3:      4] @ heap_v2/524288\n     1:   2 [ 3: 4] @ 0x1\n'),
    /gperftools/,
  ],
  ['the heap text of a Java agent', text('--- heapz 1 ---\nformat = java\n'), /Java/],
  ['folded stacks', text('main;work;leaf 12\nmain;idle 3\n'), /folded stacks/],
  [
    'a flame graph',
    text('<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN">\n<svg width="1">'),
    /SVG/,
  ],
  ['a CPU profile of V8', text('{"nodes":[{"id":1}]}'), /V8/],
  ['a zlib stream', deflateSync(PROFILE), /zlib/],
  ['an HTML page', text('<!DOCTYPE html>\n<html><body>Sign in</body></html>'), /HTML/],
  ['an HTML page in Latin-1', Buffer.from('<html><title>Gesch\xfctzt</title>', 'latin1'), /HTML page, .*Gesch\xfctzt/],
  ['an HTML page with space before it', text('\r\n  <html>Sign in</html>'), /HTML/],
  ['a JSON object', text('{"error":"not found"}'), /JSON/],
  ['a JSON list', text('[1,2]'), /JSON/],
  ['a line of text', text('404 page not found\n'), /404 page not found/],
  [
    'a profile of the legacy text format',
    text('heap profile: 1: 2 [3: 4] @ heap/1048576\n1: 2 [3: 4] @ 0x1 0x2\n'),
    /text|legacy/,
  ],
  ['the text of goroutine?debug=2', text('goroutine 1 [running]:\nmain.main()\n\t/src/main.go:5 +0x1d\n'), /text/],
  ['the text of goroutine?debug=1', text('goroutine profile: total 4\n1 @ 0x1 0x2\n'), /Go's text form/],
  ['the text of mutex?debug=1', text('--- mutex:\ncycles/second=1\n'), /Go's text form/],
  ['an execution trace of Go', concat(text('go 1.22 trace\0\0\0'), Uint8Array.of(1, 2, 3)), /trace/],
  ['the answer of cmdline', text('/usr/bin/app\0-config\0app.yml'), /./],
  [
    'a profile of a Java agent',
    concat(text('--- symbol\nbinary=/app\n--- profile\n'), words(0, 3)),
    /symbol|legacy|text/,
  ],
  ['a CPU profile of gperftools', words(0, 3, 0, 10_000, 0, 1, 2, 3), /gperftools|legacy/],
  ['HTML in gzip', gzipSync(text('<html>Sign in</html>')), /HTML/],
];

for (const [name, body, says] of refused) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => openProfile(body, MAX_BYTES),
      (error) => {
        assert.ok(error instanceof ProfileError, String(error));
        assert.match(error.message, says);
        return true;
      },
    );
  });
}

test('shows no more than a little of a text, without control characters', () => {
  assert.throws(
    () => openProfile(text(`Forbidden\u001b[31m\u0007 ${'x'.repeat(5000)}`), MAX_BYTES),
    (error) => error instanceof ProfileError && error.message.length < 250 && !/\p{Cc}/u.test(error.message),
  );
});

const taken: readonly (readonly [name: string, body: Uint8Array])[] = [
  ['a plain profile', PROFILE],
  ['gzip', GZIP],
  ['gzip inside gzip', gzipSync(GZIP)],
  ['gzip without compression', gzipSync(PROFILE, { level: 0 })],
  ['two gzip members of one message', concat(gzipSync(PROFILE.subarray(0, 20)), gzipSync(PROFILE.subarray(20)))],
  ['gzip members of which one is empty', concat(gzipSync(new Uint8Array(0)), GZIP, gzipSync(new Uint8Array(0)))],
];

for (const [name, body] of taken) {
  test(`opens ${name}`, () => {
    assert.deepEqual(Buffer.from(openProfile(body, MAX_BYTES)), Buffer.from(PROFILE));
  });
}

test('opens a profile larger than the chunks of zlib', () => {
  const large = buildProfile(new GoHeap({ samples: 2000 }).snapshot());
  assert.equal(Buffer.compare(openProfile(gzipSync(large), MAX_BYTES), large), 0);
  const halves = concat(gzipSync(large.subarray(0, 100_000)), gzipSync(large.subarray(100_000)));
  assert.equal(Buffer.compare(openProfile(halves, MAX_BYTES), large), 0);
});

test('takes a body of exactly the limit and refuses one byte more', () => {
  assert.equal(openProfile(GZIP, PROFILE.length).length, PROFILE.length);
  for (const body of [GZIP, PROFILE]) {
    assert.throws(() => openProfile(body, PROFILE.length - 1), ProfileError);
  }
});

test('a hint says what to do about each form', () => {
  for (const [body, hint] of [
    [Buffer.from('BZh91AY&SY'), /gzip/],
    [text('heap_v2/524288\n  t*: 1: 2 [0: 0]\n'), /go tool pprof -proto/],
    [text('<svg>'), /path of the profile/],
    [gzipSync(gzipSync(GZIP)), /switch that off/],
  ] as const) {
    assert.throws(
      () => openProfile(body, MAX_BYTES),
      (error) => error instanceof ProfileError && hint.test(error.hint ?? ''),
    );
  }
});

test('refuses by its trailer what would be too large, without inflating it', () => {
  const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024), { level: 9 });
  const before = process.cpuUsage();
  assert.throws(() => openProfile(bomb, 1024 * 1024), /1MiB/);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 20_000, `${user + system} us`);
});

test('stops a gzip bomb at the limit', () => {
  const bomb = gzipSync(new Uint8Array(256 * 1024 * 1024), { level: 1 });
  const before = process.memoryUsage();
  assert.throws(
    () => openProfile(bomb, 1024 * 1024),
    (error) => error instanceof ProfileError && /1 ?MiB|1048576/.test(error.message),
  );
  const after = process.memoryUsage();
  assert.ok(after.arrayBuffers - before.arrayBuffers < 16 * 1024 * 1024);
});

test('does not believe the size that a gzip trailer claims', () => {
  const lying = Uint8Array.from(GZIP);
  lying.set([0xff, 0xff, 0xff, 0x7f], lying.length - 4);
  const before = process.memoryUsage().arrayBuffers;
  assert.throws(() => openProfile(lying, MAX_BYTES), ProfileError);
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
});

test('leaves the body as it was', () => {
  const body = Uint8Array.from(GZIP);
  openProfile(body, MAX_BYTES);
  assert.deepEqual(body, GZIP);
});
