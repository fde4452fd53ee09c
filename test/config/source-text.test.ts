import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hideSecretLines, isSecretKey } from '../../src/config/document/secrets.ts';
import { SourceText } from '../../src/config/document/source-text.ts';
import { redactUrls } from '../../src/safe-text/redact-url.ts';

function excerptAt(text: string, part: string, prepare: (source: SourceText) => void = () => {}) {
  const source = new SourceText('t.yml', text);
  prepare(source);
  const start = text.indexOf(part);
  const fault = { path: 'a', message: 'm', hint: undefined };
  return source.problem({ start, end: start + part.length }, fault);
}

test('a place counts from 1, an excerpt is its line', () => {
  const { position, excerpt } = excerptAt('a: 1\r\nbc: 10x\r\nd: 2\r\n', '10x');
  assert.deepEqual(position, { line: 2, column: 5 });
  assert.deepEqual(excerpt, { text: 'bc: 10x', column: 5, length: 3 });
});

test('the caret ends with the line', () => {
  assert.deepEqual(excerptAt('a: |\n  b\n  c\n', '|\n  b\n  c').excerpt, { text: 'a: |', column: 4, length: 1 });
});

test('a line of a megabyte is cut around the fault', () => {
  const text = `[${'"aaaaaaaa",'.repeat(100_000)}"bad",${'"aaaaaaaa",'.repeat(100_000)}]`;
  const { excerpt } = excerptAt(text, '"bad"');
  assert.ok(excerpt && excerpt.text.length < 500);
  assert.equal(excerpt.text.slice(excerpt.column - 1, excerpt.column - 1 + excerpt.length), '"bad"');
  assert.match(excerpt.text, /^….*…$/);
});

test('hidden parts are masked and the caret moves along', () => {
  const text = 'basic-auth: {password: hunter2, x: 1}';
  const { excerpt } = excerptAt(text, 'x:', (source) => source.hide({ start: 23, end: 30 }));
  assert.deepEqual(excerpt, { text: 'basic-auth: {password: <secret>, x: 1}', column: 34, length: 2 });
});

test('a hidden fault is marked by its mask', () => {
  const { excerpt } = excerptAt('a: hunter2', 'hunter2', (source) => source.hide({ start: 3, end: 10 }));
  assert.deepEqual(excerpt, { text: 'a: <secret>', column: 4, length: 8 });
});

test('where the structure is unknown, lines that seem to give a secret are masked', () => {
  const text = 'a: {password: hunter2\n"client_secret" : "s3cr3t\nPASSWORD=abc\npassword_file: f\n';
  for (const [part, shown] of [
    ['a:', 'a: {password: <secret>'],
    ['"client', '"client_secret" : <secret>'],
    ['PASS', 'PASSWORD=<secret>'],
    ['password_file', 'password_file: f'],
  ] as const) {
    assert.equal(excerptAt(text, part, hideSecretLines).excerpt?.text, shown);
  }
});

for (const key of [
  'password',
  'passwrod',
  'client_secret',
  'bearer-token',
  'bearer_tokn',
  'credentials',
  'apikey',
  'cookie',
]) {
  test(`${key} is a key of secrets`, () => assert.ok(isSecretKey(key)));
}

for (const key of ['password-file', 'credentials_file', 'token-url', 'client-id', 'username', 'targets']) {
  test(`${key} is no key of secrets`, () => assert.ok(!isSecretKey(key)));
}

test('passwords in URLs are masked, users are not', () => {
  assert.equal(redactUrls('http://me:p:w@host/x and https://h:1/'), 'http://me:xxxxx@host/x and https://h:1/');
});
