import assert from 'node:assert/strict';
import test from 'node:test';
import { HttpError } from '../../src/errors.ts';
import { addressOf, authorityOf, hostHeader } from '../../src/http/address.ts';
import { formatByteLimit } from '../../src/http/format-byte-limit.ts';
import { redactUrl } from '../../src/safe-text/redact-url.ts';

const urls = [
  { url: 'http://h', origin: { scheme: 'http', hostname: 'h', port: 80 }, path: '/', userinfo: undefined },
  {
    url: 'https://h/a?b=c',
    origin: { scheme: 'https', hostname: 'h', port: 443 },
    path: '/a?b=c',
    userinfo: undefined,
  },
  {
    url: 'http://[::1]:6060/',
    origin: { scheme: 'http', hostname: '::1', port: 6060 },
    path: '/',
    userinfo: undefined,
  },
  { url: 'http://u:p%40s@h/', origin: { scheme: 'http', hostname: 'h', port: 80 }, path: '/', userinfo: 'u:p@s' },
  { url: 'http://u:100%25@h/', origin: { scheme: 'http', hostname: 'h', port: 80 }, path: '/', userinfo: 'u:100%' },
  { url: 'http://u:%ff@h/', origin: { scheme: 'http', hostname: 'h', port: 80 }, path: '/', userinfo: 'u:%ff' },
];
for (const { url, ...address } of urls) {
  test(`${url} is split`, () => assert.deepEqual(addressOf(url), address));
}

for (const url of ['', 'h:80', 'ftp://h', 'http://', '/path']) {
  test(`"${url}" is not an http URL`, () => {
    assert.throws(
      () => addressOf(url),
      (error) => error instanceof HttpError && error.code === 'INVALID_URL' && error.message.includes(`"${url}"`),
    );
  });
}

const origins = [
  { scheme: 'http', hostname: 'h', port: 80, authority: 'h:80', host: 'h' },
  { scheme: 'http', hostname: 'h', port: 443, authority: 'h:443', host: 'h:443' },
  { scheme: 'https', hostname: 'h', port: 443, authority: 'h:443', host: 'h' },
  { scheme: 'http', hostname: '::1', port: 6060, authority: '[::1]:6060', host: '[::1]:6060' },
  { scheme: 'http', hostname: 'fe80::1%eth0', port: 80, authority: '[fe80::1%eth0]:80', host: '[fe80::1]' },
] as const;
for (const { authority, host, ...origin } of origins) {
  test(`${origin.scheme} ${authority} has the Host header ${host}`, () => {
    assert.equal(authorityOf(origin), authority);
    assert.equal(hostHeader(origin), host);
  });
}

const redacted = [
  ['http://h/p?q=1', 'http://h/p?q=1'],
  ['http://user@h/', 'http://xxxxx@h/'],
  ['http://user:pass@h/', 'http://user:xxxxx@h/'],
  ['https://:token@h', 'https://:xxxxx@h'],
  ['socks5://u:p@ss@h:1', 'socks5://u:xxxxx@h:1'],
  ['//u:p@h/x', '//u:xxxxx@h/x'],
  ['http://h/@home', 'http://h/@home'],
  ['http://h/?mail=a@b', 'http://h/?mail=a@b'],
  ['http://h/heap?seconds=5&authKey=KEY&x=1', 'http://h/heap?seconds=5&authKey=xxxxx&x=1'],
  ['http://h/?token=a%20b#f', 'http://h/?token=xxxxx#f'],
  ['http://h/?monkey=1', 'http://h/?monkey=1'],
  ['http://u:p@h:x/', 'http://u:xxxxx@h:x/'],
  ['not a url', 'not a url'],
] as const;
for (const [url, shown] of redacted) {
  test(`${url} is shown as ${shown}`, () => assert.equal(redactUrl(url), shown));
}

test('sizes read as in a config file', () => {
  const sizes = [0, 99, 1024, 1536, 64 * 1024 ** 2, 2 * 1024 ** 3];
  assert.deepEqual(sizes.map(formatByteLimit), ['0 bytes', '99 bytes', '1KiB', '1.5KiB', '64MiB', '2GiB']);
});
