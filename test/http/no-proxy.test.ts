import assert from 'node:assert/strict';
import test from 'node:test';
import { isExemptFromProxy } from '../../src/http/no-proxy.ts';

// The cases of golang.org/x/net/http/httpproxy, and what its comments promise.
const rows = [
  { noProxy: '', host: 'example.com', exempt: false },
  { noProxy: '', host: 'localhost', exempt: true },
  { noProxy: '', host: '127.0.0.1', exempt: true },
  { noProxy: '', host: '127.9.9.9', exempt: true },
  { noProxy: '', host: '::1', exempt: true },
  { noProxy: '', host: 'localhost.example.com', exempt: false },
  { noProxy: '*', host: 'anything', exempt: true },
  { noProxy: 'a, *', host: 'anything', exempt: true },
  { noProxy: 'example.com', host: 'example.com', exempt: true },
  { noProxy: 'example.com', host: 'Foo.EXAMPLE.com', exempt: true },
  { noProxy: 'EXAMPLE.com', host: 'example.com', exempt: true },
  { noProxy: 'example.com', host: 'notexample.com', exempt: false },
  { noProxy: '.example.com', host: 'foo.example.com', exempt: true },
  { noProxy: '.example.com', host: 'example.com', exempt: false },
  { noProxy: '*.example.com', host: 'foo.example.com', exempt: true },
  { noProxy: '*.example.com', host: 'example.com', exempt: false },
  { noProxy: 'foo.com , bar.com', host: 'bar.com', exempt: true },
  { noProxy: ' ,, ', host: 'bar.com', exempt: false },
  { noProxy: 'example.com:80', host: 'example.com', exempt: true },
  { noProxy: 'example.com:443', host: 'example.com', exempt: false },
  { noProxy: '.example.com:80', host: 'a.example.com', exempt: true },
  { noProxy: ':80', host: 'example.com', exempt: false },
  { noProxy: '192.168.1.1', host: '192.168.1.1', exempt: true },
  { noProxy: '192.168.1.1', host: '192.168.1.2', exempt: false },
  { noProxy: '192.168.1.1:80', host: '192.168.1.1', exempt: true },
  { noProxy: '192.168.1.1:81', host: '192.168.1.1', exempt: false },
  { noProxy: '192.168.0.0/16', host: '192.168.1.1', exempt: true },
  { noProxy: '192.168.0.0/24', host: '192.168.1.1', exempt: false },
  { noProxy: '192.168.0.0/99', host: '192.168.1.1', exempt: false },
  { noProxy: '10.0.0.0/8', host: 'ten.example.com', exempt: false },
  { noProxy: '2001:db8::/32', host: '2001:db8::52:0:1', exempt: true },
  { noProxy: '2001:db8::/32', host: '2001:db9::1', exempt: false },
  { noProxy: '2001:db8::1', host: '2001:db8:0::1', exempt: true },
  { noProxy: '[2001:db8::1]:80', host: '2001:db8::1', exempt: true },
  { noProxy: '[2001:db8::1]:81', host: '2001:db8::1', exempt: false },
  { noProxy: 'fe80::1', host: 'fe80::1%eth0', exempt: true },
  { noProxy: '0.0.0.0/0', host: '2001:db8::1', exempt: false },
];
for (const { noProxy, host, exempt } of rows) {
  test(`NO_PROXY="${noProxy}": ${host}:80 ${exempt ? 'goes straight' : 'takes the proxy'}`, () => {
    assert.equal(isExemptFromProxy({ scheme: 'http', hostname: host, port: 80 }, noProxy), exempt);
  });
}
