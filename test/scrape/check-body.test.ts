import assert from 'node:assert/strict';
import test from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ScrapeError } from '../../src/errors.ts';
import { checkBody } from '../../src/scrape/check-body.ts';
import { buildProfile } from '../support/build-profile.ts';
import { sample, snapshot } from '../support/sample-table.ts';

const pprof = buildProfile(snapshot([sample('main;work', [1n, 2n])], { timeNanos: 1_700_000_000_000_000_000n }));
const gzip = gzipSync(pprof);
const MIB = 1024 * 1024;
const LIMIT = 64 * MIB;

async function faultOf(
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  limit = LIMIT,
): Promise<ScrapeError> {
  try {
    await checkBody(body, headers, limit);
  } catch (error) {
    assert.ok(error instanceof ScrapeError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'the body was taken' });
}

function withByte(bytes: Uint8Array, offset: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = (offset + copy.length) % copy.length;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

const words = (...numbers: readonly number[]): Uint8Array =>
  new Uint8Array(BigUint64Array.from(numbers, BigInt).buffer);

const refused = [
  { name: 'an empty body', body: '', code: 'EMPTY_BODY', message: 'empty body' },
  { name: 'gzip of nothing', body: gzipSync(''), code: 'EMPTY_BODY', message: 'empty body' },
  {
    name: 'gzip cut in the middle',
    body: gzip.subarray(0, gzip.length / 2),
    code: 'GZIP_TRUNCATED',
    message: 'gzip ends early',
  },
  { name: 'gzip without its trailer', body: gzip.subarray(0, -8), code: 'GZIP_TRUNCATED', message: 'gzip ends early' },
  { name: 'only 1f 8b', body: gzip.subarray(0, 2), code: 'GZIP_TRUNCATED', message: 'gzip ends early' },
  {
    name: 'a wrong checksum',
    body: withByte(gzip, -8),
    code: 'GZIP_CORRUPT',
    message: 'gzip is corrupt: wrong checksum',
  },
  { name: 'a wrong length', body: withByte(gzip, -4), code: 'GZIP_CORRUPT', message: 'gzip is corrupt: wrong length' },
  {
    name: 'gzip followed by text',
    body: Buffer.concat([gzip, Buffer.from('oops')]),
    code: 'GZIP_TRAILING_BYTES',
    message: 'gzip is followed by other bytes',
  },
  {
    name: 'gzip followed by zero bytes',
    body: Buffer.concat([gzip, Buffer.alloc(3)]),
    code: 'GZIP_TRAILING_BYTES',
    message: 'gzip is followed by 3 zero bytes',
  },
  {
    name: 'gzip three times over',
    body: gzipSync(gzipSync(gzip)),
    code: 'GZIP_TWICE',
    message: 'gzip three times over',
  },
  { name: 'a zlib stream', body: deflateSync(pprof), code: 'NOT_A_PROFILE', message: 'zlib stream, not gzip' },
  {
    name: 'an HTML page',
    body: '<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>…</body></html>',
    code: 'NOT_A_PROFILE',
    message: 'HTML page, not a profile: "<!DOCTYPE html> <html><head><title>Sign in</title>…"',
  },
  {
    name: 'a JSON object',
    body: '{"error": "host not allowed"}',
    code: 'NOT_A_PROFILE',
    message: 'JSON, not a profile: "{"error": "host not allowed"}"',
  },
  {
    name: 'a plain text error',
    body: 'something went wrong\n',
    code: 'NOT_A_PROFILE',
    message: 'text, not a profile: "something went wrong"',
  },
  {
    name: 'text with terminal codes',
    body: '\u001b[31mred\u001b[0m',
    code: 'NOT_A_PROFILE',
    message: 'neither gzip nor a protobuf: the body starts with 1b 5b 33 31 6d 72 65 64',
  },
  {
    name: 'heap?debug=1',
    body: 'heap profile: 1: 2 [3: 4] @ heap/1048576\n',
    code: 'NOT_A_PROFILE',
    message: "profile in Go's text form, not protobuf",
  },
  {
    name: 'mutex?debug=1',
    body: '--- mutex:\ncycles/second=1\n',
    code: 'NOT_A_PROFILE',
    message: "profile in Go's text form, not protobuf",
  },
  {
    name: 'goroutine?debug=2',
    body: 'goroutine 1 [running]:\nmain.main()\n',
    code: 'NOT_A_PROFILE',
    message: "profile in Go's text form, not protobuf",
  },
  {
    name: 'an execution trace',
    body: 'go 1.22 trace\0\0\0\u0001\u0002',
    code: 'NOT_A_PROFILE',
    message: 'execution trace of Go, not a profile',
  },
  {
    name: 'cmdline',
    body: '/usr/bin/shop\0--flag',
    code: 'NOT_A_PROFILE',
    message: 'neither gzip nor a protobuf: the body starts with 2f 75 73 72 2f 62 69 6e',
  },
  {
    name: 'a profile of a Java agent',
    body: Buffer.concat([Buffer.from('--- symbol\nbinary=x\n--- heap\n'), words(0, 3)]),
    code: 'NOT_A_PROFILE',
    message: 'profile of a Java agent in a legacy form, not protobuf',
  },
  {
    name: 'a CPU profile of gperftools',
    body: words(0, 3, 0, 10_000, 0, 1),
    code: 'NOT_A_PROFILE',
    message: 'CPU profile in the legacy form of gperftools, not protobuf',
  },
  {
    name: 'the same of a 32-bit program',
    body: Buffer.from(Uint32Array.of(0, 3, 0, 10_000, 0, 1).buffer),
    code: 'NOT_A_PROFILE',
    message: 'CPU profile in the legacy form of gperftools, not protobuf',
  },
  {
    name: 'a JFR recording',
    body: 'FLR\0\0\u0002',
    code: 'NOT_A_PROFILE',
    message: 'JFR recording of a JVM, not a pprof profile',
  },
  {
    name: 'HTML in gzip',
    body: gzipSync('<html>'),
    code: 'NOT_A_PROFILE',
    message: 'HTML page, not a profile: "<html>"',
  },
] as const;
for (const { name, body, code, message } of refused) {
  test(`refuses ${name}`, async () => {
    const error = await faultOf(Buffer.from(body));
    assert.equal(error.code, code);
    assert.equal(error.message, message);
  });
}

test('gives gzip as received, and what is inside', async () => {
  const { body, pprof: inner } = await checkBody(gzip, {}, LIMIT);
  assert.equal(body, gzip);
  assert.deepEqual(Buffer.from(inner), Buffer.from(pprof));
});

test('gives a plain protobuf as received', async () => {
  const { body, pprof: inner } = await checkBody(pprof, {}, LIMIT);
  assert.equal(body, pprof);
  assert.equal(inner, pprof);
});

test('several gzip members are one profile', async () => {
  const members = Buffer.concat([gzipSync(pprof.subarray(0, 9)), gzipSync(pprof.subarray(9))]);
  assert.deepEqual(Buffer.from((await checkBody(members, {}, LIMIT)).pprof), Buffer.from(pprof));
});

const types = ['', 'text/html', 'text/plain; charset=utf-8', 'application/vnd.google.protobuf+gzip'];
for (const type of types) {
  test(`a Content-Type of "${type}" refuses nothing`, async () => {
    assert.equal((await checkBody(gzip, { 'content-type': type }, LIMIT)).body, gzip);
  });
}

test('a Content-Type words the error of bytes that say nothing', async () => {
  const error = await faultOf(Buffer.from([0xff, 0xfe]), { 'content-type': 'image/png; x=1' });
  assert.equal(error.message, 'neither gzip nor a protobuf: the body starts with ff fe (Content-Type image/png)');
});

for (const coding of ['gzip', 'x-gzip', 'GZIP']) {
  test(`Content-Encoding ${coding}: a profile that was a gzip file already comes out as that file`, async () => {
    const { body, pprof: inner } = await checkBody(gzipSync(gzip), { 'content-encoding': coding }, LIMIT);
    assert.deepEqual(Buffer.from(body), gzip);
    assert.deepEqual(Buffer.from(inner), Buffer.from(pprof));
  });

  test(`Content-Encoding ${coding}: a plain profile, or a gzip file labelled so, stays as received`, async () => {
    const { body, pprof: inner } = await checkBody(gzip, { 'content-encoding': coding }, LIMIT);
    assert.equal(body, gzip);
    assert.deepEqual(Buffer.from(inner), Buffer.from(pprof));
  });

  test(`Content-Encoding ${coding} over a body that is not compressed is taken as it is`, async () => {
    assert.equal((await checkBody(pprof, { 'content-encoding': coding }, LIMIT)).body, pprof);
  });
}

test('takes the outer gzip off a profile that was compressed twice, and says so', async () => {
  const twice = await checkBody(gzipSync(gzip), {}, LIMIT);
  assert.deepEqual(Buffer.from(twice.body), gzip);
  assert.deepEqual(Buffer.from(twice.pprof), Buffer.from(pprof));
  assert.equal(twice.isTwice, true);
  assert.equal((await checkBody(gzip, {}, LIMIT)).isTwice, false);
});

test('three layers of gzip are one too many', async () => {
  const error = await faultOf(gzipSync(gzipSync(gzip)), { 'content-encoding': 'gzip' });
  assert.equal(error.code, 'GZIP_TWICE');
});

test('another Content-Encoding is named', async () => {
  const error = await faultOf(brotliCompressSync(pprof), { 'content-encoding': 'br' });
  assert.equal(error.code, 'CONTENT_ENCODING');
  assert.equal(error.message, 'body has the Content-Encoding br, which was not asked for');
});

test('what is gzip is taken, even where the header says otherwise', async () => {
  assert.equal((await checkBody(gzip, { 'content-encoding': 'br' }, LIMIT)).body, gzip);
});

test('a body of exactly the limit passes, received and inflated', async () => {
  assert.equal((await checkBody(pprof, {}, pprof.length)).body, pprof);
  const stored = gzipSync(pprof, { level: 0 });
  assert.equal((await checkBody(stored, {}, stored.length)).body, stored);
  const small = gzipSync(Buffer.concat([pprof, Buffer.from([0x32, 100]), Buffer.alloc(100)]));
  assert.equal((await checkBody(small, {}, pprof.length + 102)).body, small);
});

test('a body one byte over the limit fails, received and inflated', async () => {
  assert.equal((await faultOf(pprof, {}, pprof.length - 1)).code, 'BODY_TOO_LARGE');
  const small = gzipSync(Buffer.concat([pprof, Buffer.from([0x32, 100]), Buffer.alloc(100)]));
  assert.ok(small.length < pprof.length + 101);
  assert.equal((await faultOf(small, {}, pprof.length + 101)).code, 'BODY_TOO_LARGE');
});

test('no limit takes any size', async () => {
  assert.equal((await checkBody(gzip, {}, Number.POSITIVE_INFINITY)).body, gzip);
});

const bomb = gzipSync(Buffer.alloc(256 * MIB), { level: 1 });

function withClaim(bytes: Uint8Array, claimed: number): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(claimed, copy.length - 4);
  return copy;
}

for (const { name, body } of [
  { name: 'an honest one', body: bomb },
  { name: 'one that claims to be just in the limit', body: withClaim(bomb, 16 * MIB - 1) },
  { name: 'one that claims to be nothing', body: withClaim(bomb, 0) },
  { name: 'one made of two', body: Buffer.concat([bomb, gzipSync('x')]) },
]) {
  test(`a gzip bomb is stopped without more memory than the limit: ${name}`, async () => {
    const limit = 16 * MIB;
    let peak = 0;
    const before = process.memoryUsage().arrayBuffers;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }, 1);
    const error = await faultOf(body, {}, limit);
    clearInterval(watch);
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    assert.equal(error.code, 'BODY_TOO_LARGE');
    assert.equal(error.message, 'profile over 16MiB uncompressed');
    assert.ok(peak <= 2 * limit, `${peak} bytes`);
  });
}

test('a bomb behind a Content-Encoding is stopped too', async () => {
  const error = await faultOf(gzipSync(bomb), { 'content-encoding': 'gzip' }, 16 * MIB);
  assert.equal(error.code, 'BODY_TOO_LARGE');
});

test('a large body leaves the event loop free', async () => {
  const large = gzipSync(Buffer.concat([pprof, Buffer.from([0x32, 0x80, 0x80, 0x80, 0x10]), Buffer.alloc(32 * MIB)]));
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await checkBody(large, {}, LIMIT);
  isDone = true;
  assert.ok(turns > 1);
});

test('whatever the bytes and headers, the answer is a profile or a ScrapeError', async () => {
  const codings = fc.constantFrom('', 'gzip', 'br', 'identity');
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => gzipSync(bytes)),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(bodies, codings, async (body, coding) => {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      try {
        const { pprof: inner } = await checkBody(bytes, { 'content-encoding': coding }, 1024);
        assert.ok(inner.length > 0 && inner.length <= 1024);
      } catch (error) {
        assert.ok(error instanceof ScrapeError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
