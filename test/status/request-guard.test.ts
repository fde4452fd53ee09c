import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { isLoopbackAddress, refusalOf } from '../../src/status/request-guard.ts';

interface Row {
  readonly what: string;
  readonly method?: string;
  readonly headers: IncomingHttpHeaders;
  readonly isPage?: boolean;
  readonly isOnLoopback?: boolean;
  /** Undefined: answered. */
  readonly status: number | undefined;
}

const LINK: IncomingHttpHeaders = {
  host: 'localhost:1',
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

const rows: readonly Row[] = [
  { what: 'localhost', headers: { host: 'localhost:9099' }, status: undefined },
  { what: 'a port of another machine that is forwarded here', headers: { host: 'localhost:1' }, status: undefined },
  { what: 'the loopback address', headers: { host: '127.0.0.1:9099' }, status: undefined },
  { what: 'the IPv6 loopback address', headers: { host: '[::1]:9099' }, status: undefined },
  { what: 'any other IP address, which no name can be rebound to', headers: { host: '10.0.0.1' }, status: undefined },
  { what: 'a name under localhost', headers: { host: 'Pull.LOCALHOST:9099' }, status: undefined },
  { what: 'no Host at all', headers: {}, status: undefined },
  { what: 'a name that is rebound to loopback', headers: { host: 'evil.example:9099' }, status: 421 },
  { what: 'a name that only begins well', headers: { host: 'localhost.evil.example' }, status: 421 },
  { what: 'an address that is none', headers: { host: '127.0.0.1.evil.example' }, status: 421 },
  {
    what: 'any name elsewhere than on loopback',
    headers: { host: 'pull:9099' },
    isOnLoopback: false,
    status: undefined,
  },

  { what: 'a POST of a terminal', method: 'POST', headers: { host: 'localhost:1' }, status: undefined },
  {
    what: 'a POST of our own page',
    method: 'POST',
    headers: { host: 'localhost:1', origin: 'http://localhost:1', 'sec-fetch-site': 'same-origin' },
    status: undefined,
  },
  {
    what: 'a POST of another site',
    method: 'POST',
    headers: { host: 'localhost:1', origin: 'https://evil.example' },
    status: 403,
  },
  {
    what: 'a POST of another server on this machine',
    method: 'POST',
    headers: { host: 'localhost:1', origin: 'http://localhost:8000' },
    status: 403,
  },
  {
    what: 'a POST of a sandboxed frame',
    method: 'POST',
    headers: { host: 'localhost:1', origin: 'null' },
    status: 403,
  },
  {
    what: 'a POST that says where it is from in another way',
    method: 'POST',
    headers: {
      host: 'localhost:1',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    },
    status: 403,
  },
  {
    what: 'a POST from another site, elsewhere than on loopback',
    method: 'POST',
    headers: { host: 'pull:9099', origin: 'https://evil.example' },
    isOnLoopback: false,
    status: 403,
  },
  {
    what: 'a link on another site to a page',
    headers: LINK,
    isPage: true,
    status: undefined,
  },
  { what: 'a link on another site to what is no page', headers: LINK, status: 403 },
  {
    what: 'a link on another site to a page, where a browser sends no Sec-Fetch-Site',
    headers: { host: '10.0.0.1:1', referer: 'https://evil.example/' },
    isOnLoopback: false,
    isPage: true,
    status: undefined,
  },
  {
    what: 'a link on another site to what is no page, where a browser sends no Sec-Fetch-Site',
    headers: { host: '10.0.0.1:1', referer: 'https://evil.example/' },
    isOnLoopback: false,
    status: 403,
  },
  { what: 'a typed address', headers: { ...LINK, 'sec-fetch-site': 'none' }, status: undefined },
  { what: 'a link on our own page', headers: { ...LINK, 'sec-fetch-site': 'same-origin' }, status: undefined },
  {
    what: 'a link on our own page, where a browser sends no Sec-Fetch-Site',
    headers: { host: '10.0.0.1:1', referer: 'http://10.0.0.1:1/targets' },
    isOnLoopback: false,
    status: undefined,
  },
  {
    what: 'a frame in another site',
    headers: {
      host: 'localhost:1',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'iframe',
    },
    status: 403,
  },
  {
    what: 'an image in another site',
    headers: {
      host: 'localhost:1',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'no-cors',
      'sec-fetch-dest': 'image',
    },
    status: 403,
  },
  {
    what: 'a script of a sibling site',
    headers: {
      host: 'localhost:1',
      'sec-fetch-site': 'same-site',
      'sec-fetch-mode': 'cors',
      'sec-fetch-dest': 'empty',
    },
    status: 403,
  },
];

for (const { what, method = 'GET', headers, isPage = false, isOnLoopback = true, status } of rows) {
  test(`${what} is ${status === undefined ? 'answered' : `refused with ${status}`}`, () => {
    assert.equal(refusalOf({ method, headers, isPage }, isOnLoopback)?.status, status);
  });
}

test('loopback is all of 127.0.0.0/8 and ::1', () => {
  for (const address of ['127.0.0.1', '127.8.0.1', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopbackAddress(address));
  for (const address of ['0.0.0.0', '::', '10.127.0.1', '1.127.0.1']) assert.ok(!isLoopbackAddress(address));
});
