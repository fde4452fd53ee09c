import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../src/errors.ts';
import { formatListenAddress, parseListenAddress } from '../../src/status/listen-address.ts';

for (const { text, host, port } of [
  { text: ':9099', host: '127.0.0.1', port: 9099 },
  { text: ':0', host: '127.0.0.1', port: 0 },
  { text: 'localhost:9099', host: 'localhost', port: 9099 },
  { text: '0.0.0.0:9099', host: '0.0.0.0', port: 9099 },
  { text: '10.1.2.3:80', host: '10.1.2.3', port: 80 },
  { text: '[::]:9099', host: '::', port: 9099 },
  { text: '[::1]:65535', host: '::1', port: 65535 },
  { text: 'pull-0.example.com:1', host: 'pull-0.example.com', port: 1 },
]) {
  test(`${text} listens on ${host}, port ${port}`, () => {
    assert.deepEqual(parseListenAddress(text), { host, port });
  });
}

for (const { text, message } of [
  { text: '', message: /is not an address with a port/ },
  { text: '9099', message: /is not an address with a port/ },
  { text: 'localhost', message: /is not an address with a port/ },
  { text: 'localhost:', message: /is not an address with a port/ },
  { text: 'localhost:http', message: /is not an address with a port/ },
  { text: '::1:9099', message: /is not an address with a port/ },
  { text: 'http://localhost:9099', message: /is not an address with a port/ },
  { text: 'localhost:65536', message: /port over 65535/ },
  { text: '[localhost]:9099', message: /no IPv6 address/ },
  { text: '*:9099', message: /no valid host/ },
  { text: 'a b:9099', message: /no valid host/ },
  { text: '127.0.0.256:9099', message: /no valid host/ },
  { text: 'user@host:9099', message: /no valid host/ },
]) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(
      () => parseListenAddress(text),
      (error: unknown) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, message);
        assert.match(error.hint ?? '', /:9099 listens on loopback/);
        return true;
      },
    );
  });
}

test('an address is printed as in a URL', () => {
  assert.equal(formatListenAddress({ host: '::1', port: 9099 }), '[::1]:9099');
  assert.equal(formatListenAddress({ host: '127.0.0.1', port: 80 }), '127.0.0.1:80');
});
