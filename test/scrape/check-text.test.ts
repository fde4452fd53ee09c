import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ScrapeError } from '../../src/errors.ts';
import { checkText } from '../../src/scrape/check-text.ts';
import { buildProfile } from '../support/build-profile.ts';
import { sample, snapshot } from '../support/sample-table.ts';

const DUMP = 'goroutine 1 [select, 5 minutes]:\nmain.main()\n\t/src/main.go:10 +0x1d\n';
const MAX_BYTES = 64 * 1024;

for (const [what, received] of [
  ['as it is', Buffer.from(DUMP)],
  ['compressed', gzipSync(DUMP)],
  ['in another encoding', Buffer.from(`${DUMP}caf\xe9`, 'latin1')],
] as const) {
  test(`a text dump is taken ${what}, and its bytes are kept`, async () => {
    const content = await checkText(received, {}, MAX_BYTES);
    assert.equal(content.body, received);
    assert.match(Buffer.from(content.pprof).toString('latin1'), /^goroutine 1 \[select/);
  });
}

const profile = buildProfile(snapshot([sample('main', [1n])]));

for (const [what, received, headers, code] of [
  ['nothing', Buffer.alloc(0), {}, 'EMPTY_BODY'],
  ['nothing, compressed', gzipSync(''), {}, 'EMPTY_BODY'],
  ['a profile', gzipSync(profile), {}, 'NOT_TEXT'],
  ['a plain profile', Buffer.from(profile), {}, 'NOT_TEXT'],
  ['gzip inside gzip', gzipSync(gzipSync(DUMP)), {}, 'NOT_TEXT'],
  ['an HTML page', Buffer.from('<!DOCTYPE html><title>Sign in</title>'), {}, 'NOT_TEXT'],
  ['a broken stream', gzipSync(DUMP).subarray(0, 30), {}, 'GZIP_TRUNCATED'],
  ['a body of another coding', Buffer.from(DUMP), { 'content-encoding': 'br' }, 'CONTENT_ENCODING'],
  ['too much', Buffer.alloc(MAX_BYTES + 1, 'x'), {}, 'BODY_TOO_LARGE'],
  ['too much inside', gzipSync(Buffer.alloc(MAX_BYTES + 1, 'x')), {}, 'BODY_TOO_LARGE'],
] as const) {
  test(`${what} is no text dump: ${code}`, async () => {
    await assert.rejects(
      checkText(received, headers, MAX_BYTES),
      (error) => error instanceof ScrapeError && error.code === code,
    );
  });
}
